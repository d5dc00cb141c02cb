"""A command of the workbench in a process of its own, which outlives the one that starts it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import RunError
from workbench.settings import Settings


def start_command(
    arguments: Sequence[str], url: str, settings: Settings, log: Path
) -> subprocess.Popen[bytes]:
    """Start `workbench ARGUMENTS` over a store; what it says goes to the end of a log.

    Args:
        arguments: The command and its options.
        url: SQLAlchemy URL of the store; it is passed in the environment, since it may hold a
            password.
        settings: Says where the home is, and who the author.
        log: File that its output is added to.

    Raises:
        RunError: The process cannot be started, or its log cannot be written.
    """
    told = {
        "WORKBENCH_DB": url,
        "WORKBENCH_HOME": str(settings.home),
        "WORKBENCH_AUTHOR": settings.author,
    }
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            # The child gets the whole environment; nothing is read from it here.
            return subprocess.Popen(
                [sys.executable, "-m", "workbench", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **told},
                start_new_session=True,  # Ctrl-C in the page's terminal is not meant for it
            )
    except OSError as error:
        raise RunError(
            f"Cannot start 'workbench {arguments[0]}' with its log at {log}: {error.strerror}. "
            "Make that folder writable."
        ) from error
