"""What comparing and merging attribute sets of 10,000 costs, against Python's own sets of phrases.

    python benchmarks/bench_attribute_sets.py

The reference tells with `set` which phrases came and went in each distortion, and knows nothing of
rewording, moves, order or identity. Both run in turn, in processor time, and the best of each
counts: other work on the machine only adds. A ratio is reference / ours.
"""

import time
from collections.abc import Callable
from typing import Any

from workbench.domain.attributes import AttributeSet
from workbench.domain.difference import difference
from workbench.domain.merging import merge

DISTORTIONS, EACH = 25, 400
REPEATS = 7


def rows() -> list[dict[str, Any]]:
    """Return one row for a difference and one for a merge."""
    names = {f"d{d}": [f"mark {d} {n} of many" for n in range(EACH)] for d in range(DISTORTIONS)}
    base = AttributeSet.from_phrases(names)
    reworded = AttributeSet.from_phrases(
        {name: [*some[:7], f"{some[7]} more", *some[8:]] for name, some in names.items()}
    )
    ours = AttributeSet.from_phrases({name: some[:-1] for name, some in names.items()})
    theirs = AttributeSet.from_phrases({name: [*some, "more"] for name, some in names.items()})
    return [
        compared("difference", lambda: difference(base, reworded), base, reworded, 0.07),
        compared("merge", lambda: merge(base, ours, theirs), ours, theirs, 0.01),
    ]


def compared(
    name: str, deed: Callable[[], object], one: AttributeSet, other: AttributeSet, least: float
) -> dict[str, Any]:
    ours_s = reference_s = float("inf")
    for _ in range(REPEATS):
        reference_s = min(reference_s, seconds(lambda: by_sets(one, other)))
        ours_s = min(ours_s, seconds(deed))
    return {
        "name": f"domain: {name}, {DISTORTIONS * EACH:,} attributes each",
        "value": round(1000 * ours_s, 1),
        "unit": "ms",
        "reference": f"sets of phrases alone, {1000 * reference_s:.1f} ms",
        "ratio": round(reference_s / ours_s, 3),
        "target": f">= {least:g}x",
        "holds": reference_s / ours_s >= least,
    }


def by_sets(one: AttributeSet, other: AttributeSet) -> dict[str, tuple[set[str], set[str]]]:
    before, after = one.phrases(), other.phrases()
    return {
        name: (set(before[name]) - set(after[name]), set(after[name]) - set(before[name]))
        for name in before
    }


def seconds(deed: Callable[[], object]) -> float:
    start = time.process_time()
    deed()
    return time.process_time() - start


if __name__ == "__main__":
    for row in rows():
        print(row)
