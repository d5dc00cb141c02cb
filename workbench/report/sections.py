"""Tables of what stands beside the verdicts: parts of the images, wins, looks, quoted figures."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from workbench.domain.canonical import Frozen, content_hash
from workbench.domain.comparison import Comparison, labels_of
from workbench.domain.number_format import count_text
from workbench.domain.run import Run, RunResult
from workbench.evaluation.comparable import finished_results
from workbench.report.figures.figure import Column, DataTable, Value
from workbench.report.figures.style import title_of

_FACT = (Column("field", "field", "text"), Column("value", "value", "text"))
_CAPTIONED = ("python", "torch", "numpy", "scipy")  # the rest stands at the end


def terms_line(runs: Sequence[Run], labels: Sequence[str]) -> str:
    """Return protocol, seeds, n, encoder, versions, environment and date in one line.

    Args:
        runs: The finished runs that a figure shows.
        labels: What people call each.
    """
    results = finished_results(runs, labels)
    protocol, encoder = results[0].protocol, results[0].encoder
    versions = ", ".join(
        f"{label} {result.version[:10]} (run {run.id})"
        for run, label, result in zip(runs, labels, results, strict=True)
    )
    libraries = {name: result.environment.get(name) for result in results for name in _CAPTIONED}
    environment = ", ".join(f"{name} {version}" for name, version in libraries.items() if version)
    return (
        f"Protocol {content_hash(protocol.model_dump(mode='json'))[:10]} ({protocol.split}); "
        f"seeds {_seeds(runs)}; n = {count_text(protocol.images, 'image')} of "
        f"{count_text(protocol.photographs, 'photograph')}; encoder {encoder.name}, weights "
        f"{encoder.weights}; {versions}; {environment}; finished {_newest(runs):%Y-%m-%d}."
    )


def terms_tables(
    comparison: Comparison, runs: Sequence[Run], labels: Sequence[str]
) -> list[DataTable]:
    """Return protocol, encoder and settings of the runs in full.

    Args:
        comparison: What was made of the runs.
        runs: The finished runs, in the order of its rows.
        labels: What people call each.
    """
    results = finished_results(runs, labels)
    digest = content_hash(comparison.protocol.model_dump(mode="json"))
    protocol = (*_facts(comparison.protocol), ("hash of the protocol", digest))
    return [
        DataTable(
            "protocol",
            "Protocol: figures of another one may not be ranked with these",
            _FACT,
            protocol,
        ),
        DataTable("encoder", "Encoder", _FACT, tuple(_facts(comparison.encoder))),
        DataTable(
            "settings",
            "Runs and their surroundings",
            (
                Column("fact", "fact", "text"),
                *(Column(label, label, "text") for label in labels),
            ),
            tuple((name, *values) for name, values in _settings(runs, results)),
        ),
    ]


def _newest(runs: Iterable[Run]) -> datetime:
    return max(run.finished_at or run.created_at for run in runs)


def _seeds(runs: Sequence[Run]) -> str:
    seeds = {
        "run": [run.config.seed for run in runs],
        "split": [run.config.split.seed for run in runs],
        "distortions": [run.config.data.seed for run in runs],
    }
    return ", ".join(
        f"{name} {' and '.join(dict.fromkeys(map(str, values)))}" for name, values in seeds.items()
    )


def _facts(value: Frozen) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), ", ".join(field) if isinstance(field, tuple) else _fact(field))
        for name, field in value
    ]


def _fact(field: object) -> str:
    if isinstance(field, bool):
        return "yes" if field else "no"
    return f"{field:,}" if isinstance(field, int) else str(field)


def _settings(runs: Sequence[Run], results: Sequence[RunResult]) -> list[tuple[str, list[str]]]:
    """Return what decided each run's numbers, one row per fact, one column per run."""
    rows = [
        ("run", [str(run.id) for run in runs]),
        ("version", [result.version for result in results]),
        ("attributes used", [result.attributes for result in results]),
        ("configuration", [result.config_hash for result in results]),
        ("seed of the run", [str(run.config.seed) for run in runs]),
        ("seed of the split", [str(run.config.split.seed) for run in runs]),
        ("seed of the distortions", [str(run.config.data.seed) for run in runs]),
        ("tuning", [f"{r.config.tuning.mode}, {r.config.tuning.epochs} epochs" for r in runs]),
        ("finished", [f"{_newest([run]):%Y-%m-%d %H:%M} UTC" for run in runs]),
        ("duration", [f"{result.duration_s:.1f} s" for result in results]),
    ]
    libraries = sorted({name for result in results for name in result.environment})
    return rows + [(n, [result.environment.get(n, "—") for result in results]) for n in libraries]


def evidence_tables(comparison: Comparison) -> tuple[DataTable, ...]:
    """Return the tables that a comparison has the data of, in the order of a report.

    Args:
        comparison: What to show.
    """
    return tuple(
        table for table in (_wins(comparison), _win_counts(comparison), _looks(comparison)) if table
    )


