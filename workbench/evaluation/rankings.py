"""Mean ranks of versions over distortions, and how far apart two must lie (Demšar 2006).

Friedman's test and Nemenyi's critical difference, J. Demšar, Statistical comparisons of classifiers
over multiple data sets, JMLR 7 (2006), section 3.2.2. Here the blocks are the distortions of one
test set. They share its photographs, so they are not the independent data sets that the tests
assume: what comes out describes these distortions, and is no test of a new set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, rankdata, studentized_range

from workbench.domain.comparison import Subset, SubsetPair, WinMatrix, Wins
from workbench.domain.metrics import Metric, Undefined
from workbench.errors import ShapeError
from workbench.evaluation.bootstrap import Floats

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

        Each group is the versions' numbers, best first.
        """
        order = sorted(range(len(self.ranks)), key=lambda version: self.ranks[version])
        groups: list[tuple[int, ...]] = []
        end = 0
        for start, first in enumerate(order):
            near = [v for v in order[start:] if self.ranks[v] - self.ranks[first] < self.critical]
            if len(near) > 1 and start + len(near) > end:
                groups.append(tuple(near))
                end = start + len(near)
        return tuple(groups)


def mean_ranks(figures: Sequence[Sequence[Metric]]) -> MeanRanks | Undefined:
    """Rank versions within each block, higher figures first, ties by midranks.

    Args:
        figures: A figure of every version in every block, (N, V).

    Returns:
        The ranks, or Undefined: fewer than two versions or two blocks with all figures.

    Raises:
        ShapeError: a block has another number of versions than the first.

    Example:
        >>> ranked = mean_ranks([[0.9, 0.8], [0.7, 0.6], [0.5, 0.5]])
        >>> [round(rank, 2) for rank in ranked.ranks], ranked.blocks
        ([1.17, 1.83], 3)
    """
    sizes = {len(block) for block in figures}
    if len(sizes) > 1:
        raise ShapeError(f"Every block needs a figure of every version, not {sorted(sizes)}.")
    complete = [block for block in figures if all(isinstance(value, float) for value in block)]
    if sizes <= {0, 1}:
        return Undefined(undefined="ranks need two versions")
    if len(complete) < 2:
        few = f"{len(complete)} distortions have a figure of every version, and 2 are needed"
        return Undefined(undefined=few)
    ranks = rankdata(-np.array(complete, dtype=np.float64), axis=1)
    friedman = friedman_statistic(ranks)
    versions = ranks.shape[1]
    return MeanRanks(
        ranks=tuple(ranks.mean(axis=0).tolist()),
        blocks=len(complete),
        dropped=len(figures) - len(complete),
        critical=critical_difference(versions, len(complete)),
        friedman=friedman,
        p=friedman if isinstance(friedman, Undefined) else float(chi2.sf(friedman, versions - 1)),
    )


def critical_difference(versions: int, blocks: int) -> float:
    """Return how far two mean ranks must lie apart at 5%: q·√(V(V + 1)/(6N)).

    q is the studentised range's quantile for V versions and infinite degrees of freedom over √2.

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


def win_matrix(srcc: Floats, keys: Sequence[str], subsets: Sequence[Subset]) -> WinMatrix:
    """Return every version against every other one, over all draws and within each distortion.

    Args:
        srcc: Of V versions in R draws, (V, R); NaN where there is none.
        keys: What pairs call the versions, (V,).
        subsets: Figures within parts of the images; those of distortions count.
    """
    tested = [
        {(pair.a, pair.b): pair for pair in subset.pairs}
        for subset in subsets
        if subset.kind == "distortion"
    ]
    cells = []
    for a, b in permutations(range(len(keys)), 2):
        outcomes = [_against(pairs, keys[a], keys[b]) for pairs in tested]
        cells.append(_wins(keys[a], keys[b], _share(srcc[a], srcc[b]), outcomes))
    return WinMatrix(keys=tuple(keys), cells=tuple(cells))


def wins_sentence(wins: Wins, labels: Mapping[str, str]) -> str:
    """Return one cell of the matrix in words; labels map its keys to what people read.

    Example:
        >>> counts = dict(higher=3, lower=1, tied=0, better=2, worse=0, undefined=0)
        >>> print(wins_sentence(Wins(a="x", b="y", resamples=0.97, **counts), {"x": "a", "y": "b"}))
        b lies above a in 97 % of resamples and in 3 of 4 distortions (better in 2, worse in 0).
    """
    a, b = labels.get(wins.a, wins.a[:10]), labels.get(wins.b, wins.b[:10])
    count = wins.higher + wins.lower + wins.tied + wins.undefined
    share = wins.resamples
    often = (
        f"in an unknown share of resamples ({share.undefined})"
        if isinstance(share, Undefined)
        else f"in {_percent(share)} % of resamples"
    )
    sentence = f"{b} lies above {a} {often}"
    if not count:
        return f"{sentence}."
    rest = "".join(
        f", {word} in {number}"
        for word, number in (("tied", wins.tied), ("undefined", wins.undefined))
        if number
    )
    verdicts = f"better in {wins.better}, worse in {wins.worse}"
    return f"{sentence} and in {wins.higher} of {count} distortions ({verdicts}{rest})."


def _share(first: Floats, second: Floats) -> Metric:
    """Return the share of draws in which the second is the higher one, ties counted half."""
    defined = np.isfinite(first) & np.isfinite(second)
    if not defined.any():
        return Undefined(undefined="one of the two has no SRCC in any resample")
    difference = second[defined] - first[defined]
    tied = np.abs(difference) < 1e-7  # weighted ranks are good to some 1e-8
    return float(np.mean(np.where(tied, 0.5, difference > 0)))


def _against(tested: Mapping[tuple[str, str], SubsetPair], a: str, b: str) -> tuple[Metric, str]:
    """Return the difference and the verdict of b against a, whichever way it was tested."""
    if (a, b) in tested:
        pair = tested[a, b]
        return pair.delta_srcc, pair.verdict
    pair = tested[b, a]
    opposite = {"better": "worse", "worse": "better"}.get(pair.verdict, pair.verdict)
    delta = pair.delta_srcc
    return (delta if isinstance(delta, Undefined) else -delta), opposite


def _wins(a: str, b: str, share: Metric, outcomes: Sequence[tuple[Metric, str]]) -> Wins:
    deltas = [delta for delta, _ in outcomes if isinstance(delta, float)]
    verdicts = [verdict for _, verdict in outcomes]
    return Wins(
        a=a,
        b=b,
        resamples=share,
        higher=sum(delta > 0 for delta in deltas),
        lower=sum(delta < 0 for delta in deltas),
        tied=sum(delta == 0 for delta in deltas),
        better=verdicts.count("better"),
        worse=verdicts.count("worse"),
        undefined=len(outcomes) - len(deltas),
    )


def _percent(share: float) -> str:
    """Return a share in whole percent; neither 0 nor 100 unless it is exactly that.

    Example:
        >>> _percent(0.9999), _percent(1.0), _percent(0.5)
        ('> 99', '100', '50')
    """
    if 0.995 <= share < 1:
        return "> 99"
    return "< 1" if 0 < share < 0.005 else f"{share:.0%}".removesuffix("%")
