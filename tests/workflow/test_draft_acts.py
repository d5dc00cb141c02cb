"""What the page Curate and its users do to the draft, as acts that come in from a browser."""

import itertools
import json

import pytest

from tests.databases import fresh_database
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.store import open_store
from workbench.workflow.curation import FIELDS, DraftBoard
from workbench.workflow.draft_acts import curated_set, do_act

JPEG = ["visible grid of small square blocks", "muddy colours", "flat patches"]
_uids = map(str, itertools.count())


@pytest.fixture
def store(tmp_path):
    with open_store(fresh_database(tmp_path / "store.sqlite")) as opened:
        opened.draft.replace(AttributeSet.from_phrases({"jpeg": JPEG}), author="ann")
        yield opened


@pytest.fixture
def board(store):
    opened = DraftBoard(store)
    opened.refresh()
    return opened


def act(board, name, author="eva", **rest):
    return do_act(board, board.store, {"uid": next(_uids), "act": name, **rest}, author=author)


def rows(board):
    return sorted(board.rows(), key=lambda row: (row.distortion, row.position))


def phrases(board):
    return [row.attribute.phrase for row in rows(board)]


def versions(board, *places):
    every = rows(board)
    return [[every[place].id, every[place].row_version] for place in places]


def edit(board, phrase, place=0, **rest):
    ((id, version),) = versions(board, place)
    return act(board, "edit", id=id, version=version, phrase=phrase, **rest)


def news(board, since):
    found = json.loads(board.news(since).document)
    return found, [dict(zip(FIELDS, values, strict=True)) for values in found["rows"]]


def test_an_edit_is_stored_under_its_author_and_says_the_version_it_made(board):
    answer = edit(board, "There is a chessboard of blocks in the photo.")
    (row, *_) = rows(board)
    assert answer["ok"]
    assert answer["versions"] == {row.id: row.row_version}
    assert (row.attribute.phrase, row.updated_by) == ("chessboard of blocks", "eva")
    assert "Saved: 'chessboard of blocks'" in answer["said"]


def test_what_was_not_changed_is_said_to_be_so(board):
    before = rows(board)
    assert edit(board, JPEG[0])["said"] == "Nothing was changed."
    assert rows(board) == before


@pytest.mark.parametrize(
    ("words", "fault"),
    [("Muddy colours", "already has"), ("", "The phrase '' cannot be used"), ("x" * 201, "cannot")],
)
def test_words_that_cannot_be_used_change_nothing(board, words, fault):
    before = rows(board)
    answer = edit(board, words)
    assert not answer["ok"]
    assert fault in answer["said"]
    assert rows(board) == before


@pytest.mark.parametrize(("words", "fault"), [("  ", "needs words"), (JPEG[0], "already has")])
def test_a_new_attribute_that_cannot_be_used_is_not_added(board, words, fault):
    answer = act(board, "add", type="jpeg", phrase=words)
    assert not answer["ok"]
    assert fault in answer["said"]
    assert phrases(board) == JPEG


def test_a_new_attribute_stands_behind_the_others_of_its_type(board):
    assert act(board, "add", type="jpeg", phrase="stair-like contours")["ok"]
    assert phrases(board)[-1] == "stair-like contours"
    assert not act(board, "add", type="jpg", phrase="more")["ok"]


def test_an_edit_of_what_another_has_changed_is_refused_with_their_words(board, store):
    row = rows(board)[0]
    store.draft.edit(row.id, "ann's words", based_on=row.row_version, author="ann")
    answer = edit(board, "my words")
    assert not answer["ok"]
    assert answer["conflicts"] == [row.id]
    assert "was changed by ann to 'ann's words'" in answer["said"]
    assert phrases(board)[0] == "ann's words"  # the board has seen it, too


def test_an_edit_of_what_another_has_removed_is_refused(board, store):
    row = rows(board)[0]
    store.draft.remove(row.id, based_on=row.row_version, author="ann")
    answer = edit(board, "my words")
    assert answer["conflicts"] == [row.id]
    assert "was removed by ann" in answer["said"]
    assert phrases(board) == JPEG[1:]


