"""How a table's header is read: fields by name, and which way the score goes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from workbench.datasets.labelled import Polarity
from workbench.datasets.table_rows import TextTable
from workbench.datasets.text_tables import finite, first_few
from workbench.text_files import printable, with_decimal_point

REQUIRED = ("image", "score")
FIELDS = (*REQUIRED, "reference", "distortion", "level", "levels", "group", "subset")
_ALSO = {  # how published tables call them, "_" and "-" read as blanks
    "img name": "image",  # pyiqa's tables of photographs: KonIQ-10k, LIVE in the Wild, GFIQA
    "image name": "image",  # KonIQ-10k, UHD-IQA; SPAQ and BIQ2021 with a blank
    "image path": "image",  # PIQ23
    "img name/patch name": "image",  # pyiqa's table of FLIVE (PaQ-2-PiQ)
    "dist img": "image",  # KADID-10k
    "dist name": "image",  # pyiqa's tables of pairs: KADID-10k, TID2013, CSIQ, LIVE, PIPAL
    "img": "image",
    "img path": "image",
    "distorted image": "image",
    "file": "image",
    "filename": "image",
    "file name": "image",
    "mos": "score",
    "dmos": "score",
    "mean opinion score": "score",
    "mos quality": "score",  # AGIQA-3K
    "quality mos": "score",  # UHD-IQA
    "elo score": "score",  # pyiqa's table of PIPAL
    "jod": "score",  # PIQ23
    "ref": "reference",
    "ref img": "reference",  # KADID-10k
    "ref name": "reference",
    "hq name": "reference",  # pyiqa's table of PIPAL
    "ref image": "reference",
    "reference image": "reference",
    "type": "distortion",
    "dist type": "distortion",
    "distortion type": "distortion",
}
_ONLY_IF_NO_OTHER = {"name": "image", "path": "image"}  # FLIVE (PaQ-2-PiQ), AGIQA-3K


@dataclass(frozen=True)
class _Published:
    """A dataset that is known by its images' names or its header, for its scores' direction."""

    title: str
    names: str  # pattern of an image's name, or of its folder and name, in small letters
    polarity: Polarity
    headless: str = ""  # the release's own list, which has no header
    dataset: str = ""  # what reads that list
    header: frozenset[str] = frozenset()  # columns that no other table has together


_PUBLISHED = (
    # The release and pyiqa call it dmos; it is the mean of ratings from 1 (bad) to 5.
    _Published(
        "KADID-10k",
        r"i\d\d_\d\d_\d\d\.png",
        "higher is better",
        header=frozenset({"dist img", "ref img", "dmos", "var"}),
    ),
    _Published(
        "TID2013", r"i\d\d_\d\d_\d\.bmp", "higher is better", "mos_with_names.txt", "tid2013"
    ),
    _Published(
        "CSIQ",
        r"\w+\.(?:awgn|jpeg|jpeg2000|fnoise|blur|contrast)\.\d\.png",
        "lower is better",
        "csiq_label.txt",
        "csiq",
    ),
    # pyiqa's table calls it mos
    _Published("LIVE", r"(?:jp2k|jpeg|wn|gblur|fastfading)/img\d+\.bmp", "lower is better"),
    _Published("LIVE Multiply Distorted", r"blur(?:jpeg|noise)/.+", "lower is better"),
)
_ROWS_SHOWN = 3  # where columns must be stated
_IMAGE_SUFFIX = re.compile(r"\.(?:png|jpe?g|bmp|tiff?|webp|gif|jp2|avif|heic)", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """How a header is read."""

    index: dict[str, int]  # index of the column of each field that is there, from 0
    meaning: dict[str, str]  # field of each column of the header, "" for one that is ignored
    faults: tuple[str, ...]  # what makes the table unusable
    notes: tuple[str, ...]  # what its author may want to know


def read_header(header: Sequence[str], stated: Mapping[str, str] | None = None) -> Columns:
    """Match the columns of a header to fields, whatever the case of their names.

    A name that looks like a misspelt field is a fault: a reference that went unnoticed would put
    one picture on both sides of a split.

    Args:
        header: Names of the columns.
        stated: Field to the name of its column, where the user says which; the rest is known by
            name.

    Example:
        >>> read_header(["Image Name", "MOS", "std"]).index
        {'image': 0, 'score': 1}
        >>> read_header(["image", "score", "refernce"]).faults
        ("unknown column 'refernce'; did you mean 'reference'?",)
        >>> read_header(["photo", "rating"], {"image": "photo", "score": "rating"}).index
        {'image': 0, 'score': 1}
    """
    index: dict[str, int] = {}
    twice: set[int] = set()
    faults: list[str] = []
    folded = [_folded(name) for name in header]
    for field, name in (stated or {}).items():
        same = [n for n, other in enumerate(header) if other == name]
        same = same or [n for n, other in enumerate(folded) if other == _folded(name)]
        if len(same) == 1:
            index[field] = same[0]
        else:
            count = "no column" if not same else f"{len(same)} columns"
            faults.append(
                f"there is {count} '{printable(name)}' to take as {field}: {_listed(header)}"
            )
    for names in ({field: field for field in FIELDS} | _ALSO, _ONLY_IF_NO_OTHER):
        earlier = set(index)
        for number, name in enumerate(folded):
            field = names.get(name, "")
            if field and field not in earlier and number not in index.values():
                if field in index:
                    both = f"'{printable(header[index[field]])}' and '{printable(header[number])}'"
                    faults.append(f"columns {both} are both the {field}")
                    twice.add(number)
                index.setdefault(field, number)
    fields = {number: field for field, number in index.items()}
    ignored = [
        number for number in range(len(header)) if number not in fields and number not in twice
    ]
    for number in ignored:
        near = get_close_matches(folded[number], FIELDS, n=1, cutoff=0.75)
        if near and near[0] not in index:
            unknown = printable(header[number])
            faults.append(f"unknown column '{unknown}'; did you mean '{near[0]}'?")
    missing = [field for field in REQUIRED if field not in index and field not in (stated or {})]
    faults += [f"no column '{field}'; the columns are {_listed(header)}" for field in missing]
    meaning = dict.fromkeys(header, "") | {header[n]: field for n, field in fields.items()}
    return Columns(index, meaning, tuple(faults), tuple(_ignored([header[n] for n in ignored])))


def _folded(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _listed(header: Sequence[str]) -> str:
    return ", ".join(printable(name) or "one without a name" for name in header)


def _ignored(names: Sequence[str]) -> Iterator[str]:
    named = [f"'{printable(name)}'" for name in names if name]
    if len(named) == 1:
        yield f"Column {named[0]} is not known and is ignored."
    elif named:
        yield f"Columns {first_few(named)} are not known and are ignored."
    if len(named) < len(names):
        yield "A column without a name is ignored."


def what_to_state(table: TextTable, columns: Columns, file: Path) -> str:
    """Return how to name what is missing, with the first rows to choose by."""
    header = table.header[1]
    if any(_is_number(cell) or _is_image(cell.split()[-1:]) for cell in header):
        published = [p for p in _PUBLISHED if p.headless == file.name.casefold()]
        reader = "".join(
            f", or read {p.title} as it is: workbench datasets check {p.dataset} FOLDER"
            for p in published
        )
        return (
            "the first line is a row, no header; put a line such as image,score above it" + reader
        )
    free = [n for n in range(len(header)) if n not in columns.index.values()]
    first = table.rows[0][1] if table.rows else []
    images = [header[n] for n in free if n < len(first) and _is_image([first[n]])]
    scores = [header[n] for n in free if n < len(first) and _is_number(first[n])]
    guesses = {"image": images, "score": scores}
    options = " ".join(
        f"--column {field}='{printable((guesses[field] or ['NAME'])[0])}'"
        for field in REQUIRED
        if field not in columns.index
    )
    rows = [" | ".join(map(printable, cells)) for _, cells in table.rows[:_ROWS_SHOWN]]
    shown = f"the first rows are {'; '.join(rows)}" if rows else "there is no row below"
    return f"say which columns they are, for example {options}; {shown}"


def _is_image(names: Sequence[str]) -> bool:
    return any(_IMAGE_SUFFIX.fullmatch(PurePosixPath(name).suffix) for name in names)


def _is_number(cell: str) -> bool:
    try:
        return finite(with_decimal_point(cell)) is not None
    except ValueError:
        return False


def direction_of(
    table: TextTable, index: Mapping[str, int], stated: Polarity | None
) -> tuple[Polarity | None, list[str], list[str]]:
    """Return the direction of the score, what to note, and what is wrong if it must be stated.

    "dmos" falls with quality in CSIQ and LIVE, and rises in KADID-10k; pyiqa calls LIVE's "mos".
    A wrong guess turns every result upside down, so what is not known is asked.
    """
    column = table.header[1][index["score"]]
    is_difference = "dmos" in _folded(column).split()
    header = set(map(_folded, table.header[1]))
    images = [cells[index["image"]] for _, cells in table.rows if index["image"] < len(cells)]
    published = next(
        (
            p
            for p in _PUBLISHED
            if (p.header and p.header <= header) or (images and _all_match(p.names, images))
        ),
        None,
    )
    if published is None:
        if stated or not is_difference:
            return stated or "higher is better", [], []
        reason = "DMOS falls with quality in some tables and rises in others"
    else:
        known = f"{published.title}'s scores {_published_verb(published)} with quality"
        if stated == published.polarity:
            return stated, [], []
        if stated:
            return stated, [f"{known}; they are read as stated, {stated}."], []
        if is_difference or published.polarity == "higher is better":
            return published.polarity, [f"{known}, so {published.polarity}."], []
        reason = f"{known}, but the column is called '{printable(column)}'"
    return None, [], [f"{reason}; state --lower-is-better or --higher-is-better"]


def _published_verb(published: _Published) -> str:
    return "rise" if published.polarity == "higher is better" else "fall"


def _all_match(pattern: str, images: Sequence[str]) -> bool:
    paths = (PurePosixPath(image.replace("\\", "/").casefold()) for image in images)
    return all(
        re.fullmatch(pattern, path.name) or re.fullmatch(pattern, "/".join(path.parts[-2:]))
        for path in paths
    )
