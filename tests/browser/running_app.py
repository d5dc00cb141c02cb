"""The real app in a process of its own, and Debian's Chromium to look at it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.cache import own_cache
from tests.ports import free_port
from tests.processes import end, started
from tests.waiting import PATIENCE_S, wait_until
from workbench.settings import Settings, read_settings, resource
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
PATIENCE_MS = 1000 * PATIENCE_S
SIZE = (1280, 900)


class RunningApp:
    """A started app: where it is, and what it has printed so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.printed: list[str] = []
        self.is_up = threading.Event()

    def listen(self, process: "subprocess.Popen[str]") -> None:
        """Collect what the app prints until it ends; it is up, or over, once `is_up` is set."""
        for line in process.stdout or ():
            self.printed.append(line)
            if self.url in line:
                self.is_up.set()
        self.is_up.set()


@contextmanager
def own_surroundings(home: Path, author: str = "eva", **more: str) -> Iterator[Settings]:
    """Make a folder the whole surroundings of the app and its workers; returns their settings.

    Args:
        home: The folder.
        author: WORKBENCH_AUTHOR; "" for settings that name nobody.
        more: Further variables, or others in place of these.
    """
    surroundings = {
        "WORKBENCH_HOME": str(home),
        "WORKBENCH_DB": f"sqlite:///{home / 'store.sqlite'}",
        "WORKBENCH_CACHE": own_cache(home),
        "WORKBENCH_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",  # the worker's: two threads fight on busy cores
    }
    with pytest.MonkeyPatch.context() as environment:
        for name in () if author else ("USER", "USERNAME"):
            environment.delenv(name, raising=False)
        environment.delenv("WORKBENCH_AUTHOR", raising=False)
        for name, value in (surroundings | more).items():
            environment.setenv(name, value)
        if author:
            environment.setenv("WORKBENCH_AUTHOR", author)
        yield read_settings()


@contextmanager
def running_app(database_url: str, **environment: str) -> Iterator[RunningApp]:
    """Start the app on a free port over a database; end it, and the workers that it started.

    Args:
        database_url: SQLAlchemy URL.
        environment: Further variables, such as WORKBENCH_HOME.
    """
    port = free_port()
    app = RunningApp(f"http://127.0.0.1:{port}")
    command = (
        *(sys.executable, "-m", "streamlit", "run", resource("streamlit_app.py")),
        *("--server.port", port, "--server.address", "127.0.0.1"),
        *("--server.headless", "true", "--browser.gatherUsageStats", "false"),
    )
    surroundings = {**os.environ, "WORKBENCH_DB": database_url, **environment}
    before = _workers(database_url)
    with started(
        *command, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        listener = threading.Thread(target=app.listen, args=(process,))
        listener.start()
        try:
            app.is_up.wait(PATIENCE_S)
            if process.poll() is not None or not app.is_up.is_set():
                raise RuntimeError(f"The app did not start: {''.join(app.printed)}")
            yield app
        finally:
            _end(_workers(database_url) - before)
            end(process)  # before its output is closed, which the listener reads
            listener.join()


def _end(workers: set[str]) -> None:
    """End workers, which have a process group of their own, and wait until they are gone."""
    ending = []
    for name in workers:
        with suppress(psutil.NoSuchProcess):
            ending.append(psutil.Process(int(name.rpartition(":")[2])))
            ending[-1].terminate()
    wait_until(lambda: all(_has_ended(process) for process in ending), "the workers have ended")


def _has_ended(process: psutil.Process) -> bool:
    """Return whether a process is gone, or is a zombie that the app has not yet collected."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS), timeout=PATIENCE_MS
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def empty_page(browser: Browser) -> Iterator[Page]:
    """Open an empty page that shares nothing with any other."""
    expect.set_options(timeout=PATIENCE_MS)
    with browser.new_context(viewport={"width": SIZE[0], "height": SIZE[1]}) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


def go_to(page: Page, title: str) -> None:
    """Choose a page in the sidebar and wait until it is drawn.

    Args:
        page: The browser's page, which shows the app.
        title: Title of the page ("Compare").
    """
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
    settled(page, title)


def choose(page: Page, name: str, option: str) -> None:
    """Choose an option of a select box, as one does with the keyboard.

    Not with the mouse: a long list scrolls back to the option that has the focus, at first the
    present one, while Playwright scrolls to the wanted one. So that can slip away between press
    and release, and the click is nobody's. Typed, it is the only one in the list.

    Args:
        page: The browser's page.
        name: Label of the select box.
        option: What to choose.
    """
    box = page.get_by_role("combobox", name=name)
    if box.input_value() == option:
        return
    box.fill(option)
    expect(page.get_by_role("option", name=option, exact=True)).to_be_visible()
    box.press("Enter")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(box).to_have_value(option)


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
