import pytest

from tests.factories import SEEDED
from workbench.domain.attributes import Attribute
from workbench.store import open_store

from .other_process import run_together
from .soak import soak
from .store_examples import a_set

pytestmark = pytest.mark.process

OPEN = """
with open_store(sys.argv[1]) as store:
    store.draft.add("jpeg", Attribute(phrase=sys.argv[2]), author=sys.argv[2])
"""

CLAIM = """
import time
with open_store(sys.argv[1]) as store:
    while run := store.runs.claim(sys.argv[2]):
        print(run.id)
        time.sleep(0.02)  # the work; without it one could be done before the other has begun
"""

EDIT = """
with open_store(sys.argv[1]) as store:
    conflicts = 0
    for turn in range(int(sys.argv[3])):
        while True:
            row = store.draft.rows()[0]
            try:
                store.draft.edit(
                    row.id, f"{sys.argv[2]} wrote {turn} after {row.attribute.phrase[:20]}",
                    based_on=row.row_version, author=sys.argv[2],
                )
                break
            except EditConflictError as error:
                conflicts += 1
                assert "was changed by" in str(error), error
        store.versions.freeze(store.draft.attribute_set(), message="m", author=sys.argv[2])
"""


TURNS = 10  # of each editor


def succeed(finished):
    assert [(racer.status, racer.complaints) for racer in finished] == [(0, "")] * len(finished)


def test_processes_that_open_a_fresh_database_together_all_succeed(url):
    names = ["ann", "bob"]
    succeed(run_together(OPEN, *((url, name) for name in names)))
    with open_store(url) as store:
        assert sorted(store.draft.attribute_set().phrases()["jpeg"]) == names


def test_two_workers_empty_a_queue_and_no_run_is_taken_twice(store):
    version = store.versions.freeze(a_set(), message="m", author="ann")
    queued = [store.runs.enqueue(version.hash, config).id for config in SEEDED]
    finished = run_together(CLAIM, (store.url, "here:1"), (store.url, "here:2"))
    succeed(finished)
    taken = [[int(line) for line in racer.said] for racer in finished]
    assert sorted(taken[0] + taken[1]) == queued
    assert all(taken)
    assert {run.worker for run in store.runs.list()} == {"here:1", "here:2"}


def test_two_editors_of_one_attribute_lose_no_edit(store):
    store.draft.add("jpeg", Attribute(phrase="blocky edges"), author="ann")
    succeed(run_together(EDIT, (store.url, "ann", TURNS), (store.url, "bob", TURNS)))
    (row,) = store.draft.rows()
    assert row.row_version == 1 + 2 * TURNS
    assert len(store.versions.list()) >= TURNS
    assert store.versions.verify() == []


def test_processes_that_do_everything_at_once_lose_nothing(store):
    done = soak(store.url, processes=4, turns=60)
    assert {"add", "edit", "freeze", "restore", "undo"} <= done.keys()
