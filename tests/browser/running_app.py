"""The real app in a process of its own, and Debian's Chromium to look at it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from workbench.settings import resource
from workbench.store import open_store

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_S = 60.0  # importing Streamlit on a busy machine
PATIENCE_MS = 60_000.0  # the first page imports SciPy, the first freeze imports torch
SIZE = (1280, 900)


class RunningApp:
    """A started app: where it is, and what it has printed so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.printed: list[str] = []
        self.is_up = threading.Event()

    def listen(self, process: "subprocess.Popen[str]") -> None:
        """Collect what the app prints until it ends; it is up once it prints its address."""
        for line in process.stdout or ():
            self.printed.append(line)
            if self.url in line:
                self.is_up.set()


@contextmanager
def running_app(database_url: str, **environment: str) -> Iterator[RunningApp]:
    """Start the app on a free port over a database; end it, and the workers that it started.

    Args:
        database_url: SQLAlchemy URL.
        environment: Further variables, such as WORKBENCH_HOME.
    """
    port = _free_port()
    app = RunningApp(f"http://127.0.0.1:{port}")
    command = [
        *(sys.executable, "-m", "streamlit", "run", str(resource("streamlit_app.py"))),
        *("--server.port", str(port), "--server.address", "127.0.0.1"),
        *("--server.headless", "true", "--browser.gatherUsageStats", "false"),
    ]
    process = subprocess.Popen(
        command,
        env={**os.environ, "WORKBENCH_DB": database_url, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    listener = threading.Thread(target=app.listen, args=(process,))
    listener.start()
    before = _workers(database_url)
    try:
        if not app.is_up.wait(START_S):
            raise RuntimeError(f"The app did not start: {''.join(app.printed)}")
        yield app
    finally:
        process.terminate()
        process.wait(timeout=20)
        listener.join(timeout=20)
        if process.stdout:
            process.stdout.close()
        for name in _workers(database_url) - before:
            with suppress(ProcessLookupError):
                os.kill(int(name.rpartition(":")[2]), signal.SIGTERM)


@contextmanager
def chromium_page() -> Iterator[Page]:
    """Open an empty page of Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        try:
            yield page
        finally:
            browser.close()


def go_to(page: Page, title: str) -> None:
    """Choose a page in the sidebar and wait until it is drawn.

    Args:
        page: The browser's page, which shows the app.
        title: Title of the page ("Compare").
    """
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
    settled(page, title)


def choose(page: Page, name: str, option: str) -> None:
    """Choose an option of a select box; a long list may move while it is clicked, so look again.

    Args:
        page: The browser's page.
        name: Label of the select box.
        option: What to choose.
    """
    page.get_by_role("combobox", name=name).click()
    wanted, tries = page.get_by_role("option", name=option, exact=True), 5
    while tries:
        wanted.click()
        with suppress(AssertionError):
            expect(wanted).to_have_count(0, timeout=PATIENCE_MS / 10)
            return
        tries -= 1
    raise AssertionError(f"'{option}' of '{name}' could not be chosen.")


def settled(page: Page, title: str) -> None:
    """Wait until a page shows its title and Streamlit has finished drawing it.

    Args:
        page: The browser's page.
        title: The heading to wait for.
    """
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def _workers(database_url: str) -> set[str]:
    with open_store(database_url) as store:
        return set(store.runs.workers(within_s=3600))


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])
