"""A new distortion type in a real browser: its recipe, how it looks, and what becomes of it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.waiting import wait_until
from workbench.domain.attributes import AttributeSet
from workbench.domain.distortion import Recipe, Step
from workbench.experiment.config_files import load_experiment
from workbench.store import open_store
from workbench.workflow.runs import start_run

from .running_app import empty_page, own_surroundings, running_app, settled

pytestmark = pytest.mark.browser

TINY = """# as small as a run can be
name: tiny
data: {distortions: [gaussian_blur, dusk], width: 224, height: 224}
encoder: {name: offline}
tuning: {mode: shallow, prompts: 2, crops: 1, epochs: 1}
regressor: {epochs: 2}
split: {folds: 2}
"""
BLUR = ["soft contours", "washed-out texture"]
JUNK = "<b>Glow</b> -> :material/home: *x* $1$"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A home of the tests' own, with one tiny experiment."""
    home = tmp_path_factory.mktemp("home")
    (home / "experiments").mkdir()
    (home / "experiments" / "tiny.yaml").write_text(TINY)
    with own_surroundings(home) as settings:
        yield settings


@pytest.fixture(scope="module")
def app(settings):
    with running_app(settings.database_url) as started:
        yield started


@pytest.fixture
def page(app, browser):
    with empty_page(browser) as opened:
        opened.goto(app.url)
        opened.get_by_test_id("stSidebarNav").get_by_role("link", name="Distortions").click()
        settled(opened, "Distortions")
        yield opened


@pytest.fixture
def store(settings):
    with open_store(settings.database_url) as opened:
        yield opened


def idle(page: Page) -> None:
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()


def faults(page: Page) -> list[str]:
    return [text for text in page.locator(".recipe .fault").all_text_contents() if text]


def shown(text: str) -> re.Pattern[str]:
    """Match a text as a page writes it: letter by letter, with joiners that nobody sees."""
    return re.compile("\u2060*".join(map(re.escape, text)))


def add_step(page: Page, operator: str) -> None:
    page.get_by_label("Operator of a further step").select_option(label=operator)
    page.get_by_role("button", name="Add the step").click()


def test_thumbnails_fill_in_and_a_card_is_a_link(page, app):
    jpeg = page.locator('a[href="?type=jpeg"]')
    expect(jpeg.locator("img")).to_be_visible()
    page.get_by_role("radio", name="Compression").click()
    expect(page.locator('a[href="?type=gaussian_blur"]')).to_have_count(0)
    expect(page).to_have_url(re.compile("group=Compression"))
    jpeg.focus()
    page.keyboard.press("Enter")
    settled(page, "JPEG")
    expect(page).to_have_url(re.compile("type=jpeg"))
    page.get_by_role("radio", name="Level 5").click()
    expect(page.get_by_text("quality setting of libjpeg, 1 to 100: 4")).to_be_visible()
    page.reload()
    settled(page, "JPEG")
    expect(page.get_by_text("quality setting of libjpeg, 1 to 100: 4")).to_be_visible()
    page.get_by_role("button", name="All distortions").click()
    settled(page, "Distortions")
    assert "Traceback" not in "".join(app.printed)


def test_a_type_is_built_with_its_faults_named_as_one_types_and_survives_a_reload(page, store):
    page.get_by_role("button", name="New type").click()
    settled(page, "New type")
    add = page.get_by_role("button", name="Add this type")
    expect(add).to_be_disabled()
    assert faults(page) == []
    page.get_by_label("Name").press_sequentially("JPEG")
    expect(page.get_by_text("is a distortion of the catalogue")).to_be_visible()
    expect(page.get_by_text("2 faults to mend")).to_be_visible()
    page.get_by_label("Name").fill("Night shot")
    expect(page.get_by_text("is a distortion of the catalogue")).to_have_count(0)
    expect(page.get_by_text("1 fault to mend")).to_be_visible()
    assert faults(page) == ["is missing"]
    page.get_by_label("Explanation").fill("A phone at night makes the picture dark and grainy.")
    expect(add).to_be_enabled()
    add_step(page, "Darken")
    expect(page.get_by_label("Level 2 of step 1", exact=True)).to_have_value("0.1")
    add_step(page, "White noise")
    page.get_by_label("Level 5 of step 2", exact=True).fill("-1")
    expect(page.get_by_text("-1 must be at least 0 (variance of the noise")).to_be_visible()
    expect(add).to_be_disabled()
    page.get_by_label("Level 5 of step 2", exact=True).fill("much")
    expect(page.get_by_text("'much' is not a number")).to_be_visible()
    page.get_by_label("Level 5 of step 2, slider").press("ArrowRight")
    expect(page.locator(".recipe .fault").filter(has_text="not a number")).to_have_count(0)
    page.get_by_role("button", name="Move step 2 up").click()
    expect(page.get_by_role("group", name="Step 1: White noise")).to_be_visible()
    expect(page.locator(".wb-strip img")).to_have_count(6)
    typed = page.get_by_label("Level 5 of step 1", exact=True).input_value()
    page.reload()
    settled(page, "New type")
    expect(page.get_by_label("Name")).to_have_value("Night shot")
    expect(page.get_by_label("Level 5 of step 1", exact=True)).to_have_value(typed)
    expect(page.locator(".wb-strip img")).to_have_count(6)
    page.get_by_label("Levels").select_option("3")
    expect(page.get_by_label("Level 4 of step 1", exact=True)).to_have_count(0)
    expect(page.locator(".wb-strip img")).to_have_count(4)
    expect(add).to_be_enabled()
    add.click()
    settled(page, "Night shot")
    recipe = store.recipes.get("night_shot")
    assert [step.operator for step in recipe.steps] == ["white_noise", "darken"]
    assert (recipe.levels, recipe.group) == (3, "noise")
    page.get_by_role("button", name="All distortions").click()
    page.get_by_role("button", name="New type").click()
    settled(page, "New type")
    expect(page.get_by_label("Name")).to_have_value("")


