"""CSV for spreadsheets: one attribute a row, and no cell that a spreadsheet takes for a formula."""

import csv
import io
import re
from collections.abc import Iterator, Mapping

from workbench.domain.attributes import AttributeSet
from workbench.store.text.assembly import Block, Entry, Source
from workbench.store.text.attribute_document import FIELDS, WrittenAttribute
from workbench.text_files import TextFault, read_csv

COLUMNS = ("distortion", *FIELDS)
_REQUIRED = ("distortion", "phrase")
_BYTE_ORDER_MARK = "\ufeff"  # by which Excel knows UTF-8

# OWASP, "CSV Injection": a cell is a formula if it opens with one of these, or with blanks that are
# trimmed before one; and text inside a cell opens one in a program that takes another character
# for the separator. Only the run of apostrophes before them differs, by one, between text and
# cell. The empty text gets one too, since an empty cell is no text at all.
_FORMULA = r"[=+\-@＝＋－＠]"
_OPENING = re.compile(rf"'*+(?=\s*{_FORMULA}|[\t\r\n]|\Z)")
_INSIDE = re.compile(rf"(?<![,;\s\"])([,;\s\"]++)('*+)(?={_FORMULA})")
_SEPARATORS = frozenset(",;\t\r\n")


def cell_of(text: str | None) -> str:
    """Return the cell that shows a text and is never a formula; None is an empty cell.

    Example:
        >>> cell_of("=1+1"), cell_of("soft; =1+1"), cell_of("soft - edges")
        ("'=1+1", "soft; '=1+1", 'soft - edges')
    """
    if text is None:
        return ""
    cell = _INSIDE.sub(lambda m: m[0] if _SEPARATORS.isdisjoint(m[1]) else f"{m[0]}'", text)
    return f"'{cell}" if _OPENING.match(cell) else cell


def text_of(cell: str) -> str | None:
    """Return the text that `cell_of` made a cell of, exactly.

    Example:
        >>> text_of("'=1+1"), text_of("it's"), text_of("")
        ('=1+1', "it's", None)
    """
    if not cell:
        return None
    text = cell[1:] if cell[0] == "'" and _OPENING.match(cell) else cell
    return _INSIDE.sub(
        lambda m: m[0] if _SEPARATORS.isdisjoint(m[1]) or not m[2] else m[0][:-1], text
    )


def csv_text(attributes: AttributeSet, calls: Mapping[int, str] | None) -> str:
    """Return the CSV text of a set; arguments as for `attribute_text`."""
    out = io.StringIO(newline="")
    out.write(_BYTE_ORDER_MARK)
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for distortion, listed in attributes.by_distortion.items():
        for attribute in listed:
            written = dict(WrittenAttribute.of(attribute, calls))
            writer.writerow(map(cell_of, (distortion, *written.values())))
    return out.getvalue()


def csv_blocks(source: Source) -> Iterator[Block]:
    """Yield the attributes of each distortion of a CSV text; what is faulty is noted."""
    try:
        table = read_csv(source.text)
    except TextFault as fault:
        source.fault(fault.line, f"is no CSV: {fault}")
        return
    line, header = table.header
    columns = [name.strip().lower() for name in header]
    if not _is_header(source, line, columns):
        return
    blocks: dict[str, Block] = {}
    for line, cells in table.rows:
        if len(cells) != len(columns):
            source.fault(line, f"has {len(cells)} cells, the header {len(columns)}")
            continue
        fields = {
            name: text
            for name, cell in zip(columns, cells, strict=True)
            if (text := text_of(cell)) is not None
        }
        distortion = fields.pop("distortion", "")
        block = blocks.setdefault(distortion, Block(source, distortion, line, []))
        if "phrase" not in fields:
            source.fault(line, "phrase: is missing")
        else:
            block.entries.append(Entry(line, fields))
    yield from blocks.values()


def _is_header(source: Source, line: int, columns: list[str]) -> bool:
    twice = [name for name in sorted(set(columns)) if name and columns.count(name) > 1]
    unknown = [name for name in columns if name and name not in COLUMNS]
    missing = [name for name in _REQUIRED if name not in columns]
    known = ", ".join(COLUMNS)
    faults = [f"column {name!r} stands twice" for name in twice]
    if "" in columns:
        faults.append("a column without a name has text below it; name it, or empty it")
    faults += [f"no such column {name!r}; there are {known}" for name in unknown]
    faults += [f"column {name!r} is missing" for name in missing]
    for words in faults:
        source.fault(line, words)
    return not faults
