"""Scores of several images as one table, for a file or a page."""

from collections.abc import Sequence

from workbench.domain.data_table import Column, DataTable, Value
from workbench.domain.image_score import Score, Unlike


def score_table(scores: Sequence[Score]) -> DataTable:
    """Return a row for each image: quality, how unlike the training it is, and strengths.

    Args:
        scores: By one model, so that they have the same distortions.
    """
    distortions = list(scores[0].distortions) if scores else []
    columns = (
        Column("image", "Image", "text"),
        Column("quality", "Quality"),
        Column("unlike_flagged", "Unlike the training", "text"),
        Column("unlike_distance", "Distance", digits=2),
        Column("unlike_threshold", "Flagged above", digits=2),
        Column("unlike_percentile", "Farther than, % of held-out", digits=1),
        *(Column(id, id, digits=2) for id in distortions),
    )
    return DataTable(
        "scores", "What the model says of each image", columns, tuple(map(_row, scores))
    )


def _row(score: Score) -> tuple[Value, ...]:
    unlike = score.unlike
    told: tuple[Value, ...] = ("unknown", None, None, None)
    if isinstance(unlike, Unlike):
        flag = "yes" if unlike.flagged else "no"
        told = (flag, unlike.distance, unlike.threshold, unlike.percentile)
    return (score.image, score.quality, *told, *score.distortions.values())
