"""Embeddings of a few photographs at every level, and what one sentence does on them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from workbench.drafting.lint.statistics import auc, auc_interval, dose_srcc, interval_of_mean
from workbench.errors import ShapeError

_Floats = NDArray[np.float64]

STRONGEST = 2  # levels of a distortion that specificity is judged on


@dataclass(frozen=True)
class Curve:
    """How a probability follows the strength of one distortion, level 0 (clean) first.

    Attributes:
        strength: Effective strength of each level, (L+1,), in [0, 1].
        mean: Mean probability over photographs, (L+1,).
        low, high: Its 95 % interval over photographs, (L+1,).
    """

    strength: _Floats
    mean: _Floats
    low: _Floats
    high: _Floats


@dataclass(frozen=True)
class Grounding:
    """How much better a sentence fits its own distortion than the one it is taken for most.

    Attributes:
        rival: The distortion with the lowest AUC; those near to its own do not count.
        auc: Share of pairs that its own distortion wins, as in `Response.auc_row`.
        low, high: Its 95 % interval over photographs.
        srcc: SRCC of the probability with the strength of its own distortion.
        rival_srcc: The same of the rival.
    """

    rival: str
    auc: float
    low: float
    high: float
    srcc: float
    rival_srcc: float


@dataclass(frozen=True)
class Response:
    """The probability of one sentence on all images of a probe.

    Attributes:
        strengths: Distortion to the strength of each level, (L+1,), clean first.
        probability: Distortion to photographs x levels, (P, L+1), in [0, 1].
    """

    strengths: Mapping[str, _Floats]
    probability: Mapping[str, _Floats]

    def curve(self, distortion: str) -> Curve:
        """Return the dose-response curve for a distortion of the probe."""
        table = self.probability[distortion]
        low, high = interval_of_mean(table)
        return Curve(self.strengths[distortion], table.mean(0), low, high)

    def strongest(self, distortion: str) -> _Floats:
        """Return the probabilities at the two strongest levels, (P, 2)."""
        levels = np.argsort(self.strengths[distortion], kind="stable")[-STRONGEST:]
        return self.probability[distortion][:, levels]

    def auc_row(self, own: str) -> dict[str, float]:
        """Return how well the sentence tells its own distortion from each other one.

        Args:
            own: The distortion that it was written for.

        Returns:
            Other distortion to the share of pairs in which the image of `own` has the higher
            probability, both at their strongest levels: 1 tells them apart, 0.5 does not, below
            the sentence fits the other one better.
        """
        ours = self.strongest(own).ravel()
        return {d: auc(ours, self.strongest(d).ravel()) for d in self.probability if d != own}

    def grounding(self, own: str, near: Collection[str] = ()) -> Grounding | None:
        """Return whether its own distortion explains the sentence better than any other one.

        Args:
            own: The distortion that it was written for.
            near: Distortions that show the same fault.

        Returns:
            None where the probe has no other distortion.
        """
        row = {other: area for other, area in self.auc_row(own).items() if other not in near}
        if not row:
            return None
        rival = min(row, key=row.__getitem__)
        low, high = auc_interval(self.strongest(own), self.strongest(rival))
        srcc, rival_srcc = (dose_srcc(self.strengths[d], self.probability[d]) for d in (own, rival))
        return Grounding(rival, row[rival], low, high, srcc, rival_srcc)


@dataclass(frozen=True)
class Probe:
    """Image embeddings that answer for any sentence at the price of one product of matrices.

    Shapes: P photographs, L levels (each distortion its own), C crops of an image, E embedding.

    Attributes:
        photographs: Names of the P photographs.
        strengths: Distortion to the effective strength of each level, (L+1,), clean first.
        embeddings: Distortion to L2-normalised embeddings, (P, L+1, C, E), float32.
        scale: s of Eq. 6, the encoder's own.
    """

    photographs: tuple[str, ...]
    strengths: Mapping[str, _Floats]
    embeddings: Mapping[str, NDArray[np.float32]]
    scale: float

    @property
    def distortions(self) -> tuple[str, ...]:
        """Ids of the distortions that it can answer for."""
        return tuple(self.embeddings)

    def response(self, pair: NDArray[np.float32]) -> Response:
        """Return the probability of a sentence on every image (ExIQA, Eq. 6; mean over crops).

        Args:
            pair: Embeddings of the positive and the negative sentence, (2, E), L2-normalised.

        Raises:
            ShapeError: The embeddings are not (2, E).
        """
        return Response(self.strengths, {d: self.table(pair, d) for d in self.embeddings})

    def table(self, pair: NDArray[np.float32], distortion: str) -> _Floats:
        """Return the probability of a sentence on the images of one distortion, (P, L+1).

        Takes and raises what `response` does.
        """
        images = self.embeddings[distortion]
        if pair.shape != (2, images.shape[-1]):
            raise ShapeError(
                f"Expected a pair of sentences, (2, {images.shape[-1]}), got {pair.shape}."
            )
        direction = pair[0].astype(np.float64) - pair[1]
        return np.asarray(expit(self.scale * (images @ direction)).mean(-1))
