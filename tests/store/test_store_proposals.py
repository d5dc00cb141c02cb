"""Proposals: nothing happens by itself, and nothing is replaced that has changed since."""

import pytest

from tests.factories import make_proposal as proposal
from workbench.domain.attributes import Attribute
from workbench.domain.proposal import OtherSentence
from workbench.errors import EditConflictError, StoreError
from workbench.store.text import attribute_text, read_attributes

from .store_examples import a_call


@pytest.fixture
def row(store):
    return store.draft.add("jpeg", Attribute(phrase="blocky edges", origin="llm"), author="ann")


def test_a_proposal_is_kept_as_it_was_made_and_the_draft_stays(store, row):
    (kept,) = store.proposals.add_all([proposal(row)], author="bob")
    assert store.proposals.list() == store.proposals.list("open") == [kept]
    assert kept.model_copy(update={"id": None, "author": "", "created_at": None}) == proposal(row)
    assert (kept.state, kept.author) == ("open", "bob")
    assert store.draft.rows("jpeg") == [row]


def test_the_same_proposal_again_is_the_one_that_is_there(store, row):
    first = store.proposals.add_all([proposal(row)], author="bob")
    assert store.proposals.add_all([proposal(row)], author="bob") == first
    assert len(store.proposals.list()) == 1


def test_taking_one_replaces_the_words_and_keeps_the_attribute(store, row):
    call = store.calls.add(a_call())
    (kept,) = store.proposals.add_all([proposal(row, call_id=call.id)], author="bob")
    (now,) = store.proposals.take([kept.id], author="eva")
    attribute = now.attribute
    assert (now.id, attribute.identity) == (row.id, row.attribute.identity)
    assert (attribute.phrase, attribute.origin) == ("tiles with hard borders", "improved")
    assert (attribute.call_id, now.row_version) == (call.id, row.row_version + 1)
    (taken,) = store.proposals.list("taken")
    assert (taken.decided_by, taken.decided_at is not None) == ("eva", True)
    assert store.history.of(attribute.identity)[-1].after == "tiles with hard borders"
    assert store.verify() == []


def test_another_point_of_the_front_is_taken_with_its_own_call(store, row):
    call = store.calls.add(a_call())
    made = proposal(row)
    other = OtherSentence(new="square tiles", figures=made.after, validation_gain=0.2,
                          call_id=call.id)  # fmt: skip
    (kept,) = store.proposals.add_all([made.model_copy(update={"others": (other,)})], author="bob")
    assert store.proposals.get(kept.id).others == (other,)
    with pytest.raises(StoreError, match="has 1 other sentences, and number 2"):
        store.proposals.take([kept.id], author="eva", other=2)
    with pytest.raises(StoreError, match="cannot both be taken"):
        store.proposals.take([kept.id], author="eva", other=1, words="tiles")
    (now,) = store.proposals.take([kept.id], author="eva", other=1)
    attribute = now.attribute
    assert (attribute.phrase, attribute.origin, attribute.call_id) == (
        "square tiles", "improved", call.id,
    )  # fmt: skip
    assert store.verify() == []


def test_taking_one_is_undone_as_any_edit(store, row):
    (kept,) = store.proposals.add_all([proposal(row)], author="bob")
    store.proposals.take([kept.id], author="eva")
    store.record.undo_change(store.record.events(limit=1)[0].change, author="eva")
    assert store.draft.rows("jpeg")[0].attribute == row.attribute


def test_an_attribute_that_changed_since_is_not_replaced(store, row):
    (kept,) = store.proposals.add_all([proposal(row)], author="bob")
    changed = store.draft.edit(row.id, "square tiles", based_on=row.row_version, author="ann")
    with pytest.raises(EditConflictError, match=r"for 'blocky edges'.*by ann to 'square tiles'"):
        store.proposals.take([kept.id], author="eva")
    assert store.draft.rows("jpeg") == [changed]
    assert store.proposals.list("open") == [kept]
    store.proposals.reject([kept.id], author="eva")


