import random
import shutil
import sqlite3

import pytest
from sqlalchemy import Engine, event

from workbench.errors import StoreError
from workbench.store import open_store

from .other_process import run_together, without_rights
from .store_examples import a_set

pytestmark = pytest.mark.process

OLD = {f"d{number}": [f"old {index}" for index in range(5)] for number in range(20)}

# Does one thing and is killed at one of its statements, or after the last, without closing.
DO_AND_DIE = """
import os, signal
from sqlalchemy import Engine, event
url, deed, deadly = sys.argv[1], sys.argv[2], int(sys.argv[3])
statements = 0
store = open_store(url)
first, second = (version.hash for version in reversed(store.versions.summaries()))
new = AttributeSet.from_phrases(
    {f"d{number}": [f"new {place}" for place in range(5)] for number in range(20)}
)
deeds = {
    "import": lambda: store.draft.replace(new, author="bob"),
    "freeze": lambda: store.versions.freeze(
        store.draft.attribute_set(), message="m", author="bob", parent=first, alias="best"
    ),
    "merge": lambda: store.versions.freeze(
        new, message="m", author="bob", parent=first, merged=second, alias="best"
    ),
    "restore": lambda: store.draft.restore(second, author="bob", discard=True),
    "undo": lambda: store.record.undo_change(1, author="bob"),
}

def count(*_):
    global statements
    statements += 1
    if statements == deadly:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "after_cursor_execute", count)
deeds[deed]()
event.remove(Engine, "after_cursor_execute", count)
print(statements)
os.kill(os.getpid(), signal.SIGKILL)
"""

FILL = """
import resource
store = open_store(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
big = {f"d{n}": [f"{n} {p} " + "x" * 150 for p in range(20)] for n in range(100)}
for attempt in (
    lambda: store.draft.replace(AttributeSet.from_phrases(big), author="bob"),
    lambda: store.versions.freeze(AttributeSet.from_phrases(big), message="m", author="bob"),
):
    try:
        attempt()
        print("no error")
    except StoreError as error:
        print(error)
store.close()
"""

TOUCH = """
try:
    with open_store(sys.argv[1]) as store:
        store.draft.add("jpeg", Attribute(phrase="rings"), author="bob")
    print("no error")
except StoreError as error:
    print(error)
"""


@pytest.fixture
def filled(sqlite_path):
    """Path of a store with an old draft in it."""
    with open_store(f"sqlite:///{sqlite_path}") as store:
        store.draft.replace(a_set(**OLD), author="ann")
    return sqlite_path


def draft_of(path):
    with open_store(f"sqlite:///{path}") as store:
        return {d: list(some) for d, some in store.draft.attribute_set().phrases().items()}


def everything_in(path):
    """All that a deed could change: the draft and its base, versions, aliases, the record."""
    with open_store(f"sqlite:///{path}") as store:
        assert store.verify() == []
        return (
            store.draft.rows(), store.draft.base(), store.versions.list(), store.record.digest(),
        )  # fmt: skip


@pytest.fixture
def branched(filled):
    """Path of a store with the old draft, not frozen, and two versions beside it."""
    with open_store(f"sqlite:///{filled}") as store:
        for phrase in ("rings", "halos"):
            store.versions.freeze(a_set(jpeg=[phrase], **OLD), message="m", author="ann")
    return filled


@pytest.mark.parametrize("deed", ["import", "freeze", "merge", "restore", "undo"])
def test_a_kill_at_any_statement_leaves_all_or_nothing(branched, raw, deed):
    url, before = f"sqlite:///{branched}", everything_in(branched)
    copy = shutil.copy(branched, branched.with_name("survivor.sqlite"))
    survived = run_together(DO_AND_DIE, (f"sqlite:///{copy}", deed, 10_000))[0]
    last = int(survived.said[0])
    assert everything_in(copy) != before
    chance = random.Random(deed)
    for deadly in (last, chance.randint(2, last - 1), chance.randint(2, last - 1)):
        killed = run_together(DO_AND_DIE, (url, deed, deadly))[0]
        assert (killed.status, killed.said) == (-9, []), killed.complaints
        assert everything_in(branched) == before
    assert raw(branched, "PRAGMA integrity_check") == [("ok",)]


def test_a_full_disk_is_said_and_nothing_is_half_written(filled, raw):
    (result,) = run_together(FILL, (f"sqlite:///{filled}",))
    assert result.status == 0, result.complaints
    assert len(result.said) == 2
    assert all("Free some space and repeat the command." in line for line in result.said)
    assert draft_of(filled) == OLD
    assert raw(filled, "SELECT count(*) FROM version_attribute") == [(0,)]
    assert raw(filled, "PRAGMA integrity_check") == [("ok",)]


def test_a_database_at_its_largest_size_says_that_the_disk_is_full(filled):
    as_many_pages_as_now = lambda connection, _: connection.execute("PRAGMA max_page_count = 1")  # noqa: E731
    event.listen(Engine, "connect", as_many_pages_as_now)
    try:
        store = open_store(f"sqlite:///{filled}")
    finally:
        event.remove(Engine, "connect", as_many_pages_as_now)
    with store:
        much = a_set(**{f"x{number}": ["y" * 200] for number in range(300)})
        with pytest.raises(StoreError, match=r"the disk is full\. Free some space"):
            store.draft.replace(much, author="bob")
    assert draft_of(filled) == OLD


def test_a_read_only_file_is_said(filled):
    filled.chmod(0o444)
    result = without_rights(TOUCH, f"sqlite:///{filled}")
    assert result.said == [
        f"Cannot use the store {filled}: it is read-only. Make the file and its folder writable, "
        "or name another database with --db."
    ], result.complaints
    assert draft_of(filled) == OLD


@pytest.mark.parametrize("name", ["store.sqlite", "new.sqlite"])
def test_a_folder_that_cannot_be_written_is_said(filled, name):
    filled.parent.chmod(0o555)
    try:
        result = without_rights(TOUCH, f"sqlite:///{filled.parent / name}")
    finally:
        filled.parent.chmod(0o755)
    assert len(result.said) == 1, result.complaints
    assert str(filled.parent / name) in result.said[0]
    assert "or name another database with --db." in result.said[0]
    assert draft_of(filled) == OLD


def test_a_folder_that_cannot_be_created_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"Cannot create the folder .*file/deeper for the store"):
        open_store(f"sqlite:///{tmp_path / 'file' / 'deeper' / 'store.sqlite'}")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_lock_that_another_program_keeps_is_said(filled, monkeypatch):
    monkeypatch.setattr("workbench.store.database.BUSY_TIMEOUT_S", 0.1)
    holder = sqlite3.connect(filled, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StoreError, match="another program keeps it locked"):
            open_store(f"sqlite:///{filled}")
    finally:
        holder.close()
