"""What each attribute adds to an image's quality: contributions that add up to it (decision 0017).

Shapes: N images, A attributes, D distortions, F numbers that the regressor reads.
"""

from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from workbench.training.regressor import Regressor

NODES = 5  # per piece; integrates polynomials up to degree 9 exactly
TOLERANCE = 1e-10  # per piece, in the network's unit; a few hundred pieces stay far below 1e-6
SECANT_STEPS = 6  # between two cuts a unit's input is nearly linear in t
MOST_PIECES = 20_000  # a fitted network takes some hundred, one made for it ever more
HALVINGS = 60  # beyond these a piece is shorter than a float can tell

_abscissae, _weights = np.polynomial.legendre.leggauss(NODES)


def mean_gradient(network: nn.Sequential, start: Tensor, end: Tensor) -> Tensor:
    """Return ∫₀¹ ∇f(start + t·(end − start)) dt (Sundararajan et al. 2017, Eq. 1).

    Args:
        network: f, (N, F) to (N, 1), float64, in evaluation mode; the only kinks are SELU's.
        start: (F,), float64.
        end: Likewise.

    Returns:
        (F,); its product with `end − start` is f(end) − f(start).

    Example:
        >>> linear = nn.Sequential(nn.Linear(2, 1).double())
        >>> gradient = mean_gradient(linear, torch.zeros(2).double(), torch.ones(2).double())
        >>> torch.allclose(gradient, linear[0].weight[0])
        True
    """
    # SELU's slope jumps at 0; a plain rule across the jump converges only linearly.
    cuts, direction = kinks(network, start, end), end - start
    low, high = cuts[:-1], cuts[1:]
    total = torch.zeros_like(start)
    for _ in range(HALVINGS):
        parts = _gauss(network, start, direction, low, high)  # (pieces, F)
        ends = _values(network, start, direction, torch.cat([low, high])).reshape(2, -1)
        settled = (parts @ direction - (ends[1] - ends[0])).abs() <= TOLERANCE
        total += parts[settled].sum(0)
        low, high = low[~settled], high[~settled]
        if not len(low):
            return total
        if len(low) > MOST_PIECES or not parts.isfinite().all():
            break
        middle = (low + high) / 2  # two cuts of one unit in one piece were missed
        low, high = torch.cat([low, middle]), torch.cat([middle, high])
    return total + _gauss(network, start, direction, low, high).sum(0)  # as near as it comes


@torch.no_grad()
def kinks(network: nn.Sequential, start: Tensor, end: Tensor) -> Tensor:
    """Return where on the line a SELU unit's input changes its sign, with 0 and 1, sorted.

    Takes what `mean_gradient` takes; the cuts, in [0, 1], count from start to end.

    Example:
        >>> network = nn.Sequential(nn.Identity(), nn.SELU())
        >>> kinks(network, torch.tensor([-1.0]).double(), torch.tensor([3.0]).double()).tolist()
        [0.0, 0.25, 1.0]
    """
    cuts = torch.tensor([0.0, 1.0], dtype=start.dtype)
    for depth, layer in enumerate(network):
        if isinstance(layer, nn.SELU):
            zeros = _sign_changes(network[:depth], start, end - start, cuts)
            cuts = torch.cat([cuts, zeros]).sort().values
    return cuts


def _sign_changes(layers: nn.Sequential, start: Tensor, direction: Tensor, cuts: Tensor) -> Tensor:
    """Return one zero of each unit in each piece at whose ends its signs differ, (zeros,)."""
    signals = _values(layers, start, direction, cuts)  # (cuts, units)
    piece, unit = torch.nonzero(signals[:-1] * signals[1:] < 0, as_tuple=True)
    low, high = cuts[piece], cuts[piece + 1]
    at_low, at_high = signals[piece, unit], signals[piece + 1, unit]
    zero = low
    for _ in range(SECANT_STEPS):
        zero = (low * at_high - high * at_low) / (at_high - at_low)
        at_zero = _values(layers, start, direction, zero).gather(1, unit[:, None])[:, 0]
        beyond = at_zero * at_low > 0
        low, at_low = torch.where(beyond, zero, low), torch.where(beyond, at_zero, at_low)
        high, at_high = torch.where(beyond, high, zero), torch.where(beyond, at_high, at_zero)
    return zero


@torch.no_grad()
def _values(layers: nn.Sequential, start: Tensor, direction: Tensor, t: Tensor) -> Tensor:
    values: Tensor = layers(start + t[:, None] * direction)
    return values


def _gauss(
    network: nn.Sequential, start: Tensor, direction: Tensor, low: Tensor, high: Tensor
) -> Tensor:
    """Return the integral of the gradient over each piece, (pieces, F)."""
    shares = torch.from_numpy((_abscissae + 1) / 2)
    t = low[:, None] + (high - low)[:, None] * shares  # (pieces, nodes)
    points = (start + t.reshape(-1, 1) * direction).requires_grad_(True)
    with torch.enable_grad():
        (slopes,) = torch.autograd.grad(network(points).sum(), points)
    weighted = slopes.reshape(*t.shape, -1) * torch.from_numpy(_weights / 2)[:, None]
    return weighted.sum(1) * (high - low)[:, None]


class QualityFunction:
    """A fitted regressor in float64 on the CPU, before its result is clipped to [0, 1].

    In float32 residuals of 1e-10 would mean nothing. The regressor stays as it is.
    """

    def __init__(self, regressor: Regressor) -> None:
        network = deepcopy(regressor.network).cpu().double().eval().requires_grad_(False)
        self._network = network if isinstance(network, nn.Sequential) else nn.Sequential(network)
        self.centre = regressor.centre.cpu().double()
        self._spread = regressor.spread.cpu().double()
        self._quality_centre = float(regressor.quality_centre)
        self._quality_spread = float(regressor.quality_spread)

    @torch.no_grad()
    def __call__(self, inputs: Tensor) -> Tensor:
        """Return unclipped quality, (N,), of what the regressor reads, (N, F), float64."""
        standard = (inputs - self.centre) / self._spread
        result: Tensor = self._network(standard)[:, 0]
        return result * self._quality_spread + self._quality_centre

    def mean_slopes(self, inputs: Tensor) -> Tensor:
        """Return the mean gradient of quality from the training centre to inputs, (F,) both."""
        standard = (inputs - self.centre) / self._spread
        gradient = mean_gradient(self._network, torch.zeros_like(standard), standard)
        return gradient * self._quality_spread / self._spread


def attribute_contributions(
    function: QualityFunction, attributes: Tensor, mixing: Tensor
) -> Tensor:
    """Return what each attribute adds to the quality of the average training image.

    Integrated gradients (Sundararajan et al. 2017, Eq. 1) from the centre that the regressor
    standardises by. Through `mixing` the rest is linear, so completeness holds there too.

    Args:
        function: The regressor.
        attributes: Of one image, (A,), float64: their probabilities, or what else of them is read;
            an attribute that is read in several views counts as several.
        mixing: What the regressor reads of them, (F, A), float64: the identity, or the weights of
            Eq. 7, each attribute's in the row of its distortion. The baseline of an attribute is
            the centre of its row.

    Returns:
        (A,), float64; with `function` of the centre they add up to the unclipped quality.
    """
    slopes = function.mean_slopes(mixing @ attributes)  # (F,)
    baseline = function.centre[mixing.argmax(0)]  # (A,)
    return (slopes @ mixing) * (attributes - baseline)
