"""Statistics outlive the process that computed them, and a broken file costs time alone."""

import pickle
import sqlite3
from copy import deepcopy

import pytest
import torch

from workbench.encoders.statistics_cache import StatisticsCache


def row(value):
    return torch.full((3,), value, dtype=torch.float16)


def known(cache, *keys):
    return {key: values.tolist() for key, values in cache.get(keys).items()}


def test_another_process_reads_what_one_has_computed(tmp_path):
    file = tmp_path / "new" / "rows.sqlite"
    StatisticsCache(file).put({b"a": row(1), b"b": row(2)})
    assert known(StatisticsCache(file), b"a", b"b", b"c") == {b"a": [1, 1, 1], b"b": [2, 2, 2]}


def test_memory_holds_the_last_used_and_the_file_the_last_written(tmp_path):
    cache = StatisticsCache(tmp_path / "rows.sqlite", in_memory=2, on_disk=3)
    for number in range(4):
        cache.put({bytes([number]): row(number)})
    assert list(cache._rows) == [b"\2", b"\3"]
    assert sorted(known(cache, b"\0", b"\1", b"\2", b"\3")) == [b"\1", b"\2", b"\3"]
    alone = StatisticsCache(in_memory=2)
    alone.put({b"a": row(1), b"b": row(2)})
    alone.get([b"a"])
    alone.put({b"c": row(3)})
    assert sorted(known(alone, b"a", b"b", b"c")) == [b"a", b"c"]


@pytest.mark.parametrize("copied", [deepcopy, lambda cache: pickle.loads(pickle.dumps(cache))])
def test_a_copy_has_the_file_and_no_connection(tmp_path, copied):
    cache = StatisticsCache(tmp_path / "rows.sqlite", in_memory=5)
    cache.put({b"a": row(1)})
    copy = copied(cache)
    assert (copy.in_memory, copy._rows, copy._connection) == (5, {}, None)
    assert known(copy, b"a") == {b"a": [1, 1, 1]}


def test_a_damaged_file_is_removed_and_made_again(tmp_path, caplog):
    file = tmp_path / "rows.sqlite"
    file.write_bytes(b"no database" * 1000)
    cache = StatisticsCache(file)
    cache.put({b"a": row(1)})
    assert known(cache, b"a") == {b"a": [1, 1, 1]}
    assert f"{file} is not used any more: file is not a database" in caplog.text
    StatisticsCache(file).put({b"a": row(1)})
    assert known(StatisticsCache(file), b"a") == {b"a": [1, 1, 1]}


def test_where_nothing_can_be_written_memory_does(tmp_path, caplog):
    (tmp_path / "taken").write_text("a file, no folder")
    cache = StatisticsCache(tmp_path / "taken" / "rows.sqlite")
    cache.put({b"a": row(1)})
    assert known(cache, b"a", b"b") == {b"a": [1, 1, 1]}
    assert caplog.text.count("is not used any more") == 1


def test_a_file_that_another_process_holds_is_left_to_it(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("workbench.encoders.statistics_cache.WAIT_S", 0.01)
    file = tmp_path / "rows.sqlite"
    StatisticsCache(file).put({b"a": row(1)})
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache = StatisticsCache(file)
    cache.put({b"b": row(2)})
    other.execute("ROLLBACK")
    other.close()
    assert "is not used any more: database is locked" in caplog.text
    assert known(StatisticsCache(file), b"a", b"b") == {b"a": [1, 1, 1]}
