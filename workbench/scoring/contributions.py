"""What each attribute adds to an image's quality: contributions that add up to it.

Shapes: N images, A attributes, D distortions, F numbers that the regressor reads.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn

from workbench.scoring.path_integral import mean_gradient
from workbench.tuning.regressor import Regressor


class QualityFunction:
    """A fitted regressor in float64 on the CPU, before its result is clipped to [0, 1].

    Args:
        regressor: Stays as it is.
    """

    def __init__(self, regressor: Regressor) -> None:
        network = deepcopy(regressor.network).cpu().double().eval().requires_grad_(False)
        self._network = network if isinstance(network, nn.Sequential) else nn.Sequential(network)
        self.centre = regressor.centre.cpu().double()
        self._spread = regressor.spread.cpu().double()
        self._middle = float(regressor.quality_centre)
        self._width = float(regressor.quality_spread)

    @torch.no_grad()
    def __call__(self, given: Tensor) -> Tensor:
        """Return unclipped quality, (N,), of what the regressor reads, (N, F), float64."""
        standard = (given - self.centre) / self._spread
        return self._network(standard)[:, 0] * self._width + self._middle  # type: ignore[no-any-return]

    def mean_slopes(self, given: Tensor) -> Tensor:
        """Return the mean gradient of quality from the training centre to an image, (F,).

        Args:
            given: What the regressor reads of the image, (F,), float64.
        """
        standard = (given - self.centre) / self._spread
        found = mean_gradient(self._network, torch.zeros_like(standard), standard)
        return found * self._width / self._spread


def attribute_contributions(
    function: QualityFunction, probabilities: Tensor, mixing: Tensor
) -> Tensor:
    """Return what each attribute adds to the quality of the average training image.

    Integrated gradients (Sundararajan et al. 2017, Eq. 1) from the centre that the regressor
    standardises by. Through `mixing` the rest is linear, so completeness holds there too.

    Args:
        function: The regressor.
        probabilities: Attributes of one image, (A,), float64.
        mixing: What the regressor reads of them, (F, A), float64: the identity, or the weights of
            Eq. 7, each attribute's in the row of its distortion. The baseline of an attribute is
            the centre of its row.

    Returns:
        (A,), float64; with `function` of the centre they add up to the unclipped quality.
    """
    slopes = function.mean_slopes(mixing @ probabilities)  # (F,)
    baseline = function.centre[mixing.argmax(0)]  # (A,)
    return (slopes @ mixing) * (probabilities - baseline)
