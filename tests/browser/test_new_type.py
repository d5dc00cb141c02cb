"""A new distortion type in a real browser: its recipe, how it looks, and what becomes of it."""

import re

import pytest
from playwright.sync_api import Page, expect

from workbench.domain.distortion import Recipe, Step
from workbench.settings import read_settings
from workbench.store import open_store

from .running_app import chromium, empty_page, running_app, settled

pytestmark = pytest.mark.browser

JUNK = "<b>Glow</b> -> :material/home: *x* $1$"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A home of the tests' own."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WORKBENCH_HOME", str(home))
        environment.setenv("WORKBENCH_DB", f"sqlite:///{home / 'store.sqlite'}")
        environment.setenv("WORKBENCH_CACHE", str(home / "cache"))
        environment.setenv("WORKBENCH_AUTHOR", "eva")
        environment.setenv("WORKBENCH_OFFLINE", "1")
        environment.setenv("OMP_NUM_THREADS", "1")
        yield read_settings()


@pytest.fixture(scope="module")
def app(settings):
    with running_app(settings.database_url) as started:
        yield started


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


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
