import json

import pytest
from sqlalchemy import text
from sqlmodel import select

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.errors import EditConflictError, StoreError
from workbench.store.tables import AuditRow

from .store_examples import a_call, a_set


def phrases(store, distortion="jpeg"):
    return [row.attribute.phrase for row in store.draft.rows(distortion)]


def events(store):
    with store.database.reading() as session:
        rows = session.exec(select(AuditRow).order_by(text("id"))).all()
    load = lambda state: json.loads(state) if state else None  # noqa: E731
    return [(row.author, row.action, load(row.before), load(row.after)) for row in rows]


@pytest.fixture
def row(store):
    return store.draft.add("jpeg", Attribute(phrase="blocky edges", origin="llm"), author="ann")


def test_attributes_are_listed_by_distortion_in_the_order_they_came(store):
    for distortion, phrase in (("noise", "grain"), ("jpeg", "tiles"), ("jpeg", "ringing")):
        store.draft.add(distortion, Attribute(phrase=phrase), author="ann")
    assert [(row.distortion, row.attribute.phrase) for row in store.draft.rows()] == [
        ("jpeg", "tiles"),
        ("jpeg", "ringing"),
        ("noise", "grain"),
    ]
    assert store.draft.attribute_set().phrases() == {
        "jpeg": ("tiles", "ringing"),
        "noise": ("grain",),
    }


def test_rewording_makes_it_the_experts_and_keeps_its_identity(store, row):
    edited = store.draft.edit(row.id, "There is a grid of blocks.", based_on=1, author="bob")
    assert (edited.id, edited.row_version, edited.updated_by) == (row.id, 2, "bob")
    assert (edited.attribute.phrase, edited.attribute.origin) == ("grid of blocks", "expert")
    assert edited.attribute.identity == row.attribute.identity
    assert edited.updated_at > row.updated_at
    assert store.draft.rows() == [edited]


def test_rewording_keeps_the_call_that_the_sentence_came_from(store):
    call = store.calls.add(a_call())
    row = store.draft.add(
        "jpeg", Attribute(phrase="blocks", origin="llm", call_id=call.id), author="ann"
    )
    edited = store.draft.edit(row.id, "square blocks", based_on=1, author="bob")
    assert edited.attribute.call_id == call.id


def test_saving_the_same_words_changes_nothing(store, row):
    assert store.draft.edit(row.id, "  There is blocky edges. ", based_on=1, author="b") == row
    assert len(events(store)) == 1


def test_words_that_normalising_again_would_shorten_stay_as_they_are(store):
    row = store.draft.add("jpeg", Attribute(phrase="a a a blur"), author="ann")
    assert store.draft.rows() == [row]
    assert store.draft.edit(row.id, row.attribute.phrase, based_on=1, author="ann") == row


def test_a_status_is_set_and_recorded(store, row):
    accepted = store.draft.set_status(row.id, "accepted", based_on=1, author="bob")
    assert (accepted.attribute.status, accepted.attribute.origin) == ("accepted", "llm")
    author, action, before, after = events(store)[-1]
    assert (author, action) == ("bob", "set status")
    assert (before["status"], after["status"]) == ("proposed", "accepted")


def test_an_unknown_status_is_refused(store, row):
    with pytest.raises(StoreError, match="'fine' is no status; use proposed, accepted, needs work"):
        store.draft.set_status(row.id, "fine", based_on=1, author="bob")


def test_of_two_edits_of_one_state_the_second_learns_who_made_the_first(store, row):
    store.draft.edit(row.id, "square blocks", based_on=1, author="bob")
    with pytest.raises(EditConflictError, match="changed by bob to 'square blocks'"):
        store.draft.edit(row.id, "checkered look", based_on=1, author="eve")
    with pytest.raises(EditConflictError, match="bob"):
        store.draft.set_status(row.id, "rejected", based_on=1, author="eve")
    with pytest.raises(EditConflictError, match="bob"):
        store.draft.remove(row.id, based_on=1, author="eve")
    assert phrases(store) == ["square blocks"]


def test_editing_what_was_removed_says_who_removed_it(store, row):
    store.draft.remove(row.id, based_on=1, author="bob")
    with pytest.raises(EditConflictError, match=f"Attribute {row.id} was removed by bob"):
        store.draft.edit(row.id, "square blocks", based_on=1, author="eve")


def test_an_attribute_that_never_was_is_no_conflict(store):
    with pytest.raises(StoreError, match="The draft has no attribute 99") as caught:
        store.draft.remove(99, based_on=1, author="eve")
    assert not isinstance(caught.value, EditConflictError)


def test_the_number_of_a_removed_attribute_is_not_given_out_again(store, row):
    store.draft.remove(row.id, based_on=1, author="bob")
    assert store.draft.add("jpeg", Attribute(phrase="new"), author="ann").id > row.id


