"""Text that people bring: its encoding, its lines, the rows of a CSV and its numbers.

Every reader of a table or a list comes here, so that one file means the same to all of them.
"""

import codecs
import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_MARKS = {  # byte-order marks; that of UTF-32 opens like that of UTF-16, so it comes first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WORKBOOKS = (
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
)  # .xlsx and .ods are archives; .xls
_LINE_END = re.compile(r"\r\n|\r|\n")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)", re.ASCII)
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\w\r\n ])"?[\s,;]*?(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_YAML_COMMENT = re.compile(r"[ \t]+(#[^\r\n]*)")
_DELIMITERS = (",", ";", "\t")
_CONTROLS = re.compile(  # what moves a terminal's cursor or turns its text round
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
)
_HINTS = {  # what csv says of a text, and what its author can do
    "field larger": "a quotation mark may be left open",
    "unexpected end": "a quotation mark is left open",
    "expected after": "double the quotation marks inside a quoted cell",
}


class TextFault(ValueError):
    """What makes a text unreadable, and in which line, from 1; 0 is the file as a whole."""

    def __init__(self, words: str, line: int = 0) -> None:
        super().__init__(words)
        self.line = line


def visible(text: str) -> str:
    r"""Return text for a terminal: control characters, all but tab and line feed, as escapes.

    Example:
        >>> visible("a\x1b[2Jb\nc")
        'a\\x1b[2Jb\nc'
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    r"""Return text for one line of a terminal: nothing in it starts a line that could be ours.

    Example:
        >>> one_line("a\nworkbench: done")
        'a\\nworkbench: done'
    """
    return visible(text).replace("\n", "\\n")


def encoding_of(data: bytes) -> str:
    """Return the encoding that the first bytes of a file name; UTF-8 if they name none.

    Example:
        >>> encoding_of("a".encode("utf-16")), encoding_of(b"a")
        ('utf-16', 'utf-8')
    """
    return next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")


def decoded(data: bytes) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 or UTF-32 with a byte-order mark.

    Another encoding is never guessed: what is "é" in one is "Г©" in the next.

    Raises:
        TextFault: It is in none of them; says where the first unreadable character is.
    """
    if data.startswith(_WORKBOOKS):
        raise TextFault(
            "is a workbook or an archive, no text; a spreadsheet saves it as 'CSV UTF-8'"
        )
    encoding = encoding_of(data)
    if encoding.startswith("utf-8") and b"\0" in data[:4]:
        raise TextFault("is UTF-16 or binary; save it as UTF-8 text")
    try:
        # all marks go, for files that were joined have more than one
        return data.decode(encoding.removesuffix("-sig")).lstrip("\ufeff")
    except UnicodeDecodeError as fault:
        if encoding.startswith("utf-8") and b"\0" in data:
            raise TextFault("is binary, no text") from None
        if not encoding.startswith("utf-8"):
            raise TextFault(f"is cut off, or no {encoding.upper()}; save it as UTF-8") from None
        before = data[: fault.start].decode().lstrip("\ufeff")
        ends = list(_LINE_END.finditer(before))
        column = len(before) - (ends[-1].end() if ends else 0) + 1
        raise TextFault(
            f"is not UTF-8 from character {column} on; a spreadsheet saves it as 'CSV UTF-8'",
            len(ends) + 1,
        ) from None


def lines(text: str) -> list[str]:
    r"""Return the lines of a text as an editor counts them: they end with LF, CR or both.

    `str.splitlines` also ends them at U+2028, U+0085 and six others, which stand inside cells.

    Example:
        >>> lines("a\x0bb\r\nc\u2028d\n")
        ['a\x0bb', 'c\u2028d']
    """
    parts = _LINE_END.split(text)
    return parts[:-1] if parts[-1] == "" else parts


def number(text: str) -> float:
    """Return the number that a text spells in plain decimal notation.

    Python's `float` takes "1_0" for 10, digits of any script, "nan" and "infinity"; in a table
    these are slips.

    Raises:
        ValueError: It spells none.

    Example:
        >>> number("-1.5e2")
        -150.0
        >>> number("1_0")
        Traceback (most recent call last):
        ValueError: '1_0' is no number
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{printable(text)!r} is no number")
    return float(text)


def with_decimal_point(text: str) -> str:
    """Return a number that is written with a decimal comma with a point, any other text as it is.

    Example:
        >>> with_decimal_point("3,25"), with_decimal_point("1.234,5")
        ('3.25', '1.234,5')
    """
    return _DECIMAL_COMMA.sub(r"\1.\2", text) if _DECIMAL_COMMA.fullmatch(text) else text


def read_yaml(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """Return the value of a YAML document.

    Raises:
        TextFault: It is no YAML, larger than any of the workbench's, holds a number or a date that
            is none, is nested too deeply, or stands for far more than it says: aliases of aliases.

    Example:
        >>> read_yaml("levels: [1, 2]")
        {'levels': [1, 2]}
    """
    if len(text) > MOST_YAML:
        raise TextFault(f"has more than {MOST_YAML:,} characters")
    try:
        value = yaml.load(text, loader)
        if "*" in text and _written_out(value, {}) > MOST_VALUES:
            raise TextFault("its aliases stand for far more than it says")
        return _sound(value)
    except RecursionError as fault:
        raise TextFault("nested too deeply") from fault
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        where = f"line {line}, column {column}: " if mark else ""
        raise TextFault(f"{where}{fault.problem or fault.context}", line) from fault
    except TextFault:
        raise
    except (AttributeError, TypeError) as fault:  # !!timestamp of what is no date
        raise TextFault("a value is not what its tag says") from fault
    except (yaml.YAMLError, ValueError) as fault:  # a date such as 2026-13-45 is a ValueError
        raise TextFault(_unpythonic(fault)) from fault


def read_json(data: str | bytes) -> Any:
    """Return the value of a JSON document.

    Raises:
        TextFault: It is no JSON, is nested too deeply, or holds a number or text that none is.

    Example:
        >>> read_json(b'{"levels": [1, 2]}')
        {'levels': [1, 2]}
    """
    try:
        return _sound(json.loads(data, parse_constant=_no_number))
    except RecursionError as fault:
        raise TextFault("nested too deeply") from fault
    except json.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        raise TextFault(f"{where}: {fault.msg}", fault.lineno) from fault
    except TextFault:
        raise
    except ValueError as fault:
        raise TextFault(_unpythonic(fault)) from fault


def read_file(file: Path, most: int) -> bytes:
    """Return the bytes of a file, if they are no more than it may have.

    Raises:
        TextFault: They are more.
        OSError: It cannot be read.
    """
    with file.open("rb") as opened:
        data = opened.read(most + 1)
    if len(data) > most:
        raise TextFault(f"is larger than the {most // 1_000_000} MB that are read")
    return data


def _no_number(name: str) -> None:
    raise TextFault(f"{name} is no number")


def _unpythonic(fault: Exception) -> str:
    """Return what is wrong in one line, without advice that is for programmers."""
    words = " ".join(str(fault).split())
    return "holds a number of thousands of digits" if "digits" in words else words


MOST_YAML = 1_000_000  # characters; the workbench's own have some thousand
MOST_TABLE = 200_000_000  # bytes
MOST_ROWS = 1_000_000  # of a CSV; each takes half a kilobyte in memory
MOST_VALUES = 100_000  # in a YAML document, aliases written out
_MOST_BITS = 4_096  # of a whole number: Python writes none of many thousand, nor does anybody


def _sound(value: Any) -> Any:
    """Return a value, if each text and number in it can be written again."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, (list, tuple, set)):
            left += one
        elif isinstance(one, int) and one.bit_length() > _MOST_BITS:
            raise TextFault("holds a number of thousands of digits")
        elif isinstance(one, str) and not one.isascii():
            try:
                one.encode()
            except UnicodeEncodeError:
                raise TextFault("holds half a character (a lone surrogate)") from None
    return value


def _written_out(value: Any, known: dict[int, float]) -> float:
    """Return how many values a document has, each as often as aliases repeat it."""
    if id(value) not in known:
        known[id(value)] = math.inf  # of what holds itself
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        many = isinstance(value, (dict, list, tuple, set))
        known[id(value)] = 1 + sum(_written_out(p, known) for p in parts) if many else 1
    return known[id(value)]


def yaml_comment(text: str, end: int) -> str:
    """Return the comment that follows on the same line where a YAML scalar ends, or "".

    Example:
        >>> yaml_comment("a: soft # edges", len("a: soft"))
        '# edges'
    """
    comment = _YAML_COMMENT.match(text, end)
    return comment[1] if comment else ""


def name_key(name: str) -> str:
    """Return what two spellings of one file name share, whatever their case and normal form.

    macOS writes an accent as a character of its own where most others write one letter.

    Example:
        >>> name_key("Caf\u00e9.JPG") == name_key("cafe\u0301.jpg")
        True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def printable(text: str) -> str:
    r"""Return a text with escapes for what a terminal would obey, or tear a line at.

    Example:
        >>> printable("é\x1b[2J")
        'é\\x1b[2J'
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


@dataclass(frozen=True)
class CsvTable:
    """Cells of a CSV.

    Columns that have no name and no content, which spreadsheets leave at the right, are not there;
    nor are rows of nothing but blanks.
    """

    delimiter: str  # one character
    header: tuple[int, list[str]]  # line and cells; no cells if there is no row at all
    rows: list[tuple[int, list[str]]]  # line on which it begins, and cells, of each row below

    @property
    def decimal_comma(self) -> bool:
        """Whether a comma can be the decimal mark, since it does not separate the cells."""
        return self.delimiter != ","


def read_csv(text: str) -> CsvTable:
    r"""Read a CSV as spreadsheets write it: comma, semicolon or tab, or what a line "sep=" names.

    Raises:
        TextFault: It is no CSV; says in which line.

    Example:
        >>> read_csv("sep=;\r\nimage;score;\r\na.png;3,5;\r\n ; ;\r\n").rows
        [(3, ['a.png', '3,5'])]
    """
    first, start = 1, 0
    if stated := _SEPARATOR_LINE.match(text):
        first, start, delimiter = 2, stated.end(), stated[1]
    else:
        delimiter = max(_DELIMITERS, key=lambda each: len(_first_row(text, each)))
    rows = list(_rows(text[start:], delimiter, first))
    if not rows:
        return CsvTable(delimiter, (first, []), [])
    return _without_empty_columns(delimiter, rows)


def _first_row(text: str, delimiter: str) -> list[str]:
    try:
        return next(_rows(text, delimiter, 1), (1, []))[1]
    except TextFault:
        return []


def _rows(text: str, delimiter: str, line: int) -> Iterator[tuple[int, list[str]]]:
    # newline="" keeps the line breaks inside quoted cells; strict refuses what would lose a mark
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    offset = line - 1
    try:
        for count, cells in enumerate(reader):
            if count > MOST_ROWS:
                raise TextFault(f"the table has more than {MOST_ROWS:,} rows", line)
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = offset + reader.line_num + 1
    except csv.Error as fault:
        hint = next((f" ({hint})" for words, hint in _HINTS.items() if words in str(fault)), "")
        raise TextFault(f"{fault}{hint}", line) from None


def _without_empty_columns(delimiter: str, rows: list[tuple[int, list[str]]]) -> CsvTable:
    nameless = {column for column, name in enumerate(rows[0][1]) if not name.strip()}
    for _, cells in rows[1:]:
        nameless -= {column for column in nameless if "".join(cells[column : column + 1]).strip()}
    if nameless:
        rows = [
            (line, [cell for column, cell in enumerate(cells) if column not in nameless])
            for line, cells in rows
        ]
    return CsvTable(delimiter, rows[0], rows[1:])
