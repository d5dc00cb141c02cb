"""The main job in a real browser: edit, freeze, run, and see both versions' SRCC side by side."""

import re

import pytest
import torch
from playwright.sync_api import Page, expect

from workbench.domain.attributes import AttributeSet
from workbench.domain.number_format import figure_text
from workbench.experiment.config_files import load_experiment
from workbench.experiment.run import run_version
from workbench.store import open_store
from workbench.workflow.runs import enqueue_run

from .running_app import choose, empty_page, go_to, own_surroundings, running_app, settled

pytestmark = pytest.mark.browser

TINY = """# as small as a run can be
name: tiny
data: {distortions: [gaussian_blur, jpeg], width: 224, height: 224}
encoder: {name: offline}
tuning: {mode: shallow, prompts: 2, crops: 1, epochs: 1}
regressor: {epochs: 2}
split: {folds: 2}
"""
FIRST = {
    "gaussian_blur": ["soft contours", "washed-out texture"],
    "jpeg": ["muddy colours", "flat patches"],
}
SECOND = {**FIRST, "jpeg": ["visible grid of small square blocks", "specks around edges"]}

# A control without a name in the accessibility tree, as Playwright prints it.
NAMELESS = re.compile(r"^\s*- (?:textbox|combobox|checkbox|button|link|img)(?: \[.*\])?:?$", re.M)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A home of the test's own with one tiny experiment."""
    home = tmp_path_factory.mktemp("home")
    (home / "experiments").mkdir()
    (home / "experiments" / "tiny.yaml").write_text(TINY)
    with own_surroundings(home) as settings:
        yield settings


@pytest.fixture(scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def first_run(settings, one_thread):
    """Two versions and a draft; the first version is run by the real pipeline."""
    with open_store(settings.database_url) as store:
        first = AttributeSet.from_phrases(FIRST, origin="llm")
        version = store.versions.freeze(first, message="First words", author="ann", alias="first")
        second = AttributeSet.from_phrases(SECOND)
        store.versions.freeze(second, message="Better words", author="ann", parent=version.hash)
        store.draft.replace(second, author="ann")
        config = load_experiment(settings.home / "experiments" / "tiny.yaml")
        run = enqueue_run(store, "first", config)
        store.runs.claim("test:1", only=run.id)
        result = run_version(version, config, settings=settings, progress=lambda share, stage: None)
        store.runs.finish(run.id, result)
        return store.runs.get(run.id)


@pytest.fixture(scope="module")
def app(settings, first_run):
    with running_app(settings.database_url) as started:
        yield started


@pytest.fixture
def page(app, browser):
    with empty_page(browser) as opened:
        opened.goto(app.url)
        settled(opened, "Home")
        yield opened


def test_every_page_has_no_exception_and_no_control_without_a_name(page, app):
    for title in (
        "Home",
        "Distortions",
        "Curate",
        "Draft with a model",
        "Versions",
        "Runs",
        "Compare",
    ):
        go_to(page, title)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        tree = page.get_by_test_id("stMain").aria_snapshot()
        assert f'heading "{title}"' in tree
        assert NAMELESS.findall(tree) == []
    assert "Traceback" not in "".join(app.printed)


PASTE = """
async () => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 320, height: 240});
  const paint = canvas.getContext("2d");
  paint.fillStyle = "seagreen";
  paint.fillRect(0, 0, 320, 240);
  const image = await new Promise((made) => canvas.toBlob(made, "image/jpeg"));
  const pasted = new DataTransfer();
  pasted.items.add(new File([image], "pasted.jpg", {type: "image/jpeg"}));
  document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: pasted, bubbles: true}));
}
"""


def test_a_pasted_image_goes_the_way_of_a_dropped_one(page):
    go_to(page, "Inspect")
    page.evaluate(PASTE)  # the uploader is not there yet
    expect(page.get_by_text("or paste one")).to_be_visible()
    expect(page.get_by_test_id("stMain")).to_contain_text("pasted.jpg")


def test_edit_freeze_run_and_see_both_srcc_side_by_side(page, settings, first_run):
    edit_an_attribute(page)
    freeze(page)
    start_a_run_and_watch_it(page)
    with open_store(settings.database_url) as store:
        finished = store.runs.list()[0]
        new = store.versions.get("third")
        result = store.runs.get(finished.id).result
    assert finished.version == new.hash
    assert "blocks on a chessboard" in new.attributes.phrases()["jpeg"]
    go_to(page, "Compare")
    page.get_by_role("button", name="Compare", exact=True).click()
    table = page.get_by_role("table", name=re.compile("full-reference weak supervision"))
    for label, quality in (("first", first_run.result.quality), ("third", result.quality)):
        row = table.get_by_role("row", name=re.compile(label))
        expect(row.get_by_role("cell").nth(1)).to_contain_text(figure_text(quality.srcc))
    expect(page.get_by_role("heading", name=re.compile("third against first: "))).to_be_visible()
    expect(page.get_by_text(re.compile("Names the faults: third is .* first"))).to_be_visible()
    expect(page.get_by_text(re.compile("Predicts quality: third is .* ΔSRCC"))).to_be_visible()


def edit_an_attribute(page: Page) -> None:
    go_to(page, "Curate")
    page.get_by_role("combobox", name="Type").select_option("jpeg")
    row = page.get_by_role("row").filter(has_text="visible grid of small square blocks")
    row.dblclick()
    field = page.get_by_role("textbox", name="Words of 'visible grid of small square blocks'")
    field.fill("There are blocks on a chessboard in the photo.")
    field.press("Enter")
    row = page.get_by_role("row").filter(has_text="blocks on a chessboard")
    expect(row.get_by_role("gridcell").last).to_have_text("✓ Saved")
    expect(page.get_by_text("Saved: 'blocks on a chessboard'.")).to_be_visible()


def freeze(page: Page) -> None:
    page.get_by_role("button", name="Freeze…").click()
    page.get_by_role("textbox", name="Message").fill("Blocks named as one sees them")
    page.get_by_role("textbox", name="Alias (optional)").fill("third")
    page.get_by_role("button", name="Freeze", exact=True).click()
    expect(page.get_by_text("Frozen as version third")).to_be_visible()


def start_a_run_and_watch_it(page: Page) -> None:
    go_to(page, "Runs")
    page.get_by_role("radio", name="New runs").click()
    expect(page.get_by_text("third · Blocks named as one sees them")).to_be_visible()
    choose(page, "Start from the experiment", "tiny")
    expect(page.get_by_text("2 distortions, packaged photographs at 224×224 px")).to_be_visible()
    page.get_by_role("button", name="Start 1 run").click()
    expect(page.get_by_text("Run 2 is in the queue")).to_be_visible()
    page.get_by_role("button", name="Run 2", exact=True).click()
    expect(page.get_by_text("done · third · tiny")).to_be_visible()
    expect(page.get_by_text("2 distortions, packaged photographs at 224×224 px")).to_be_visible()
    expect(page.get_by_role("heading", name="Losses")).to_be_visible()
