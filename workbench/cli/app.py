"""The browser workbench, started from the command line."""

import os
import sys
from typing import Annotated

import typer

from workbench.cli.console import Db
from workbench.settings import read_settings, resource


def app(port: Annotated[int, typer.Option(min=1, max=65535)] = 8501, db: Db = None) -> None:
    """Open the browser workbench on 127.0.0.1."""
    from workbench.store import open_store

    settings = read_settings(database_url=db)
    open_store(settings.database_url).close()
    script = resource("streamlit_app.py")
    command = [
        sys.executable, "-m", "streamlit", "run", str(script),
        f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true",
        "--server.fileWatcherType=none", "--browser.gatherUsageStats=false",
        "--client.toolbarMode=minimal", "--client.showErrorDetails=none",
    ]  # fmt: skip
    # In place of this process: what stops the command stops the server.
    os.execve(sys.executable, command, {**os.environ, "WORKBENCH_DB": settings.database_url})
