from zipfile import ZipFile

import pytest

from workbench.domain.attributes import Attribute, AttributeSet, birth_identity
from workbench.domain.audit_events import STARTED
from workbench.errors import EditConflictError, StoreError
from workbench.roles import ANYBODY
from workbench.store.bundle import export_bundle

from .store_examples import a_set


def phrases(store, distortion="jpeg"):
    return [row.attribute.phrase for row in store.draft.rows(distortion)]


def newest(store):
    return store.record.events(limit=1)[0]


def what(row):
    """A draft row without the marks of who touched it last."""
    return row.model_dump(exclude={"row_version", "updated_at", "updated_by"})


@pytest.fixture
def rows(store):
    store.draft.replace(a_set(jpeg=["tiles", "rings", "mosaic"]), author="ann")
    return store.draft.rows()


EDITS = {
    "add": lambda store, rows: store.draft.add("jpeg", Attribute(phrase="new"), author="bob"),
    "edit": lambda store, rows: store.draft.edit(rows[1].id, "halos", based_on=1, author="bob"),
    "set status": lambda store, rows: store.draft.set_status(
        rows[1].id, "accepted", based_on=1, author="bob"
    ),
    "remove": lambda store, rows: store.draft.remove(rows[1].id, based_on=1, author="bob"),
    "move": lambda store, rows: store.draft.move(rows[2].id, 0, based_on=1, author="bob"),
}


@pytest.mark.parametrize("action", EDITS)
def test_each_kind_of_edit_can_be_undone_and_redone(store, rows, action):
    EDITS[action](store, rows)
    edited, event = store.draft.rows(), store.record.events(change=newest(store).change)[-1]
    assert event.action == action
    undone = store.record.undo(event.id, author="eve")
    assert [what(row) for row in store.draft.rows()] == [what(row) for row in rows]
    assert {(e.author, e.action.partition(" ")[0]) for e in undone} == {("eve", "undo")}
    redone = store.record.undo(undone[0].id, author="kim")
    assert [what(row) for row in store.draft.rows()] == [what(row) for row in edited]
    assert redone[0].action.startswith("redo ")
    assert store.verify() == []


@pytest.mark.parametrize("change", ["replace", "restore"])
def test_a_change_of_many_attributes_is_undone_as_one(store, rows, change):
    version = store.versions.freeze(a_set(jpeg=["mosaic"], blur=["haze"]), message="m", author="a")
    if change == "replace":
        swapped = [rows[i].attribute.model_copy(update={"phrase": rows[1 - i].attribute.phrase})
                   for i in (0, 1)]  # fmt: skip
        store.draft.replace(AttributeSet(by_distortion={"jpeg": tuple(swapped)}), author="bob")
        assert phrases(store) == ["rings", "tiles"]
    else:
        store.draft.restore(version.hash, author="bob", discard=True)
        assert store.draft.base() == version.hash
    changed = [what(row) for row in store.draft.rows()]
    undone = store.record.undo_change(newest(store).change, author="eve")
    assert [what(row) for row in store.draft.rows()] == [what(row) for row in rows]
    assert store.draft.base() is None
    store.record.undo_change(undone[0].change, author="eve")
    assert [what(row) for row in store.draft.rows()] == changed
    assert store.verify() == []


def test_what_somebody_has_built_on_is_not_undone(store, rows):
    EDITS["edit"](store, rows)
    event = newest(store).id
    store.draft.set_status(rows[1].id, "rejected", based_on=2, author="eve")
    refused = r"attribute \d+ was changed by eve to 'halos' \(rejected\) since \(event 5, set st"
    with pytest.raises(EditConflictError, match=refused):
        store.record.undo(event, author="bob")
    store.draft.remove(rows[1].id, based_on=3, author="kim")
    with pytest.raises(EditConflictError, match="was changed by kim since"):
        store.record.undo(event, author="bob")


def test_a_change_with_one_attribute_that_was_edited_since_stays_whole(store, rows):
    store.draft.edit(rows[0].id, "grid", based_on=1, author="bob")
    before = store.draft.rows()
    with pytest.raises(EditConflictError, match=f"attribute {rows[0].id} was changed by bob"):
        store.record.undo_change(1, author="eve")
    assert store.draft.rows() == before


def test_other_attributes_may_have_come_and_gone_before_an_undo(store, rows):
    EDITS["move"](store, rows)
    change = newest(store).change
    store.draft.add("jpeg", Attribute(phrase="new"), author="kim")
    store.record.undo_change(change, author="bob")
    assert phrases(store) == ["tiles", "rings", "mosaic", "new"]


def test_what_has_lost_its_place_does_not_come_back(store, rows):
    EDITS["remove"](store, rows)
    gone = newest(store).id
    new = store.draft.add("jpeg", Attribute(phrase="RINGS"), author="kim")
    with pytest.raises(
        StoreError, match=r"'rings' of jpeg cannot come back: attribute \d+ \('RINGS'"
    ):
        store.record.undo(gone, author="bob")
    store.draft.edit(new.id, "waves", based_on=1, author="kim")  # other words, the identity still
    with pytest.raises(StoreError, match=r"of kim\) has taken its place since"):
        store.record.undo(gone, author="bob")
    assert phrases(store) == ["tiles", "mosaic", "waves"]


