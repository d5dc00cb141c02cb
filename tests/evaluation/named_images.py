"""Simulated strengths of two attribute sets, each a draw of wordings from a pool.

`python -m experiments.coverage --naming` prints coverage and error rates in full; the tests take a
part of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit

from workbench.domain.metrics import Undefined
from workbench.evaluation.bootstrap import draw_photographs
from workbench.evaluation.naming_splits import Split, f1_split, mean_over_types

LEVELS = 5


@dataclass(frozen=True)
class Pools:
    """How strengths come about; two sets draw their wordings from pools of two sensitivities.

    Attributes:
        gain: Mean sensitivity to a type's own fault, on the logit scale; one figure per set.
        wording: Deviation of a set's sensitivity, and of its threshold, from type to type.
        photograph: Deviation of what a photograph adds, to all types and to a single one.
        noise: Deviation on a single image.
    """

    gain: tuple[float, float]
    wording: float
    photograph: float
    noise: float

    def draw(
        self, generator: np.random.Generator, photographs: int, types: int
    ) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        """Return true (N, D) and two predicted strengths, and photograph of each image (N,)."""
        level = np.tile(np.arange(1, LEVELS + 1) / LEVELS, types)
        one = np.zeros((types * LEVELS + 1, types))  # the clean image is the last
        one[np.arange(len(level)), np.repeat(np.arange(types), LEVELS)] = level
        true = np.tile(one, (photographs, 1))
        groups = np.repeat(np.arange(photographs), len(one))
        shared = generator.normal(size=(photographs, 1)) + generator.normal(
            size=(photographs, types)
        )
        predicted = []
        for gain in self.gain:
            sensitivity = gain * np.exp(self.wording * generator.normal(size=types))
            threshold = -3 + self.wording * generator.normal(size=types)
            own = 0.5 * generator.normal(size=(photographs, 1)) + generator.normal(
                size=(photographs, types)
            )
            of_photograph = self.photograph * (shared + own)[groups]
            noise = self.noise * generator.normal(size=true.shape)
            predicted.append(expit(threshold + sensitivity * true + of_photograph + noise))
        return true, predicted, groups

    def difference(
        self, generator: np.random.Generator, photographs: int, types: int
    ) -> "Split | Undefined":
        """Return macro-F1 of the second set less that of the first, on one dataset."""
        true, predicted, groups = self.draw(generator, photographs, types)
        first, second = (
            mean_over_types(
                {
                    str(d): f1_split(true[:, d] > 0, some[:, d] >= 1 / (2 * LEVELS), groups)
                    for d in range(types)
                }
            )
            for some in predicted
        )
        if isinstance(first, Undefined) or isinstance(second, Undefined):
            return Undefined(undefined="F1")
        return second.less(first)

    @cache  # noqa: B019 - a handful of pools live as long as the tests
    def truth(self, types: int) -> float:
        """Return the difference over photographs and wordings without end; 0 for one pool."""
        if self.gain[0] == self.gain[1]:
            return 0.0
        generator = np.random.default_rng(77)
        drawn = [self.difference(generator, 200, types) for _ in range(400)]
        return float(np.mean([one.value for one in drawn if isinstance(one, Split)]))


POOLS = {
    "one pool, alike wordings": Pools((4.0, 4.0), wording=0.0, photograph=0.7, noise=0.7),
    "one pool": Pools((4.0, 4.0), wording=0.3, photograph=0.7, noise=0.7),
    "one pool, wild wordings": Pools((4.0, 4.0), wording=0.8, photograph=0.4, noise=0.5),
    "two pools": Pools((3.0, 5.0), wording=0.3, photograph=0.7, noise=0.7),
}


@dataclass
class Named:
    """What one simulated dataset would have made us say."""

    holds: bool
    better: bool
    different: bool
    photographs_hold: bool
    better_over_photographs: bool
    detectable: float


def judge_named(
    pools: Pools, photographs: int, types: int, datasets: int, *, resamples: int = 600
) -> Iterator[Named]:
    """Yield the verdicts on simulated datasets, over types too and over photographs alone."""
    generator, truth = np.random.default_rng(5), pools.truth(types)
    for number in range(datasets):
        difference = pools.difference(generator, photographs, types)
        if isinstance(difference, Undefined):
            continue
        weights = draw_photographs(photographs, resamples, seed=number)
        sure, narrow = difference.over_types(weights), difference.over_photographs(weights)
        if isinstance(sure, Undefined) or isinstance(narrow, Undefined):
            yield Named(True, False, False, True, False, np.nan)
            continue
        yield Named(
            holds=sure.interval[0] <= truth <= sure.interval[1],
            better=sure.p < 0.05 and sure.centre > 0,
            different=sure.p < 0.05,
            photographs_hold=narrow.interval[0] <= truth <= narrow.interval[1],
            better_over_photographs=narrow.p < 0.05 and narrow.centre > 0,
            detectable=sure.smallest_detectable,
        )
