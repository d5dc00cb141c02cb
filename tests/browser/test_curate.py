"""The page Curate in a real browser: by keyboard alone, by two people at once, over a reload."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.waiting import wait_until
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.store import open_store

from .running_app import empty_page, go_to, own_surroundings, running_app, settled

pytestmark = pytest.mark.browser

JPEG = ["muddy colours", "flat patches", "specks around edges", "JPEG squares", "stair-like lines"]
JUNK = [
    "<script>document.title='taken'</script>",
    "<img src=x onerror=alert(1)>",
    "**bold** _words_ [link](http://x)",
    ":material/home: and :red[colour]",
    "edges -> dots",
    "$x^2$ `code`",
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with own_surroundings(home):
        yield home


@pytest.fixture(scope="module")
def app(settings):
    with running_app(f"sqlite:///{settings / 'store.sqlite'}") as started:
        yield started


@pytest.fixture
def store(settings):
    """The draft as each test begins with it."""
    with open_store(f"sqlite:///{settings / 'store.sqlite'}") as opened:
        fresh = AttributeSet.from_phrases({"jpeg": JPEG, "haze": ["veiled distance"]}, origin="llm")
        opened.draft.replace(
            fresh.restricted_to(["jpeg"]), author="ann", distortions=_drafted(opened)
        )
        yield opened


def _drafted(store):
    return {*store.draft.attribute_set().distortions, "jpeg"}


@pytest.fixture
def page(app, browser, store):
    with empty_page(browser) as opened:
        yield open_curate(opened, app)


def open_curate(page: Page, app, query="") -> Page:
    page.goto(f"{app.url}/curate{query}")
    settled(page, "Curate")
    expect(row(page, "muddy colours")).to_be_visible()
    return page


def state(page, phrase):
    return row(page, phrase).get_by_role("gridcell").last


def row(page, phrase):
    return page.get_by_role("grid").get_by_role("row").filter(has_text=phrase)


def statuses(store):
    return {r.attribute.phrase: r.attribute.status for r in store.draft.rows()}


def current(page):
    return page.locator(".row.current")


class Hands:
    """Presses keys and counts them as actions: a key, or a text typed in one go."""

    def __init__(self, page):
        self.page, self.actions = page, 0

    def press(self, *keys):
        for key in keys:
            self.actions += 1
            self.page.keyboard.press(key)

    def type(self, text):
        self.actions += 1
        self.page.keyboard.press("Control+a")  # the old words are selected already
        self.page.keyboard.insert_text(text)


def test_curating_by_keyboard_alone_takes_no_more_than_25_actions(page, store):
    hands = Hands(page)
    expect(current(page)).to_be_focused()
    hands.press("a", "j", "a", "j", "a", "j")
    expect(current(page)).to_contain_text("JPEG squares")
    expect(current(page)).to_contain_text("fault")  # it names its type: a finding to mend
    hands.press("e")
    hands.type("blocks on a chessboard")
    expect(page.get_by_text("Lint has nothing to say about these words")).to_be_visible()
    hands.press("Enter")  # saves and goes on
    expect(state(page, "blocks on a chessboard")).to_have_text("✓ Saved")
    expect(current(page)).to_contain_text("stair-like lines")
    hands.press("r", "c")
    hands.type("Not on diagonals")
    hands.press("Enter")
    expect(page.get_by_text("Your comment on 'stair-like lines' is kept.")).to_be_visible()
    hands.press("u")
    expect(
        page.get_by_text("Undone: set to rejected 'stair-like lines' of JPEG (was proposed).")
    ).to_be_visible()
    wait_until(lambda: statuses(store)["stair-like lines"] == "proposed", "it is undone")
    hands.press("Shift+U")
    expect(page.get_by_text("Redone: ")).to_be_visible()
    hands.press("f")
    hands.type("By keyboard")
    expect(
        page.get_by_text("4 attributes of 1 distortion will be frozen; 1 rejected")
    ).to_be_visible()
    hands.press("Enter")
    expect(page.get_by_text("Frozen as version ")).to_be_visible()
    assert hands.actions <= 25
    version = store.versions.list()[0]
    assert (version.message, version.author) == ("By keyboard", "eva")
    assert version.attributes.phrases()["jpeg"] == (
        *("muddy colours", "flat patches", "specks around edges", "blocks on a chessboard"),
    )
    assert statuses(store) == {
        **dict.fromkeys(JPEG[:3], "accepted"),
        "blocks on a chessboard": "proposed",
        "stair-like lines": "rejected",
    }
    (comment,) = store.comments.list(store.draft.rows("jpeg")[-1].attribute.identity)
    assert (comment.text, comment.author) == ("Not on diagonals", "eva")


def test_two_who_reword_one_attribute_see_both_wordings_and_lose_none(page, app, browser, store):
    with empty_page(browser) as other:
        open_curate(other, app)
        for one, words in ((page, "dull colours"), (other, "stained colours")):
            row(one, "muddy colours").dblclick()
            one.get_by_role("textbox", name="Words of 'muddy colours'").fill(words)
        page.keyboard.press("Enter")
        expect(state(page, "dull colours")).to_have_text("✓ Saved")
        alert = other.get_by_role("alert").filter(has_text="Conflict")
        expect(alert).to_contain_text("dull colours")  # before the other has saved anything
        expect(alert).to_contain_text("stained colours")
        other.keyboard.press("Enter")
        assert "stained colours" not in statuses(store)
        other.get_by_role("button", name="Keep mine").click()
        expect(state(other, "stained colours")).to_have_text("✓ Saved")
        expect(row(page, "stained colours")).to_be_visible()  # without a reload
    assert "stained colours" in statuses(store)


def test_a_conflict_can_be_left_to_the_other(page, store):
    row(page, "muddy colours").dblclick()
    page.get_by_role("textbox", name="Words of 'muddy colours'").fill("my colours")
    first = store.draft.rows("jpeg")[0]
    store.draft.edit(first.id, "ann's colours", based_on=first.row_version, author="ann")
    page.get_by_role("button", name="Take theirs").click()
    expect(row(page, "ann's colours")).to_be_visible()
    expect(row(page, "my colours")).to_have_count(0)
    assert "ann's colours" in statuses(store)


def test_words_of_a_removed_attribute_are_not_lost(page, store):
    row(page, "muddy colours").dblclick()
    page.get_by_role("textbox", name="Words of 'muddy colours'").fill("my colours")
    first = store.draft.rows("jpeg")[0]
    store.draft.remove(first.id, based_on=first.row_version, author="ann")
    page.get_by_role("button", name="Add mine again").click()
    expect(row(page, "my colours")).to_be_visible()
    wait_until(lambda: "my colours" in statuses(store), "the words are added again")


def test_typed_words_survive_a_reload_and_a_freeze_names_them(page, store):
    row(page, "muddy colours").dblclick()
    page.get_by_role("textbox", name="Words of 'muddy colours'").fill("half a senten")
    page.reload()
    field = page.get_by_role("textbox", name="Words of 'muddy colours'")
    expect(field).to_have_value("half a senten")
    field.press("Escape")
    expect(state(page, "muddy colours")).to_have_text("Not saved")
    page.keyboard.press("f")
    expect(page.get_by_text("Not saved, and so not in it: “half a senten”")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("e")
    field.press("Enter")
    wait_until(lambda: "half a senten" in statuses(store), "the words are saved")


def test_a_selection_stays_on_its_sentences_when_rows_come_in_and_are_sorted(page, store):
    row(page, "flat patches").get_by_role("checkbox").click()
    row(page, "stair-like lines").get_by_role("checkbox").click()
    store.draft.add("jpeg", Attribute(phrase="another one"), author="ann")
    expect(row(page, "another one")).to_be_visible()
    page.get_by_role("button", name="Attribute", exact=False).first.click()
    first = store.draft.rows("jpeg")[0]
    store.draft.remove(first.id, based_on=first.row_version, author="ann")
    expect(row(page, "muddy colours")).to_have_count(0)
    selected = page.locator('[role=row][aria-selected="true"]')
    expect(selected).to_have_count(2)
    page.get_by_role("toolbar").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("2 attributes accepted.")).to_be_visible()
    accepted = {phrase for phrase, status in statuses(store).items() if status == "accepted"}
    assert accepted == {"flat patches", "stair-like lines"}


def test_ctrl_a_selects_only_what_is_found(page, store):
    page.keyboard.press("/")
    page.keyboard.insert_text("es")  # patches, edges, squares, lines
    page.keyboard.press("Enter")
    expect(page.get_by_text("4 of 5 attributes shown")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.press("r")
    expect(page.get_by_text("4 attributes rejected.")).to_be_visible()
    assert statuses(store)["muddy colours"] == "proposed"


def test_undoing_more_than_five_is_asked_first_and_so_is_redoing(page, store):
    for number in range(5):
        store.draft.add("jpeg", Attribute(phrase=f"spots of size {number}"), author="ann")
    expect(page.get_by_text("10 of 10 attributes shown")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The draft is empty")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("10 attributes")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not statuses(store)
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    expect(row(page, "muddy colours")).to_be_visible()
    assert len(statuses(store)) == 10


def test_junk_stands_as_it_was_written(page, store):
    for phrase in JUNK:
        store.draft.add("jpeg", Attribute(phrase=phrase), author="<b>ann</b>")
    for phrase in JUNK:
        expect(page.get_by_role("gridcell", name=phrase, exact=True)).to_be_visible()
    store.comments.add(store.draft.rows("jpeg")[-1].attribute.identity, JUNK[0], author="ann")
    row(page, JUNK[0]).dblclick()
    field = page.get_by_role("textbox", name=f"Words of '{JUNK[0]}'")
    field.fill(JUNK[0] + " again")
    field.press("Enter")
    expect(page.get_by_text(f"Saved: '{JUNK[0]} again'.")).to_be_visible()
    assert page.title() != "taken"


def test_refused_words_stay_in_the_cell_with_the_reason(page, store):
    row(page, "muddy colours").dblclick()
    page.get_by_role("textbox", name="Words of 'muddy colours'").fill("Flat patches")
    page.keyboard.press("Enter")
    expect(page.get_by_text("already has 'flat patches'")).to_be_visible()
    expect(state(page, "muddy colours")).to_have_text("Not saved")
    row(page, "muddy colours").dblclick()
    expect(page.get_by_role("textbox", name="Words of 'muddy colours'")).to_have_value(
        "Flat patches"
    )


def test_a_link_opens_the_same_view(page, app, browser, store):
    store.draft.add("haze", Attribute(phrase="veiled distance"), author="ann")
    page.get_by_role("combobox", name="Status").select_option("proposed")
    page.get_by_role("combobox", name="Type").select_option("jpeg")
    expect(page.get_by_text("5 of 6 attributes shown")).to_be_visible()
    page.wait_for_url("**type=jpeg**")
    with empty_page(browser) as other:
        other.goto(page.url)
        expect(other.get_by_text("5 of 6 attributes shown")).to_be_visible()
        expect(other.get_by_role("combobox", name="Type")).to_have_value("jpeg")


def test_new_attributes_are_written_one_after_the_other(page, store):
    page.keyboard.press("n")
    field = page.get_by_role("textbox", name="New attribute of JPEG")
    field.fill("JPEG tiles")
    expect(page.get_by_text("is a word of the distortion's own name")).to_be_visible()
    field.fill("tiles of one colour")
    field.press("Enter")
    expect(row(page, "tiles of one colour")).to_be_visible()
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    assert store.draft.rows("jpeg")[-1].updated_by == "eva"


def test_evidence_stands_beside_the_current_row_and_leaves_the_keys_where_they_are(page, store):
    row(page, "JPEG squares").click()
    expect(page.get_by_role("heading", name="JPEG squares")).to_be_visible()
    expect(page.get_by_text("is a word of the distortion's own name")).to_be_visible()
    page.keyboard.press("c")
    page.keyboard.insert_text("Says <b>what</b> it is called")
    page.keyboard.press("Enter")
    expect(page.get_by_text("comment: Says <b>what</b> it is called")).to_be_visible()
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="JPEG squares")).to_have_count(0)
    expect(current(page)).to_be_focused()
    page.keyboard.press("d")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", name="specks around edges")).to_be_visible()
    expect(current(page)).to_be_focused()


def test_photographs_are_prepared_by_a_press_and_show_where_a_sentence_fires(page, store):
    page.get_by_text("Photographs", exact=True).click()
    page.get_by_role("button", name="Prepare those of JPEG").click()
    expect(page.get_by_role("heading", name="Fires most on")).to_be_visible()
    expect(page.get_by_role("heading", name="Fires least on")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Response").check()
    page.get_by_role("button", name="Close").click()
    expect(row(page, "flat patches").get_by_role("img")).to_be_visible()
    page.get_by_role("button", name="Map", exact=True).first.click()
    expect(page.get_by_role("img", name="Map over")).to_be_visible()


def test_an_act_whose_answer_is_lost_is_sent_again_and_done_once(page, store):
    page.keyboard.press("c")
    page.keyboard.insert_text("once")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your comment on 'muddy colours' is kept.")).to_be_visible()
    kept = {"uid": "sent before", "act": "comment", "id": store.draft.rows("jpeg")[0].id}
    kept = json.dumps({"outbox": [{**kept, "text": "kept by the tab"}]})
    for _ in range(2):
        page.evaluate("kept => sessionStorage.setItem('workbench curate', kept)", kept)
        page.reload()
        expect(row(page, "muddy colours")).to_be_visible()
        wait_until(lambda: len(comments(store)) == 2, "what the tab kept is done")
    assert [comment.text for comment in comments(store)] == ["once", "kept by the tab"]


def comments(store):
    return store.comments.list(store.draft.rows("jpeg")[0].attribute.identity)


def test_who_comes_back_from_another_page_sees_what_was_done_meanwhile(page, store):
    first, *_, last = store.draft.rows("jpeg")
    row(page, "muddy colours").dblclick()
    page.get_by_role("textbox", name="Words of 'muddy colours'").fill("my colours")
    page.keyboard.press("Escape")  # kept, not saved
    settled(page, "Curate")  # what was typed has been judged
    go_to(page, "Versions")
    store.draft.edit(first.id, "ann's colours", based_on=first.row_version, author="ann")
    store.draft.remove(last.id, based_on=last.row_version, author="ann")
    store.draft.add("jpeg", Attribute(phrase="another one"), author="ann")
    go_to(page, "Curate")
    alert = page.get_by_role("alert").filter(has_text="Conflict")
    expect(alert).to_contain_text("ann's colours")
    expect(alert).to_contain_text("my colours")
    expect(row(page, "another one")).to_be_visible()
    expect(row(page, "stair-like lines")).to_have_count(0)
    expect(page.get_by_text("5 of 5 attributes shown")).to_be_visible()
    page.get_by_role("button", name="Take theirs").click()
    expect(alert).to_have_count(0)


def test_keys_just_before_leaving_are_done_and_one_just_after_empties_no_page(page, store):
    press = """async ([grid, link, keys]) => {
      const press = (key) => grid.querySelector(".row.current").dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
      keys.forEach(press);
      await new Promise((isSent) => setTimeout(isSent, 50));
      link.click();
      press("d");
    }"""
    link = page.get_by_test_id("stSidebarNav").get_by_role("link", name="Versions")
    for keys, wanted in (
        ("ajr", {"muddy colours": "accepted", "flat patches": "rejected"}),
        ("wja", {"muddy colours": "needs work", "flat patches": "accepted"}),
    ):
        grid = page.get_by_role("grid").element_handle()
        page.evaluate(press, [grid, link.element_handle(), [*keys]])
        settled(page, "Versions")
        wait_until(lambda w=wanted: w.items() <= statuses(store).items(), "they are stored")
        settled(page, "Versions")
        expect(page.get_by_text("Frozen attribute sets: immutable")).to_be_visible()
        go_to(page, "Curate")
        for phrase, status in wanted.items():
            expect(row(page, phrase)).to_contain_text(status)
