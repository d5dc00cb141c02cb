"""How long the store takes with a draft of 10,000 attributes and 200 versions of it.

    python benchmarks/bench_store.py

The reference is the sqlite3 module alone, which writes or reads the same rows in a file of its own,
of as many rows, and judges nothing: no hash, no seal, no record, no value. A ratio is reference /
ours. Both run in turn, in wall-clock time, and the best of each counts: other work on the machine
only adds.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from workbench.domain.attributes import Attribute, AttributeSet, birth_identity
from workbench.domain.difference import difference
from workbench.store import Store, open_store

DISTORTIONS, EACH, VERSIONS = 25, 400, 200
REWORDED = 50  # attributes that differ from one version to the next
REPEATS = 12
TABLE = """
CREATE TABLE kept (version INTEGER, distortion TEXT, position INTEGER, phrase TEXT, origin TEXT,
    call INTEGER, status TEXT, identity TEXT, decided_by TEXT,
    PRIMARY KEY (version, distortion, position));
CREATE UNIQUE INDEX by_identity ON kept (version, identity);
"""
INSERT = "INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
SELECT = "SELECT * FROM kept WHERE version = ? ORDER BY distortion, position"

Row = dict[str, Any]


def rows() -> list[Row]:
    """Return two rows for each operation: against the reference, and in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with (
            open_store(f"sqlite:///{place / 'store.sqlite'}") as store,
            closing(sqlite3.connect(place / "bare.sqlite", isolation_level=None)) as bare,
        ):
            built_s = build(store, bare)
            print(f"store: built {VERSIONS} versions in {built_s:.0f} s", file=sys.stderr)
            return [row for case in CASES for row in case(store, bare)]


def build(store: Store, bare: sqlite3.Connection) -> float:
    """Fill both, and return how many seconds the store's part took."""
    bare.executescript(f"PRAGMA journal_mode = WAL; {TABLE}")
    store.draft.replace(content(0), author="bench")
    spent = 0.0
    for number in range(VERSIONS):
        frozen = content(number)
        start = time.perf_counter()
        store.versions.freeze(frozen, message=f"version {number}", author="bench")
        spent += time.perf_counter() - start
        insert(bare, number, frozen)
    return spent


def content(number: int) -> AttributeSet:
    """Return the attributes of a version: some of them reworded since the one before."""
    return AttributeSet.model_construct(
        by_distortion={
            f"distortion_{d:02}": tuple(attribute(number, d, place) for place in range(EACH))
            for d in range(DISTORTIONS)
        }
    )


def attribute(number: int, d: int, place: int) -> Attribute:
    wordings = (number * REWORDED + d * EACH + place) // (DISTORTIONS * EACH)
    phrase = f"visible change {place} of the kind {d}, worded {wordings} times over"
    return Attribute.model_construct(
        phrase=phrase,
        origin="expert",
        call_id=None,
        status="accepted",
        identity=birth_identity(f"distortion_{d:02}", f"visible change {place}"),
        decided_by="bench",
    )


def insert(bare: sqlite3.Connection, number: int, frozen: AttributeSet) -> None:
    bare.execute("BEGIN IMMEDIATE")
    bare.executemany(
        INSERT,
        (
            (number, d, place, *dict(some).values())
            for d, attributes in frozen.by_distortion.items()
            for place, some in enumerate(attributes)
        ),
    )
    bare.execute("COMMIT")


def freezing(store: Store, bare: sqlite3.Connection) -> list[Row]:
    def ours(turn: int) -> Callable[[], object]:
        row = store.draft.rows("distortion_00")[0]
        store.draft.edit(row.id, f"wording {turn}", based_on=row.row_version, author="bench")
        draft, base = store.draft.attribute_set(), store.versions.summaries()[0].hash
        return lambda: store.versions.freeze(draft, message="m", author="bench", parent=base)

    def theirs(turn: int) -> Callable[[], object]:
        draft = store.draft.attribute_set()
        return lambda: insert(bare, VERSIONS + turn, draft)

    return compared("freeze a draft", ours, theirs, most_ms=200, ratio=0.2)


def differing(store: Store, bare: sqlite3.Connection) -> list[Row]:
    found = store.versions.summaries()

    def ours(turn: int) -> Callable[[], object]:
        new, old = found[2 * turn].hash, found[2 * turn + 1].hash
        return lambda: difference(
            store.versions.get(old).attributes, store.versions.get(new).attributes
        )

    def theirs(turn: int) -> Callable[[], object]:
        return lambda: [bare.execute(SELECT, (2 * turn + n,)).fetchall() for n in (0, 1)]

    return compared("read, check and compare two versions", ours, theirs, most_ms=100, ratio=0.1)


def remembering(store: Store, bare: sqlite3.Connection) -> list[Row]:
    identities = [row.attribute.identity or "" for row in store.draft.rows("distortion_07")]

    def ours(turn: int) -> Callable[[], object]:
        return lambda: store.history.of(identities[turn])

    def theirs(turn: int) -> Callable[[], object]:
        asked = [(version, identities[turn]) for version in range(VERSIONS)]
        one = "SELECT * FROM kept WHERE version = ? AND identity = ?"
        return lambda: [bare.execute(one, names).fetchone() for names in asked]

    return compared("history of one attribute", ours, theirs, most_ms=50, ratio=0.1)


def reading(store: Store, bare: sqlite3.Connection) -> list[Row]:
    return compared(
        "read a draft as a set",
        lambda _: store.draft.attribute_set,
        lambda turn: lambda: bare.execute(SELECT, (turn,)).fetchall(),
        most_ms=100,
        ratio=0.1,
    )


def listing(store: Store, bare: sqlite3.Connection) -> list[Row]:
    count = "SELECT version, count(*) FROM kept GROUP BY version"
    return compared(
        "list the versions",
        lambda _: store.versions.summaries,
        lambda _: lambda: bare.execute(count).fetchall(),
        most_ms=500,
        ratio=0.1,
    )


def compared(
    name: str,
    ours: Callable[[int], Callable[[], object]],
    theirs: Callable[[int], Callable[[], object]],
    *,
    most_ms: float,
    ratio: float,
) -> list[Row]:
    """Time both in turn; each gets itself ready first, untimed."""
    ours_ms = reference_ms = float("inf")
    for turn in range(REPEATS):
        reference_ms = min(reference_ms, timed_ms(theirs(turn)))
        ours_ms = min(ours_ms, timed_ms(ours(turn)))
    size = f"store: {name}, {DISTORTIONS * EACH:,} attributes, {VERSIONS} versions"
    reached = reference_ms / ours_ms
    shared = {"value": round(ours_ms, 1), "unit": "ms"}
    return [
        {
            "name": f"{size}, against sqlite3",
            **shared,
            "reference": f"sqlite3 alone, same rows, {reference_ms:.1f} ms",
            "ratio": round(reached, 2),
            "target": f">= {ratio:g}x",
            "holds": reached >= ratio,
        },
        {
            "name": size,
            **shared,
            "reference": "the time a person is to wait at most",
            "ratio": round(most_ms / ours_ms, 1),
            "target": f"<= {most_ms:g} ms",
            "holds": ours_ms <= most_ms,
        },
    ]


def timed_ms(deed: Callable[[], object]) -> float:
    start = time.perf_counter()
    deed()
    return (time.perf_counter() - start) * 1000


CASES = (freezing, differing, remembering, reading, listing)


if __name__ == "__main__":
    for row in rows():
        print(row)
