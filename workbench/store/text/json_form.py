"""JSON: one document of the whole set, for other programs; its schema is in `docs/`."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.domain.attributes import AttributeSet
from workbench.store.text.assembly import Block, Entry, Source
from workbench.store.text.attribute_document import FORMAT, WrittenAttribute

Path = tuple[str | int, ...]

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{},:]|[^][{},:"\s]+')


@dataclass
class Lines:
    """Lines of a JSON text.

    Attributes:
        of: Path of a value to its line; of a member, the line of its name.
        twice: Path and line of each name that an object has a second time.
    """

    of: dict[Path, int] = field(default_factory=dict)
    twice: list[tuple[Path, int]] = field(default_factory=list)


def lines_of(text: str) -> Lines:
    """Return the line of each value of a valid JSON text.

    Example:
        >>> lines_of('{"a": [1,\\n 2]}').of
        {(): 1, ('a',): 1, ('a', 0): 1, ('a', 1): 2}
    """
    lines = Lines()
    path: list[str | int] = []
    line, counted, names_follow = 1, 0, False
    for token in _TOKEN.finditer(text):
        mark, here = token[0], token.start()
        line, counted = line + text.count("\n", counted, here), here
        if names_follow and mark[0] == '"':
            path[-1], names_follow = json.loads(mark), False
            if tuple(path) in lines.of:
                lines.twice.append((tuple(path), line))
            lines.of[tuple(path)] = line
        elif mark in "]}":
            path.pop()
            names_follow = False
        elif mark == ",":
            last = path[-1]
            names_follow = isinstance(last, str)
            path[-1] = last if isinstance(last, str) else last + 1
        elif mark != ":":
            lines.of.setdefault(tuple(path), line)
            if mark in "[{":
                path.append("" if mark == "{" else 0)
                names_follow = mark == "{"
    return lines


def attribute_document(
    attributes: AttributeSet, calls: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """Return the JSON document of a set; arguments as for `attribute_text`."""
    distortions = {
        distortion: [WrittenAttribute.of(a, calls).model_dump(exclude_none=True) for a in listed]
        for distortion, listed in attributes.by_distortion.items()
    }
    return {"format": FORMAT, "distortions": distortions}


def json_text(attributes: AttributeSet, calls: Mapping[int, str] | None) -> str:
    """Return the JSON text of a set; arguments as for `attribute_text`."""
    return json.dumps(attribute_document(attributes, calls), ensure_ascii=False, indent=2) + "\n"


def json_blocks(source: Source) -> Iterator[Block]:
    """Yield the attributes of each distortion of a JSON text; what is faulty is noted."""
    try:
        document = json.loads(source.text)
    except json.JSONDecodeError as fault:
        source.fault(fault.lineno, f"is no JSON from column {fault.colno} on: {fault.msg}")
    except RecursionError:
        source.fault(1, "is nested deeper than an attribute set")
    except ValueError as fault:  # a number of thousands of digits
        source.fault(1, f"is no attribute set: {fault}")
    else:
        yield from _document(source, document)


def _document(source: Source, document: object) -> Iterator[Block]:
    format = document.get("format") if isinstance(document, dict) else None
    if not isinstance(document, dict) or format != FORMAT:
        got = "nothing" if format is None else repr(format)
        source.fault(1, f'needs "format": "{FORMAT}", got {got}')
        return
    lines = lines_of(source.text)
    for path, line in lines.twice:
        source.fault(line, f"{path[-1]!r} stands in this object already")
    for name in document.keys() - {"format", "distortions"}:
        source.fault(lines.of[name,], f"{name}: no such field")
    distortions = document.get("distortions")
    if not isinstance(distortions, dict):
        line = lines.of.get(("distortions",), 1)
        source.fault(line, "distortions: must be an object, distortion to list of attributes")
        return
    for distortion, listed in distortions.items():
        line = lines.of["distortions", distortion]
        if isinstance(listed, list):
            entries = list(_entries(source, listed, lines, distortion))
            yield Block(source, distortion, line, entries)
        else:
            source.fault(line, f"{distortion!r}: must be a list of attributes")


def _entries(source: Source, listed: list[Any], lines: Lines, distortion: str) -> Iterator[Entry]:
    for index, fields in enumerate(listed):
        path = ("distortions", distortion, index)
        line = lines.of[path]
        if isinstance(fields, dict):
            yield Entry(line, fields, {name: lines.of[*path, name] for name in fields})
        else:
            source.fault(line, f"{json.dumps(fields)} is no attribute; it must be an object")
