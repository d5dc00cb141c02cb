"""The page Versions: what was frozen, and the names that point at it."""

import pytest


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
