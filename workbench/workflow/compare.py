"""Compare finished runs of versions, and report what came of it."""

from collections.abc import Sequence
from pathlib import Path

from workbench.domain.audit_events import Look
from workbench.domain.comparison import Comparison, SubsetKind
from workbench.domain.config import RunConfig
from workbench.domain.run import Protocol, Run
from workbench.errors import ConfigError
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.over_seeds import compare_over_seeds
from workbench.evaluation.paired_comparison import compare_runs as paired_comparison
from workbench.evaluation.published_figures import quoted_rows
from workbench.evaluation.subsets import KINDS
from workbench.evaluation.test_set_access import on_locked, on_test_set, on_transfer
from workbench.report.content import ReportContent, report_content
from workbench.report.page import write_report, write_tables
from workbench.store import Store
from workbench.workflow.access import as_of_access, record_access

_TITLE = "Attribute sets compared"


def comparable_runs(
    store: Store,
    refs: Sequence[str],
    *,
    config: RunConfig | None = None,
    dataset: str = "",
    terms: str = "",
    locked: bool = False,
    transfer: str = "",
) -> ComparedRuns:
    """Return one finished run of each version, all under one configuration.

    Args:
        store: The open store.
        refs: Two or more versions.
        config: The configuration; None takes the newest that all of them have run.
        dataset: Only data sets of whose description this is a part.
        terms: Only protocols in whose split, target or crops these words stand.
        locked: With the figures of the locked photographs instead of the held-out ones.
        transfer: With the figures on that other data, of whose description this is a part.

    Raises:
        ConfigError: Fewer than two versions, or no configuration that all of them have run.
    """
    versions = [store.versions.get(ref) for ref in refs]
    if len({version.hash for version in versions}) < 2:
        raise ConfigError("A comparison needs two different versions; name another one.")
    finished = [
        {run.config.hash: run.id for run in reversed(store.runs.list(version.hash))
         if run.status == "done"}
        for version in versions
    ]  # fmt: skip
    common = set.intersection(*(set(run_by_config) for run_by_config in finished))
    if config is not None:
        common &= {config.hash}
    for key in sorted(common, key=lambda key: finished[0][key], reverse=True):
        runs = [store.runs.get(run_by_config[key]) for run_by_config in finished]
        if all(_matches(run.result.protocol, dataset, terms) for run in runs if run.result):
            return labelled_runs(store, runs, locked=locked, transfer=transfer)
    names = ", ".join(version.label for version in versions)
    like = " and ".join(f"'{words}'" for words in (dataset, terms) if words)
    raise ConfigError(
        f"{'That' if config else 'No'} configuration{like and ' with ' + like} has "
        f"{'not ' if config else ''}been run to its end for all of {names}. "
        "Run each of them with the same experiment: workbench run REF --config FILE."
    )


def runs_by_seed(
    store: Store, runs: ComparedRuns, *, locked: bool = False, transfer: str = ""
) -> list[ComparedRuns]:
    """Return the runs of the same versions and settings with each training seed that all have run.

    Args:
        store: The open store.
        runs: Of `comparable_runs`; their seed comes first.
        locked: As for `comparable_runs`.
        transfer: Likewise.

    Raises:
        ConfigError: There is no second seed.
    """
    common = runs_of_other_seeds(store, runs)
    if not common:
        raise ConfigError(
            f"{', '.join(runs.labels)} have been run with no training seed in common but "
            f"{runs.runs[0].config.seed}. Run them with more: workbench run REF… --config FILE "
            "--seeds 0,1,2."
        )
    others = [[store.runs.get(id) for id in ids] for ids in common]
    return [
        runs,
        *(labelled_runs(store, each, locked=locked, transfer=transfer) for each in others),
    ]


def runs_of_other_seeds(store: Store, runs: ComparedRuns) -> list[list[int]]:
    """Return the newest runs of the same versions and settings with each other training seed.

    Args:
        store: The open store.
        runs: Those of one seed, all under one configuration.

    Returns:
        Numbers of runs in the order of the versions, for each seed that all versions have run.
    """
    base = runs.runs[0].config
    finished: list[dict[int, int]] = []
    for one in runs.runs:
        # From the oldest to the newest, which replaces it.
        done = [run for run in reversed(store.runs.list(one.version)) if run.status == "done"]
        finished.append({
            run.config.seed: run.id for run in done
            if run.config.model_copy(update={"seed": base.seed}).hash == base.hash
        })  # fmt: skip
    common = sorted(set.intersection(*map(set, finished)) - {base.seed})
    return [[ids[seed] for ids in finished] for seed in common]


def labelled_runs(
    store: Store, runs: Sequence[Run], *, locked: bool = False, transfer: str = ""
) -> ComparedRuns:
    """Return finished runs as one value, each named after its version.

    A comparison begins here: nothing after it validates the runs again.

    Args:
        store: The open store.
        runs: With their results.
        locked: With the figures of the locked photographs instead of the held-out ones.
        transfer: With the figures on that other data, of whose description this is a part.

    Raises:
        ConfigError: The runs cannot be compared, or have no locked photographs or no such data.
    """
    if locked:
        runs = [on_locked(run) for run in runs]
    elif transfer:
        runs = [on_transfer(run, transfer) for run in runs]
    names = [store.versions.get(run.version).label for run in runs]
    return ComparedRuns.of(runs, distinct_labels(names, [run.id for run in runs]))


