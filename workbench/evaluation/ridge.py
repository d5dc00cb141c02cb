"""Ridge regression whose penalty is chosen by leaving one photograph out, in closed form.

Leaving single images out would choose too small a penalty: the other images of the same photograph
stay behind and give the answer away. Leaving out whole photographs needs no refitting either, since
ridge is a linear smoother: the error on photograph g is (I − H_gg)⁻¹ r_g, with H the hat matrix and
r the residuals of the fit to all images (Allen, "The relationship between variable selection and
data augmentation", Technometrics 1974, for blocks instead of rows).

Shapes: n training images, N images, F features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.evaluation.held_out import Floats

# Of standardised features, times n: from almost least squares to almost the mean.
PENALTIES = tuple(10 ** (half / 2) for half in range(-6, 7))
CONSTANT = 1e-9  # a feature that spreads less than this share of its size tells nothing


@dataclass(frozen=True)
class Ridge:
    """A fitted ridge regression.

    Attributes:
        weights: Of standardised features, (F,).
        centre, spread: What features are standardised by, (F,) each.
        intercept: Mean target of the training images.
        penalty: The chosen one, as a share of n.
    """

    weights: Floats
    centre: Floats
    spread: Floats
    intercept: float
    penalty: float

    def predict(self, features: Floats) -> Floats:
        """Return the target, (N,), of features, (N, F)."""
        return (features - self.centre) / self.spread @ self.weights + self.intercept


def fit_ridge(features: Floats, target: Floats, photographs: Sequence[str]) -> Ridge:
    """Fit a ridge regression, its penalty chosen on whole photographs left out.

    Args:
        features: (n, F).
        target: (n,).
        photographs: Photograph of each image; with only one, images are left out one by one.

    Example:
        >>> x = np.arange(6.0)[:, None]
        >>> fit = fit_ridge(x, 2 * x[:, 0], list("aabbcc"))
        >>> fit.penalty, fit.predict(x).round(1).tolist()
        (0.001, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
    """
    centre, spread = features.mean(0), features.std(0)
    spread = np.where(spread > CONSTANT * (1 + np.abs(centre)), spread, np.inf)
    mean = float(target.mean())
    left, singular, right = np.linalg.svd((features - centre) / spread, full_matrices=False)
    errors = [
        _left_out_error(left * kept, left, target - mean, photographs)
        for kept in (_kept(singular, penalty * len(features)) for penalty in PENALTIES)
    ]
    penalty = PENALTIES[int(np.argmin(errors))]
    shrunk = singular / (singular**2 + penalty * len(features))
    weights = right.T @ (shrunk * (left.T @ (target - mean)))
    return Ridge(weights, centre, spread, mean, penalty)


def _kept(singular: Floats, penalty: float) -> Floats:
    """Return how much of each direction survives the penalty, in [0, 1)."""
    return np.asarray(singular**2 / (singular**2 + penalty))


def _left_out_error(
    fitted: Floats, left: Floats, target: Floats, photographs: Sequence[str]
) -> float:
    """Return the mean squared error on photographs that were left out of the fit."""
    names = np.array(photographs)
    groups = [np.flatnonzero(names == name) for name in sorted(set(photographs))]
    if len(groups) == 1:
        groups = [np.array([row]) for row in range(len(names))]
    residual = target - fitted @ (left.T @ target)
    share = 1 / len(target)  # of the intercept, which is not penalised
    total = 0.0
    for rows in groups:
        hat = fitted[rows] @ left[rows].T + share
        total += float((np.linalg.solve(np.eye(len(rows)) - hat, residual[rows]) ** 2).sum())
    return total * share
