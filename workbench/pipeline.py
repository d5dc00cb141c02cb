"""The whole project on one screen: what `workbench demo` does, step by step.

    Distortion -> draft -> AttributeSet -> expert edits -> freeze -> Version
      -> run (tune prompts, attribute probabilities, regressor) -> RunResult -> compare -> report

Each arrow is one function of `workbench.workflow`, whose argument is the result of the one before.
The command line and the pages call the same functions, one at a time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.canonical import Progress, part
from workbench.domain.comparison import Comparison
from workbench.domain.config import RunConfig
from workbench.domain.run import Run
from workbench.settings import Settings, resource

if TYPE_CHECKING:
    from workbench.evaluation.comparable import ComparedRuns
    from workbench.store import Store

# Each function imports what it needs when it is called: torch alone takes seconds.


class MainJob(NamedTuple):
    """What the main job leaves behind."""

    versions: tuple[Version, ...]
    comparison: Comparison
    report: Path


def main_job(
    store: "Store", config: RunConfig, *, settings: Settings, progress: Progress
) -> MainJob:
    """Draft attributes, freeze two versions, run both under one experiment and compare them.

    Raises:
        WorkbenchError: A step could not be done; what the steps before it made is in the store.
    """
    drafted = draft(store, config.data.distortions, settings, part(progress, 0.0, 0.2))
    curated = curate(store, settings)
    versions = tuple(
        freeze(store, attributes, alias, message, settings)
        for attributes, alias, message in (
            (drafted, "draft", "As drafted by the language model"),
            (curated, "curated", "Curated set that ships with the workbench"),
        )
    )
    runs = [
        run(store, version, config, settings, part(progress, 0.2 + 0.4 * done, 0.6 + 0.4 * done))
        for done, version in enumerate(versions)
    ]
    comparison, compared = compare(store, runs, settings)
    page = report(store, comparison, compared, settings, config.name)
    return MainJob(versions, comparison, page)


def draft(
    store: "Store", distortions: Sequence[str], settings: Settings, progress: Progress
) -> AttributeSet:
    """Ask the language model for attributes of each distortion; every call is logged."""
    from workbench.drafting.local_server import open_language_model
    from workbench.workflow.drafting import draft_set

    with open_language_model(settings, progress=part(progress, 0.0, 0.1)) as model:
        return draft_set(store, sorted(distortions), model, progress=part(progress, 0.1, 1.0))


def curate(store: "Store", settings: Settings) -> AttributeSet:
    """Return the experts' set, as text files keep it; it fills an empty working draft too."""
    from workbench.store.text import read_attributes

    curated = read_attributes(resource("attribute_db/curated"), origin="curated")
    if not store.draft.rows():
        store.draft.replace(curated, author=settings.author)
    return curated


def freeze(
    store: "Store", attributes: AttributeSet, alias: str, message: str, settings: Settings
) -> Version:
    """Freeze a set: an immutable version, named by the hash of its content."""
    from workbench.workflow.versions import freeze_version

    return freeze_version(store, attributes, message=message, author=settings.author, alias=alias)


def run(
    store: "Store", version: Version, config: RunConfig, settings: Settings, progress: Progress
) -> Run:
    """Tune, regress and evaluate a version; every photograph is held out exactly once."""
    from workbench.workflow.runs import run_now

    return run_now(store, version.hash, config, settings=settings, progress=progress)


def compare(
    store: "Store", runs: Sequence[Run], settings: Settings
) -> tuple[Comparison, "ComparedRuns"]:
    """Compare the runs, with intervals and verdicts; the test set's use is recorded first."""
    from workbench.workflow.compare import compare_runs, labelled_runs

    compared = labelled_runs(store, runs)  # which validates them, for the report too
    return compare_runs(store, compared, purpose="demo", author=settings.author), compared


def report(
    store: "Store", comparison: Comparison, runs: "ComparedRuns", settings: Settings, name: str
) -> Path:
    """Write the comparison as one HTML page that needs nothing else."""
    from workbench.workflow.compare import write_comparison_report

    path = settings.results / f"{name}.html"
    return write_comparison_report(
        store, comparison, runs, path, title="Draft against curated attributes"
    )
