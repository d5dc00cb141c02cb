"""Correlations between target and predicted quality; what does not exist is a typed value.

The sign always survives: a prediction that runs against the target has a negative correlation,
and a fitted correlation that would need the prediction turned round is undefined.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from workbench.domain.canonical import Frozen
from workbench.domain.metrics import Metric, QualityMetrics, Undefined
from workbench.errors import ShapeError

_Floats = NDArray[np.float64]

MINIMUM = 3  # two points always correlate perfectly


def srcc(x: ArrayLike, y: ArrayLike) -> Metric:
    """Return Spearman's rank correlation, ties by midranks.

    Args:
        x: Values, (N,), any finite range.
        y: Values, (N,).

    Returns:
        A number in [-1, 1], or Undefined: fewer than three values, a constant side, NaN or
        infinity.

    Raises:
        ShapeError: the lengths differ; the message states both shapes.

    Example:
        >>> round(srcc([1, 2, 3, 4], [1, 2, 4, 3]), 3)
        0.8
        >>> srcc([1, 2, 3], [5, 5, 5])
        Undefined(undefined='the second argument is constant')
    """
    pair = _usable(x, y)
    if isinstance(pair, Undefined):
        return pair
    from scipy.stats import rankdata  # a second, which the pages need not wait for

    return _pearson(rankdata(pair[0]), rankdata(pair[1]))


def krcc(x: ArrayLike, y: ArrayLike) -> Metric:
    """Return Kendall's tau-b, which corrects for ties on either side.

    Takes, returns and raises what `srcc` does.

    Example:
        >>> round(krcc([1, 2, 3, 4], [1, 2, 4, 3]), 3)
        0.667
    """
    pair = _usable(x, y)
    if isinstance(pair, Undefined):
        return pair
    from scipy.stats import kendalltau

    return float(kendalltau(*pair, method="asymptotic").statistic)


def plcc(x: ArrayLike, y: ArrayLike) -> Metric:
    """Return Pearson's linear correlation of the raw values.

    Takes, returns and raises what `srcc` does.

    Example:
        >>> round(plcc([0.0, 0.5, 1.0], [0.1, 0.4, 1.0]), 3)
        0.982
    """
    pair = _usable(x, y)
    return pair if isinstance(pair, Undefined) else _pearson(*pair)


def rmse(x: ArrayLike, y: ArrayLike) -> Metric:
    """Return the root mean squared difference; it exists for constant values too.

    Returns:
        A number ≥ 0 in the unit of the values, or Undefined: no values, NaN or infinity.

    Example:
        >>> rmse([0.0, 0.0], [3.0, 4.0])
        3.5355339059327378
    """
    a, b = _columns(x, y)
    if len(a) == 0:
        return Undefined(undefined="no values")
    unfit = _non_finite(a, b)
    return unfit or float(np.sqrt(np.mean((a - b) ** 2)))


class Logistic(Frozen):
    """The 4-parameter logistic of the quality literature, low + (high − low)·σ((x − centre)/scale).

    Attributes:
        low, high: Values far below and far above the centre.
        centre: Where the curve is half way.
        scale: Width of the rise, > 0, in the unit of x.
    """

    low: float
    high: float
    centre: float
    scale: float

    def __call__(self, x: ArrayLike) -> _Floats:
        """Return the curve at x, of the shape of x."""
        z = (np.asarray(x, dtype=np.float64) - self.centre) / self.scale
        return np.asarray(self.low + (self.high - self.low) * expit(z))


def fit_logistic(predicted: ArrayLike, target: ArrayLike) -> Logistic | Undefined:
    """Return the least-squares logistic from predictions, (N,), to targets (VQEG's mapping).

    Returns:
        The curve, or Undefined: fewer than five values for four parameters, a constant side,
        NaN or infinity, no convergence, or a best curve that falls, which would hide a prediction
        that runs against its target.

    Raises:
        ShapeError: the lengths differ; the message states both shapes.

    Example:
        >>> x = np.linspace(0, 1, 20)
        >>> curve = Logistic(low=0.1, high=0.9, centre=0.4, scale=0.1)
        >>> fit = fit_logistic(x, curve(x))
        >>> round(fit.low, 3), round(fit.high, 3), round(fit.centre, 3), round(fit.scale, 3)
        (0.1, 0.9, 0.4, 0.1)
    """
    pair = _usable(predicted, target)
    if isinstance(pair, Undefined):
        return pair
    x, y = pair
    if len(x) < 5:
        return Undefined(undefined=f"{len(x)} values are too few for a logistic of 4 parameters")
    middle, width = float(x.mean()), float(x.std())
    from scipy.optimize import OptimizeWarning, curve_fit

    # In units of the predictions' own spread the same starting point suits every scale.
    z = (x - middle) / width
    start = (float(y.min()), float(y.max()), 0.0, 0.5)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # no covariance: none is used
            (low, high, centre, scale), _ = curve_fit(_curve, z, y, start, maxfev=5000)
    except RuntimeError:
        return Undefined(undefined="the logistic fit did not converge")
    if scale < 0:  # the same curve written the other way round
        low, high, scale = high, low, -scale
    if high <= low:
        return Undefined(undefined="the best logistic falls: predictions run against the target")
    scale = max(float(scale), 1e-6)
    return Logistic(
        low=float(low),
        high=float(high),
        centre=middle + width * float(centre),
        scale=width * scale,
    )


def plcc_fitted(predicted: ArrayLike, target: ArrayLike) -> Metric:
    """Return Pearson's correlation after the 4-parameter logistic.

    Not comparable with the raw PLCC, nor with one after another curve. Takes and raises what
    `fit_logistic` does.

    Returns:
        A number in [-1, 1], or Undefined, for the reasons of `fit_logistic`.

    Example:
        >>> plcc_fitted([1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1])
        Undefined(undefined='the best logistic falls: predictions run against the target')
    """
    curve = fit_logistic(predicted, target)
    if isinstance(curve, Undefined):
        return curve
    result = plcc(curve(predicted), target)
    if isinstance(result, Undefined):
        return Undefined(undefined="the fitted logistic is flat")
    return result


def quality_metrics(target: Sequence[float], predicted: Sequence[float]) -> QualityMetrics:
    """Return all figures of quality; target and predictions, (N,), in [0, 1], higher is better.

    Example:
        >>> quality_metrics([0.0, 0.5, 1.0], [0.4, 0.5, 0.6]).srcc
        1.0
    """
    return QualityMetrics(
        srcc=srcc(predicted, target),
        krcc=krcc(predicted, target),
        plcc=plcc(predicted, target),
        plcc_fitted=plcc_fitted(predicted, target),
        rmse=rmse(predicted, target),
    )


def _curve(x: _Floats, low: float, high: float, centre: float, scale: float) -> _Floats:
    width = scale if abs(scale) > 1e-6 else 1e-6  # a step is as steep as a curve gets
    return np.asarray(low + (high - low) * expit((x - centre) / width))


def _pearson(x: _Floats, y: _Floats) -> float:
    x, y = x - x.mean(), y - y.mean()
    # Each side is scaled before the product, which could overflow or vanish otherwise.
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def _columns(x: ArrayLike, y: ArrayLike) -> tuple[_Floats, _Floats]:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ShapeError(
            f"Two columns of one length are needed, not shapes {a.shape} and {b.shape}."
        )
    return a, b


def _non_finite(a: _Floats, b: _Floats) -> Undefined | None:
    wrong = int((~np.isfinite(a) | ~np.isfinite(b)).sum())
    if wrong:
        return Undefined(undefined=f"{wrong} of {len(a)} values are not finite")
    return None


def _usable(x: ArrayLike, y: ArrayLike) -> tuple[_Floats, _Floats] | Undefined:
    a, b = _columns(x, y)
    if len(a) < MINIMUM:
        return Undefined(undefined=f"{len(a)} values, and {MINIMUM} are needed")
    unfit = _non_finite(a, b)
    if unfit:
        return unfit
    for name, side in (("first", a), ("second", b)):
        # A spread below rounding error is noise of the arithmetic, not of the values.
        if np.ptp(side) <= 1e-13 * np.abs(side).max():
            return Undefined(undefined=f"the {name} argument is constant")
    return a, b
