"""The main job end to end: draft, freeze, distort, tune, compare, report."""

from typing import Annotated

import typer

from workbench.cli.console import Db, Json, emit, open_workbench, progress_bar
from workbench.domain.config import RunConfig
from workbench.settings import Settings, resource


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer images and less training.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Draft attributes, freeze two versions, train both and compare them."""
    from workbench.pipeline import main_job
    from workbench.report.terminal import comparison_text

    with open_workbench(db) as (settings, store), progress_bar("demo") as progress:
        config = demo_experiment(settings, quick=quick)
        versions, comparison, report = main_job(store, config, settings=settings, progress=progress)
    document = {
        "versions": [
            {"version": v.hash, "label": v.label, "attributes": v.attributes.size} for v in versions
        ],
        "comparison": comparison.model_dump(mode="json"),
        "report": str(report),
    }
    emit(json, document, lambda: f"{comparison_text(comparison)}\n\nReport: {report}")


def demo_experiment(settings: Settings, *, quick: bool) -> RunConfig:
    """CLIP where its weights are available, else the offline encoder; both by prompts."""
    from workbench.encoders import default_encoder
    from workbench.experiment.config_files import load_experiment

    encoder = default_encoder(settings).name
    name = "demo" if encoder == "offline" else "demo-clip"
    return load_experiment(resource("experiments") / f"{name}{'-quick' if quick else ''}.yaml")
