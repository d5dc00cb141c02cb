"""A comparison as one HTML file that needs nothing else: no network, no code, no other file."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.base import Frozen
from workbench.domain.comparison import Comparison
from workbench.domain.run import Run, RunResult
from workbench.errors import ConfigError
from workbench.evaluation import wording
from workbench.evaluation.comparable import finished_results
from workbench.evaluation.plots import identification_plot, interval_plot, scatter_plot
from workbench.evaluation.wording import comparison_table as comparison_table
from workbench.files import written_whole


def write_report(
    comparison: Comparison,
    runs: Sequence[Run],
    labels: Sequence[str],
    attributes: Mapping[str, AttributeSet],
    path: Path,
    *,
    title: str = "Attribute sets compared",
    notes: Sequence[str] = (),
) -> Path:
    """Write a comparison as one self-contained HTML file; same input, same bytes.

    The file appears whole or not at all: it is written beside its place and then moved there.

    Args:
        comparison: What `compare_runs` returned for these runs.
        runs: The finished runs, in the order of its rows.
        labels: What people call each.
        attributes: The attribute set that each run used, by version hash or by label.
        path: Where to write; missing folders are made.
        title: Heading of the report.
        notes: Lines to add to the comparison's own notes.

    Returns:
        The path.

    Raises:
        ConfigError: runs do not belong to the comparison, an attribute set is missing, or the
            file cannot be written.
    """
    text = report_html(comparison, runs, labels, attributes, title=title, notes=notes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as passing:
            passing.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(
            f"The report cannot be written to {path}: {error.strerror or error}. "
            "Free some space or name another path."
        ) from error
    return path


def report_html(
    comparison: Comparison,
    runs: Sequence[Run],
    labels: Sequence[str],
    attributes: Mapping[str, AttributeSet],
    *,
    title: str,
    notes: Sequence[str] = (),
) -> str:
    """Return the report's text; takes and raises what `write_report` does."""
    results = finished_results(runs, labels)
    if [run.id for run in runs] != [row.run for row in comparison.rows]:
        raise ConfigError("A report needs the runs of its comparison, in the order of its rows.")
    sets = [_set_of(row.version, label, attributes) for row, label in _rows(comparison, labels)]
    keyed = wording.labels_of(comparison)
    text: str = _template().render(
        title=title,
        comparison=comparison,
        verdicts=[wording.verdict_sentence(pair, keyed) for pair in comparison.pairs],
        labels=list(labels),
        keyed=keyed,
        notes=[*comparison.notes, *notes, *wording.undefined_reasons(comparison)],
        intervals=Markup(interval_plot(comparison)),
        identification=Markup(identification_plot(comparison)),
        scatters=[
            (label, Markup(scatter_plot(run, label)))
            for run, label in zip(runs, labels, strict=True)
        ],
        attributes=_side_by_side(sets, comparison.protocol.distortions),
        protocol=_facts(comparison.protocol),
        encoder=_facts(comparison.encoder),
        settings=_settings(runs, results),
        data=comparison.model_dump(mode="json"),
    )
    return text


def _template() -> Any:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "figure": wording.figure_text,
        "signed": wording.signed_text,
        "interval": wording.interval_text,
        "p": wording.p_text,
    }
    environment.globals |= {
        "quality_figures": wording.QUALITY_FIGURES,
        "identification_figures": wording.IDENTIFICATION_FIGURES,
        "always_clean": wording.ALL_CLEAN,
        "count": wording.count_text,
    }
    source = files("workbench.evaluation").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)


def _rows(comparison: Comparison, labels: Sequence[str]) -> Any:
    return zip(comparison.rows, labels, strict=True)


def _set_of(version: str, label: str, attributes: Mapping[str, AttributeSet]) -> AttributeSet:
    found = attributes.get(version, attributes.get(label))
    if found is None:
        raise ConfigError(f"The report needs the attributes of {label} ({version[:10]}).")
    return found


def _side_by_side(
    sets: Sequence[AttributeSet], distortions: Sequence[str]
) -> list[tuple[str, list[list[tuple[Attribute, bool]]]]]:
    """Return per distortion, per version: each attribute and whether all versions share it."""
    table = []
    for distortion in distortions:
        columns = [some.by_distortion.get(distortion, ()) for some in sets]
        shared = set.intersection(*({a.phrase.casefold() for a in column} for column in columns))
        marked = [[(a, a.phrase.casefold() in shared) for a in column] for column in columns]
        table.append((distortion, marked))
    return table


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
        ("duration", [f"{result.duration_s:.1f} s" for result in results]),
    ]
    libraries = sorted({name for result in results for name in result.environment})
    return rows + [(n, [result.environment.get(n, "—") for result in results]) for n in libraries]
