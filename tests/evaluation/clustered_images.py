"""Simulated data sets whose truth is known: photographs differ, their images resemble each other.

`python -m experiments.coverage` prints coverage, power and the cost of choosing in full; the tests
take a part of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from workbench.domain.metrics import Undefined
from workbench.evaluation.bootstrap import (
    draw_photographs,
    leave_one_out,
    paired_bootstrap,
    weighted_srcc,
)
from workbench.evaluation.correlation import srcc
from workbench.evaluation.intervals import correlation_interval, paired_difference, studentise
from workbench.evaluation.test_set_access import corrected_for_choosing

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
    noise: tuple[float, ...]
    stretch: float
    skewed: bool = False

    def draw(self, generator: np.random.Generator, photographs: int) -> tuple[np.ndarray, ...]:
        """Return target (N,), predictions (V, N) and photograph of each image (N,)."""
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
        correlate = partial(weighted_srcc, target, predicted, images)
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


@dataclass
class Chosen:
    """What choosing the best of equal candidates would have made us say.

    Attributes:
        naive, corrected, single: SRCC of the best, the same corrected for choosing, and the mean of
            the single candidates, each less the truth.
        interval_holds: Whether the interval of the corrected figure holds the truth.
        better: Whether the best is called better than the equally good baseline.
        better_looked: The same with the p-value corrected for looks.
    """

    naive: float
    corrected: float
    single: float
    interval_holds: bool
    better: bool
    better_looked: bool


def judge_choice(
    candidates: int, photographs: int, datasets: int, *, resamples: int = 400, seed: int = 2
) -> Iterator[Chosen]:
    """Yield what is said of the best of equal candidates; a further equal one is the baseline."""
    population = Population(offset=0.25, noise=(0.3,) * (candidates + 1), stretch=0.2)
    pair = Population(offset=0.25, noise=(0.3, 0.3), stretch=0.2)  # the same truth, quicker to know
    generator, truth = np.random.default_rng(seed), pair.truth()[0]
    for number in range(datasets):
        target, predicted, images = population.draw(generator, photographs)
        baseline, tried = predicted[0], predicted[1:]
        choice = corrected_for_choosing(
            target, tried, images, range(candidates), resamples=resamples, seed=number
        )
        p = _p_of_better(target, baseline, tried[choice.chosen], images, resamples, number)
        yield Chosen(
            naive=choice.srcc - truth,
            corrected=choice.corrected - truth,
            single=float(np.mean([srcc(some, target) for some in tried])) - truth,
            interval_holds=choice.ci is not None and choice.ci[0] <= truth <= choice.ci[1],
            better=p < 0.05,
            better_looked=p * candidates < 0.05,
        )


def _p_of_better(target, baseline, chosen, images, resamples, seed) -> float:
    """Return p of the difference where the chosen one lies above the baseline, else 1."""
    sample = paired_bootstrap(
        target, [baseline, chosen], images, resamples=resamples * 4, seed=seed
    )
    points = [srcc(baseline, target), srcc(chosen, target)]
    _, sure = paired_difference(sample, points, ["baseline", "chosen"], 0, 1)
    return 1.0 if isinstance(sure, Undefined) or sure.centre <= 0 else sure.p


def share(judgements: list, field: str) -> float:
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
            weighted_srcc(target, predicted[:1], every, copies)[0], (0.025, 0.975)
        )
        held += bool(low <= truth <= high)
    return held / datasets
