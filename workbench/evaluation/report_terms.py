"""The terms that a report's figures hold under: in one line for a caption, in full at its end."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from workbench.domain.base import Frozen, content_hash
from workbench.domain.comparison import Comparison
from workbench.domain.run import Run, RunResult
from workbench.evaluation.comparable import finished_results
from workbench.evaluation.figures.table import Column, DataTable
from workbench.evaluation.wording import count_text

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
