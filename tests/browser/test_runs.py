"""Runs in two browsers, over a server that is restarted, with a worker that is killed."""

import re
import sys
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from tests.processes import started
from tests.waiting import wait_until
from workbench.domain.attributes import AttributeSet
from workbench.store import open_store
from workbench.store.tables import RunRow
from workbench.store.workers import LEASE_S

from .running_app import choose, empty_page, own_surroundings, running_app, settled

pytestmark = pytest.mark.browser

LONG = """# takes hours, unless somebody stops it
name: long
data: {distortions: [gaussian_blur, jpeg], width: 224, height: 224}
encoder: {name: offline}
tuning: {mode: shallow, prompts: 2, crops: 1, epochs: 5000}
split: {folds: 2}
"""
WORDS = {"gaussian_blur": ["soft contours"], "jpeg": ["muddy colours"]}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "experiments").mkdir()
    (home / "experiments" / "long.yaml").write_text(LONG)
    with own_surroundings(home) as settings:
        yield settings


@pytest.fixture(scope="module")
def store(settings):
    with open_store(settings.database_url) as opened:
        words = AttributeSet.from_phrases(WORDS)
        opened.versions.freeze(words, message="First words", author="ann", alias="first")
        yield opened


def open_runs(page: Page, url: str, query: str = "") -> None:
    page.goto(f"{url}/runs{query}")
    settled(page, "Runs")


def start_twice_from_two_browsers(first: Page, second: Page, url: str) -> None:
    for page in (first, second):
        open_runs(page, url, "?version=first")
        choose(page, "Start from the experiment", "long")
        expect(page.get_by_role("button", name="Start 1 run")).to_be_enabled()
        settled(page, "Runs")
    first.get_by_role("button", name="Start 1 run").dblclick()
    second.get_by_role("button", name="Start 1 run").click()
    for page in (first, second):
        expect(page.get_by_role("button", name="Run 1", exact=True)).to_be_visible()


def worker_is_killed(store, worker: "psutil.Process") -> None:
    below = psutil.Process(worker.pid).children(recursive=True)
    worker.kill()
    worker.wait()
    psutil.wait_procs(below)  # who does the run ends with its worker
    with store.database.connected() as connection:  # as if its lease had passed meanwhile
        over = datetime.now(UTC) - timedelta(seconds=LEASE_S + 1)
        connection.execute(update(RunRow).values(heartbeat_at=over))


def test_one_run_outlives_double_clicks_restarts_and_its_worker(settings, store, browser):
    with (
        started(sys.executable, "-m", "workbench", "worker") as worker,
        empty_page(browser) as first,
        empty_page(browser) as second,
    ):
        wait_until(store.runs.workers, "a worker is there, which the app doesn't end with it")
        with running_app(settings.database_url) as app:
            start_twice_from_two_browsers(first, second, app.url)
            (run,) = store.runs.list()
            assert run.config.tuning.epochs == 5000  # as its file has it, not the form's first
            first.get_by_role("button", name="Run 1", exact=True).click()
            expect(first).to_have_url(re.compile(r"run=1"))
            expect(first.get_by_text(re.compile(r"tuning, epoch \d+")).first).to_be_visible()
        with running_app(settings.database_url) as app:  # the server was restarted
            open_runs(first, app.url, "?run=1")
            expect(first.get_by_role("progressbar")).to_be_visible()
            expect(first.get_by_role("heading", name="Losses")).to_be_visible()
            open_runs(second, app.url)
            expect(second.get_by_text(re.compile("^1 running, 0 queued; .*left"))).to_be_visible()
            worker_is_killed(store, worker)
            for page in (first, second):  # neither was touched
                expect(page.get_by_role("button", name="Resume run 1")).to_be_visible()
            second.get_by_role("button", name="Resume run 1").click()  # starts a worker, too
            expect(second.get_by_text("Run 1 is in the queue again")).to_be_visible()
            wait_until(lambda: store.runs.get(1).claim == 2, "the new worker takes it")
            second.get_by_role("button", name="Cancel run 1").click()
            expect(second.get_by_role("button", name="Retry run 1")).to_be_visible()
            assert store.runs.get(1).status == "cancelled"
            open_runs(second, app.url, "?state=cancelled&of=first")  # a link that filters
            expect(second.get_by_text("1 run, newest first.")).to_be_visible()
            assert "Traceback" not in "".join(app.printed)
