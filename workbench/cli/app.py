"""The browser workbench, started from the command line."""

import json as json_text
import os
import sys
import time
from typing import Annotated
from urllib.request import urlopen

import typer

from workbench.cli.console import Db, Json
from workbench.settings import read_settings, resource

START_UP_S = 600.0  # a slow machine takes a minute


def app(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    json: Json = False,
    db: Db = None,
) -> None:
    """Serve the browser workbench on 127.0.0.1 until it is stopped.

    With --json the address is printed as soon as the server answers.
    """
    from workbench.store import open_store

    settings = read_settings(database_url=db)
    open_store(settings.database_url).close()
    script = resource("streamlit_app.py")
    command = [
        sys.executable, "-m", "streamlit", "run", str(script),
        f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true",
        # A page of another site whose name leads to this machine may not drive the workbench.
        *(f"--server.allowedHosts={host}" for host in ("127.0.0.1", "localhost")),
        "--server.fileWatcherType=none", "--browser.gatherUsageStats=false",
        "--client.toolbarMode=minimal", "--client.showErrorDetails=none",
    ]  # fmt: skip
    if json:
        _print_url_when_ready(f"http://127.0.0.1:{port}")
    # In place of this process: what stops the command stops the server.
    os.execve(sys.executable, command, {**os.environ, "WORKBENCH_DB": settings.database_url})


def _print_url_when_ready(url: str) -> None:
    """Print the address from a process of its own once the server answers; logs go to stderr."""
    server, deadline = os.getpid(), time.monotonic() + START_UP_S
    if os.fork() == 0:
        if os.fork() == 0:  # the grandchild is nobody's zombie when it ends
            while (
                not (answered := _answers(url))
                and _is_running(server)
                and time.monotonic() < deadline
            ):
                time.sleep(0.1)
            if answered:
                os.write(1, (json_text.dumps({"url": url}) + "\n").encode())
        os._exit(0)
    os.wait()
    os.dup2(2, 1)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
