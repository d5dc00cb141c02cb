"""Compare finished runs of versions."""

from collections.abc import Sequence
from pathlib import Path

from workbench.domain.attributes import AttributeSet
from workbench.domain.comparison import Comparison, SubsetKind
from workbench.domain.config import RunConfig
from workbench.domain.run import Run
from workbench.errors import ConfigError
from workbench.evaluation.comparable import finished_results, stands_under
from workbench.evaluation.paired_comparison import compare_runs as paired_comparison
from workbench.evaluation.published_figures import quoted_rows
from workbench.evaluation.subsets import KINDS
from workbench.evaluation.test_set_access import on_locked
from workbench.report.page import write_report, write_tables
from workbench.store import Store
from workbench.workflow.access import compared_runs, record_access


def compare_runs(
    store: Store,
    runs: Sequence[Run],
    *,
    purpose: str,
    author: str,
    resamples: int = 10_000,
    kinds: Sequence[SubsetKind] = KINDS,
    quote: Sequence[str] = (),
    locked: bool = False,
) -> Comparison:
    """Compare finished runs under one protocol, and record the access to their test set.

    Args:
        store: The open store.
        runs: With their results, such as those of `comparable_runs`.
        purpose: What for, in words ("compare draft, curated").
        author: Who will see the figures.
        resamples: Bootstrap resamples of photographs.
        kinds: What the images are divided by for figures within their parts.
        quote: Published tables to stand beside; see `quoted_rows`.
        locked: Compare on the locked photographs instead of the held-out ones.
    """
    labels = [store.versions.get(run.version).label for run in runs]
    if len(set(labels)) < len(labels):
        labels = [f"{label}, run {run.id}" for label, run in zip(labels, runs, strict=True)]
    runs = [on_locked(run) for run in runs] if locked else runs
    protocol = finished_results(runs, labels)[0].protocol
    comparison = paired_comparison(
        runs,
        labels,
        resamples=resamples,
        groups={name: spec.group for name, spec in store.recipes.catalogue().items()},
        kinds=kinds,
        quoted=[row for name in quote for row in quoted_rows(name, protocol)],
    )
    return record_access(store, comparison, purpose=purpose, author=author)


def comparable_runs(
    store: Store,
    refs: Sequence[str],
    *,
    config: RunConfig | None = None,
    dataset: str = "",
    terms: str = "",
) -> list[Run]:
    """Return one finished run of each version, all under one configuration.

    Args:
        store: The open store.
        refs: Two or more versions.
        config: The configuration; None takes the newest that all of them have run.
        dataset: Only data sets of whose description this is a part.
        terms: Only protocols in whose split, target or crops these words stand.

    Raises:
        ConfigError: Fewer than two versions, or no configuration that all of them have run.
    """
    versions = [store.versions.get(ref) for ref in refs]
    if len({version.hash for version in versions}) < 2:
        raise ConfigError("A comparison needs two different versions; name another one.")
    done = [
        {run.config.hash: run.id for run in reversed(store.runs.list(version.hash))
         if run.status == "done"}
        for version in versions
    ]  # fmt: skip
    common = set.intersection(*(set(runs) for runs in done))
    if config is not None:
        common &= {config.hash}
    for key in sorted(common, key=lambda key: done[0][key], reverse=True):
        found = [store.runs.get(runs[key]) for runs in done]
        protocols = (run.result.protocol for run in found if run.result)
        if all(stands_under(protocol, dataset, terms) for protocol in protocols):
            return found
    names = ", ".join(version.label for version in versions)
    like = " and ".join(f"'{words}'" for words in (dataset, terms) if words)
    raise ConfigError(
        f"{'That' if config else 'No'} configuration{like and ' with ' + like} has "
        f"{'not ' if config else ''}been run to its end for all of {names}. "
        "Run each of them with the same experiment: workbench run REF --config FILE."
    )


def write_comparison_report(
    store: Store, comparison: Comparison, path: Path, *, title: str = "Attribute sets compared"
) -> Path:
    """Write the report of a comparison: one HTML file, or JSON if its name ends in .json."""
    return write_report(comparison, *_runs_labels_sets(store, comparison), path, title=title)


def write_comparison_tables(store: Store, comparison: Comparison, path: Path) -> Path:
    """Write every table of a comparison as CSV: into a folder, or a file that ends in .zip."""
    return write_tables(comparison, *_runs_labels_sets(store, comparison), path)


def _runs_labels_sets(
    store: Store, comparison: Comparison
) -> tuple[tuple[Run, ...], list[str], dict[str, AttributeSet]]:
    versions = [store.versions.get(row.version) for row in comparison.rows]
    labels = [row.label for row in comparison.rows]
    sets = {version.hash: version.attributes for version in versions}
    return compared_runs(store, comparison), labels, sets
