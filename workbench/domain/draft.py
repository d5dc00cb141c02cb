"""One row of the working draft: an attribute, and which state of it somebody has read."""

from datetime import datetime

from workbench.domain.attributes import Attribute
from workbench.domain.base import Frozen


class DraftRow(Frozen):
    """An attribute of the working draft as it stood when it was read.

    Attributes:
        id: Stable over rewording, and never given to another attribute.
        distortion: Id of the distortion it belongs to.
        position: Place among the attributes of that distortion; ascending, with gaps.
        attribute: The phrase, who wrote it, and where it stands in review.
        row_version: Counts the edits; an edit states the one it is based on.
        updated_at: When it was last edited, in UTC.
        updated_by: Who edited it last.
    """

    id: int
    distortion: str
    position: int
    attribute: Attribute
    row_version: int
    updated_at: datetime
    updated_by: str