def test_an_editor_who_read_a_row_before_it_was_removed_and_brought_back_is_refused(store, rows):
    EDITS["edit"](store, rows)
    store.draft.remove(rows[1].id, based_on=2, author="bob")
    store.record.undo(newest(store).id, author="bob")
    for version in (1, 2):
        with pytest.raises(EditConflictError, match="was changed by bob to 'halos'"):
            store.draft.edit(rows[1].id, "echo", based_on=version, author="eve")


def test_freezing_naming_and_commenting_stay(store, rows):
    store.versions.freeze(store.draft.attribute_set(), message="m", author="a", alias="best")
    store.comments.add(rows[0].attribute.identity, "hm", author="bob")
    for event in store.record.events(limit=4):
        if event.subject != "draft":
            with pytest.raises(StoreError, match=r"cannot be undone; only edits of the draft can"):
                store.record.undo_change(event.change, author="bob")
    assert store.draft.base() is not None


@pytest.mark.parametrize("undo", ["undo", "undo_change"])
def test_what_is_not_on_record_is_said(store, undo):
    with pytest.raises(StoreError, match=r"The record has no (event|change) 7\."):
        getattr(store.record, undo)(7, author="bob")


def test_events_are_found_by_attribute_thing_and_change_newest_first(store, rows):
    EDITS["edit"](store, rows)
    identity = rows[1].attribute.identity
    store.comments.add(identity, "hm", author="kim")
    assert [e.action for e in store.record.events(identity=identity)] == [
        "comment", "edit", "replace",
    ]  # fmt: skip
    assert [e.id for e in store.record.events(change=1)] == [3, 2, 1]
    (edit, came) = store.record.events(subject=f"attribute:{rows[1].id}")
    assert (edit.before["phrase"], edit.after["phrase"], came.before) == ("rings", "halos", None)
    assert [e.id for e in store.record.events(limit=2)] == [5, 4]


def test_moving_gives_a_place_among_the_distortions_own(store, rows):
    store.draft.add("blur", Attribute(phrase="haze"), author="ann")
    moved = store.draft.move(rows[0].id, 2, based_on=1, author="bob")
    assert phrases(store) == ["rings", "mosaic", "tiles"]
    assert (moved.row_version, moved.updated_by) == (2, "bob")
    assert [row.row_version for row in store.draft.rows("jpeg")] == [1, 1, 2]
    with pytest.raises(EditConflictError, match="changed by bob"):
        store.draft.move(rows[0].id, 0, based_on=1, author="eve")
    with pytest.raises(StoreError, match="jpeg has places 0 to 2, got 3"):
        store.draft.move(rows[0].id, 3, based_on=2, author="eve")
    count = newest(store).id
    assert store.draft.move(rows[0].id, 2, based_on=2, author="eve") == moved
    assert newest(store).id == count


def test_who_decided_is_kept_and_the_same_decision_again_changes_nothing(store, rows):
    row = store.draft.set_status(rows[0].id, "accepted", based_on=1, author="bob")
    assert row.attribute.decided_by == "bob"
    again = store.draft.set_status(rows[0].id, "accepted", based_on=2, author="eve")
    assert again == row


def test_an_identity_is_given_out_again_only_when_it_is_free(store):
    first = store.draft.add("jpeg", Attribute(phrase="rings"), author="ann")
    store.draft.edit(first.id, "halos", based_on=1, author="ann")
    second = store.draft.add("jpeg", Attribute(phrase="rings"), author="ann")
    assert first.attribute.identity == birth_identity("jpeg", "rings")
    assert second.attribute.identity == birth_identity("jpeg", "rings", 1)
    store.draft.remove(second.id, based_on=1, author="ann")
    third = store.draft.add("jpeg", Attribute(phrase="rings"), author="ann")
    assert third.attribute.identity == second.attribute.identity


def test_replacing_finds_an_attribute_by_identity_and_then_by_words(store, rows):
    reworded = rows[0].attribute.model_copy(update={"phrase": "grid of tiles"})
    stranger = Attribute(phrase="RINGS", identity="f" * 32)
    store.draft.replace(AttributeSet(by_distortion={"jpeg": (stranger, reworded)}), author="bob")
    rings, grid = store.draft.rows("jpeg")
    assert (grid.id, grid.attribute.phrase) == (rows[0].id, "grid of tiles")
    assert (rings.id, rings.attribute.phrase) == (rows[1].id, "RINGS")
    assert rings.attribute.identity == rows[1].attribute.identity


def test_the_records_digest_stands_for_all_of_it(store, rows):
    before = store.record.digest()
    EDITS["edit"](store, rows)
    assert len(before) == 64
    assert store.record.digest() != before


