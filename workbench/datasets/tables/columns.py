"""Which column of a user's table is which."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

REQUIRED = ("image", "score")
FIELDS = (*REQUIRED, "reference", "distortion", "level", "levels", "group", "subset")
_ALSO = {  # how published tables call them
    "image name": "image",
    "dist_img": "image",
    "file": "image",
    "filename": "image",
    "mos": "score",
    "dmos": "score",
    "ref_img": "reference",
    "type": "distortion",
}


@dataclass(frozen=True)
class Columns:
    """How a header was understood.

    Attributes:
        place: Number of the column of each field that is there, from 0.
        meaning: Field of each column of the header, "" for one that is ignored.
        faults: What makes the table unusable.
        notes: What its author may want to know.
    """

    place: dict[str, int]
    meaning: dict[str, str]
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def understand(header: Sequence[str]) -> Columns:
    """Find the fields in a header, whatever the case of its names.

    A name that looks like a misspelt field is a fault: a reference that went unnoticed would put
    one picture on both sides of a split.

    Example:
        >>> understand(["Image Name", "MOS", "std"]).place
        {'image': 0, 'score': 1}
        >>> understand(["image", "score", "refernce"]).faults
        ("unknown column 'refernce'; did you mean 'reference'?",)
    """
    place: dict[str, int] = {}
    meaning: dict[str, str] = {}
    faults: list[str] = []
    notes: list[str] = []
    for number, name in enumerate(header):
        folded = name.casefold()
        field = folded if folded in FIELDS else _ALSO.get(folded, "")
        meaning[name] = field
        near = get_close_matches(folded, FIELDS, n=1, cutoff=0.75)
        if field in place:
            faults.append(f"columns '{header[place[field]]}' and '{name}' are both the {field}")
        elif field:
            place[field] = number
        elif near:
            faults.append(f"unknown column '{name}'; did you mean '{near[0]}'?")
        else:
            notes.append(f"Column '{name}' is not known and is ignored.")
    missing = [field for field in REQUIRED if field not in place]
    faults += [f"no column '{field}'; the columns are {', '.join(header)}" for field in missing]
    if "score" in place and header[place["score"]].casefold() == "dmos":
        notes.append(
            "DMOS often falls with quality; say so with --lower-is-better if it does here."
        )
    return Columns(place, meaning, tuple(faults), tuple(notes))