def test_an_act_is_done_once_however_often_it_is_sent(board, store):
    (id, _), *_ = versions(board, 0)
    sent = {"uid": "one", "act": "comment", "id": id, "text": "once"}
    first, again = (do_act(board, store, sent, author="eva") for _ in range(2))
    assert first == again
    assert len(store.comments.list(rows(board)[0].attribute.identity)) == 1


def test_many_are_judged_in_one_change_and_only_what_was_read_is(board, store):
    chosen = versions(board, 0, 1, 2)
    store.draft.edit(chosen[1][0], "ann's words", based_on=chosen[1][1], author="ann")
    answer = act(board, "set status", rows=chosen, status="accepted")
    assert not answer["ok"]
    assert answer["conflicts"] == [chosen[1][0]]
    assert "2 attributes accepted. 1 attribute changed by somebody else" in answer["said"]
    assert [row.attribute.status for row in rows(board)] == ["accepted", "proposed", "accepted"]
    assert {e.change for e in store.record.events(limit=2)} == {store.record.events()[0].change}
    assert act(board, "undo")["said"].startswith("Undone: 2 attributes")
    assert {row.attribute.status for row in rows(board)} == {"proposed"}


def test_attributes_given_to_another_type_stay_the_same_attributes(board):
    identities = [row.attribute.identity for row in rows(board)][:2]
    answer = act(board, "change type", rows=versions(board, 0, 1), type="jpeg2000")
    assert answer["ok"]
    moved = [row for row in rows(board) if row.distortion == "jpeg2000"]
    assert [row.attribute.identity for row in moved] == identities
    assert act(board, "undo")["ok"]
    assert phrases(board) == JPEG


def test_no_type_gets_the_same_words_twice(board, store):
    store.draft.add("haze", Attribute(phrase="Flat patches"), author="ann")
    answer = act(board, "change type", rows=versions(board, 0, 2), type="haze")
    assert "already has 'flat patches'" in answer["said"]
    assert [row.distortion for row in rows(board)] == ["haze", *["jpeg"] * 3]


def test_removing_and_moving_within_a_type(board):
    ((id, version),) = versions(board, 0)
    act(board, "move", id=id, version=version, type="jpeg", by=1)
    assert phrases(board) == [JPEG[1], JPEG[0], JPEG[2]]
    ((id, version),) = versions(board, 0)
    assert act(board, "move", id=id, version=version, type="jpeg", by=-1)["ok"]  # is the first
    act(board, "remove", rows=versions(board, 0, 2))
    assert phrases(board) == [JPEG[0]]


def test_ones_own_changes_are_undone_one_after_the_other_and_redone(board):
    act(board, "remove", rows=versions(board, 0))
    act(board, "remove", rows=versions(board, 0))
    act(board, "undo")
    act(board, "undo")
    assert phrases(board) == JPEG
    assert "remove" in act(board, "redo")["said"]
    assert phrases(board) == JPEG[1:]
    act(board, "undo")
    assert act(board, "undo")["said"] == "You have nothing to undo."  # the rest is ann's


def test_what_another_has_built_on_is_not_undone(board, store):
    edit(board, "my words")
    mine = rows(board)[0]
    store.draft.edit(mine.id, "ann's words", based_on=mine.row_version, author="ann")
    assert "was changed by ann" in act(board, "undo")["said"]
    assert phrases(board)[0] == "ann's words"


def test_an_empty_draft_starts_from_the_curated_set_which_undo_asks_about(board):
    act(board, "remove", rows=versions(board, 0, 1, 2))
    assert act(board, "start from curated")["ok"]
    assert len(board.rows()) == curated_set().size
    assert not act(board, "start from curated")["ok"]
    asked = act(board, "undo")
    assert f"{curated_set().size} attributes" in asked["ask"]
    assert len(board.rows()) == curated_set().size
    assert act(board, "undo", sure=asked["sure"])["ok"]
    assert not board.rows()


