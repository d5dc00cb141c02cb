"""What a sentence adds to a quality score over all other sentences of its set.

Shapes: P photographs, N images of a photograph that have a score, A sentences, K of one type.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from workbench.drafting.lint.probe import Probe

Floats = NDArray[np.float64]

PENALTY = 0.01  # of the ridge, as a share of the images: standardised columns hardly shrink
CLIPPED = 12.0  # of log-odds, as the regressor reads them (METHOD, section 1)


class QualityTerm:
    """The share of what the rest of a set leaves unexplained that each sentence explains.

    The scores are regressed on the log-odds of all other sentences by a ridge. That of the other
    types is computed once for each type; a candidate then costs some products of vectors.

    Args:
        scores: Type to the scores of its images, (P, L+1), clean first.
        odds: Type to the log-odds of the sentences of the set on all images, (K, P, N), in the
            order of `log_odds`.
    """

    def __init__(self, scores: Mapping[str, Floats], odds: Mapping[str, Floats]) -> None:
        quality = in_order(scores)
        self.photographs = len(quality)
        self._quality = quality.ravel() - quality.mean()
        self._odds = odds
        self._rest: dict[str, tuple[Floats, Floats]] = {}

    def added(self, distortion: str, odds: Floats) -> Floats:
        """Return what each sentence of a type adds beside its siblings and the other types.

        Args:
            distortion: The type; its own sentences in the set are replaced by these.
            odds: Log-odds of its sentences on all images, (K, P, N).

        Returns:
            For each photograph, (K, P); the mean over photographs is the squared partial
            correlation with the scores, from 0 to 1.
        """
        quality = self._less_rest(distortion, self._quality[:, None])[:, 0]
        columns = self._less_rest(distortion, _standardised(odds))  # (P·N, K)
        rows = []
        for index in range(columns.shape[1]):
            siblings = np.delete(columns, index, axis=1)
            left = _residual(siblings, np.column_stack([quality, columns[:, index]]))
            rows.append(self._explained(left[:, 0], left[:, 1]))
        return np.stack(rows)

    def _explained(self, quality: Floats, column: Floats) -> Floats:
        """Return by how much a column lowers the squared error on each photograph, (P,)."""
        size, total = float(column @ column), float(quality @ quality)
        if size < 1e-9 or total < 1e-12:
            return np.zeros(self.photographs)
        after = quality - column * (float(column @ quality) / size)
        lowered = (quality**2 - after**2).reshape(self.photographs, -1).sum(1)
        return np.asarray(lowered * self.photographs / total)

    def _less_rest(self, distortion: str, columns: Floats) -> Floats:
        """Return what the sentences of all other types leave of some columns, (P·N, …)."""
        if distortion not in self._rest:
            others = [own for d, own in self._odds.items() if d != distortion and len(own)]
            rest = _standardised(np.concatenate(others)) if others else np.empty((len(columns), 0))
            self._rest[distortion] = _shrunk_basis(rest)
        basis, shrink = self._rest[distortion]
        return np.asarray(columns - basis @ (shrink[:, None] * (basis.T @ columns)))


def log_odds(probe: Probe, pairs: NDArray[np.float32]) -> Floats:
    """Return the log-odds of sentences on the clean image and every level of each type.

    Args:
        probe: P photographs.
        pairs: Embeddings of the (positive, negative) sentences, (A, 2, E).

    Returns:
        (A, P, N), mean over crops, clipped as the regressor's are; the clean image is there once.
    """
    directions = (pairs[:, 0].astype(np.float64) - pairs[:, 1]).T.astype(np.float32)
    tables = {
        d: np.clip(probe.scale * (images @ directions).mean(2), -CLIPPED, CLIPPED)
        for d, images in probe.embeddings.items()
    }
    return np.moveaxis(in_order(tables), -1, 0)


def in_order(tables: Mapping[str, NDArray[np.floating]]) -> Floats:
    """Return the clean image and every level of each type, (P, N, …), from tables (P, L+1, …)."""
    first = next(iter(tables.values()))
    return np.concatenate([first[:, :1], *(t[:, 1:] for t in tables.values())], 1).astype(float)


def _standardised(odds: Floats) -> Floats:
    """Return one column per sentence, (P·N, A), of mean 0 and deviation 1; 0 where it is flat."""
    columns = odds.reshape(len(odds), -1).T
    centred = columns - columns.mean(0)
    spread = centred.std(0)
    return np.asarray(np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-9))


def _shrunk_basis(columns: Floats) -> tuple[Floats, Floats]:
    """Return the left singular vectors, and how much of each a ridge takes away."""
    if not columns.shape[1]:
        return np.empty((len(columns), 0)), np.empty(0)
    basis, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return basis, sizes**2 / (sizes**2 + PENALTY * len(columns))


def _residual(columns: Floats, targets: Floats) -> Floats:
    basis, shrink = _shrunk_basis(columns)
    return np.asarray(targets - basis @ (shrink[:, None] * (basis.T @ targets)))
