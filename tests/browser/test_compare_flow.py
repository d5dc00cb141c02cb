"""Comparing in real browsers: what is counted when, and one link that two people open."""

import re
import shutil

import pytest
import torch
from playwright.sync_api import Page, expect

from workbench.datasets.photographs import photograph_files
from workbench.domain.attributes import AttributeSet
from workbench.domain.run import RunResult
from workbench.experiment.config_files import load_experiment
from workbench.experiment.run import run_version
from workbench.store import open_store
from workbench.workflow.runs import enqueue_run

from .running_app import empty_page, go_to, own_surroundings, running_app, settled

pytestmark = pytest.mark.browser

TINY = """# as small as a run can be
name: tiny
data: {distortions: [gaussian_blur, jpeg], width: 224, height: 224, photographs: FOLDER}
encoder: {name: offline}
tuning: {mode: shallow, prompts: 2, crops: 1, epochs: 1}
regressor: {epochs: 2}
split: {folds: 2}
controls: false
"""
BLUR = ["soft contours", "washed-out texture"]
JUNK = "<script>alert(1)</script> **bold** :material/home: -> $x$"
VERSIONS = {
    "first": ("First words", ["muddy colours", "flat patches"]),
    "second": (JUNK, ["grey muddy colours", "specks around edges <b>x</b> :material/home:"]),
    "third": ("Third words", ["visible grid of small square blocks", "flat patches"]),
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A home of the test's own with three finished runs: two real ones, the second a copy."""
    home = tmp_path_factory.mktemp("home")
    file = home / "tiny.yaml"
    few = home / "few photographs"
    few.mkdir()
    for name, photograph in list(photograph_files("packaged").items())[:4]:
        shutil.copy(photograph, few / f"{name}{photograph.suffix}")
    file.write_text(TINY.replace("FOLDER", str(few)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with own_surroundings(home) as settings:
        with open_store(settings.database_url) as store:
            for name, (message, jpeg) in VERSIONS.items():
                words = AttributeSet.from_phrases({"gaussian_blur": BLUR, "jpeg": jpeg})
                version = store.versions.freeze(words, message=message, author="ann", alias=name)
                config = load_experiment(file)
                run = enqueue_run(store, name, config)
                store.runs.claim("test:1", only=run.id)
                if name == "second":
                    of_first = store.runs.get(1).result.model_dump() | {"version": version.hash}
                    result = RunResult.model_validate(of_first)
                else:
                    result = run_version(version, config, settings=settings, progress=unheard)
                store.runs.finish(run.id, result)
        yield settings
    torch.set_num_threads(threads)


def unheard(share, stage):
    """Progress that nobody follows."""


@pytest.fixture(scope="module")
def app(settings):
    with running_app(settings.database_url) as started:
        yield started


@pytest.fixture
def page(app, browser):
    with empty_page(browser) as opened:
        opened.goto(f"{app.url}/compare")
        settled(opened, "Compare")
        yield opened


def accesses(settings):
    with open_store(settings.database_url) as store:
        return [(look.run, look.purpose.split()[0]) for look in store.access_log.list()]


def verdict(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", name=re.compile(words))).to_be_visible()
    settled(page, "Compare")


def compare_button(page: Page):
    return page.get_by_role("button", name="Compare", exact=True)


def section(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    settled(page, "Compare")


def open_link(page: Page, url: str) -> None:
    page.goto(url)
    settled(page, "Compare")


def test_a_comparison_is_counted_when_it_is_asked_for_and_never_again(page, app, browser, settings):
    assert accesses(settings) == []
    expect(page.get_by_text("this test set has not been accessed yet")).to_be_visible()
    expect(page.get_by_text("second (run 2), third (run 3)")).to_be_visible()
    compare_button(page).dblclick()
    verdict(page, "third against second: ")
    assert accesses(settings) == [(2, "compare"), (3, "compare")]
    page.reload()
    verdict(page, "third against second: ")
    with empty_page(browser) as another:
        open_link(another, page.url)
        verdict(another, "third against second: ")
    with running_app(settings.database_url) as restarted, empty_page(browser) as another:
        open_link(another, page.url.replace(app.url, restarted.url))
        verdict(another, "third against second: ")
    assert accesses(settings) == [(2, "compare"), (3, "compare")]
    assert "Traceback" not in "".join(app.printed)


def test_from_two_versions_to_a_verdict_and_its_edits_and_a_link_for_a_colleague(
    page, browser, settings
):
    choose_versions(page, "third", "first")
    before = len(accesses(settings))
    compare_button(page).click()
    verdict(page, "third against first: ")
    assert len(accesses(settings)) == before + 2
    section(page, "Attributes")
    table = page.get_by_role("table", name=re.compile("the same"))
    expect(table).to_contain_text("visible grid of small square blocks")
    expect(table).not_to_contain_text("flat patches")
    section(page, "Edits")
    page.get_by_role("button", name="Attribute the edits").click()
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
    settled(page, "Compare")  # a page that is still being drawn closes what is opened
    page.get_by_text("Table", exact=True).click()
    edits = page.get_by_role("table", name=re.compile("Edits from first to third"))
    expect(edits).to_contain_text("visible grid of small square blocks (jpeg)")
    counted = accesses(settings)
    assert counted[before:] == [(1, "compare"), (3, "compare"), (1, "attribute"), (3, "attribute")]
    with empty_page(browser) as colleague:
        open_link(colleague, page.url)
        verdict(colleague, "third against first: ")
        expect(colleague.get_by_role("heading", name="Edits", exact=True)).to_be_visible()
        expect(colleague.get_by_role("button", name="Attribute the edits")).to_have_count(0)
        expect(colleague.get_by_test_id("stVegaLiteChart")).to_be_visible()
    assert accesses(settings) == counted


def test_every_section_shows_and_junk_stays_text(page, app, settings):
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    choose_versions(page, "second", "first")
    expect(page.get_by_text(JUNK).first).to_be_visible()
    if compare_button(page).count():
        compare_button(page).click()
    verdict(page, "second against first: ")
    for name in page.get_by_role("radiogroup").last.get_by_role("radio").all_inner_texts():
        section(page, name)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        wider = page.evaluate(
            "(main => main.scrollWidth - main.clientWidth)"
            "(document.querySelector('[data-testid=stMain]'))"
        )
        assert wider <= 0, name
        if name == "Attributes":
            table = page.get_by_role("table", name=re.compile("the same"))
            expect(table).to_contain_text("specks around edges <b>x</b> :material/home")
            expect(table.locator("ins", has_text=re.compile("^grey$"))).to_be_visible()
    page.get_by_text("Show the report here").click()
    report = page.frame_locator("iframe[title='The report of this comparison']")
    expect(report.get_by_text("second against first").first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as JSON").click()
    assert saved.value.suggested_filename == "compare-first-second.json"
    assert dialogs == []
    assert "Traceback" not in "".join(app.printed)


def test_enter_chooses_one_version_and_never_all(page):
    box = page.get_by_role("combobox", name="Versions to compare")
    box.click()
    expect(page.get_by_text(re.compile("Select (all|.* matches)"))).to_have_count(0)
    box.press("Enter")
    box.press("Escape")
    settled(page, "Compare")
    expect(page.get_by_text("first (run 1), second (run 2), third (run 3)")).to_be_visible()


def test_what_is_chosen_is_still_chosen_after_a_look_at_another_page(page):
    choose_versions(page, "second", "first")
    url = page.url
    go_to(page, "Versions")
    go_to(page, "Compare")
    expect(page).to_have_url(url)


def choose_versions(page: Page, *names: str) -> None:
    """Choose versions by typing their names, as with the keyboard."""
    box = page.get_by_role("combobox", name="Versions to compare")
    page.get_by_role("button", name=re.compile("Clear")).first.click()
    expect(page.get_by_text("Choose two versions or more.")).to_be_visible()
    settled(page, "Compare")
    for name in names:
        box.fill(name)
        expect(page.get_by_role("option")).to_have_count(1)
        box.press("Enter")
        expect(page.get_by_role("option", name=re.compile(name))).to_have_count(0)
    box.press("Escape")
    expect(page.get_by_text("Choose two versions or more.")).to_have_count(0)
    settled(page, "Compare")
