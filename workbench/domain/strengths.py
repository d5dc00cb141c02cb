"""How the strengths of a run's distortions were told, in tables small enough to keep."""

from pydantic import model_validator

from workbench.domain.base import Frozen

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


class StrengthTables(Frozen):
    """What is kept of the (N, D) strengths of a run.

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
