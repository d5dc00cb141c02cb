"""The page Versions: what was frozen, and the names that point at it."""

import pytest

from workbench.app.version_changes import dot_text
from workbench.domain.attributes import Attribute, AttributeSet

pytestmark = pytest.mark.slow


@pytest.fixture
def open_view(page, full_store, monkeypatch):
    def opened(view, **chosen):
        shown = page("versions")
        for label, ref in chosen.items():
            shown = box(shown, label).select(full_store.versions.get(ref).hash).run()
        view_control(shown).set_value(view)
        return shown.run()

    return opened


def view_control(shown):
    return next(group for group in shown.button_group if group.label == "View")


def button(shown, label):
    return next(b for b in shown.button if b.label == label)


def box(shown, label):
    labels = {"version": "Version", "against": "Compared with"}
    return next(s for s in shown.selectbox if s.label == labels.get(label, label))


def field(shown, label):
    return next(f for f in shown.text_input if f.label == label)


def tables(shown):
    return [element.proto.body for element in shown.get("html")]


def test_messages_are_shown_as_they_were_written(page, full_store):
    table = next(body for body in tables(page("versions")) if "newest first" in body)
    assert "Curated &lt;set&gt;" in table
    assert "<set>" not in table


def test_a_search_narrows_the_list_and_says_where_nothing_is_found(page, full_store):
    shown = page("versions")
    shown = field(shown, "Search").input("LANGUAGE model").run()
    (table,) = [body for body in tables(shown) if "newest first" in body]
    assert "1 of 2 versions" in table
    assert "Curated" not in table
    shown = field(shown, "Search").input("nobody").run()
    assert "No version matches" in shown.info[0].value


def test_what_changed_is_shown_side_by_side_word_by_word(page, full_store):
    full_store.draft.restore("curated", author="ann", discard=True)
    row = full_store.draft.rows("jpeg")[0]
    full_store.draft.edit(row.id, "grid of square tiles", based_on=row.row_version, author="ann")
    shown = page("versions")
    shown = box(shown, "version").select("draft").run()
    assert box(shown, "against").value == full_store.versions.get("curated").hash
    assert "1 reworded" in shown.markdown[0].value
    (table,) = [body for body in tables(shown) if "<del>" in body]
    assert "<del>visible</del> grid of <del>small</del> square" in table
    assert "<ins>tiles</ins>" in table
    assert "white noise" not in table.casefold()  # only differences


def test_equal_contents_are_said_to_be_equal(page, full_store):
    full_store.draft.restore("curated", author="ann", discard=True)
    shown = box(page("versions"), "version").select("draft").run()
    assert "the same attributes in the same order" in shown.info[0].value


def test_an_alias_is_set(open_view, full_store):
    shown = open_view("Names", version="draft")
    field(shown, "Alias").input("best")
    shown = button(shown, "Set alias").click().run()
    assert full_store.versions.get("best").hash == full_store.versions.get("draft").hash
    assert "is now called best" in shown.success[0].value


def test_an_alias_that_reads_as_a_hash_is_refused(open_view, full_store):
    shown = open_view("Names", version="draft")
    field(shown, "Alias").input("decade")
    shown = button(shown, "Set alias").click().run()
    assert "reads as a hash" in shown.error[0].value
    assert {alias for v in full_store.versions.list() for alias in v.aliases} == {
        "draft",
        "curated",
    }


def test_a_version_becomes_the_draft_only_when_nothing_is_lost_by_it(open_view, full_store):
    draft = full_store.versions.get("draft")
    shown = open_view("Go on from it", version="draft")
    shown = button(shown, "Make draft the draft").click().run()
    assert "would lose" in shown.error[0].value
    next(c for c in shown.checkbox if c.label.startswith("Discard")).check()
    shown = button(shown, "Make draft the draft").click().run()
    assert "The draft is version draft now" in shown.success[0].value
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


def test_a_merge_asks_about_each_conflict_and_freezes_a_version_of_two_parents(
    open_view, full_store
):
    ours = reworded(full_store, "square tiles", "ours")
    theirs = reworded(full_store, "chessboard", "theirs")
    shown = open_view("Merge", version="ours", against="theirs")
    assert button(shown, "Merge and freeze").disabled
    (conflict,) = [radio for radio in shown.radio if "both reworded" in radio.label]
    shown = conflict.set_value("theirs").run()
    field(shown, "Message of the merge").input("together")
    shown = button(shown, "Merge and freeze").click().run()
    assert not shown.error
    newest = full_store.versions.list()[0]
    assert (newest.parent, newest.merged) == (ours.hash, theirs.hash)
    phrases = newest.attributes.phrases()["jpeg"]
    assert {"chessboard", "added by ours", "added by theirs"} <= set(phrases)
    assert "square tiles" not in phrases


def test_versions_without_a_common_ancestor_ask_what_both_came_from(open_view, full_store):
    alone = AttributeSet.from_phrases({"jpeg": ["small tiles"]})
    full_store.versions.freeze(alone, message="alone", author="ann", alias="alone")
    shown = open_view("Merge", version="alone", against="curated")
    assert not shown.error
    assert any("share no ancestor" in choice.label for choice in shown.selectbox)


def test_the_lineage_is_drawn_and_said_in_words(open_view):
    (graph,) = open_view("Lineage", version="curated").get("graphviz_chart")
    assert '"curated"' in graph.proto.spec
    assert "curated was edited from draft" in str(graph.proto)


def test_what_a_version_holds_is_found_by_its_words(open_view):
    shown = open_view("What it holds", version="curated")
    shown = field(shown, "Find").input("MOSQUITO").run()
    assert any("1 attribute of 1 distortion" in caption.value for caption in shown.caption)


def test_names_and_messages_cannot_leave_their_quotes_in_the_drawing():
    assert dot_text('"]; a -> b [x="\\') == '"\\"]; a -> b [x=\\"\\\\"'
