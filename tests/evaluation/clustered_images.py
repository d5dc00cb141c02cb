"""Simulated data sets whose truth is known: photographs differ, their images resemble each other.

`python -m tests.evaluation.clustered_images [DATASETS]` prints coverage and power in full, for
every population and number of photographs; the tests take a part of it.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from workbench.domain.metrics import Undefined
from workbench.evaluation.bootstrap import draw_photographs, leave_one_out
from workbench.evaluation.correlation import srcc
from workbench.evaluation.inference import correlation_interval, studentise
from workbench.evaluation.resampled import resampled_srcc

LEVELS = np.tile(np.arange(1, 6) / 5, 4)  # 20 images per photograph: four types at five levels
SENSITIVITY = np.repeat([0.6, 0.9, 1.2, 0.3], 5)


@dataclass(frozen=True)
class Population:
    """How two versions err: on a photograph as a whole, and on its single images.

    Attributes:
        offset: Deviation of a version's error that all images of a photograph share.
        noise: Deviation of its error on a single image; one figure per version.
        stretch: Deviation of the logarithm of its scale on a photograph.
        skewed: Whether the shared error is lognormal instead of normal.
    """

    offset: float
    noise: tuple[float, float]
    stretch: float
    skewed: bool = False

    def draw(self, generator: np.random.Generator, photographs: int) -> tuple[np.ndarray, ...]:
        """Return target (N,), predictions (2, N) and photograph of each image (N,)."""
        size = (photographs, len(LEVELS))
        normal = partial(generator.normal, size=(photographs, 1))
        target = 1 - LEVELS * SENSITIVITY * np.exp(0.3 * normal())
        target = target + 0.05 * generator.normal(size=size)
        common, predicted = normal(), []
        for noise in self.noise:
            shared = 0.6 * common + 0.8 * normal()
            shared = np.exp(shared) if self.skewed else shared
            scaled = target * np.exp(self.stretch * normal())
            predicted.append(scaled + self.offset * shared + noise * generator.normal(size=size))
        images = np.repeat(np.arange(photographs), len(LEVELS))
        return target.ravel(), np.array([some.ravel() for some in predicted]), images

    @cache  # noqa: B019 - a handful of populations live as long as the tests
    def truth(self) -> tuple[float, float]:
        """Return the SRCC of both versions over 40,000 photographs."""
        target, predicted, _ = self.draw(np.random.default_rng(77), 40_000)
        first, second = (float(srcc(some, target)) for some in predicted)
        if self.noise[0] == self.noise[1]:  # exchangeable: one truth, known twice as well
            first = second = (first + second) / 2
        return first, second


POPULATIONS = {
    "tight": Population(offset=0.08, noise=(0.05, 0.05), stretch=0.1),
    "loose": Population(offset=0.5, noise=(0.3, 0.3), stretch=0.3),
    "skewed": Population(offset=0.25, noise=(0.15, 0.15), stretch=0.3, skewed=True),
    "unequal": Population(offset=0.25, noise=(0.45, 0.1), stretch=0.2),
}


@dataclass
class Judgement:
    """What one simulated data set would have made us say."""

    interval_holds: bool
    difference_holds: bool
    better: bool
    different: bool
    detectable: float


def judge(
    population: Population, photographs: int, datasets: int, *, resamples: int = 600, seed: int = 1
) -> Iterator[Judgement]:
    """Yield the verdicts on simulated data sets, as `compare_runs` would give them."""
    generator = np.random.default_rng(seed)
    first, second = population.truth()
    for number in range(datasets):
        target, predicted, images = population.draw(generator, photographs)
        copies = draw_photographs(photographs, resamples, seed=number)
        correlate = partial(resampled_srcc, target, predicted, images)
        resampled, without = correlate(copies), leave_one_out(correlate, photographs)
        a, b = (float(srcc(some, target)) for some in predicted)
        interval = correlation_interval(a, resampled[0], without[0], copies)
        sure = studentise(b - a, resampled[1] - resampled[0], without[1] - without[0], copies)
        if isinstance(interval, Undefined) or isinstance(sure, Undefined):
            yield Judgement(True, True, False, False, np.nan)  # nothing said, nothing wrong
            continue
        different = sure.p < 0.05
        yield Judgement(
            interval_holds=interval[0] <= first <= interval[1],
            difference_holds=sure.interval[0] <= second - first <= sure.interval[1],
            better=different and sure.centre > 0,
            different=different,
            detectable=sure.smallest_detectable,
        )


def share(judgements: list[Judgement], field: str) -> float:
    return float(np.mean([getattr(judgement, field) for judgement in judgements]))


def naive_interval_holds(population: Population, photographs: int, datasets: int) -> float:
    """Return how often a percentile bootstrap over single images holds the true SRCC."""
    generator = np.random.default_rng(1)
    truth, held = population.truth()[0], 0
    for number in range(datasets):
        target, predicted, _ = population.draw(generator, photographs)
        every = np.arange(len(target))  # each image its own photograph
        copies = draw_photographs(len(target), 300, seed=number)
        low, high = np.quantile(
            resampled_srcc(target, predicted[:1], every, copies)[0], (0.025, 0.975)
        )
        held += bool(low <= truth <= high)
    return held / datasets


def main(datasets: int) -> None:
    print("population photographs  SRCC   Δ      better different  detectable (true Δ)")
    for name, population in POPULATIONS.items():
        truth = population.truth()
        for photographs in (3, 4, 5, 10, 20, 40, 80):
            found = list(judge(population, photographs, datasets))
            shares = [
                share(found, field)
                for field in ("interval_holds", "difference_holds", "better", "different")
            ]
            detectable = np.nanmedian([judgement.detectable for judgement in found])
            print(
                f"{name:10} {photographs:11}  " + "  ".join(f"{100 * s:5.1f}" for s in shares),
                f"  {detectable:.3f} ({truth[1] - truth[0]:.3f})",
                flush=True,
            )
    print("power where the truth is the smallest detectable difference, loose, 20 photographs")
    for noise in (0.26, 0.22, 0.18, 0.14, 0.1, 0.05):
        population = Population(offset=0.2, noise=(0.3, noise), stretch=0.3)
        found = list(judge(population, 20, datasets))
        detectable = np.nanmedian([judgement.detectable for judgement in found])
        difference = population.truth()[1] - population.truth()[0]
        print(
            f"true Δ {difference:.3f}  detectable {detectable:.3f}  {share(found, 'different'):.2f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
