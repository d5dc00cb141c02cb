"""Who does what: names that last, Undo that is one's own, and parents that are the store's."""

import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.waiting import wait_until
from workbench.store import open_store

from .running_app import empty_page, go_to, own_surroundings, running_app, settled

pytestmark = pytest.mark.browser

FIRST = "visible grid of small square blocks"  # of the curated set's of JPEG


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A home of the test's own, whose settings name nobody."""
    home = tmp_path_factory.mktemp("home")
    with own_surroundings(home, author="") as settings:
        yield settings


@pytest.fixture(scope="module")
def store(settings):
    with open_store(settings.database_url) as opened:
        yield opened


def enter(page: Page, url: str) -> None:
    page.goto(url)
    settled(page, "Home")


def draft_of(page: Page) -> None:
    go_to(page, "Curate")
    page.get_by_role("combobox", name="Type").select_option("jpeg")
    expect(page.get_by_role("row").filter(has_text="New attribute of JPEG")).to_be_visible()


def attribute(page: Page, words: str) -> Locator:
    return page.get_by_role("grid").get_by_role("row").filter(has_text=words)


def say_who(page: Page, name: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Your name").fill(name)
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_have_count(0)


def kept_name(page: Page) -> str:
    kept = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return unquote(kept.get("workbench_name", ""))


def reword(page: Page, old: str, words: str) -> None:
    attribute(page, old).dblclick()
    page.get_by_role("textbox", name=f"Words of '{old}'").fill(words)
    page.keyboard.press("Enter")
    expect(attribute(page, words).get_by_role("gridcell").last).to_have_text("✓ Saved")


def message(page: Page, words: str) -> None:
    page.get_by_role("textbox", name="Message").fill(words)
    page.get_by_role("button", name="Freeze", exact=True).click()
    expect(page.get_by_text("Frozen as version")).to_be_visible()


def test_names_undo_and_parents_of_two_people_at_one_draft(settings, store, browser):
    """One test, since it is one story: each step rests on what the one before has made."""
    with empty_page(browser) as eva, empty_page(browser) as stranger:
        with running_app(settings.database_url) as app:
            the_first_edit_asks_for_a_name_and_then_goes_on(app, eva, store)
            the_name_lasts_over_reloads_and_tabs(app, eva)
            undo_says_its_scope_and_asks_and_redo_takes_it_back(eva, store)
            another_of_the_same_name_is_offered_nothing(app, stranger)
            the_parent_is_the_base_at_that_moment(eva, stranger, store)
        with running_app(settings.database_url) as again:
            the_name_lasts_over_restarts_of_the_server(again, eva)


def the_first_edit_asks_for_a_name_and_then_goes_on(app, page: Page, store) -> None:
    enter(page, app.url)
    expect(page.get_by_role("button", name="Say who you are")).to_be_visible()
    go_to(page, "Curate")
    page.get_by_role("button", name="Start from the curated set").click()
    expect(page.get_by_role("dialog")).to_contain_text("kept under your name")
    assert store.draft.rows() == []
    say_who(page, "Eva <b>*Müller*")
    expect(page.get_by_text("distortions came in")).to_be_visible()
    assert {row.updated_by for row in store.draft.rows()} == {"Eva <b>*Müller*"}


def the_name_lasts_over_reloads_and_tabs(app, page: Page) -> None:
    you = page.get_by_role("button", name="You are Eva <b>*Müller*")
    expect(you).to_be_visible()
    page.reload()
    expect(you).to_be_visible()
    tab = page.context.new_page()
    enter(tab, app.url)
    expect(tab.get_by_role("button", name="You are Eva <b>*Müller*")).to_be_visible()
    tab.get_by_role("button", name="You are Eva <b>*Müller*").click()
    say_who(tab, "eva")
    expect(tab.get_by_role("button", name="You are eva", exact=True)).to_be_visible()
    wait_until(lambda: kept_name(tab) == "eva", "the browser has kept the name")
    tab.close()
    page.reload()
    expect(page.get_by_role("button", name="You are eva", exact=True)).to_be_visible()
    page.get_by_role("button", name="You are eva", exact=True).click()
    say_who(page, "Eva <b>*Müller*")


def undo_says_its_scope_and_asks_and_redo_takes_it_back(page: Page, store) -> None:
    size = len(store.draft.rows())
    types = len(store.draft.attribute_set().distortions)
    scope = f"{size} attributes in {types} types, 'Started from the curated set'"
    draft_of(page)
    press(page, "Undo")
    expect(page.get_by_role("dialog")).to_contain_text(f"Undo: {scope}")
    press(page.get_by_role("dialog"), "Cancel")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(store.draft.rows()) == size
    press(page, "Undo")
    press(page.get_by_role("dialog"), "Undo")
    expect(page.get_by_text(f"Undone: {scope}")).to_be_visible()
    assert store.draft.rows() == []
    press(page, "Redo")
    press(page.get_by_role("dialog"), "Redo")
    expect(page.get_by_text(f"Redone: {scope}")).to_be_visible()
    assert len(store.draft.rows()) == size
    reword(page, FIRST, "blocks on a chessboard")
    press(page, "Undo")
    edit = f"edit 'blocks on a chessboard' of JPEG (was '{FIRST}')"
    expect(page.get_by_text(f"Undone: {edit}")).to_be_visible()
    expect(attribute(page, FIRST)).to_be_visible()
    press(page, "Redo")
    expect(page.get_by_text(f"Redone: {edit}")).to_be_visible()
    expect(attribute(page, "blocks on a chessboard")).to_be_visible()


def press(part: Page | Locator, name: str) -> None:
    part.get_by_role("button", name=name, exact=True).click()


def another_of_the_same_name_is_offered_nothing(app, page: Page) -> None:
    enter(page, app.url)
    draft_of(page)
    page.get_by_role("button", name="Say who you are").click()
    say_who(page, "Eva <b>*Müller*")
    expect(page.get_by_role("button", name="You are Eva <b>*Müller*")).to_be_visible()
    press(page, "Undo")
    expect(page.get_by_text("You have nothing to undo.")).to_be_visible()


def the_parent_is_the_base_at_that_moment(page: Page, other: Page, store) -> None:
    """Both pages are open before the first is frozen; the second takes over what became of it."""
    draft_of(page)
    press(page, "Freeze…")
    message(page, "First")
    reword(other, store.draft.rows("jpeg")[1].attribute.phrase, "rings around letters")
    press(other, "Freeze…")
    message(other, "Second")
    second, first = store.versions.summaries()
    assert (first.message, first.parent) == ("First", None)
    assert (second.message, second.parent) == ("Second", first.hash)


def the_name_lasts_over_restarts_of_the_server(app, page: Page) -> None:
    enter(page, app.url)
    expect(page.get_by_role("button", name=re.compile("You are Eva"))).to_be_visible()
    draft_of(page)
    press(page, "Undo")
    expect(page.get_by_text("Undone: edit 'blocks on a chessboard' of JPEG")).to_be_visible()
