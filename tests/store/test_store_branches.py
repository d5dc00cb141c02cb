import pytest

from workbench.domain.attributes import Attribute
from workbench.errors import StoreError, VersionNotFoundError
from workbench.roles import ANYBODY

from .store_examples import a_set


@pytest.fixture
def frozen(store):
    """Two versions, the draft standing at the second."""
    store.draft.replace(a_set(jpeg=["tiles", "rings"]), author="ann")
    first = store.versions.freeze(store.draft.attribute_set(), message="one", author="ann")
    row = store.draft.rows()[0]
    store.draft.edit(row.id, "grid", based_on=1, author="bob")
    store.draft.set_status(row.id, "accepted", based_on=2, author="kim")
    second = store.versions.freeze(
        store.draft.attribute_set(), message="two", author="ann", parent=store.draft.base()
    )
    return first, second


def test_freezing_the_draft_makes_the_version_its_base(store, frozen):
    assert store.draft.base() == frozen[1].hash
    assert frozen[1].parent == frozen[0].hash
    assert not store.draft.is_changed()
    store.draft.add("jpeg", Attribute(phrase="new"), author="ann")
    assert store.draft.is_changed()


def test_freezing_something_else_leaves_the_base(store, frozen):
    store.versions.freeze(a_set(blur=["haze"]), message="m", author="ann")
    assert store.draft.base() == frozen[1].hash


def test_an_empty_draft_without_a_base_is_not_changed(store):
    assert store.draft.base() is None
    assert not store.draft.is_changed()
    store.draft.add("jpeg", Attribute(phrase="new", status="rejected"), author="ann")
    assert not store.draft.is_changed()
    store.draft.add("jpeg", Attribute(phrase="newer"), author="ann")
    assert store.draft.is_changed()


def test_restoring_goes_back_and_forth_between_versions_with_all_they_hold(store, frozen):
    ids = [row.id for row in store.draft.rows()]
    for version in (*frozen, frozen[0]):
        assert store.draft.restore(version.hash, author="eve") == version
        assert store.draft.attribute_set() == version.attributes
        assert store.draft.base() == version.hash
        assert not store.draft.is_changed()
        assert [row.id for row in store.draft.rows()] == ids
    assert frozen[1].attributes.by_distortion["jpeg"][0].decided_by == "kim"
    assert store.verify() == []


def test_going_on_from_an_old_version_is_a_branch(store, frozen):
    store.draft.restore(frozen[0].hash, author="eve")
    store.draft.add("jpeg", Attribute(phrase="new"), author="eve")
    branch = store.versions.freeze(
        store.draft.attribute_set(), message="three", author="eve", parent=store.draft.base()
    )
    assert branch.parent == frozen[1].parent == frozen[0].hash


@pytest.mark.parametrize(
    ("edits", "count"),
    [
        (["add"], "1 change"),
        (["set status"], "1 change"),
        (["move"], "2 changes"),  # both stand elsewhere
        (["add", "edit", "remove"], "2 changes"),  # of one reworded and one added, one is gone
    ],
)
def test_what_no_version_holds_is_not_lost_unasked(store, frozen, edits, count):
    deeds = {
        "add": lambda row: store.draft.add("jpeg", Attribute(phrase="new"), author="eve"),
        "edit": lambda row: store.draft.edit(row.id, "x y", based_on=1, author="eve"),
        "set status": lambda row: store.draft.set_status(
            row.id, "needs work", based_on=1, author="eve"
        ),
        "move": lambda row: store.draft.move(row.id, 0, based_on=1, author="eve"),
        "remove": lambda row: store.draft.remove(row.id, based_on=2, author="eve"),
    }
    for edit in edits:
        deeds[edit](store.draft.rows()[1])
    before = store.draft.rows()
    with pytest.raises(StoreError, match=f"would lose {count} of the draft that no version holds"):
        store.draft.restore(frozen[0].hash, author="eve")
    assert (store.draft.rows(), store.draft.base()) == (before, frozen[1].hash)
    store.draft.restore(frozen[0].hash, author="eve", discard=True)
    assert store.draft.attribute_set() == frozen[0].attributes


def test_a_rejected_attribute_that_freezing_left_out_is_no_loss(store, frozen):
    store.draft.add("jpeg", Attribute(phrase="pretty", status="rejected"), author="ann")
    store.draft.restore(frozen[0].hash, author="eve")
    assert store.draft.attribute_set() == frozen[0].attributes


def test_the_base_may_be_named_without_touching_the_draft(store, frozen):
    before = store.draft.rows()
    assert store.draft.set_base(frozen[0].hash[:10], author="eve") == frozen[0]
    assert (store.draft.base(), store.draft.rows()) == (frozen[0].hash, before)
    with pytest.raises(VersionNotFoundError, match="Unknown version 'nope'"):
        store.draft.set_base("nope", author="eve")
    assert store.verify() == []


def test_a_merge_has_two_parents(store, frozen):
    first, second = frozen
    merged = store.versions.freeze(
        a_set(jpeg=["both"]), message="merge", author="a", parent=first.hash, merged=second.hash
    )
    assert (merged.parent, merged.merged) == (first.hash, second.hash)
    assert store.versions.get(merged.hash) == merged
    assert store.record.events(subject=f"version:{merged.hash}")[0].after == {
        "message": "merge", "parent": first.hash, "merged": second.hash,
    }  # fmt: skip
    with pytest.raises(StoreError, match="A merge has two parents; 'x' was merged into none"):
        store.versions.freeze(a_set(jpeg=["z z"]), message="m", author="a", merged="x")
    with pytest.raises(VersionNotFoundError, match="Unknown version 'x'"):
        store.versions.freeze(
            a_set(jpeg=["z z"]), message="m", author="a", parent=first.hash, merged="x"
        )


def test_summaries_say_what_a_list_shows(store, frozen):
    store.versions.set_alias("best", frozen[0].hash, author="ann")
    summaries = store.versions.summaries()
    assert [(s.hash, s.size, s.parent, s.label) for s in summaries] == [
        (v.hash, v.attributes.size, v.parent, v.label) for v in store.versions.list()
    ]
    assert summaries[1].label == "best"


def test_the_parent_of_what_is_frozen_is_the_base_at_that_moment_not_when_a_form_was_opened(store):
    """Two people at one draft: the second has read everything before the first freezes."""
    row = store.draft.add("jpeg", Attribute(phrase="tiles"), author="ann")
    here, there = store.working_for(ANYBODY, "1" * 32), store.working_for(ANYBODY, "2" * 32)
    assert there.draft.base() is None
    first, _ = here.versions.freeze_draft(message="one", author="ann")
    there.draft.edit(row.id, "grid", based_on=1, author="bob")
    second, is_new = there.versions.freeze_draft(message="two", author="bob")
    assert (second.parent, is_new) == (first.hash, True)
    assert store.draft.base() == second.hash
    store.draft.edit(row.id, "mosaic", based_on=2, author="bob")
    branch, _ = store.versions.freeze_draft(message="three", author="bob", parent=first.hash)
    assert branch.parent == first.hash
    again, is_new = store.versions.freeze_draft(message="four", author="ann")
    assert (again.hash, is_new) == (branch.hash, False)
