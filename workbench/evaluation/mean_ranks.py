"""Mean ranks of versions over distortions, and how far apart two must lie (Demšar 2006).

Friedman's test and Nemenyi's critical difference, J. Demšar, Statistical comparisons of classifiers
over multiple data sets, JMLR 7 (2006), section 3.2.2. Here the blocks are the distortions of one
test set. They share its photographs, so they are not the independent data sets that the tests
assume: what comes out describes these distortions, and is no test of a new set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, rankdata, studentized_range

from workbench.domain.metrics import Metric, Undefined
from workbench.errors import ShapeError

ALPHA = 0.05
FEW_BLOCKS = 10  # below, Demšar's approximations are not to be relied on


@dataclass(frozen=True)
class MeanRanks:
    """V versions over N blocks.

    Attributes:
        ranks: Mean rank of each version, (V,); 1 is best.
        blocks: Blocks N in which every version has a figure.
        dropped: Blocks in which one has none.
        critical: Nemenyi's critical difference at 5%.
        friedman: Friedman's χ² with correction for ties.
        p: Its p-value with V − 1 degrees of freedom.
    """

    ranks: tuple[float, ...]
    blocks: int
    dropped: int
    critical: float
    friedman: Metric
    p: Metric

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The largest groups of two or more versions that lie closer than the critical difference.

        Each group holds the versions' places, best first.
        """
        order = sorted(range(len(self.ranks)), key=lambda place: self.ranks[place])
        found: list[tuple[int, ...]] = []
        reached = 0
        for start, first in enumerate(order):
            near = [p for p in order[start:] if self.ranks[p] - self.ranks[first] < self.critical]
            if len(near) > 1 and start + len(near) > reached:
                found.append(tuple(near))
                reached = start + len(near)
        return tuple(found)


def mean_ranks(figures: Sequence[Sequence[Metric]]) -> MeanRanks | Undefined:
    """Rank versions within each block, higher figures first, ties by midranks.

    Args:
        figures: A figure of every version in every block, (N, V).

    Returns:
        The ranks, or Undefined: fewer than two versions or two blocks with all figures.

    Raises:
        ShapeError: a block has another number of versions than the first.

    Example:
        >>> found = mean_ranks([[0.9, 0.8], [0.7, 0.6], [0.5, 0.5]])
        >>> [round(rank, 2) for rank in found.ranks], found.blocks
        ([1.17, 1.83], 3)
    """
    sizes = {len(block) for block in figures}
    if len(sizes) > 1:
        raise ShapeError(f"Every block needs a figure of every version, not {sorted(sizes)}.")
    whole = [block for block in figures if all(isinstance(value, float) for value in block)]
    if sizes <= {0, 1}:
        return Undefined(undefined="ranks need two versions")
    if len(whole) < 2:
        return Undefined(
            undefined=f"{len(whole)} distortions have a figure of every version, and 2 are needed"
        )
    ranks = rankdata(-np.array(whole, dtype=np.float64), axis=1)
    friedman = friedman_statistic(ranks)
    versions = ranks.shape[1]
    return MeanRanks(
        ranks=tuple(ranks.mean(axis=0).tolist()),
        blocks=len(whole),
        dropped=len(figures) - len(whole),
        critical=critical_difference(versions, len(whole)),
        friedman=friedman,
        p=friedman if isinstance(friedman, Undefined) else float(chi2.sf(friedman, versions - 1)),
    )


def critical_difference(versions: int, blocks: int) -> float:
    """Return how far two mean ranks must lie apart at 5%: q·√(V(V + 1)/(6N)).

    q is the studentised range's quantile for V versions and infinite degrees of freedom over √2.

    Args:
        versions: V, 2 or more.
        blocks: N, 1 or more.

    Example:
        >>> round(critical_difference(4, 14), 2)  # Demšar's example, his q of 2.569 at V = 4
        1.25
    """
    q = studentized_range.ppf(1 - ALPHA, versions, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(versions * (versions + 1) / (6 * blocks)))


def friedman_statistic(ranks: ArrayLike) -> Metric:
    """Return Friedman's χ² of ranks within blocks, corrected for ties; also for two versions.

    Args:
        ranks: Ranks 1..V within each block, (N, V), ties by midranks.

    Returns:
        A number ≥ 0, or Undefined: all versions tie in every block.
    """
    r = np.asarray(ranks, dtype=np.float64)
    blocks, versions = r.shape
    spread = float((r**2).sum() - blocks * versions * (versions + 1) ** 2 / 4)
    if spread <= 0:
        return Undefined(undefined="all versions tie everywhere")
    between = float(((r.sum(axis=0) - blocks * (versions + 1) / 2) ** 2).sum())
    return float((versions - 1) * between / spread)
