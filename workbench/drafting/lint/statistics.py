"""The statistics behind the findings on images, each a few lines and a closed form."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

_Floats = NDArray[np.float64]

CONFIDENCE = 0.95
DRAWS, SEED = 1000, 0  # of the bootstrap


def dose_srcc(strength: ArrayLike, probability: ArrayLike) -> float:
    """Return how steadily a probability follows strength: SRCC per photograph, then their mean.

    Ranks are taken within each photograph, so that what differs between photographs plays no part.
    A photograph whose probability never moves counts as 0.

    Args:
        strength: Of each level, clean first, (L+1,).
        probability: Of each photograph at each level, (P, L+1).

    Returns:
        A number in [-1, 1].

    Example:
        >>> dose_srcc([0, .5, 1], [[.1, .2, .3], [.9, .8, .7]])
        0.0
    """
    return float(photograph_srccs(strength, probability).mean())


def photograph_srccs(strength: ArrayLike, probability: ArrayLike) -> _Floats:
    """Return the SRCC of each photograph, (P,); takes what `dose_srcc` does."""
    doses = _centred(np.asarray(strength, np.float64)[None])
    answers = _centred(np.asarray(probability, np.float64))
    size = np.sqrt((answers**2).sum(1) * (doses**2).sum(1))
    return np.asarray(np.divide(answers @ doses[0], size, out=np.zeros_like(size), where=size > 0))


def pooled_srcc(strength: ArrayLike, probability: ArrayLike) -> float:
    """Return SRCC over all photographs and levels at once; takes what `dose_srcc` does.

    Example:
        >>> round(pooled_srcc([0, 1], [[.1, .2], [.8, .9]]), 3)
        0.447
    """
    table = np.asarray(probability, np.float64)
    return dose_srcc(np.tile(strength, len(table)), table.reshape(1, -1))


def chance_dose_srcc(levels: int, photographs: int, *, level: float = 1 - CONFIDENCE) -> float:
    """Return the mean SRCC that shuffled levels exceed with this probability.

    Under permutation Spearman's correlation of n values has mean 0 and variance 1/(n-1), ties or
    not; the mean over photographs is close to normal.

    Args:
        levels: Number of levels with the clean one, n >= 2.
        photographs: Number of photographs P.
        level: One-sided probability.

    Example:
        >>> round(chance_dose_srcc(6, 10), 3)
        0.233
    """
    return float(-ndtri(level)) / math.sqrt(photographs * (levels - 1))


def auc(above: ArrayLike, below: ArrayLike) -> float:
    """Return how often a value of the first sample exceeds one of the second; ties count half.

    Args:
        above: (N,), at least one value.
        below: (M,), at least one value.

    Returns:
        The area under the ROC curve, in [0, 1].

    Example:
        >>> auc([.9, .4], [.1, .4])
        0.875
    """
    first, second = np.asarray(above, np.float64), np.asarray(below, np.float64)
    from scipy.stats import rankdata  # a second, which lint of words need not wait for

    ranks = rankdata(np.concatenate([first, second]))[: len(first)]
    wins = ranks.sum() - len(first) * (len(first) + 1) / 2
    return float(wins / (len(first) * len(second)))


def auc_interval(above: ArrayLike, below: ArrayLike) -> tuple[float, float]:
    """Return the 95 % interval of `auc` if the photographs had been others (cluster bootstrap).

    Each draw weights the photographs, on both sides alike.

    Args:
        above: The first sample by photograph, (P, S).
        below: The second one of the same photographs, (P, T).

    Example:
        >>> auc_interval([[.7], [.9]], [[.1], [.2]])
        (1.0, 1.0)
    """
    first, second = np.asarray(above, np.float64), np.asarray(below, np.float64)
    higher = first[:, None, :, None] - second[None, :, None, :]  # (P, P, S, T)
    wins = ((np.sign(higher) + 1) / 2).mean((2, 3))
    count = len(first)
    draws = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), DRAWS)
    areas = np.einsum("rp,pq,rq->r", draws, wins, draws) / count**2
    low, high = np.quantile(areas, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def interval_of_mean(values: ArrayLike) -> tuple[_Floats, _Floats]:
    """Return both ends of Student's 95 % interval of the mean of each column.

    Args:
        values: One row per photograph, (P, L+1).

    Returns:
        Low and high, (L+1,) each; both are the mean itself where there is one photograph.
    """
    table = np.asarray(values, np.float64)
    count, mean = len(table), table.mean(0)
    if count < 2:
        return mean, mean
    half = -stdtrit(count - 1, (1 - CONFIDENCE) / 2) * table.std(0, ddof=1) / math.sqrt(count)
    return mean - half, mean + half


def content_share(probability: ArrayLike) -> float:
    """Return the part of the explained variance that photographs explain, and levels do not.

    Photographs are a sample and levels are all there are, so the one variance is divided by P - 1
    and the other by the number of levels.

    Args:
        probability: (P, L+1), two photographs at least.

    Returns:
        0 (only the level counts) to 1 (only the photograph); 0 where nothing varies.

    Example:
        >>> content_share([[.1, .3], [.1, .3]]), content_share([[.1, .1], [.3, .3]])
        (0.0, 1.0)
    """
    table = np.asarray(probability, np.float64)
    photographs, levels = float(table.mean(1).var(ddof=1)), float(table.mean(0).var())
    total = photographs + levels
    return photographs / total if total > 1e-18 else 0.0


def _centred(values: _Floats) -> _Floats:
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=1)
    return np.asarray(ranks - ranks.mean(1, keepdims=True))
