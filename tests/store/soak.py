"""Many processes at one store, which must lose nothing and never say that it is locked.

python -m tests.store.soak          # 20 processes for 60 s on SQLite, then on PostgreSQL
"""

import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.errors import EditConflictError, StoreError
from workbench.store import open_store

from .private_postgres import create_database, private_server, server_binaries

PROCESSES, SECONDS = 20, 60.0
DISTORTIONS = ("blur", "jpeg", "noise")
# What a colleague's edit may lead to; anything else is a fault of the store.
EXPECTED = ("cannot come back", "nothing to freeze", "cannot be undone", "has places")


def add(store, chance, name, turn):
    attribute = Attribute(phrase=f"{name} saw {turn}")
    store.draft.add(chance.choice(DISTORTIONS), attribute, author=name)


def edit(store, chance, name, turn):
    row = chance.choice(store.draft.rows())
    words = f"{name} wrote {turn}"
    store.draft.edit(row.id, words, based_on=row.row_version, author=name)


def decide(store, chance, name, turn):
    row = chance.choice([r for r in store.draft.rows() if r.attribute.status != "accepted"])
    store.draft.set_status(row.id, "accepted", based_on=row.row_version, author=name)


def remove(store, chance, name, turn):
    row = chance.choice(store.draft.rows())
    store.draft.remove(row.id, based_on=row.row_version, author=name)


def comment(store, chance, name, turn):
    row = chance.choice(store.draft.rows())
    store.comments.add(row.attribute.identity, f"remark {turn}", author=name)


def move(store, chance, name, turn):
    row = chance.choice(store.draft.rows())
    store.draft.move(row.id, 0, based_on=row.row_version, author=name)


def freeze(store, chance, name, turn):
    store.versions.freeze(
        store.draft.attribute_set(), message=f"{turn}", author=name, parent=store.draft.base()
    )


def restore(store, chance, name, turn):
    version = chance.choice(store.versions.summaries())
    store.draft.restore(version.hash, author=name, discard=True)


def undo(store, chance, name, turn):
    store.record.undo_change(chance.choice(store.record.events(limit=20)).change, author=name)


# Each deed, how often it comes, and the event that it leaves; None where it may leave none.
DEEDS = {
    add: (6, "add"), edit: (6, "edit"), decide: (3, "set status"), remove: (3, "remove"),
    comment: (3, "comment"), move: (2, None), freeze: (2, None), restore: (1, None),
    undo: (2, None),
}  # fmt: skip


def work(url, name, seconds, turns):
    """Edit at random until time or turns are over; return what was done and what was refused."""
    chance, done, turn = random.Random(name), Counter(), 0
    deeds, weights = list(DEEDS), [often for often, _ in DEEDS.values()]
    with open_store(url) as store:
        end = time.monotonic() + seconds
        while time.monotonic() < end and turn < turns:
            turn += 1
            (deed,) = chance.choices(deeds, weights)
            try:
                deed(store, chance, name, turn)
                done[deed.__name__] += 1
            except EditConflictError:
                done["conflicts"] += 1
            except (StoreError, IndexError) as error:  # nothing there to choose from
                if isinstance(error, StoreError) and not any(e in str(error) for e in EXPECTED):
                    raise
                done["refused"] += 1
    return name, done


def soak(url, processes, *, seconds=float("inf"), turns=float("inf")):
    """Let processes loose on a store, check it, and return what they did together."""
    with open_store(url) as store:
        first = {d: [f"{d} phrase {index}" for index in range(10)] for d in DISTORTIONS}
        store.draft.replace(AttributeSet.from_phrases(first), author="ann")
        store.versions.freeze(store.draft.attribute_set(), message="start", author="ann")
        jobs = [(url, f"editor {number}", seconds, turns) for number in range(processes)]
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            done = dict(pool.starmap(work, jobs, chunksize=1))
        check(store, done)
    return sum(done.values(), Counter())


def check(store, done):
    """Nothing was lost: each edit is on record, each goes on from the one before, all is whole."""
    events = store.record.events(limit=10_000_000)[::-1]
    recorded = Counter((event.author, event.action) for event in events)
    for deed, (_, action) in DEEDS.items():
        for name, counts in done.items():
            assert action is None or recorded[name, action] == counts[deed.__name__], (name, action)
    last = {}
    for event in events:
        assert last.get(event.subject, event.before) == event.before, event
        last[event.subject] = event.after
    assert store.verify() == []


def main():
    with tempfile.TemporaryDirectory() as folder:
        report("SQLite", f"sqlite:///{Path(folder) / 'soak.sqlite'}")
    if (binaries := server_binaries()) is None:
        sys.exit("PostgreSQL is not installed here; it was not tried.")
    with private_server(binaries) as port:
        report("PostgreSQL", create_database(port, "soak"))


def report(name, url):
    done = soak(url, PROCESSES, seconds=SECONDS)
    figures = ", ".join(f"{count:,} {deed}" for deed, count in sorted(done.items()))
    print(f"{name}, {PROCESSES} processes, {SECONDS:g} s: {figures}; nothing lost, verify clean")


if __name__ == "__main__":
    main()
