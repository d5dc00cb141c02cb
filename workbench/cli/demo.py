"""The main job end to end: draft, freeze, distort, tune, compare, report."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import Db, Json, emit, progress_bar, workplace
from workbench.cli.runs import run_here
from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.comparison import Comparison
from workbench.domain.config import RunConfig
from workbench.domain.progress import part
from workbench.domain.run import Run
from workbench.drafting.local_server import open_language_model
from workbench.encoders import default_encoder
from workbench.evaluation.report import write_report
from workbench.evaluation.wording import comparison_table
from workbench.pipeline import (
    comparable_runs,
    compare_finished,
    draft_distortion,
    enqueue_run,
    freeze_version,
)
from workbench.runs.experiment import load_experiment
from workbench.runs.looking import look_at
from workbench.settings import Settings, resource
from workbench.store import Store
from workbench.store.text import read_attributes


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="Smaller and less trained.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Draft attributes, freeze two versions, train both and compare them."""
    with workplace(db) as (settings, store):
        config = demo_experiment(settings, quick=quick)
        drafted = draft_version(store, config, settings)
        curated = curated_version(store, settings)
        versions = [drafted, curated]
        for version in versions:
            run_version_here(store, version, config, settings)
        hashes = [version.hash for version in versions]
        runs = comparable_runs(store, hashes, config=config)
        found = compare_finished(store, runs)
        comparison = look_at(store, found, purpose="demo", author=settings.author)
        report = report_on(comparison, runs, versions, settings.results / f"{config.name}.html")
    document = {
        "versions": [
            {"version": v.hash, "label": v.label, "attributes": v.attributes.size} for v in versions
        ],
        "comparison": comparison.model_dump(mode="json"),
        "report": str(report),
    }
    emit(json, document, lambda: f"{comparison_table(comparison)}\n\nReport: {report}")


def demo_experiment(settings: Settings, *, quick: bool) -> RunConfig:
    """CLIP where its weights can be had, else the offline encoder; both by prompts."""
    encoder = default_encoder(settings).name
    name = "demo" if encoder == "offline" else "demo-clip"
    return load_experiment(resource("experiments") / f"{name}{'-quick' if quick else ''}.yaml")


def draft_version(store: Store, config: RunConfig, settings: Settings) -> Version:
    """Version 1: the language model's own sentences for the demo's distortions."""
    drafted = {}
    distortions = sorted(config.data.distortions)
    with (
        progress_bar("draft") as progress,
        open_language_model(settings, progress=part(progress, 0.0, 0.1)) as llm,
    ):
        told = part(progress, 0.1, 1.0)
        for done, distortion in enumerate(distortions):
            told(done / len(distortions), distortion)
            drafted[distortion] = draft_distortion(store, distortion, llm)
        told(1.0, "done")
    return freeze_version(
        store,
        AttributeSet(by_distortion=drafted),
        message="As drafted by the language model",
        author=settings.author,
        alias="draft",
    )


def curated_version(store: Store, settings: Settings) -> Version:
    """Version 2: the curated set that ships as text; it fills an empty working draft too."""
    curated = read_attributes(resource("attribute_db/curated"), origin="curated")
    if not store.draft.rows():
        store.draft.replace(curated, author=settings.author)
    return freeze_version(
        store,
        curated,
        message="Curated set that ships with the workbench",
        author=settings.author,
        alias="curated",
    )


def run_version_here(store: Store, version: Version, config: RunConfig, settings: Settings) -> Run:
    """Return the finished run of a version, made now unless it is there already."""
    done = store.runs.find_done(version.hash, config.hash)
    if done is not None:
        return done
    with progress_bar(f"run {version.label}") as progress:
        return run_here(store, enqueue_run(store, version.hash, config), settings, progress)


def report_on(comparison: Comparison, runs: list[Run], versions: list[Version], path: Path) -> Path:
    """Write the report and return its path."""
    by_hash = {version.hash: version for version in versions}
    ordered = [by_hash[run.version] for run in runs]
    return write_report(
        comparison,
        runs,
        [version.label for version in ordered],
        {version.hash: version.attributes for version in ordered},
        path,
        title="Draft against curated attributes",
        notes=[],
    )
