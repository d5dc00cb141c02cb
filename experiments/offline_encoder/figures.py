"""The figures by which an offline encoder is chosen and judged."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.distortions import catalogue
from workbench.evaluation.correlation import srcc
from workbench.evaluation.identification import all_clean, identification_metrics


def identification(
    names: Sequence[str], truth: np.ndarray, predicted: np.ndarray
) -> dict[str, Any]:
    """Return the figures of METHOD §2 over images with at most one distortion.

    Args:
        names: Ids of the D distortions.
        truth: True strengths, (N, D), in [0, 1].
        predicted: Predicted strengths, (N, D), in [0, 1].
    """
    known = catalogue()
    levels = [len(known[name].levels) for name in names]
    truth = np.asarray(truth, np.float64)
    predicted = np.clip(np.asarray(predicted, np.float64), 0, 1)
    found: dict[str, Any] = identification_metrics(truth, predicted, levels=levels).model_dump()
    baseline = all_clean(truth, levels=levels)
    found["all_clean_accuracy"] = baseline.accuracy
    found["all_clean_rmse"] = baseline.rmse
    found["rmse_to_best_constant"] = found["rmse"] / truth.std()
    clean = truth.max(1) == 0
    found["srcc"] = {
        name: srcc(predicted[rows, place], truth[rows, place])
        for place, name in enumerate(names)
        for rows in [clean | (truth[:, place] > 0)]
    }
    return found