def distinct_labels(names: Sequence[str], ids: Sequence[int]) -> list[str]:
    """Return what people call runs: their versions' names, with their numbers where two are alike.

    Example:
        >>> distinct_labels(["draft", "curated"], [1, 2]), distinct_labels(["draft"] * 2, [1, 2])
        (['draft', 'curated'], ['draft, run 1', 'draft, run 2'])
    """
    if len(set(names)) == len(names):
        return list(names)
    return [f"{name}, run {id}" for name, id in zip(names, ids, strict=True)]


def runs_on(
    store: Store, ids: Sequence[int], labels: Sequence[str], test_hash: str
) -> ComparedRuns:
    """Return finished runs with their figures on one of their test sets.

    Raises:
        ConfigError: One has no such test set, or they cannot be compared.
    """
    return ComparedRuns.of([on_test_set(store.runs.get(id), test_hash) for id in ids], labels)


def compare_runs(
    store: Store,
    runs: ComparedRuns,
    *,
    purpose: str,
    author: str,
    resamples: int = 10_000,
    kinds: Sequence[SubsetKind] = KINDS,
    quote: Sequence[str] = (),
    by_seed: Sequence[ComparedRuns] = (),
) -> Comparison:
    """Compare finished runs, and record the access to their test set.

    Args:
        store: The open store.
        runs: Of `comparable_runs` or `labelled_runs`.
        purpose: What for, in words ("compare draft, curated").
        author: Who will see the figures.
        resamples: Bootstrap resamples of photographs.
        kinds: What the images are divided by for figures within their parts.
        quote: Published tables to show with the figures; see `quoted_rows`.
        by_seed: Of `runs_by_seed`: with what they say together, whose test set is accessed, too.
    """
    comparison = _compared(store, runs, resamples, kinds, quote)
    if by_seed:
        over_seeds = compare_over_seeds(by_seed, resamples=resamples)
        comparison = comparison.model_copy(update={"over_seeds": over_seeds})
        others = [run.id for of_seed in by_seed[1:] for run in of_seed.runs]
        store.access_log.add_all(runs.test_hash, runs=others, purpose=purpose, author=author)
    return record_access(store, comparison, runs, purpose=purpose, author=author)


def last_opened(store: Store, runs: ComparedRuns) -> tuple[Look, ...]:
    """Return the accesses by which just these runs were compared last; none if they never were."""
    ids = [run.id for run in runs.runs]
    return store.access_log.last_together(runs.test_hash, ids, act="compare")


def reopen_comparison(
    store: Store,
    runs: ComparedRuns,
    *,
    resamples: int = 10_000,
    kinds: Sequence[SubsetKind] = KINDS,
    quote: Sequence[str] = (),
) -> Comparison:
    """Return a comparison that somebody has opened before, as it was then; no access is recorded.

    Takes what `compare_runs` does. The count of accesses, and with it the verdicts, are those of
    when it was opened last.

    Raises:
        ConfigError: Just these runs have not been compared on this test set yet.
    """
    looks = last_opened(store, runs)
    if not looks:
        raise ConfigError(
            f"{', '.join(runs.labels)} have not been compared on this test set yet, so there is "
            "nothing to show again. Compare them, which is a test-set access for each."
        )
    comparison = _compared(store, runs, resamples, kinds, quote)
    return as_of_access(store, comparison, runs, looks[-1].id)


def _compared(
    store: Store,
    runs: ComparedRuns,
    resamples: int,
    kinds: Sequence[SubsetKind],
    quote: Sequence[str],
) -> Comparison:
    return paired_comparison(
        runs,
        resamples=resamples,
        groups={name: spec.group for name, spec in store.recipes.catalogue().items()},
        kinds=kinds,
        quoted=[row for name in quote for row in quoted_rows(name, runs.protocol)],
    )


def write_comparison_report(
    store: Store,
    comparison: Comparison,
    runs: ComparedRuns,
    path: Path,
    *,
    title: str = _TITLE,
) -> Path:
    """Write the report of a comparison: one HTML file, or JSON if its name ends in .json."""
    return write_report(_content(store, comparison, runs, title), path)


def write_comparison_tables(
    store: Store, comparison: Comparison, runs: ComparedRuns, path: Path
) -> Path:
    """Write every table of a comparison as CSV: into a folder, or a file that ends in .zip."""
    return write_tables(_content(store, comparison, runs), path)


def _matches(protocol: Protocol, dataset: str, terms: str) -> bool:
    """Return whether the words of a protocol contain what is asked for, whatever the case."""
    words = f"{protocol.split}; {protocol.target}; {protocol.crop}"
    return (
        dataset.casefold() in protocol.dataset.casefold() and terms.casefold() in words.casefold()
    )


def _content(
    store: Store, comparison: Comparison, runs: ComparedRuns, title: str = _TITLE
) -> ReportContent:
    attributes = {run.version: store.versions.get(run.version).attributes for run in runs.runs}
    return report_content(comparison, runs, attributes, title=title)