@pytest.mark.parametrize("twin", ["BLOCKY edges", "There is a blocky edges in the photo."])
def test_the_same_words_twice_in_a_distortion_are_refused(store, row, twin):
    other = store.draft.add("jpeg", Attribute(phrase="mosaic"), author="ann")
    count = len(events(store))
    message = f"jpeg already has 'blocky edges' .attribute {row.id}, proposed.*Nothing was changed"
    with pytest.raises(StoreError, match=message):
        store.draft.add("jpeg", Attribute(phrase=twin), author="ann")
    with pytest.raises(StoreError, match=message):
        store.draft.edit(other.id, twin, based_on=1, author="ann")
    assert store.draft.rows() == [row, other]
    assert len(events(store)) == count
    assert store.draft.add("noise", Attribute(phrase=twin), author="ann").distortion == "noise"


def test_the_case_of_a_phrase_may_be_changed(store, row):
    edited = store.draft.edit(row.id, "blocky EDGES", based_on=1, author="ann")
    assert edited.attribute.phrase == "blocky EDGES"


@pytest.mark.parametrize(
    ("phrase", "reason"),
    [
        ("", "at least 1 character"),
        ("   ", "an attribute needs words"),
        ("...", "an attribute needs words"),
        ("x" * 201, "at most 200 characters"),
    ],
)
def test_a_phrase_without_words_or_too_long_is_refused(store, row, phrase, reason):
    with pytest.raises(StoreError, match=f"cannot be used: .*{reason}.*Nothing was changed"):
        store.draft.edit(row.id, phrase, based_on=1, author="ann")
    assert store.draft.rows() == [row]


def test_a_character_that_no_database_can_hold_is_refused_by_both(store, row):
    with pytest.raises(
        StoreError, match=r"'a\\x00b' cannot be used: an attribute holds no control"
    ):
        store.draft.edit(row.id, "a\x00b", based_on=1, author="ann")
    assert store.draft.rows() == [row]


def test_an_edit_without_author_or_distortion_is_refused(store, row):
    with pytest.raises(StoreError, match="needs an author; set WORKBENCH_AUTHOR"):
        store.draft.edit(row.id, "new words", based_on=1, author=" ")
    with pytest.raises(StoreError, match="needs a distortion"):
        store.draft.add(" ", Attribute(phrase="x"), author="ann")
    assert store.draft.rows() == [row]


def test_a_call_that_is_not_in_the_log_is_refused(store):
    with pytest.raises(StoreError, match="not in this store's log: 41"):
        store.draft.add("jpeg", Attribute(phrase="x", call_id=41), author="ann")
    assert store.draft.rows() == []


def test_replacing_leaves_other_distortions_alone(store, row):
    store.draft.add("noise", Attribute(phrase="grain"), author="ann")
    store.draft.replace(a_set(jpeg=["rings", "mosaic"]), author="bob")
    assert store.draft.attribute_set().phrases() == {
        "jpeg": ("rings", "mosaic"),
        "noise": ("grain",),
    }


def test_replacing_keeps_the_identity_of_what_stays(store, row):
    content = AttributeSet(by_distortion={"jpeg": (Attribute(phrase="rings"), row.attribute)})
    store.draft.replace(content, author="bob")
    rings, remaining = store.draft.rows("jpeg")
    assert (remaining.id, remaining.row_version, remaining.position) == (row.id, 1, 1)
    assert rings.id > row.id
    assert store.draft.edit(row.id, "square blocks", based_on=1, author="eve").row_version == 2


def test_replacing_named_distortions_empties_those_the_set_lacks(store, row):
    store.draft.replace(
        a_set(noise=["grain"], blur=["haze"]), author="b", distortions=["jpeg", "noise"]
    )
    assert store.draft.attribute_set().phrases() == {"noise": ("grain",)}


def test_a_replacement_with_one_fault_changes_nothing(store, row):
    faulty = AttributeSet(
        by_distortion={
            "jpeg": (Attribute(phrase="rings"),),
            "noise": (Attribute(phrase="grain", call_id=5),),
        }
    )
    with pytest.raises(StoreError, match="log: 5"):
        store.draft.replace(faulty, author="bob")
    unstorable = Attribute.model_construct(
        **{**dict(row.attribute), "phrase": "a\x00b", "identity": None}
    )
    with pytest.raises(StoreError, match="NUL"):
        store.draft.replace(
            AttributeSet.model_construct(by_distortion={"noise": (unstorable,)}), author="bob"
        )
    assert store.draft.rows() == [row]
    assert len(events(store)) == 1


def test_every_edit_leaves_an_event_with_what_was_and_what_is(store, row):
    store.draft.edit(row.id, "square blocks", based_on=1, author="bob")
    store.draft.replace(a_set(jpeg=["rings"]), author="eve")
    (new,) = store.draft.rows()
    store.draft.remove(new.id, based_on=1, author="ann")
    recorded = [
        (author, action, before and before["phrase"], after and after["phrase"])
        for author, action, before, after in events(store)
    ]
    assert recorded == [
        ("ann", "add", None, "blocky edges"),
        ("bob", "edit", "blocky edges", "square blocks"),
        ("eve", "replace", "square blocks", None),
        ("eve", "replace", None, "rings"),
        ("ann", "remove", "rings", None),
    ]
