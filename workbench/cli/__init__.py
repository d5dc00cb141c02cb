"""The `workbench` command: thin, and every fault one plain line on stderr."""

import sys
import traceback

import typer

from workbench.cli import attributes, datasets, demo, distortions, doctor, generate, runs, splits
from workbench.errors import WorkbenchError
from workbench.settings import read_settings

cli = typer.Typer(
    name="workbench",
    help="The attribute workbench for explainable image quality assessment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
cli.add_typer(distortions.distortions, name="distortions")
cli.add_typer(attributes.attributes, name="attributes")
cli.add_typer(attributes.versions, name="versions")
datasets.datasets.command("split")(splits.split)
cli.add_typer(datasets.datasets, name="datasets")
cli.add_typer(runs.runs, name="runs")
cli.command()(demo.demo)
cli.command()(doctor.doctor)
cli.command()(attributes.draft)
cli.command()(attributes.freeze)
cli.command()(generate.generate)
cli.command()(runs.run)
cli.command()(runs.worker)
cli.command()(runs.compare)
cli.command()(runs.app)


def main() -> None:
    """Run the command; exit 0 done, 1 could not be done, 2 wrong usage."""
    try:
        cli()
    except WorkbenchError as fault:
        sys.stderr.write(f"workbench: {fault}\n")
        sys.exit(1)
    except Exception as fault:
        log = read_settings().results / "error.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc(), encoding="utf-8")
        sys.stderr.write(
            f"workbench: internal error ({type(fault).__name__}: {fault}). "
            f"The traceback is in {log}; please report it.\n"
        )
        sys.exit(1)
