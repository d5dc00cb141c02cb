"""Somebody with the right to alter the schema changes one thing in each table; each is found."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from workbench.domain.attributes import Attribute
from workbench.domain.distortion import Recipe
from workbench.store import tables

from .conftest import BACKENDS
from .store_examples import CONFIG, a_call, a_result, a_set


def fill(store):
    """Put something into every table that verification covers."""
    for sample in range(3):
        store.calls.add(a_call(sample=sample))
    call = store.calls.list()[-1].id
    veil = Recipe(id="veil", name="Veil", group="spatial", explanation="A veil.")
    store.recipes.add(veil, author="ann")
    row = store.draft.add("jpeg", Attribute(phrase="flat", call_id=call), author="ann")
    store.draft.add("jpeg", Attribute(phrase="rings"), author="bob")
    first = store.versions.freeze(
        store.draft.attribute_set(), message="one", author="ann", alias="best"
    )
    store.draft.edit(row.id, "flat areas", based_on=1, author="bob")
    store.draft.move(row.id, 1, based_on=2, author="kim")
    store.versions.freeze(a_set(blur=["haze"]), message="two", author="ann", parent=first.hash)
    store.comments.add(row.attribute.identity, "hm", author="eve")
    run = store.runs.enqueue(first.hash, CONFIG)
    store.runs.claim("here:1")
    store.runs.finish(run.id, a_result(first.hash))
    assert store.verify() == []


@pytest.fixture(params=BACKENDS)
def full(request, states):
    return states(request.param, "full", fill)


def tamper(store, statement):
    """Change something past the store, with no trigger or foreign key in the way."""
    if store.url.startswith("postgresql"):
        with store.database.connected() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(statement))
        return
    with closing(sqlite3.connect(store.database.location, isolation_level=None)) as connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in connection.execute(names).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)


LAST = "(SELECT max(id) FROM {0})"
FIRST = "(SELECT min(id) FROM {0})"
TAMPERINGS = {
    "version": [
        ("UPDATE version SET message = 'other' WHERE message = 'one'", "longer what ann froze"),
        ("UPDATE version SET merged_id = id WHERE message = 'two'", "no longer what ann froze"),
        ("DELETE FROM version WHERE message = 'two'", r"ann froze it \(event \d+\) and it is gone"),
    ],
    "version_attribute": [
        ("UPDATE version_attribute SET phrase = 'flit' WHERE phrase = 'flat'", "what ann froze"),
        ("UPDATE version_attribute SET decided_by = 'eve' WHERE phrase = 'flat'", "ann froze"),
        ("UPDATE version_attribute SET identity = 'f' WHERE phrase = 'flat'", "what ann froze"),
        ("DELETE FROM version_attribute WHERE phrase = 'haze'", "no longer what ann froze"),
        ("INSERT INTO version_attribute (version_id, distortion, position, phrase, origin, status)"
         " VALUES (99, 'jpeg', 9, 'smuggled in', 'expert', 'accepted')", "version number 99"),
    ],
    "version_alias": [
        (f"UPDATE version_alias SET version_id = {LAST.format('version')}", "alias best: it does"),
        ("UPDATE version_alias SET updated_by = 'eve'", "alias best: it does not point"),
        ("UPDATE version_alias SET name = 'worst'", r"alias best: .* and is gone"),
    ],
    "draft_attribute": [
        ("UPDATE draft_attribute SET phrase = 'x' WHERE phrase = 'rings'", "is not what kim made"),
        ("UPDATE draft_attribute SET phrase_key = 'x' WHERE phrase = 'rings'", "is not what kim"),
        ("UPDATE draft_attribute SET decided_by = 'eve' WHERE phrase = 'rings'", "not what kim m"),
        ("UPDATE draft_attribute SET updated_by = 'eve' WHERE phrase = 'rings'", "not what kim ma"),
        ("UPDATE draft_attribute SET position = 7 WHERE phrase = 'rings'", "not what kim made"),
        ("DELETE FROM draft_attribute WHERE phrase = 'rings'", r"attribute \d+: .* and is gone"),
        ("UPDATE draft_attribute SET id = 99 WHERE phrase = 'rings'", "nobody put it there"),
    ],
    "draft_base": [
        (f"UPDATE draft_base SET version_id = {LAST.format('version')}", "draft: its base is not"),
        ("DELETE FROM draft_base", "draft: its base is not the version"),
    ],
    "comment": [
        ("UPDATE comment SET text = 'nice'", r"comment \d+: it is not what the record says"),
        ("UPDATE comment SET author = 'ann'", r"comment \d+: it is not what the record says"),
        ("DELETE FROM comment", r"comment \d+: it is on record \(event \d+, eve\) and is gone"),
    ],
    "llm_call": [
        (f"UPDATE llm_call SET reply = '' WHERE id = {FIRST.format('llm_call')}", "is not what wa"),
        (f"UPDATE llm_call SET cost_usd = 1 WHERE id = {LAST.format('llm_call')}", "is not what "),
        (f"DELETE FROM llm_call WHERE id = {FIRST.format('llm_call')}", "that it came from"),
    ],
    "run": [
        ("UPDATE run SET config_hash = 'x'", "configuration is not what was queued"),
        ("UPDATE run SET status = 'failed'", "it is failed, with a result"),
    ],
    "run_result": [
        ("UPDATE run_result SET document = '{}'", "its result is not what was handed in"),
        ("DELETE FROM run_result", "it is done, without a result"),
    ],
    "recipe": [
        ("UPDATE recipe SET hash = 'x'", "recipe veil: it is no longer what was added"),
        ("UPDATE recipe SET author = 'eve'", "recipe veil: it is no longer what was added"),
        ("DELETE FROM recipe", r"recipe veil: it is on record \(event 1, ann\) and is gone"),
    ],
    "audit_event": [
        ("UPDATE audit_event SET author = 'eve' WHERE id = 2", "event 2: it is not what was rec"),
        ("UPDATE audit_event SET change = 1 WHERE id = 2", "event 2: it is not what was recorded"),
        ("UPDATE audit_event SET client = 'x' WHERE id = 2", "event 2: it is not what was rec"),
        ("DELETE FROM audit_event WHERE id = 1", "event 2: .* what came before it is not"),
        (
            f"DELETE FROM audit_event WHERE id = {LAST.format('audit_event')}",
            "comment .* the record says",
        ),
        ("INSERT INTO audit_event (id, at, author, action, subject, change) VALUES "
         "(99, '2026-01-01 00:00:00', 'eve', 'freeze', 'version:0', 99)", "event 99: it is not"),
    ],
}  # fmt: skip
# No fact of these is the store's word on anything: who works now, what is being asked (its answers
# are calls), what a run says on its way, what is only proposed, and what others cover.
UNCOVERED = {"worker", "question", "proposal", "run_log_line", "run_loss", "test_look"}


def test_every_table_is_tampered_with():
    assert set(TAMPERINGS) == set(tables.METADATA.tables) - UNCOVERED


@pytest.mark.parametrize(
    ("statement", "line"), [case for cases in TAMPERINGS.values() for case in cases]
)
def test_each_tampering_is_found(full, statement, line):
    tamper(full, statement)
    with pytest.raises(AssertionError, match=line):
        assert "\n".join(full.verify()) == ""


@pytest.mark.parametrize("table", ["llm_call", "audit_event", "run"])
def test_a_numbered_row_that_vanished_is_missed_in_a_file(full, table):
    if full.url.startswith("postgresql"):
        return  # numbers have gaps there that mean nothing
    tamper(full, f"DELETE FROM {table} WHERE id = {LAST.format(table)}")
    assert [line for line in full.verify() if line.endswith(": it was there and is gone")]


def test_refused_edits_leave_nothing_to_find(full):
    row = full.draft.rows()[0]
    for attempt in (
        lambda: full.draft.add("jpeg", Attribute(phrase="Rings"), author="ann"),
        lambda: full.draft.edit(row.id, "x\x00", based_on=row.row_version, author="ann"),
        lambda: full.comments.add("f" * 32, "hm", author="ann"),
    ):
        with pytest.raises(Exception, match=r"Nothing was changed"):
            attempt()
    assert full.verify() == []
