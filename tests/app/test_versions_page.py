"""The page Versions: what was frozen, and the names that point at it."""

import pytest

from workbench.domain.attributes import Attribute

pytestmark = pytest.mark.slow


@pytest.fixture
def versions(page, full_store):
    return page("versions")


def set_alias(versions, alias):
    next(f for f in versions.text_input if f.label == "Alias").input(alias)
    return next(b for b in versions.button if b.label == "Set alias").click().run()


def test_messages_are_shown_as_they_were_written(versions):
    bodies = [element.proto.body for element in versions.get("html")]
    table = next(body for body in bodies if "Newest first" in body)
    assert "Curated &lt;set&gt;" in table
    assert "<set>" not in table


def test_an_alias_is_set(versions, full_store):
    versions = set_alias(versions, "best")
    assert full_store.versions.get("best").hash == full_store.versions.get("curated").hash
    assert "is now called best" in versions.success[0].value


def test_an_alias_that_reads_as_a_hash_is_refused(versions, full_store):
    versions = set_alias(versions, "decade")
    assert "reads as a hash" in versions.error[0].value
    assert {alias for v in full_store.versions.list() for alias in v.aliases} == {
        "draft",
        "curated",
    }


def button(shown, label):
    return next(b for b in shown.button if b.label == label)


def box(shown, label):
    return next(s for s in shown.selectbox if s.label == label)


def tables(shown):
    return [element.proto.body for element in shown.get("html")]


def test_what_changed_is_shown_word_by_word(page, full_store):
    row = full_store.draft.rows("jpeg")[0]
    full_store.draft.edit(row.id, "grid of square tiles", based_on=row.row_version, author="ann")
    full_store.draft.set_base("curated", author="ann")
    shown = page("versions")
    (table,) = [body for body in tables(shown) if "struck out" in body]
    assert "<del>visible</del> grid of <del>small</del> square" in table
    assert "<ins>tiles</ins>" in table


def test_a_version_is_brought_back_only_when_nothing_is_lost_by_it(versions, full_store):
    draft = full_store.versions.get("draft")
    box(versions, "Version to bring back").select(draft.hash)
    versions = button(versions, "Make it the draft").click().run()
    assert "would lose" in versions.error[0].value
    next(c for c in versions.checkbox if c.label.startswith("Discard")).check()
    versions = button(versions, "Make it the draft").click().run()
    assert "The draft is version draft now" in versions.success[0].value
    assert full_store.draft.attribute_set() == draft.attributes
    assert full_store.draft.base() == draft.hash


def reworded(store, words, alias):
    """Freeze the curated set with its first attribute of JPEG in other words, and one more."""
    version = store.draft.restore("curated", author="ann", discard=True)
    row = store.draft.rows("jpeg")[0]
    store.draft.edit(row.id, words, based_on=row.row_version, author="ann")
    store.draft.add("jpeg", Attribute(phrase=f"added by {alias}"), author="ann")
    return store.versions.freeze(
        store.draft.attribute_set(), message=alias, author="ann", parent=version.hash, alias=alias
    )


def test_a_merge_asks_about_each_conflict_and_freezes_a_version_of_two_parents(page, full_store):
    ours = reworded(full_store, "square tiles", "ours")
    theirs = reworded(full_store, "chessboard", "theirs")
    shown = page("versions")
    shown = box(shown, "Merge into").select(ours.hash).run()
    shown = box(shown, "What is merged in").select(theirs.hash).run()
    assert button(shown, "Merge and freeze").disabled
    (conflict,) = [radio for radio in shown.radio if "both reworded" in radio.label]
    shown = conflict.set_value("theirs").run()
    next(f for f in shown.text_input if f.label == "Message of the merge").input("together")
    shown = button(shown, "Merge and freeze").click().run()
    assert not shown.error
    newest = full_store.versions.list()[0]
    assert (newest.parent, newest.merged) == (ours.hash, theirs.hash)
    phrases = newest.attributes.phrases()["jpeg"]
    assert {"chessboard", "added by ours", "added by theirs"} <= set(phrases)
    assert "square tiles" not in phrases
