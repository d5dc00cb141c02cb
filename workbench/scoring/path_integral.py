"""The mean gradient of a small network along a straight line (integrated gradients, exactly).

A SELU network is smooth except where a unit's input crosses 0. The line is cut there, so that
between two cuts Gauss–Legendre converges at once, and each piece is checked by completeness: what
it adds up to must be how far the network's result really moves.
"""

import numpy as np
import torch
from torch import Tensor, nn

NODES = 5  # per piece; integrates polynomials up to degree 9 exactly
TOLERANCE = 1e-10  # per piece, in the network's unit; a few hundred pieces stay far below 1e-6
SECANT_STEPS = 6  # between two cuts a unit's input is nearly linear in t
HALVINGS = 60  # beyond these a piece is shorter than a float can tell

_places, _weights = np.polynomial.legendre.leggauss(NODES)


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
        >>> found = mean_gradient(linear, torch.zeros(2).double(), torch.ones(2).double())
        >>> torch.allclose(found, linear[0].weight[0])
        True
    """
    cuts, along = kinks(network, start, end), end - start
    low, high = cuts[:-1], cuts[1:]
    found = torch.zeros_like(start)
    for _ in range(HALVINGS):
        parts = _gauss(network, start, along, low, high)  # (pieces, F)
        ends = _results(network, start, along, torch.cat([low, high])).reshape(2, -1)
        settled = (parts @ along - (ends[1] - ends[0])).abs() <= TOLERANCE
        found += parts[settled].sum(0)
        low, high = low[~settled], high[~settled]
        if not len(low):
            return found
        middle = (low + high) / 2  # two cuts of one unit in one piece were not seen
        low, high = torch.cat([low, middle]), torch.cat([middle, high])
    return found + _gauss(network, start, along, low, high).sum(0)


@torch.no_grad()
def kinks(network: nn.Sequential, start: Tensor, end: Tensor) -> Tensor:
    """Return where on the line some SELU unit's input changes its sign, with 0 and 1, sorted.

    Args:
        network: See `mean_gradient`.
        start: (F,), float64: t = 0.
        end: Likewise: t = 1.

    Returns:
        (cuts,), float64, in [0, 1].

    Example:
        >>> network = nn.Sequential(nn.Identity(), nn.SELU())
        >>> kinks(network, torch.tensor([-1.0]).double(), torch.tensor([3.0]).double()).tolist()
        [0.0, 0.25, 1.0]
    """
    cuts = torch.tensor([0.0, 1.0], dtype=start.dtype)
    for depth, layer in enumerate(network):
        if isinstance(layer, nn.SELU):
            found = _sign_changes(network[:depth], start, end - start, cuts)
            cuts = torch.cat([cuts, found]).sort().values
    return cuts


def _sign_changes(before: nn.Sequential, start: Tensor, along: Tensor, cuts: Tensor) -> Tensor:
    """Return one zero of each unit in each piece at whose ends its signs differ, (zeros,)."""
    signals = _results(before, start, along, cuts)  # (cuts, units)
    piece, unit = torch.nonzero(signals[:-1] * signals[1:] < 0, as_tuple=True)
    low, high = cuts[piece], cuts[piece + 1]
    at_low, at_high = signals[piece, unit], signals[piece + 1, unit]
    zero = low
    for _ in range(SECANT_STEPS):
        zero = (low * at_high - high * at_low) / (at_high - at_low)
        at_zero = _results(before, start, along, zero).gather(1, unit[:, None])[:, 0]
        beyond = at_zero * at_low > 0
        low, at_low = torch.where(beyond, zero, low), torch.where(beyond, at_zero, at_low)
        high, at_high = torch.where(beyond, high, zero), torch.where(beyond, at_high, at_zero)
    return zero


@torch.no_grad()
def _results(network: nn.Sequential, start: Tensor, along: Tensor, places: Tensor) -> Tensor:
    results: Tensor = network(start + places[:, None] * along)
    return results


def _gauss(
    network: nn.Sequential, start: Tensor, along: Tensor, low: Tensor, high: Tensor
) -> Tensor:
    """Return the integral of the gradient over each piece, (pieces, F)."""
    shares = torch.from_numpy((_places + 1) / 2)
    places = low[:, None] + (high - low)[:, None] * shares  # (pieces, nodes)
    points = (start + places.reshape(-1, 1) * along).requires_grad_(True)
    with torch.enable_grad():
        (slopes,) = torch.autograd.grad(network(points).sum(), points)
    weighed = slopes.reshape(*places.shape, -1) * torch.from_numpy(_weights / 2)[:, None]
    return weighed.sum(1) * (high - low)[:, None]
