"""Figures of merit, with 'undefined' as a value of its own."""

from pydantic import model_validator

from workbench.domain.canonical import Frozen


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


class TypeFigures(Frozen):
    """How well one distortion is told from everything else.

    Attributes:
        images: Number of images that show it.
        f1: Of its presence.
        average_precision: Of its presence, by predicted strength.
        strength_srcc: SRCC between true and predicted strength over its images and the clean ones.
    """

    images: int
    f1: Metric
    average_precision: Metric
    strength_srcc: Metric


CLEAN = ""  # as in Predictions.distortion


class DosePoint(Frozen):
    """The predicted strength of a distortion at one level of it.

    Attributes:
        level: 0 for the clean images.
        mean: Mean over photographs of each photograph's mean, in [0, 1].
        ci: 95% interval of that mean; None for a single photograph.
        images, photographs: Counts.
    """

    level: int
    mean: float
    ci: tuple[float, float] | None
    images: int
    photographs: int


class DoseCurve(Frozen):
    """Dose and response of one distortion; levels without an image have no point."""

    distortion: str
    levels: int
    points: tuple[DosePoint, ...]


class CalibrationBin(Frozen):
    """All (image, distortion) pairs whose predicted strength is in [low, high), 1 in the last."""

    low: float
    high: float
    mean_predicted: float
    mean_true: float
    count: int


class HeldOutStrengths(Frozen):
    """True and predicted strengths of N images, in the order of a result's predictions.

    Attributes:
        distortions: Ids, (D,).
        levels: Number of levels of each, (D,).
        true, predicted: (N, D), as `packed` of `evaluation.identification` packs them.
    """

    distortions: tuple[str, ...]
    levels: tuple[int, ...]
    true: str
    predicted: str


class StrengthTables(Frozen):
    """What is shown of the (N, D) strengths of a run.

    Attributes:
        types: Clean (""), then the D distortions.
        confusion: Images by true type (rows) and predicted type (columns), (D + 1, D + 1).
        dose: One curve per distortion.
        calibration: The bins that hold any pair, in rising order.
    """

    types: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    dose: tuple[DoseCurve, ...]
    calibration: tuple[CalibrationBin, ...]

    @model_validator(mode="after")
    def _square(self) -> "StrengthTables":
        sizes = {len(self.confusion), *(len(row) for row in self.confusion)}
        if sizes != {len(self.types)}:
            raise ValueError(f"the confusion table is not {len(self.types)} by {len(self.types)}")
        return self
