"""Figures of merit, with 'undefined' as a value of its own."""

from workbench.domain.base import Frozen


class Undefined(Frozen):
    """A figure that does not exist, and why; never 0 and never NaN.

    Example:
        >>> Undefined(undefined="constant predictions").model_dump()
        {'undefined': 'constant predictions'}
    """

    undefined: str


Metric = float | Undefined


class QualityMetrics(Frozen):
    """How well predicted quality follows the target, both in [0, 1], higher is better.

    Attributes:
        srcc, krcc, plcc: Rank and linear correlations of the raw predictions, in [-1, 1].
        plcc_fitted: PLCC after the 4-parameter logistic; not comparable with the raw one.
        rmse: Root mean squared error of the raw predictions.
    """

    srcc: Metric
    krcc: Metric
    plcc: Metric
    plcc_fitted: Metric
    rmse: Metric


class IdentificationMetrics(Frozen):
    """How well strengths are told, over images and distortions (METHOD §2).

    Attributes:
        accuracy: Share of (image, distortion) pairs in the right bin (Eq. 10).
        accuracy_present: The same, over pairs whose distortion is present.
        top1_type: Share of distorted images whose strongest predicted type is the true one.
        strength_srcc: Mean over distortions of the SRCC between true and predicted strength.
        rmse: Eq. 11.
    """

    accuracy: Metric
    accuracy_present: Metric
    macro_f1: Metric
    mean_average_precision: Metric
    top1_type: Metric
    strength_srcc: Metric
    rmse: Metric
