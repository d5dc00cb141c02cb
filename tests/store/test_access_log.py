import re
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from workbench.errors import FrozenVersionError, StoreError
from workbench.store import open_store

from .store_examples import CONFIG, a_set

PART = "3f2a" * 16


def a_run(store, **phrases):
    version = store.versions.freeze(a_set(**phrases), message="m", author="ann")
    return store.runs.enqueue(version.hash, CONFIG).id


def test_looks_and_the_versions_among_them_are_counted(store):
    first, second = a_run(store), a_run(store, blur=["haze"])
    again = a_run(store)  # of the first version
    store.access_log.add_all(PART, runs=[first, second], purpose="compare", author="ann")
    look = store.access_log.add(PART, run=again, purpose=" show ", author="bob")
    store.access_log.add("other", run=None, purpose="show", author="bob")
    counted = store.access_log.count(PART)
    assert (counted.test_hash, counted.looks, counted.versions) == (PART, 3, 2)
    assert [access.run for access in store.access_log.list(PART)] == [first, second, again]
    assert store.access_log.list(PART)[-1] == look
    assert (look.purpose, look.author, len(store.access_log.list())) == ("show", "bob", 4)
    assert store.access_log.count("never").looks == 0


def test_the_last_time_that_just_these_runs_were_shown_together_is_found(store):
    first, second = a_run(store), a_run(store, blur=["haze"])
    third = a_run(store, blur=["veil"])
    log = store.access_log

    def together(*runs):
        return log.last_together(PART, runs, act="compare")

    assert together(first, second) == ()
    log.add_all(PART, runs=[first, second], purpose="compare a, b", author="ann")
    newer = log.add_all(PART, runs=[second, first], purpose="compare a, b", author="bob")
    log.add_all(PART, runs=[first, second, third], purpose="compare a, b, c", author="eva")
    log.add_all(PART, runs=[first, second], purpose="attribute a, b", author="eva")
    log.add_all("5e" * 32, runs=[first, second], purpose="compare a, b", author="eva")
    assert together(first, second) == tuple(newer)
    assert together(second, third) == together(first) == ()
    assert [look.author for look in together(third, first, second)] == ["eva"] * 3
    assert log.count(PART, until=newer[-1].id).looks == 4
    assert log.count(PART, until=newer[-1].id).versions == 2


def test_a_look_stands_in_the_record(store):
    run = a_run(store)
    look = store.access_log.add(PART, run=run, purpose="show", author="ann")
    (event,) = store.record.events(subject=f"look:{look.id}")
    assert (event.action, event.author, event.at) == ("look", "ann", look.at)
    assert event.after == {"test_hash": PART, "run": run, "purpose": "show"}
    assert store.verify() == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"run": 99}, "There is no run 99 to look at"),
        ({"purpose": " "}, "needs a test part and a purpose"),
        ({"test_hash": ""}, "needs a test part and a purpose"),
        ({"author": " "}, "needs an author"),
    ],
)
def test_a_look_that_says_nothing_is_refused_and_leaves_nothing(store, fields, words):
    asked = {"test_hash": PART, "run": None, "purpose": "show", "author": "ann", **fields}
    with pytest.raises(StoreError, match=words):
        store.access_log.add(asked.pop("test_hash"), **asked)
    assert store.access_log.list() == []
    assert store.verify() == []


@pytest.mark.parametrize("statement", ["DELETE FROM test_look", "UPDATE test_look SET author = ''"])
def test_the_database_itself_keeps_a_look(store, statement):
    store.access_log.add(PART, run=None, purpose="show", author="ann")
    with (
        pytest.raises(FrozenVersionError, match="cannot be changed"),
        store.database.connected() as connection,
    ):
        connection.execute(text(statement))
    assert store.access_log.count(PART).looks == 1


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM test_look", "look 1: it is on record .*ann.* and is gone"),
        ("UPDATE test_look SET run_id = NULL", "look 1: it is not what the record says"),
        ("UPDATE test_look SET test_hash = 'x'", "look 1: it is not what the record says"),
    ],
)
def test_a_look_taken_out_past_the_store_is_missed(sqlite_path, statement, words):
    with open_store(f"sqlite:///{sqlite_path}") as store:
        store.access_log.add(PART, run=a_run(store), purpose="show", author="ann")
        with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as connection:
            for deed in ("update", "delete"):
                connection.execute(f"DROP TRIGGER test_look_no_{deed}")
            connection.execute(statement)
            connection.execute("DELETE FROM sqlite_sequence WHERE name = 'test_look'")
        (fault,) = store.verify()
    assert re.search(words, fault)