def test_a_new_type_is_curated_frozen_run_and_compared(page, app, store, settings):
    """The journey: from a recipe to a comparison, with a reload in the middle."""
    store.draft.replace(AttributeSet.from_phrases({"gaussian_blur": BLUR}), author="ann")
    page.get_by_role("button", name="New type").click()
    settled(page, "New type")
    page.get_by_label("Name").fill("Dusk")
    page.get_by_label("Explanation").fill("The light of the evening fades.")
    add_step(page, "Darken")
    page.get_by_label("Levels").select_option("2")
    expect(page.locator(".wb-strip img")).to_have_count(3)
    page.reload()
    expect(page.locator(".wb-strip img")).to_have_count(3)
    page.get_by_role("button", name="Add this type").click()
    settled(page, "Dusk")
    page.get_by_role("button", name="Write the first").click()
    settled(page, "Curate")
    expect(page.get_by_role("combobox", name="Type")).to_have_value("dusk")
    page.get_by_role("row").filter(has_text="New attribute of Dusk").click()
    for phrase in ("shadows without any detail", "gloomy sky"):
        field = page.get_by_role("textbox", name="New attribute of Dusk")
        field.fill(phrase)
        field.press("Enter")
        expect(page.get_by_role("row").filter(has_text=phrase)).to_be_visible()
    page.get_by_role("button", name="Freeze…").click()
    page.get_by_role("textbox", name="Message").fill("With the evening")
    page.get_by_role("textbox", name="Alias (optional)").fill("evening")
    page.get_by_role("button", name="Freeze", exact=True).click()
    expect(page.get_by_text("Frozen as version evening")).to_be_visible()
    run_beside_another(store, settings)
    page.goto(f"{app.url}/compare")
    settled(page, "Compare")
    page.get_by_role("button", name="Compare", exact=True).click()
    verdicts = page.get_by_role("table").filter(has_text="evening")
    expect(verdicts.first).to_be_visible()
    expect(verdicts.filter(has_text="night").first).to_be_visible()
    page.goto(f"{app.url}/distortions?type=dusk")
    page.get_by_role("button", name="Show how 2 runs found it").click()
    found = page.get_by_role("table", name=re.compile("against everything else"))
    expect(found.get_by_role("row").filter(has_text="evening")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("It must stay: 2 versions have attributes for it")).to_be_visible()
    assert "Traceback" not in "".join(app.printed)


def run_beside_another(store, settings) -> None:
    """Run the version, and one with other words, by a worker of the workbench's own."""
    words = {"gaussian_blur": BLUR, "dusk": ["lamps in the dark", "black corners"]}
    store.versions.freeze(
        AttributeSet.from_phrases(words), message="Other words", author="ann", alias="night"
    )
    config = load_experiment(settings.home / "experiments" / "tiny.yaml")
    for alias in ("evening", "night"):
        start_run(store, alias, config, settings=settings)
    wait_until(
        lambda: all(run.status not in ("queued", "running") for run in store.runs.list()),
        "both runs are over",
    )
    assert [run.status for run in store.runs.list()] == ["done", "done"]


def test_a_set_is_generated_in_the_background_over_a_reload(page, app, settings):
    page.goto(f"{app.url}/datasets?part=Generate+a+set")
    settled(page, "Datasets")
    page.get_by_role("spinbutton", name="Images").fill("100000")
    page.get_by_role("spinbutton", name="Images").press("Enter")
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_text("Set of 100,000 images: running")).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+ images, [\d.]+/s"))).to_be_visible()
    page.reload()
    expect(page.get_by_text("Set of 100,000 images: running")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Set of 100,000 images: cancelled")).to_be_visible()
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_text("Set of 100,000 images")).to_have_count(0)
    assert (settings.home / "sets" / "my-set" / "set.json").exists()


def test_one_of_another_is_edited_until_attributes_name_it(page, store):
    store.recipes.add(
        Recipe(
            id="glow",
            name=JUNK,
            group="camera",
            explanation=f"{JUNK} <script>document.title = 'hit'</script>",
            steps=(Step(operator="brighten", parameters=(0.1, 0.4)),),
        ),
        author="ann",
    )
    page.reload()
    settled(page, "Distortions")
    page.get_by_role("link", name=JUNK).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(shown(JUNK))
    expect(page.get_by_text("<script>document.title")).to_be_visible()
    assert "hit" not in page.title()
    page.get_by_role("button", name="Edit").click()
    settled(page, "New version of a type")
    page.get_by_label("Level 2 of step 1", exact=True).fill("0.8")
    idle(page)
    page.get_by_role("button", name="Save this version").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(shown(JUNK))
    assert store.recipes.get("glow").steps[0].parameters == (0.1, 0.8)
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove it now").click()
    settled(page, "Distortions")
    expect(page.get_by_role("link", name=JUNK)).to_have_count(0)
