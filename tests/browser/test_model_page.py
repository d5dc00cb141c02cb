"""Drafting with a model by two people at once: what is decided on is what was seen."""

import threading
from contextlib import contextmanager

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.drafting.behaviours import lists
from tests.drafting.conftest import ScriptedServer
from tests.waiting import wait_until
from workbench.store import open_store

from .running_app import empty_page, own_surroundings, running_app, settled

pytestmark = pytest.mark.browser

TITLE = "Draft with a model"
FIRST = ("soft edges", "milky veil", "pale walls", "flat grey sky", "smeared lettering")
SECOND = ("blurry letters on signs", "pale walls", "milky veil", "dull leaves", "hazy hills")
ROUGH = (
    "<b>bold</b> tiles",
    "roofs *starry* :material/home: red",
    "a->b arrows",
    "$x$ marks",
    "thin",
)


class Answers:
    """Two types; all answers but the first of each wait until they are let through."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, handler) -> None:
        seed, asked = handler.body["seed"], handler.body["messages"][-1]["content"]
        if seed != 0:
            self.open.wait()
        if "JPEG" in asked:
            lists(*(FIRST if seed == 0 else SECOND))(handler)
        else:
            lists(*ROUGH)(handler)


@pytest.fixture(scope="module")
def answers():
    return Answers()


@pytest.fixture(scope="module")
def settings(tmp_path_factory, answers):
    home = tmp_path_factory.mktemp("home")
    server = ScriptedServer()
    server.behaviours = [answers]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    service = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-secret"}
    with own_surroundings(home, WORKBENCH_MODEL="asked-model", **service) as settings:
        yield settings
    answers.open.set()
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def store(settings):
    with open_store(settings.database_url) as opened:
        yield opened


@contextmanager
def page_of(browser, url):
    with empty_page(browser) as page:
        page.goto(f"{url}/model")
        settled(page, TITLE)
        yield page


def choose_types(page: Page, *names: str) -> None:
    box = page.get_by_role("combobox", name="Types")
    for name in names:
        box.fill(name)
        page.get_by_role("option", name=name, exact=True).click()
    box.press("Escape")


def row(page: Page, phrase: str):
    return page.get_by_role("listitem").filter(has_text=phrase).first


def drafted(store):
    return {
        r.attribute.phrase: (
            r.attribute.status,
            r.attribute.origin,
            r.attribute.call_id is not None,
        )
        for r in store.draft.rows()
    }


def test_two_people_decide_on_what_they_see_and_questions_outlive_the_server(
    settings, store, answers, browser
):
    """One story: each step rests on what the one before has made."""
    with running_app(settings.database_url) as app, page_of(browser, app.url) as eva:
        a_double_click_asks_once(eva, store)
        with page_of(browser, app.url) as bob:
            choose_types(bob, "JPEG")
            what_is_taken_is_what_has_the_focus(bob, store, answers)
            what_another_has_taken_is_gone(eva)
        edited_and_rejected_by_key(eva, store)
        eva.reload()
        settled(eva, TITLE)
        expect(row(eva, "milky veil")).to_be_visible()
        expect(row(eva, "flat grey sky")).to_have_count(0)
        hostile_words_are_words(eva, store)
        undo_takes_it_out_again(eva, store)
        another_question_is_asked(eva, answers)
    with running_app(settings.database_url) as app, page_of(browser, app.url) as eva:
        a_killed_question_is_noticed_cancelled_and_asked_again(eva, store, answers)


def a_double_click_asks_once(page: Page, store) -> None:
    choose_types(page, "JPEG", "Gaussian blur")
    expect(page.get_by_text("6 requests, about")).to_be_visible()
    page.get_by_text("The prompt, as it will be sent").click()
    expect(page.get_by_test_id("stCode").last).to_contain_text("JPEG")
    page.get_by_role("button", name="Ask", exact=True).dblclick()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(row(page, "soft edges")).to_be_visible()
    assert [question.status for question in store.questions.list()] == ["asking"]


def what_is_taken_is_what_has_the_focus(page: Page, store, answers) -> None:
    expect(page.get_by_role("heading", name="JPEG")).to_be_visible()
    expect(page.get_by_role("heading", name="Gaussian blur")).to_have_count(0)
    chosen = row(page, "flat grey sky")
    expect(chosen).to_contain_text("in 1 of 1 answers")
    chosen.focus()
    answers.open.set()  # now others rank higher, and new ones come
    expect(row(page, "dull leaves")).to_be_visible()
    expect(row(page, "milky veil")).to_contain_text("in 3 of 3 answers")
    expect(chosen).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_text("Taken: 'flat grey sky'.")).to_be_visible()
    assert drafted(store) == {"flat grey sky": ("accepted", "llm", True)}
    expect(row(page, "smeared lettering")).to_be_focused()


def what_another_has_taken_is_gone(page: Page) -> None:
    expect(row(page, "flat grey sky")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def edited_and_rejected_by_key(page: Page, store) -> None:
    row(page, "soft edges").focus()
    page.keyboard.press("e")
    page.keyboard.type("edges as if breathed upon")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Taken: 'edges as if breathed upon'.")).to_be_visible()
    row(page, "pale walls").focus()
    page.keyboard.press("r")
    expect(page.get_by_text("Rejected: 'pale walls'.")).to_be_visible()
    expect(row(page, "pale walls")).to_have_count(0)
    kept = drafted(store)
    assert kept["edges as if breathed upon"] == ("accepted", "expert", True)
    assert kept["pale walls"] == ("rejected", "llm", True)
    assert {r.updated_by for r in store.draft.rows()} == {"eva"}


def hostile_words_are_words(page: Page, store) -> None:
    for phrase in ROUGH[:4]:
        expect(row(page, phrase)).to_contain_text(phrase)
    row(page, ROUGH[0]).get_by_role("button", name="Take").click()
    expect(page.get_by_text(f"Taken: '{ROUGH[0]}'.")).to_be_visible()
    assert drafted(store)[ROUGH[0]][0] == "accepted"


def undo_takes_it_out_again(page: Page, store) -> None:
    expect(page.get_by_text("add '<b>bold</b> tiles' to Gaussian blur")).to_be_visible()
    row(page, ROUGH[1]).focus()
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: add '<b>bold</b> tiles' to Gaussian blur.")).to_be_visible()
    expect(row(page, ROUGH[0])).to_be_visible()
    row(page, ROUGH[1]).focus()
    page.keyboard.press("Shift+U")
    expect(page.get_by_text("Redone: ")).to_be_visible()
    expect(row(page, ROUGH[0])).to_have_count(0)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(row(page, ROUGH[0])).to_be_visible()
    assert ROUGH[0] not in drafted(store)


def another_question_is_asked(page: Page, answers) -> None:
    answers.open.clear()
    page.goto(page.url.partition("?")[0])
    settled(page, TITLE)
    choose_types(page, "Lens blur")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()


def a_killed_question_is_noticed_cancelled_and_asked_again(page: Page, store, answers) -> None:
    """The question has outlived the server."""
    expect(page.get_by_text("1 of 3 answers. Lens blur 1 of 3")).to_be_visible()
    question = store.questions.asking()[0]
    process = psutil.Process(int(question.worker.rpartition(":")[2]))
    process.kill()
    expect(page.get_by_text("The process that asked has ended")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled; 1 of 3 answers are there.")).to_be_visible()
    answers.open.set()
    page.get_by_role("button", name="Try again").click()
    wait_until(lambda: store.questions.get(question.id).status == "done", "it is answered")
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