def test_freezing_makes_a_version_of_what_is_not_rejected(board, store):
    act(board, "set status", rows=versions(board, 0), status="rejected")
    answer = act(board, "freeze", message="Without the grid", alias="best")
    version = store.versions.list()[0]
    assert answer["said"] == "Frozen as version best: Without the grid."
    assert (version.message, version.author) == ("Without the grid", "eva")
    assert version.attributes.phrases() == {"jpeg": tuple(JPEG[1:])}
    again = act(board, "freeze", message="Once more")
    assert "Nothing new to freeze: this content is version best already" in again["said"]
    assert len(store.versions.list()) == 1


def test_freezing_without_a_message_under_a_hash_or_of_an_unknown_type_is_refused(board, store):
    assert "needs a message" in act(board, "freeze", message="")["said"]
    assert "reads as a hash" in act(board, "freeze", message="why", alias="decade")["said"]
    store.draft.add("left_over", Attribute(phrase="old words"), author="ann")
    assert "Unknown distortion 'left_over'" in act(board, "freeze", message="why")["said"]
    assert not store.versions.list()


def test_comments_are_kept_under_the_authors_name_and_need_words(board, store):
    ((id, _),) = versions(board, 0)
    assert act(board, "comment", id=id, text="Not on <smooth> skies")["ok"]
    (comment,) = store.comments.list(rows(board)[0].attribute.identity)
    assert (comment.author, comment.text) == ("eva", "Not on <smooth> skies")
    assert not act(board, "comment", id=id, text=" ")["ok"]
    _, found = news(board, None)
    assert [row["comments"] for row in sorted(found, key=lambda row: row["position"])] == [1, 0, 0]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("JPEG compression squares", ["names_distortion"]),
        (JPEG[0], ["duplicate"]),
        ("chequered patches on plain walls", []),
    ],
)
def test_lint_answers_while_one_types_and_nothing_is_added(board, words, found):
    answer = act(board, "lint", type="jpeg", phrase=words, id=None)
    assert [rule for _, rule, _, _ in answer["findings"]] == found
    assert phrases(board) == JPEG


@pytest.mark.parametrize(
    "nonsense",
    [{"act": "fly"}, {"act": "edit"}, {"act": "set status", "rows": 3, "status": "accepted"}, {}],
)
def test_what_no_table_sends_is_answered_and_changes_nothing(board, store, nonsense):
    answer = do_act(board, store, {"uid": next(_uids), **nonsense}, author="eva")
    assert not answer["ok"]
    assert phrases(board) == JPEG


def test_a_viewer_is_sent_everything_once_and_then_what_changed(board, store):
    first, found = news(board, None)
    assert first["since"] is None
    assert {row["phrase"] for row in found} == set(JPEG)
    assert first["types"]["jpeg"][0] == "JPEG"
    nothing, none = news(board, first["number"])
    assert (none, nothing["types"]) == ([], None)
    store.draft.edit(found[0]["id"], "ann's", based_on=found[0]["version"], author="ann")
    store.draft.remove(found[1]["id"], based_on=found[1]["version"], author="ann")
    board.refresh()
    then, changed = news(board, first["number"])
    assert [row["phrase"] for row in changed] == ["ann's"]
    assert then["gone"] == [found[1]["id"]]
    entire, _ = news(board, first["number"] + 1000)  # of another life of the server
    assert entire["since"] is None


def test_findings_come_with_the_rows_and_follow_each_edit(board):
    board.check(60)
    before, found = news(board, None)
    assert before["unchecked"] == 0
    assert all(row["findings"] == [] for row in found)
    edit(board, "Flat small patches")
    board.check(60)
    _, changed = news(board, before["number"])
    assert {row["phrase"] for row in changed} == {"flat small patches", "flat patches"}
    assert all(row["findings"][0][1] == "near_duplicate" for row in changed)
    act(board, "set status", rows=versions(board, 0), status="rejected")
    board.check(60)
    _, found = news(board, None)
    assert all(row["findings"] == [] for row in found)  # what is rejected repeats nothing
