"""What a user's table holds, how its columns are read, and every row that cannot be used."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import Field

from workbench.datasets.labelled import DatasetType, Polarity
from workbench.datasets.table_rows import TableRow, read_rows, read_text_table
from workbench.datasets.text_tables import first_few
from workbench.domain.canonical import Frozen
from workbench.errors import ConfigError

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
    """How a header is read."""

    index: dict[str, int]  # index of the column of each field that is there, from 0
    meaning: dict[str, str]  # field of each column of the header, "" for one that is ignored
    faults: tuple[str, ...]  # what makes the table unusable
    notes: tuple[str, ...]  # what its author may want to know


def read_header(header: Sequence[str]) -> Columns:
    """Match the columns of a header to fields, whatever the case of their names.

    A name that looks like a misspelt field is a fault: a reference that went unnoticed would put
    one picture on both sides of a split.

    Example:
        >>> read_header(["Image Name", "MOS", "std"]).index
        {'image': 0, 'score': 1}
        >>> read_header(["image", "score", "refernce"]).faults
        ("unknown column 'refernce'; did you mean 'reference'?",)
    """
    index: dict[str, int] = {}
    meaning: dict[str, str] = {}
    faults: list[str] = []
    notes: list[str] = []
    for number, name in enumerate(header):
        folded = name.casefold()
        field = folded if folded in FIELDS else _ALSO.get(folded, "")
        meaning[name] = field
        near = get_close_matches(folded, FIELDS, n=1, cutoff=0.75)
        if field in index:
            faults.append(f"columns '{header[index[field]]}' and '{name}' are both the {field}")
        elif field:
            index[field] = number
        elif near:
            faults.append(f"unknown column '{name}'; did you mean '{near[0]}'?")
        else:
            notes.append(f"Column '{name}' is not known and is ignored.")
    missing = [field for field in REQUIRED if field not in index]
    faults += [f"no column '{field}'; the columns are {', '.join(header)}" for field in missing]
    if "score" in index and header[index["score"]].casefold() == "dmos":
        notes.append(
            "DMOS often falls with quality; say so with --lower-is-better if it does here."
        )
    return Columns(index, meaning, tuple(faults), tuple(notes))


FIRST_ROWS = 5  # of the preview


class BadRow(Frozen):
    """A row that cannot be used."""

    line: int  # where it stands in the file, from 1; the header's for a fault of a column
    reason: str  # what is wrong with it; a row can be here twice


class TablePreview(Frozen):
    """A user's table as it would be used."""

    file: str  # the table
    root: str  # folder that its paths are relative to
    encoding: str  # as Python calls it
    delimiter: str  # ",", ";" or a tab
    columns: dict[str, str]  # field that each column is taken for, "" for one that is ignored
    rows: int  # rows below the header, bad ones among them
    first: tuple[dict[str, str], ...]  # the first rows, cells by column
    bad: tuple[BadRow, ...]  # every fault, by line
    notes: tuple[str, ...]  # what its author may want to know
    images: int  # rows that can be used
    references: int  # different references of these
    types: tuple[DatasetType, ...]  # distortions of these in the order in which they come
    # smallest and largest score, as stated or as in the file; None without any
    score_range: tuple[float, float] | None
    stated: bool  # whether the range was stated
    polarity: Polarity  # direction of the score
    # the rows that can be used; no part of the JSON
    usable: tuple[TableRow, ...] = Field((), exclude=True, repr=False)

    @property
    def problems(self) -> tuple[str, ...]:
        """Every fault with its line."""
        return tuple(f"line {row.line}: {row.reason}" for row in self.bad)


def preview(
    file: Path,
    root: Path | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    polarity: Polarity = "higher is better",
    known: Collection[str] = (),
) -> TablePreview:
    """Read a table and every fault in it.

    Args:
        file: CSV with a header; its columns are described in docs/datasets.md.
        root: Folder that paths are relative to; the table's own without.
        low: Smallest possible score; the smallest of the file without.
        high: Largest possible score; the largest of the file without.
        polarity: Direction of the score.
        known: Ids of the catalogue; a distortion that is not among them is noted.

    Raises:
        ConfigError: low is not below high.
        DataError: The file cannot be opened, is no text or is empty.
    """
    if low is not None and high is not None and low >= high:
        raise ConfigError(
            f"The smallest score, {low:g}, must be below the largest, {high:g}. Change --low or "
            "--high."
        )
    table, base = read_text_table(file), file.parent if root is None else root
    line, header = table.header
    columns = read_header(header)
    faults = [(line, fault) for fault in columns.faults]
    rows: list[TableRow] = []
    if not faults:
        rows, faults = read_rows(table, columns.index, base, low=low, high=high)
    score_range = _range(rows, low, high)
    if not faults and score_range is None:
        equal = "all scores are equal; state --low and --high"
        faults.append((line, equal if rows else "there is no row below the header"))
    types = _types(rows)
    return TablePreview(
        file=str(file),
        root=str(base),
        encoding=table.encoding,
        delimiter=table.delimiter,
        columns=columns.meaning,
        rows=len(table.rows),
        first=tuple(dict(zip(header, cells, strict=False)) for _, cells in table.rows[:FIRST_ROWS]),
        bad=tuple(BadRow(line=number, reason=reason) for number, reason in faults),
        notes=(*columns.notes, *_notes(rows, types, known)),
        images=len(rows),
        references=len({row.reference for row in rows if row.reference}),
        types=types,
        score_range=score_range,
        stated=low is not None and high is not None,
        polarity=polarity,
        usable=tuple(rows),
    )


def _range(
    rows: Sequence[TableRow], low: float | None, high: float | None
) -> tuple[float, float] | None:
    scores = [row.score for row in rows]
    smallest = min(scores, default=None) if low is None else low
    largest = max(scores, default=None) if high is None else high
    if smallest is None or largest is None or smallest >= largest:
        return None
    return smallest, largest


def _types(rows: Sequence[TableRow]) -> tuple[DatasetType, ...]:
    """Return the distortions; one has as many levels as stated, else as its largest level."""
    levels: dict[str, int] = {}
    for row in rows:
        if row.distortion:
            most = max(levels.get(row.distortion, 0), row.levels or row.level or 0)
            levels[row.distortion] = most
    return tuple(DatasetType(label=d, distortion=d, levels=count) for d, count in levels.items())


def _notes(
    rows: Sequence[TableRow], types: Sequence[DatasetType], known: Collection[str]
) -> list[str]:
    notes = []
    stated = {row.distortion for row in rows if row.levels}
    guessed = [f"{t.label} {t.levels}" for t in types if t.levels and t.label not in stated]
    if guessed:
        notes.append(
            f"Levels by the largest found: {first_few(guessed)}. A column 'levels' can say more."
        )
    lone = sum(1 for row in rows if row.distortion and not (row.reference or row.group))
    if lone:
        notes.append(
            f"{lone} distorted images have neither reference nor group, so a split treats each as "
            "a picture of its own."
        )
    for name in [t.distortion for t in types if known and t.distortion not in known]:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "it is taken as a type of your own."
        notes.append(f"Distortion '{name}' is not in the catalogue; {hint}")
    return notes
