import pytest

from workbench.domain.attributes import Attribute
from workbench.errors import StoreError

from .store_examples import a_call, a_set


@pytest.fixture
def row(store):
    call = store.calls.add(a_call())
    return store.draft.add(
        "jpeg", Attribute(phrase="flat", origin="llm", call_id=call.id), author="ann"
    )


def entries(store, row):
    return [
        (entry.author, entry.kind, entry.words)
        for entry in store.history.of(row.attribute.identity)
    ]


def test_a_history_tells_birth_edits_reviews_comments_versions_and_undoing(store, row):
    def freeze(message):
        draft = store.draft.attribute_set()
        return store.versions.freeze(draft, message=message, author="ann").hash

    one = freeze("one")
    store.draft.edit(row.id, "flat areas", based_on=1, author="bob")
    two = freeze("two")
    store.draft.set_status(row.id, "accepted", based_on=2, author="kim")
    store.comments.add(row.attribute.identity, " seen at level 3 ", author="eve")
    store.draft.add("jpeg", Attribute(phrase="other"), author="ann")
    three = freeze("three")
    store.draft.remove(row.id, based_on=3, author="bob")
    freeze("four")
    store.record.undo(store.record.events(subject=f"attribute:{row.id}")[0].id, author="bob")
    assert entries(store, row) == [
        ("ann", "add", "'flat' joined"),
        ("ann", "first frozen", f"'flat' stands in version {one[:10]}: one"),
        ("bob", "edit", "'flat' became 'flat areas'"),
        ("ann", "first frozen", f"'flat areas' stands in version {two[:10]}: two"),
        ("kim", "set status", "proposed became accepted"),
        ("eve", "comment", "seen at level 3"),
        ("ann", "last frozen", f"'flat areas' stands in version {three[:10]}: three"),
        ("bob", "remove", "'flat areas' left"),
        ("bob", "undo remove", "'flat areas' joined"),
    ]
    born, first, reworded, *_ = store.history.of(row.attribute.identity)
    assert (born.before, born.after, born.call_id) == (None, "flat", row.attribute.call_id)
    assert (first.version, first.call_id) == (one, row.attribute.call_id)
    assert (reworded.before, reworded.after) == ("flat", "flat areas")


def test_a_history_is_found_after_removal_and_of_what_never_was_in_the_draft(store, row):
    store.draft.remove(row.id, based_on=1, author="bob")
    assert [kind for _, kind, _ in entries(store, row)] == ["add", "remove"]
    version = store.versions.freeze(a_set(blur=["haze"]), message="m", author="ann")
    identity = version.attributes.by_distortion["blur"][0].identity
    assert [entry.version for entry in store.history.of(identity)] == [version.hash]
    assert store.history.of("f" * 32) == []


def test_a_new_place_is_told(store, row):
    other = store.draft.add("jpeg", Attribute(phrase="other"), author="ann")
    store.draft.move(other.id, 0, based_on=1, author="bob")
    assert entries(store, other)[-1] == ("bob", "move", "place 1 became 0")


def test_comments_stay_with_an_attribute_whatever_becomes_of_it(store, row):
    identity = row.attribute.identity
    first = store.comments.add(identity, "what is flat?", author="eve")
    store.draft.edit(row.id, "flat areas", based_on=1, author="bob")
    second = store.comments.add(identity, "better é\n\u4e2d", author="eve")
    store.draft.remove(row.id, based_on=2, author="bob")
    third = store.comments.add(identity, "why?", author="eve")
    assert store.comments.list(identity) == [first, second, third]
    assert store.comments.counts() == {identity: 3}
    assert (second.text, second.author) == ("better é\n\u4e2d", "eve")
    assert store.comments.list("f" * 32) == []
    assert store.verify() == []


@pytest.mark.parametrize(
    ("identity", "text", "author", "message"),
    [
        (None, " \n", "eve", "A comment needs words"),
        (None, "hm", " ", "needs an author"),
        ("f" * 32, "hm", "eve", "has the identity 'ffff"),
    ],
)
def test_a_comment_without_words_author_or_attribute_is_refused(
    store, row, identity, text, author, message
):
    with pytest.raises(StoreError, match=message):
        store.comments.add(identity or row.attribute.identity, text, author=author)
    assert store.comments.counts() == {}
