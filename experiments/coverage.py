"""Check intervals, verdicts and the guard on simulated data sets whose truth is known.

    python -m experiments.coverage [DATASETS] [--svg docs/power.svg] [--naming]

Prints the tables of docs/interval-simulations.md as Markdown and draws its power curve; with
--naming only those on naming. 1,000 data sets of each kind take about a quarter of an hour on one
core, those on naming as long again.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from tests.evaluation.clustered_images import (
    POPULATIONS,
    Population,
    judge,
    judge_choice,
    naive_interval_holds,
    share,
)
from tests.evaluation.named_images import POOLS, judge_named
from workbench.evaluation.bootstrap import paired_bootstrap
from workbench.evaluation.correlation import srcc
from workbench.evaluation.test_set_access import corrected_for_choosing, gain_of_choosing
from workbench.report.figures.style import bare, colour_of, marker_of, svg_text

PHOTOGRAPHS = (3, 5, 10, 20, 40)
POWER_PHOTOGRAPHS = (10, 20, 40, 80)
NOISES = (
    0.45,
    0.4,
    0.35,
    0.3,
    0.25,
    0.2,
    0.15,
    0.05,
)  # of the better version; the other's is the first
CANDIDATES = (2, 5, 10, 20)
NAMING_SIZES = ((5, 8), (10, 5), (10, 8), (20, 8), (10, 25), (40, 25))  # photographs and types
CLEAR = (0.45, 0.05)  # noise of two versions of which one is better by far


@dataclass(frozen=True)
class Power:
    """Chance of saying "better" where the truth is a difference of SRCC."""

    photographs: int
    difference: float
    better: float
    detectable: float


def coverage_rows(datasets: int) -> Iterator[tuple[object, ...]]:
    """Yield, per population and number of photographs, how often the truth is held, in percent."""
    for name, population in POPULATIONS.items():
        for photographs in PHOTOGRAPHS:
            found = list(judge(population, photographs, datasets))
            fields = ("interval_holds", "difference_holds", "better")
            held = [f"{100 * share(found, field):.1f}" for field in fields]
            naive = naive_interval_holds(population, photographs, datasets)
            equal = population.noise[0] == population.noise[1]
            yield name, photographs, held[0], held[1], f"{100 * naive:.1f}", (
                held[2] if equal else "—"
            )  # fmt: skip


def power(datasets: int) -> Iterator[Power]:
    """Yield the chance of saying "better" over the true difference, per number of photographs."""
    for photographs in POWER_PHOTOGRAPHS:
        for noise in NOISES:
            population = Population(offset=0.2, noise=(NOISES[0], noise), stretch=0.3)
            first, second = population.truth()
            found = list(judge(population, photographs, datasets))
            detectable = float(np.nanmedian([one.detectable for one in found]))
            yield Power(photographs, second - first, share(found, "better"), detectable)


def choice_rows(datasets: int) -> Iterator[tuple[object, ...]]:
    """Yield, per number of equal candidates, what the best of them seems and is worth."""
    for candidates in CANDIDATES:
        found = list(judge_choice(candidates, 20, datasets))
        bias = {
            field: np.array([getattr(one, field) for one in found])
            for field in ("naive", "corrected", "single")
        }
        error = bias["corrected"].std() / np.sqrt(len(found))
        shares = [share(found, field) for field in ("interval_holds", "better", "better_looked")]
        yield (
            candidates,
            *(f"{values.mean():+.4f}" for values in bias.values()),
            f"{error:.4f}",
            *(f"{100 * value:.1f}" for value in shares),
        )


def clear_choice_rows(datasets: int) -> Iterator[tuple[object, ...]]:
    """Yield what the better of two very unequal versions seems and is worth, less the truth."""
    population = Population(offset=0.2, noise=CLEAR, stretch=0.3)
    worse, truth = population.truth()
    generator, bias = np.random.default_rng(3), []
    for number in range(datasets):
        drawn = target, predicted, _ = population.draw(generator, 20)
        sample = paired_bootstrap(*drawn, resamples=400, seed=number)
        points = [float(srcc(some, target)) for some in predicted]
        uncapped = np.mean(points) + gain_of_choosing(sample, *drawn)
        choice = corrected_for_choosing(*drawn, (0, 1), resamples=400, seed=number)
        bias.append(np.array([points[1], uncapped, choice.corrected]) - truth)
    means, errors = np.mean(bias, axis=0), np.std(bias, axis=0) / np.sqrt(datasets)
    cells = (f"{mean:+.4f} ± {error:.4f}" for mean, error in zip(means, errors, strict=True))
    yield f"{truth - worse:.3f}", *cells


def naming_rows(datasets: int) -> Iterator[tuple[object, ...]]:
    """Yield, per pool of wordings, photographs and types, how often verdicts on naming hold."""
    for name, pools in POOLS.items():
        for photographs, types in NAMING_SIZES:
            found = list(judge_named(pools, photographs, types, datasets))
            fields = ("holds", "better", "photographs_hold", "better_over_photographs")
            shares = [f"{100 * share(found, field):.1f}" for field in fields]
            yield name, photographs, types, f"{pools.truth(types):.3f}", *shares


def power_svg(found: Sequence[Power]) -> str:
    """Return the power curves as SVG."""
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    for place, photographs in enumerate(POWER_PHOTOGRAPHS):
        some = [one for one in found if one.photographs == photographs]
        axes.plot(
            [one.difference for one in some],
            [100 * one.better for one in some],
            marker=marker_of(place),
            color=colour_of(place),
            label=f"{photographs} photographs",
        )
    axes.axhline(80, color="#6b6b6b", linewidth=1, linestyle=":")
    axes.set_xlabel("true difference in SRCC")
    axes.set_ylabel("chance of saying “better”, %")
    axes.set_ylim(0, 102)
    axes.legend(frameon=False, loc="lower right")
    bare(axes)
    about = "; ".join(
        f"{one.photographs} photographs, difference {one.difference:.3f}: {one.better:.0%}"
        for one in found
    )
    return svg_text(figure, "power", title="Chance of showing a true difference", about=about)


def print_table(columns: Sequence[str], rows: Iterator[tuple[object, ...]]) -> None:
    """Print Markdown, a row as soon as it is known."""
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def print_naming(datasets: int) -> None:
    """Print the table on naming."""
    print_table(
        ("wordings", "photographs", "types", "true difference", "holds the difference, %",
         "“better”, %", "over photographs alone: holds, %", "“better”, %"),
        naming_rows(datasets),
    )  # fmt: skip


def main(datasets: int, svg: Path | None) -> None:
    """Print every table and draw the curve."""
    print_table(
        ("population", "photographs", "holds the SRCC, %", "holds the difference, %",
         "naive: holds the SRCC, %", "“better” where equal, %"),
        coverage_rows(datasets),
    )  # fmt: skip
    print_table(
        ("equal candidates", "best as it stands", "corrected", "any single one", "± of corrected",
         "interval holds, %", "best “better” than the baseline, %", "after all looks, %"),
        choice_rows(datasets),
    )  # fmt: skip
    print_table(
        ("true difference of two", "better one as it stands", "corrected without a cap",
         "corrected"),
        clear_choice_rows(datasets),
    )  # fmt: skip
    found = list(power(datasets))
    print_table(
        ("photographs", "true difference", "“better”, %", "smallest detectable (median)"),
        (
            (p.photographs, f"{p.difference:.3f}", f"{100 * p.better:.0f}", f"{p.detectable:.3f}")
            for p in found
        ),
    )
    print_naming(datasets)
    if svg is not None:
        svg.write_text(power_svg(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="?", type=int, default=1000)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--naming", action="store_true")
    asked = parser.parse_args()
    with threadpool_limits(1):
        if asked.naming:
            print_naming(asked.datasets)
        else:
            main(asked.datasets, asked.svg)
