"""How often one version beats another: over resamples of photographs, and over distortions."""

from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np

from workbench.domain.comparison import Subset, SubsetPair, WinMatrix, Wins
from workbench.domain.metrics import Metric, Undefined
from workbench.evaluation.resampled import Floats


def win_matrix(srcc: Floats, keys: Sequence[str], subsets: Sequence[Subset]) -> WinMatrix:
    """Return every version against every other one.

    Args:
        srcc: Of V versions in R resamples, (V, R); NaN where there is none.
        keys: What pairs call the versions, (V,).
        subsets: Figures within parts of the images; those of distortions count.
    """
    tested = [
        {(pair.a, pair.b): pair for pair in subset.pairs}
        for subset in subsets
        if subset.kind == "distortion"
    ]
    return WinMatrix(
        keys=tuple(keys),
        cells=tuple(
            _wins(keys[a], keys[b], _share(srcc[a], srcc[b]), [_against(some, keys[a], keys[b])
                                                              for some in tested])
            for a, b in permutations(range(len(keys)), 2)
        ),
    )  # fmt: skip


def wins_sentence(wins: Wins, labels: Mapping[str, str]) -> str:
    """Return one cell of the matrix in words.

    Args:
        wins: Version b against version a.
        labels: What the cell calls a version, to what people read.

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
    told = f"{b} lies above {a} {often}"
    if not count:
        return f"{told}."
    rest = "".join(
        f", {word} in {number}"
        for word, number in (("tied", wins.tied), ("undefined", wins.undefined))
        if number
    )
    held = f"better in {wins.better}, worse in {wins.worse}"
    return f"{told} and in {wins.higher} of {count} distortions ({held}{rest})."


def _share(first: Floats, second: Floats) -> Metric:
    """Return in how many resamples the second is the higher one, ties counted half."""
    there = np.isfinite(first) & np.isfinite(second)
    if not there.any():
        return Undefined(undefined="one of the two has no SRCC in any resample")
    difference = second[there] - first[there]
    tied = np.abs(difference) < 1e-7  # resampled ranks are good to some 1e-8
    return float(np.mean(np.where(tied, 0.5, difference > 0)))


def _against(tested: Mapping[tuple[str, str], SubsetPair], a: str, b: str) -> tuple[Metric, str]:
    """Return the difference and the verdict of b against a, whichever way it was tested."""
    if (a, b) in tested:
        pair = tested[a, b]
        return pair.delta_srcc, pair.verdict
    pair = tested[b, a]
    turned = {"better": "worse", "worse": "better"}
    delta = pair.delta_srcc
    return (
        delta if isinstance(delta, Undefined) else -delta,
        turned.get(pair.verdict, pair.verdict),
    )


def _wins(a: str, b: str, share: Metric, found: Sequence[tuple[Metric, str]]) -> Wins:
    deltas = [delta for delta, _ in found if isinstance(delta, float)]
    verdicts = [verdict for _, verdict in found]
    return Wins(
        a=a,
        b=b,
        resamples=share,
        higher=sum(delta > 0 for delta in deltas),
        lower=sum(delta < 0 for delta in deltas),
        tied=sum(delta == 0 for delta in deltas),
        better=verdicts.count("better"),
        worse=verdicts.count("worse"),
        undefined=len(found) - len(deltas),
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
