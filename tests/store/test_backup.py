"""A backup holds what the store held at one moment, and a restored store is that store."""

import json
import threading

import pytest

from tests.store.private_postgres import create_database
from tests.store.store_examples import a_call, a_set
from workbench.errors import ConfigError, StoreError
from workbench.store import open_store
from workbench.store.backup import back_up, restore


@pytest.fixture
def filled(url):
    with open_store(url) as store:
        store.calls.add(a_call())
        store.draft.replace(a_set(jpeg=["rings", "“blocky” tiles"]), author="ann")
        store.versions.freeze(a_set(), message="first", author="ann", alias="best")
    return url


@pytest.fixture
def empty_url(request, url, tmp_path):
    """URL of another store of the same kind as `url`, which has no file or table yet."""
    if url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/restored.sqlite"
    return create_database(request.getfixturevalue("postgres_port"), "restored")


def everything(url):
    with open_store(url) as store:
        return (
            store.draft.rows(),
            store.versions.get("best"),
            store.calls.list(limit=10),
            store.record.digest(),
            store.verify(),
        )


def test_a_restored_store_is_the_store(filled, empty_url, tmp_path):
    before = everything(filled)
    made = back_up(filled, tmp_path / "kept")
    assert made.size == (tmp_path / "kept").stat().st_size
    assert restore(tmp_path / "kept", empty_url).problems == ()
    assert everything(empty_url) == before
    assert sorted(file.name for file in tmp_path.glob("kept*")) == ["kept"]
    assert list(tmp_path.glob(".partial*")) == []
    with pytest.raises(StoreError, match=r"already|exists"):  # the store that is there now
        restore(tmp_path / "kept", empty_url)
    assert everything(empty_url) == before


def test_a_backup_while_others_write_is_of_one_moment(url, tmp_path):
    stop = threading.Event()

    def write():
        with open_store(url) as store:
            number = 0
            while not stop.is_set():
                number += 1
                words = {"jpeg": [f"rings {number}"], "darken": [f"gloom {number}"]}
                store.draft.replace(a_set(**words), author="ann")

    open_store(url).close()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [back_up(url, tmp_path / f"copy{n}") for n in range(3)]
    finally:
        stop.set()
        writer.join()
    if not url.startswith("sqlite"):
        return
    for copy in copies:
        assert copy.problems == ()
        with open_store(f"sqlite:///{copy.path}") as store:
            words = [row.attribute.phrase.split()[-1] for row in store.draft.rows()]
        assert len({*words}) <= 1  # both types of one change, or nothing yet


def test_no_backup_or_store_is_replaced(filled, tmp_path):
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(ConfigError, match=r"kept exists already, and no backup is replaced"):
        back_up(filled, tmp_path / "kept")
    assert (tmp_path / "kept").read_text() == "mine"
    with pytest.raises(ConfigError, match=r"cannot be (written|read)|could not"):
        back_up(filled, tmp_path / "no" / "folder")


def test_what_is_no_whole_backup_is_refused_and_leaves_nothing(sqlite_path, tmp_path):
    url, damaged = f"sqlite:///{sqlite_path}", tmp_path / "damaged"
    open_store(f"sqlite:///{tmp_path}/source.sqlite").close()
    whole = (tmp_path / "source.sqlite").read_bytes()
    for content in (b"", b"no database at all", whole[:5000], whole[:8192] + b"x" * 8192):
        damaged.write_bytes(content)
        with pytest.raises(StoreError):
            restore(damaged, url)
        assert not sqlite_path.exists()
    damaged.write_bytes(b"PGDMP")
    with pytest.raises(ConfigError, match="it is for PostgreSQL alone"):
        restore(damaged, url)


def test_an_upgrade_keeps_the_store_as_it_was(sqlite_path, raw):
    url = f"sqlite:///{sqlite_path}"
    open_store(url).close()
    raw(sqlite_path, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(StoreError):  # its tables are those of today already
        open_store(url)
    (kept,) = sqlite_path.parent.glob("store.schema-0001.sqlite")
    assert raw(kept, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_the_commands_say_what_they_did(workbench, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DB", f"sqlite:///{tmp_path}/store.sqlite")
    status, out, _ = workbench("backup", tmp_path / "kept", "--json")
    assert status == 0
    assert json.loads(out)["problems"] == []
    status, out, _ = workbench("restore", tmp_path / "kept", "--db", f"sqlite:///{tmp_path}/b")
    assert (status, out) == (0, f"sqlite:///{tmp_path}/b is the store of {tmp_path}/kept again.\n")
    status, _, err = workbench("restore", tmp_path / "kept")
    assert status == 1
    assert "There is a store at" in err