ONE, OTHER = "1" * 32, "2" * 32  # two browsers


def last(store, author):
    found = store.record.undoable(author)
    return found and found.words()


def test_undo_belongs_to_a_person_in_a_browser_not_to_a_name_that_strangers_share(store, rows):
    here, there = store.working_for(ANYBODY, ONE), store.working_for(ANYBODY, OTHER)
    here.draft.edit(rows[0].id, "grid", based_on=1, author="ann")
    there.draft.remove(rows[1].id, based_on=1, author="ann")
    store.draft.set_status(rows[2].id, "accepted", based_on=1, author="ann")  # a command
    assert last(here, "ann") == "edit 'grid' of jpeg (was 'tiles')"
    assert last(there, "ann") == "remove 'rings' from jpeg"
    assert last(here, "bob") is None
    assert last(store, "ann") == "set to accepted 'mosaic' of jpeg (was proposed)"
    assert store.verify() == []


def test_the_command_line_knows_a_person_by_name_alone(store, rows):
    here = store.working_for(ANYBODY, ONE)
    here.draft.edit(rows[0].id, "grid", based_on=1, author="bob")
    assert last(store, "bob") == "edit 'grid' of jpeg (was 'tiles')"


def test_what_is_taken_back_is_done_again_step_by_step_until_the_next_edit(store, rows):
    here = store.working_for(ANYBODY, ONE)
    here.draft.edit(rows[0].id, "grid", based_on=1, author="bob")
    here.draft.move(rows[2].id, 0, based_on=1, author="bob")
    edited = [what(row) for row in store.draft.rows()]
    assert here.record.redoable("bob") is None
    for words in ("move 'mosaic' of jpeg", "edit 'grid' of jpeg (was 'tiles')"):
        change = here.record.undoable("bob")
        assert change.words() == words
        here.record.undo_change(change.change, author="bob")
        assert here.record.redoable("bob").words() == words
    assert here.record.undoable("bob") is None
    assert [what(row) for row in store.draft.rows()] == [what(row) for row in rows]
    for words in ("edit 'grid' of jpeg (was 'tiles')", "move 'mosaic' of jpeg"):
        change = here.record.redoable("bob")
        assert change.words() == words
        here.record.undo_change(change.change, author="bob")
        assert here.record.undoable("bob").words() == words
    assert here.record.redoable("bob") is None
    assert [what(row) for row in store.draft.rows()] == edited
    here.record.undo_change(here.record.undoable("bob").change, author="bob")
    here.draft.add("jpeg", Attribute(phrase="new"), author="bob")
    assert here.record.redoable("bob") is None
    assert store.verify() == []


def test_a_change_of_many_says_its_scope(store):
    rows = a_set(jpeg=["tiles", "rings", "mosaic"], blur=["haze", "veil", "soft edges"])
    store.draft.replace(rows, author="ann", action=STARTED)
    change = store.record.undoable("ann")
    assert change.words() == "6 attributes in 2 types, 'Started from the curated set'"
    assert change.is_large
    store.record.undo_change(change.change, author="ann")
    assert store.draft.rows() == []
    assert store.record.redoable("ann").words() == change.words()


def test_a_restoration_that_only_moved_the_base_is_the_last_change(store, rows):
    version = store.versions.freeze(store.draft.attribute_set(), message="m", author="ann")
    other = store.versions.freeze(a_set(jpeg=["else"]), message="n", author="ann")
    store.draft.set_base(other.hash, author="ann")
    store.draft.restore(version.hash, author="bob", discard=True)
    change = store.record.undoable("bob")
    assert change.words() == "'Version brought back'"
    store.record.undo_change(change.change, author="bob")
    assert store.draft.base() == other.hash


def test_far_more_edits_by_others_hide_nothing(store, rows):
    here = store.working_for(ANYBODY, ONE)
    here.draft.edit(rows[0].id, "grid", based_on=1, author="ann")
    many = a_set(blur=[f"haze number {n}" for n in range(300)])
    store.draft.replace(many, author="ann")
    assert last(here, "ann") == "edit 'grid' of jpeg (was 'tiles')"


def test_what_another_has_undone_is_not_offered(store, rows):
    here = store.working_for(ANYBODY, ONE)
    here.draft.edit(rows[0].id, "grid", based_on=1, author="ann")
    store.record.undo(newest(store).id, author="bob")
    assert here.record.undoable("ann") is None
    assert here.record.redoable("ann") is None  # it was bob who took it back


def test_a_bundle_says_nothing_of_browsers(store, rows, tmp_path):
    here = store.working_for(ANYBODY, ONE)
    here.draft.edit(rows[0].id, "grid", based_on=1, author="ann")
    here.versions.freeze(here.draft.attribute_set(), message="m", author="ann", alias="best")
    export_bundle(store, tmp_path / "b.zip", ["best"])
    with ZipFile(tmp_path / "b.zip") as file:
        assert not any(ONE.encode() in file.read(name) for name in file.namelist())
