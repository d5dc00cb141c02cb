"""Every access to a test set is recorded before its figures are shown."""

from workbench.domain.comparison import AccessCount, Comparison
from workbench.evaluation.comparable import ComparedRuns, hash_of_test_set
from workbench.evaluation.test_set_access import corrected_for_access, on_test_set
from workbench.store import Store


def record_access(
    store: Store, comparison: Comparison, runs: ComparedRuns, *, purpose: str, author: str
) -> Comparison:
    """Record that a comparison's test figures are shown, and say what that does to its claims.

    Args:
        store: The open store.
        comparison: What is about to be shown.
        runs: What was compared.
        purpose: What for, in words ("compare draft, curated").
        author: Who sees it.

    Returns:
        The comparison with the count of accesses, this one included, and verdicts by that.
    """
    looks = store.access_log.add_all(
        comparison.test_hash, runs=[run.id for run in runs.runs], purpose=purpose, author=author
    )
    return as_of_access(store, comparison, runs, looks[-1].id)


def as_of_access(store: Store, comparison: Comparison, runs: ComparedRuns, last: int) -> Comparison:
    """Return a comparison with the count of accesses up to one of them, and verdicts by that.

    Args:
        store: The open store.
        comparison: Without any count.
        runs: What was compared.
        last: Number of the last access that counts.
    """
    test_hash = comparison.test_hash
    known = {run.id: run for run in runs.runs}
    counted = (look.run for look in store.access_log.list(test_hash) if look.id <= last)
    candidates = [
        known.get(id) or on_test_set(store.runs.get(id), test_hash)
        for id in dict.fromkeys(counted)
        if id
    ]
    accesses = store.access_log.count(test_hash, until=last)
    return corrected_for_access(comparison, accesses, candidates)


def record_run_access(
    store: Store, runs: ComparedRuns, *, purpose: str, author: str
) -> AccessCount:
    """Record that held-out figures of finished runs on one test set are shown; return the count.

    Other data that a run was tried on is a test set of its own, and is accessed as well.

    Args:
        store: The open store.
        runs: Whose figures are about to be shown.
        purpose: What for, in words ("runs show 3").
        author: Who sees them.
    """
    log = store.access_log
    log.add_all(runs.test_hash, runs=[run.id for run in runs.runs], purpose=purpose, author=author)
    for run, _, result in runs.items():
        for transfer in result.transfers:
            other = hash_of_test_set(transfer.protocol, transfer.predictions)
            log.add_all(other, runs=[run.id], purpose=purpose, author=author)
    return log.count(runs.test_hash)
