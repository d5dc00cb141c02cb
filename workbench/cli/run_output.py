"""What a command prints of a finished run."""

from typing import TYPE_CHECKING

from workbench.cli.console import table
from workbench.domain.comparison import AccessCount
from workbench.domain.number_format import figure_text
from workbench.domain.run import Run

if TYPE_CHECKING:
    from workbench.store import Store


def record_access(store: "Store", run: Run, purpose: str, author: str) -> AccessCount | None:
    """Record that the figures of a run are shown; None for a run that has none."""
    from workbench.evaluation.comparable import ComparedRuns
    from workbench.workflow.access import record_run_access

    if run.result is None:
        return None
    runs = ComparedRuns.of([run], [f"run {run.id}"])
    return record_run_access(store, runs, purpose=purpose, author=author)


def accesses_document(accesses: AccessCount | None) -> dict[str, object] | None:
    """Return the count of accesses to the test set as a document; None without one."""
    return accesses.model_dump(mode="json", exclude={"choice"}) if accesses else None


def run_summary(run: Run) -> dict[str, object]:
    """Return what may be said of a run without showing a figure."""
    result = run.result
    return {
        "run": run.id,
        "version": run.version,
        "status": run.status,
        "stopping": run.is_stopping,
        "error": run.error,
        "protocol": result.protocol.model_dump(mode="json") if result else None,
        "encoder": result.encoder.model_dump(mode="json") if result else None,
    }


def run_figures(run: Run, accesses: AccessCount | None) -> dict[str, object]:
    """Return a run with its figures as a document."""
    from workbench.evaluation.paired_comparison import words_worth

    result = run.result
    metrics = None
    if result is not None:
        metrics = result.quality.model_dump(mode="json")
        metrics["identification"] = result.identification.model_dump(mode="json")
        metrics["all_clean"] = result.all_clean.model_dump(mode="json")
        metrics["controls"] = words_worth(result).model_dump(mode="json")
        metrics["baselines"] = {
            name: figures.model_dump(mode="json") for name, figures in result.baselines.items()
        }
    return {**run_summary(run), "metrics": metrics, "looks": accesses_document(accesses)}


def run_figures_table(run: Run, accesses: AccessCount | None) -> object:
    """Return a run's figures as a terminal shows them; without figures, where the run stands."""
    from rich.console import Group

    from workbench.domain.run import BASELINE_TITLES
    from workbench.evaluation.paired_comparison import words_worth
    from workbench.report.wording import access_sentences, words_worth_text

    if run.result is None or accesses is None:
        return f"Run {run.id}: {run.status}. {run.error or run.stage}"
    result = run.result
    figures = table(("figure", "value", "all clean"), [
        *((f"{name.upper()}", figure_text(value), "") for name, value in result.quality),
        *((name, figure_text(value), figure_text(getattr(result.all_clean, name)))
          for name, value in result.identification),
        *((f"SRCC: {BASELINE_TITLES.get(name, name)}", figure_text(figures.srcc), "")
          for name, figures in result.baselines.items()),
    ])  # fmt: skip
    worth = words_worth_text(words_worth(result), result.attribute_count)
    return Group(figures, *(f"· {line}" for line in (worth, *access_sentences(accesses))))
