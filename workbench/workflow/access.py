"""Every access to a test set is recorded before its figures are shown."""

from collections.abc import Sequence

from workbench.domain.comparison import AccessCount, Comparison
from workbench.domain.run import Run
from workbench.evaluation.comparable import finished_results
from workbench.evaluation.test_set_access import corrected_for_access, hash_of_test_part, part_of
from workbench.store import Store


def record_access(store: Store, comparison: Comparison, *, purpose: str, author: str) -> Comparison:
    """Record that a comparison's test figures are shown, and say what that does to its claims.

    Args:
        store: The open store.
        comparison: What is about to be shown.
        purpose: What for, in words ("compare draft, curated").
        author: Who looks.

    Returns:
        The comparison with the count of looks, this one included, and verdicts by that.
    """
    looked = [row.run for row in comparison.rows]
    store.access_log.add_all(comparison.test_hash, runs=looked, purpose=purpose, author=author)
    looks = store.access_log.list(comparison.test_hash)
    candidates = [store.runs.get(run) for run in dict.fromkeys(one.run for one in looks) if run]
    parts = [part_of(run, comparison.test_hash) for run in candidates]
    return corrected_for_access(comparison, store.access_log.count(comparison.test_hash), parts)


def record_run_access(
    store: Store, runs: Sequence[Run], *, purpose: str, author: str
) -> AccessCount:
    """Record that held-out figures of finished runs on one test part are shown; return the count.

    Other data that a run was tried on is a test part of its own, and is looked at as well.

    Args:
        store: The open store.
        runs: Whose figures are about to be shown.
        purpose: What for, in words ("runs show 3").
        author: Who looks.

    Raises:
        ConfigError: One is not done, or they were tested on different images.
    """
    results = finished_results(runs, [f"run {run.id}" for run in runs])
    test_hash = hash_of_test_part(results[0].protocol, results[0].predictions)
    store.access_log.add_all(
        test_hash, runs=[run.id for run in runs], purpose=purpose, author=author
    )
    for run, result in zip(runs, results, strict=True):
        for other in result.transfers:
            seen = hash_of_test_part(other.protocol, other.predictions)
            store.access_log.add_all(seen, runs=[run.id], purpose=purpose, author=author)
    return store.access_log.count(test_hash)


def compared_runs(store: Store, comparison: Comparison) -> tuple[Run, ...]:
    """Return the runs of a comparison's rows as seen on its test part, locked or held out."""
    runs = [store.runs.get(row.run) for row in comparison.rows]
    return tuple(part_of(run, comparison.test_hash) for run in runs)
