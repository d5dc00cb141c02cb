"""The terms that figures hold under: protocol, encoder, seeds, versions, environment."""

from collections.abc import Sequence
from datetime import datetime

from workbench.domain.canonical import Frozen, content_hash
from workbench.domain.comparison import Comparison
from workbench.domain.data_table import Column, DataTable, text_columns
from workbench.domain.number_format import count_text
from workbench.domain.run import Run
from workbench.evaluation.comparable import ComparedRuns

_FACT = text_columns("field", "value")
# Libraries that change figures most; the rest stands in the table of settings.
_CAPTIONED = ("python", "torch", "numpy", "scipy")


def terms_line(compared: ComparedRuns) -> str:
    """Return protocol, seeds, n, encoder, versions, environment and date in one line."""
    protocol, encoder = compared.protocol, compared.encoder
    versions = ", ".join(
        f"{label} {result.version[:10]} (run {run.id})" for run, label, result in compared.items()
    )
    libraries = {
        name: result.environment.get(name) for result in compared.results for name in _CAPTIONED
    }
    environment = ", ".join(f"{name} {version}" for name, version in libraries.items() if version)
    finished = max(map(_finished_at, compared.runs))
    return (
        f"Protocol {_protocol_digest(compared)} ({protocol.split}); "
        f"seeds {_seeds(compared.runs)}; n = {count_text(protocol.images, 'image')} of "
        f"{count_text(protocol.photographs, 'photograph')}; encoder {encoder.name}, weights "
        f"{encoder.weights}; {versions}; {environment}; finished {finished:%Y-%m-%d}."
    )


def terms_tables(comparison: Comparison, compared: ComparedRuns) -> tuple[DataTable, ...]:
    """Return protocol, encoder and settings of the runs in full."""
    digest = content_hash(comparison.protocol.model_dump(mode="json"))
    return (
        DataTable(
            "protocol",
            "Protocol: figures of another one may not be ranked with these",
            _FACT,
            (*facts(comparison.protocol), ("hash of the protocol", digest)),
        ),
        DataTable("encoder", "Encoder", _FACT, facts(comparison.encoder)),
        _settings_table(compared),
    )


def facts(value: Frozen) -> tuple[tuple[str, str], ...]:
    """Return the fields of a value as people read them: name and content."""
    return tuple(
        (name.replace("_", " "), ", ".join(field) if isinstance(field, tuple) else _fact(field))
        for name, field in value
    )


def _fact(field: object) -> str:
    if isinstance(field, bool):
        return "yes" if field else "no"
    return f"{field:,}" if isinstance(field, int) else str(field)


def _protocol_digest(compared: ComparedRuns) -> str:
    return content_hash(compared.protocol.model_dump(mode="json"))[:10]


def _finished_at(run: Run) -> datetime:
    return run.finished_at or run.created_at


def _seeds(runs: Sequence[Run]) -> str:
    seeds = {
        "run": [run.config.seed for run in runs],
        "split": [run.config.split.seed for run in runs],
        "distortions": [run.config.data.seed for run in runs],
    }
    return ", ".join(
        f"{name} {' and '.join(dict.fromkeys(map(str, values)))}" for name, values in seeds.items()
    )


def _settings_table(compared: ComparedRuns) -> DataTable:
    """Return what decided each run's numbers, one row per fact, one column per run."""
    runs, results = compared.runs, compared.results
    libraries = sorted({name for result in results for name in result.environment})
    rows = (
        ("run", *(str(run.id) for run in runs)),
        ("version", *(result.version for result in results)),
        ("attributes used", *(result.attributes for result in results)),
        ("configuration", *(result.config_hash for result in results)),
        ("seed of the run", *(str(run.config.seed) for run in runs)),
        ("seed of the split", *(str(run.config.split.seed) for run in runs)),
        ("seed of the distortions", *(str(run.config.data.seed) for run in runs)),
        ("tuning", *(f"{r.config.tuning.mode}, {r.config.tuning.epochs} epochs" for r in runs)),
        ("finished", *(f"{_finished_at(run):%Y-%m-%d %H:%M} UTC" for run in runs)),
        ("duration", *(f"{result.duration_s:.1f} s" for result in results)),
        *((name, *(r.environment.get(name, "—") for r in results)) for name in libraries),
    )
    columns = (
        Column("fact", "fact", "text"),
        *(Column(label, label, "text") for label in compared.labels),
    )
    return DataTable("settings", "Runs and their surroundings", columns, rows)
