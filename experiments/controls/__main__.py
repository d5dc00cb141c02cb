"""python -m experiments.controls [--config FILE.yaml] [--seeds 0 1 2] [--set A.B=V]...

Runs the four attribute sets of this folder under one experiment, seed by seed, and prints as
Markdown: their figures, what is said of each pair with the curated set, and what the words of each
are worth. On two cores the twelve runs of experiments/demo-quick.yaml take a quarter of an hour.
"""

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from experiments.coverage import print_table
from workbench.domain.attributes import Version
from workbench.domain.comparison import Comparison, labels_of, row_keys
from workbench.domain.config import RunConfig
from workbench.domain.number_format import figure_text, interval_text, signed_text
from workbench.domain.run import Run
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.experiment.config_files import load_experiment
from workbench.experiment.run import run_version
from workbench.report.wording import verdict_words, words_worth_text
from workbench.settings import Settings, read_settings
from workbench.store.text import read_attributes

FOLDER = Path(__file__).parent
SETS = ("mixed", "shuffled", "nonsense", "curated")  # a pair says what the later one gains
FIGURES = ("top1_type", "macro_f1", "mean_average_precision", "strength_srcc")


def finished_run(number: int, name: str, config: RunConfig, settings: Settings) -> Run:
    """Return a finished run of one of the sets."""
    attributes = read_attributes(FOLDER / f"{name}.yaml", origin="import")
    now = datetime.now(UTC)
    version = Version(
        hash=attributes.hash,
        attributes=attributes,
        message=name,
        author="experiment",
        created_at=now,
        aliases=(name,),
    )
    result = run_version(version, config, settings=settings, progress=lambda _share, _text: None)
    return Run(
        id=number,
        version=version.hash,
        config=config,
        status="done",
        created_at=now,
        finished_at=now,
        result=result,
    )


def comparison(config: RunConfig, seed: int) -> Comparison:
    """Return the four sets compared under one seed of training."""
    seeded = config.model_copy(update={"seed": seed})
    with TemporaryDirectory() as folder:
        settings = read_settings().model_copy(update={"home": Path(folder)})
        runs = [finished_run(n, name, seeded, settings) for n, name in enumerate(SETS)]
    return compare_runs(ComparedRuns.of(runs, SETS), kinds=())


def figure_rows(found: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    """Yield each set's figures, mean over the seeds."""
    for index, name in enumerate(SETS):
        rows = [one.rows[index] for one in found]
        figures = [[getattr(row.identification, figure) for row in rows] for figure in FIGURES]
        quality = [row.srcc for row in rows]
        yield name, *(figure_text(float(np.mean(values))) for values in (quality, *figures))


def verdict_rows(found: Sequence[Comparison], seeds: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield what is said of the curated set against each other one, seed by seed."""
    for seed, one in zip(seeds, found, strict=True):
        labels, curated = labels_of(one), row_keys(one.rows)[-1]
        for pair in one.pairs:
            if pair.b == curated and pair.naming and (main := pair.naming.main):
                gain, interval = signed_text(main.delta), interval_text(main.ci, signed=True)
                yield seed, labels[pair.a], verdict_words(pair), gain, interval


def worth_rows(found: Sequence[Comparison], seeds: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield what the words of each set are worth, seed by seed."""
    for seed, one in zip(seeds, found, strict=True):
        for row in one.rows:
            if row.controls is not None:
                yield seed, row.label, words_worth_text(row.controls, row.attributes)


def main(config: RunConfig, seeds: Sequence[int]) -> None:
    """Run, compare and print."""
    found = [comparison(config, seed) for seed in seeds]
    print_table(
        ("set", "quality SRCC", "top-1 type", "macro-F1", "mAP", "strength SRCC"),
        figure_rows(found),
    )
    print_table(
        ("seed", "curated against", "verdict", "macro-F1", "95 % interval"),
        verdict_rows(found, seeds),
    )
    print_table(("seed", "set", "what its words are worth"), worth_rows(found, seeds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=FOLDER.parent / "demo-quick.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", action="append", default=[], metavar="A.B=V")
    asked = parser.parse_args()
    main(load_experiment(asked.config, asked.set), asked.seeds)