def subset_tables(comparison: Comparison) -> tuple[DataTable, ...]:
    """Return the figures and the differences within parts of the images, both folded.

    Args:
        comparison: What to show; without subsets there is no table.
    """
    if not comparison.subsets:
        return ()
    kinds = ", ".join(dict.fromkeys(part.kind for part in comparison.subsets))
    figures = DataTable(
        "subsets",
        f"SRCC within parts of the images, by {kinds}",
        (
            *_PART,
            Column("version", "version", "text"),
            Column("srcc", "SRCC"),
            Column("ci", "95 % interval", "interval"),
            Column("images", "images", "count"),
            Column("photographs", "photographs", "count"),
        ),
        tuple(_subset_figures(comparison)),
        folded=True,
    )
    differences = DataTable(
        "subset-pairs",
        f"Differences within parts of the images, by {kinds}; Holm over all parts of a kind",
        (
            *_PART,
            Column("versions", "versions", "text"),
            Column("delta_srcc", "ΔSRCC", "signed"),
            Column("ci", "95 % interval", "signed interval"),
            Column("p", "p", "p"),
            Column("p_holm", "p after Holm", "p"),
            Column("verdict", "verdict", "text"),
            Column("reason", "reason", "text", below=True),
        ),
        tuple(_subset_differences(comparison)),
        folded=True,
    )
    return (figures, differences) if differences.rows else (figures,)


def quoted_table(comparison: Comparison) -> DataTable | None:
    """Return where quoted figures come from and why they cannot be compared; None without any.

    Args:
        comparison: What to show.
    """
    if not comparison.quoted:
        return None
    names = ("method", "source", "dataset", "trained_on", "protocol", "differences", "remark")
    return DataTable(
        "quoted",
        "Quoted figures, as printed: not tested against",
        (
            *(Column(name, name.replace("_", " "), "text") for name in names),
            Column("accuracy", "accuracy"),
            Column("identification_rmse", "RMSE of strengths"),
        ),
        tuple(
            (
                *(row.method, row.source, row.dataset, row.trained_on, row.protocol),
                *("; ".join(row.differences), row.remark or None),
                *(row.accuracy, row.identification_rmse),
            )
            for row in comparison.quoted
        ),
        frozenset(range(len(comparison.quoted))),
    )


_PART = (Column("part", "part", "text"), Column("kind", "kind", "text"))


def _subset_figures(comparison: Comparison) -> Iterator[tuple[Value, ...]]:
    labels = labels_of(comparison)
    for part in comparison.subsets:
        for row in part.rows:
            counts = part.images, part.photographs
            yield (title_of(part.name), part.kind, labels[row.key], row.srcc, row.srcc_ci, *counts)


def _subset_differences(comparison: Comparison) -> Iterator[tuple[Value, ...]]:
    labels = labels_of(comparison)
    for part in comparison.subsets:
        for pair in part.pairs:
            yield (
                *(title_of(part.name), part.kind, f"{labels[pair.b]} against {labels[pair.a]}"),
                *(pair.delta_srcc, pair.ci, pair.p, pair.p_holm),
                *(pair.verdict, pair.reason or None),
            )


def _wins(comparison: Comparison) -> DataTable | None:
    if comparison.wins is None:
        return None
    labels = labels_of(comparison)
    share = {(cell.b, cell.a): cell.resamples for cell in comparison.wins.cells}
    keys = comparison.wins.keys
    return DataTable(
        "wins",
        "Share of resamples of photographs in which the row has the higher SRCC; it is not the "
        "probability that it is better",
        (
            Column("version", "version", "text"),
            *(Column(labels[key], f"over {labels[key]}") for key in keys),
        ),
        tuple((labels[b], *(share.get((b, a)) for a in keys)) for b in keys),
    )


def _win_counts(comparison: Comparison) -> DataTable | None:
    if comparison.wins is None:
        return None
    labels = labels_of(comparison)
    counts = ("higher", "lower", "tied", "better", "worse", "undefined")
    return DataTable(
        "win-counts",
        "Distortions by which version has the higher SRCC; better and worse hold after Holm",
        (
            Column("versions", "versions", "text"),
            Column("resamples", "share of resamples"),
            *(Column(name, name, "count") for name in counts),
        ),
        tuple(
            (
                f"{labels[cell.b]} over {labels[cell.a]}",
                cell.resamples,
                *(getattr(cell, name) for name in counts),
            )
            for cell in comparison.wins.cells
        ),
        folded=True,
    )


def _looks(comparison: Comparison) -> DataTable | None:
    looks = comparison.looks
    if looks is None:
        return None
    chosen: tuple[Value, ...] = (None,) * 5
    if (choice := looks.choice) is not None:
        chosen = (choice.candidates, choice.chosen, choice.srcc, choice.corrected, choice.ci)
    return DataTable(
        "looks",
        "How often this test part was looked at, this time included, and what the best is worth",
        (
            Column("test_hash", "test part", "text"),
            Column("looks", "looks", "count"),
            Column("versions", "versions", "count"),
            Column("candidates", "candidates", "count"),
            Column("chosen", "best run", "count"),
            Column("srcc", "its SRCC"),
            Column("corrected", "less the optimism of choosing"),
            Column("ci", "95 % interval", "interval", below=True),
        ),
        ((looks.test_hash[:16], looks.looks, looks.versions, *chosen),),
    )