def test_an_attribute_that_is_gone_is_named(store, row):
    (kept,) = store.proposals.add_all([proposal(row)], author="bob")
    store.draft.remove(row.id, based_on=row.row_version, author="ann")
    with pytest.raises(EditConflictError, match=r"'blocky edges'\) is no longer in the draft"):
        store.proposals.take([kept.id], author="eva")


def test_several_are_taken_all_or_none(store, row):
    other = store.draft.add("jpeg", Attribute(phrase="ringing"), author="ann")
    kept = store.proposals.add_all(
        [proposal(row), proposal(other, new="specks around contours")], author="bob"
    )
    store.draft.edit(other.id, "echoes", based_on=other.row_version, author="ann")
    with pytest.raises(EditConflictError):
        store.proposals.take([each.id for each in kept], author="eva")
    assert store.draft.rows("jpeg")[0] == row


def test_words_that_the_type_has_already_are_refused(store, row):
    store.draft.add("jpeg", Attribute(phrase="Tiles with hard borders"), author="ann")
    (kept,) = store.proposals.add_all([proposal(row)], author="bob")
    with pytest.raises(StoreError, match="already has 'tiles with hard borders'"):
        store.proposals.take([kept.id], author="eva")


def test_what_is_decided_is_not_decided_again(store, row):
    (kept,) = store.proposals.add_all([proposal(row)], author="bob")
    (rejected,) = store.proposals.reject([kept.id], author="eva")
    assert (rejected.state, rejected.decided_by) == ("rejected", "eva")
    with pytest.raises(StoreError, match=r"was rejected by eva already"):
        store.proposals.take([kept.id], author="eva")
    with pytest.raises(StoreError, match="There is no proposal 99"):
        store.proposals.reject([99], author="eva")
    assert store.draft.rows("jpeg") == [row]


def test_why_somebody_decided_is_kept(store, row):
    (kept,) = store.proposals.add_all([proposal(row)], author="bob")
    (rejected,) = store.proposals.reject([kept.id], author="eva", note=" Says less. ")
    assert rejected.note == "Says less."
    assert store.proposals.list("rejected") == [rejected]


def test_other_words_than_those_proposed_are_the_experts(store, row):
    (kept,) = store.proposals.add_all([proposal(row)], author="bob")
    with pytest.raises(StoreError, match="cannot be used"):
        store.proposals.take([kept.id], author="eva", words=" ")
    (now,) = store.proposals.take([kept.id], author="eva", words=" tiles with  sharp borders")
    assert (now.attribute.phrase, now.attribute.origin) == ("tiles with sharp borders", "expert")
    assert store.proposals.list("taken")[0].new == "tiles with hard borders"


def test_other_words_are_for_one_proposal(store, row):
    other = store.draft.add("jpeg", Attribute(phrase="ringing"), author="ann")
    kept = store.proposals.add_all([proposal(row), proposal(other, new="specks")], author="bob")
    with pytest.raises(StoreError, match="for one proposal, and 2 were named"):
        store.proposals.take([each.id for each in kept], author="eva", words="waves")
    assert store.proposals.list("open") == kept


def test_a_call_that_is_not_in_the_log_is_refused(store, row):
    with pytest.raises(StoreError, match="not in this store's log: 41"):
        store.proposals.add_all([proposal(row, call_id=41)], author="bob")
    assert store.proposals.list() == []


def test_the_origin_survives_freezing_and_text(store, row, tmp_path):
    (kept,) = store.proposals.add_all([proposal(row)], author="bob")
    store.proposals.take([kept.id], author="eva")
    version = store.versions.freeze(store.draft.attribute_set(), message="m", author="eva")
    assert version.attributes.by_distortion["jpeg"][0].origin == "improved"
    for form in ("yaml", "json", "csv"):
        file = tmp_path / f"set.{form}"
        file.write_text(attribute_text(version.attributes, form), encoding="utf-8")
        assert read_attributes(file).by_distortion["jpeg"][0].origin == "improved"
