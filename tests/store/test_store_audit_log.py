"""The audit log by person, action, kind and day."""

from datetime import UTC, datetime, timedelta

import pytest

from workbench.domain.attributes import Attribute
from workbench.store.audit_log import AuditFilter
from workbench.workflow.audit import audit_file, audit_rows


@pytest.fixture
def filled(store):
    row = store.draft.add("jpeg", Attribute(phrase="small squares"), author="ann")
    store.draft.edit(row.id, "Quadrate, größer", based_on=row.row_version, author="bob")
    store.versions.freeze(store.draft.attribute_set(), message="first", author="ann", alias="best")
    return store


def subjects(store, **wanted):
    return [event.subject for event in store.audit.page(AuditFilter(**wanted), limit=50)]


def test_each_filter_narrows_and_none_shows_all(filled):
    assert filled.audit.count() == len(filled.record.events())
    (edited,) = subjects(filled, author="bob")
    assert edited.startswith("attribute:")
    assert subjects(filled, kind="alias") == ["alias:best"]
    assert subjects(filled, action="edit") == [edited]
    assert subjects(filled, text="GRÖSSER") == []
    assert subjects(filled, text="größer", kind="attribute") == [edited]
    assert subjects(filled, text="100%") == []


def test_days_are_whole(filled):
    today = datetime.now(UTC).date()
    assert filled.audit.count(AuditFilter(since=today, until=today)) == filled.audit.count()
    assert filled.audit.count(AuditFilter(until=today - timedelta(days=1))) == 0


def test_pages_join_to_all_of_it_newest_first(filled):
    total = filled.audit.count()
    pages = [filled.audit.page(limit=2, skip=skip) for skip in range(0, total, 2)]
    ids = [event.id for some in pages for event in some]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == total


def test_choices_name_persons_actions_and_kinds_with_counts(filled):
    choices = filled.audit.choices()
    assert list(choices.authors) == ["ann", "bob"]
    assert choices.actions["edit"] == 1
    assert choices.kinds["alias"] == 1


def test_a_file_holds_every_event_and_no_formula(filled):
    filled.draft.add("jpeg", Attribute(phrase="=1+1"), author="=cmd()")
    text = audit_file(filled, AuditFilter(), "csv")
    assert text.count("\n") == filled.audit.count() + 1
    assert "'=cmd()" in text
    assert '"phrase": "=1+1"' in audit_file(filled, AuditFilter(), "json")


def test_rows_say_what_became_of_what(filled):
    _, rows = audit_rows(filled.audit.page(AuditFilter(action="edit"), limit=1))
    (_, who, action, what, change) = rows[0]
    assert (who, action) == ("bob", "edit")
    assert what.startswith("attribute ")
    assert what.endswith(" of jpeg")
    assert "phrase: small squares → quadrate, größer" in change
