"""Where each value of a JSON text stands; the standard library keeps no places."""

import json
import re
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{},:]|[^][{},:"\s]+')


@dataclass
class Places:
    """Lines of a JSON text.

    Attributes:
        lines: Path of a value to its line; of a member, the line of its name.
        twice: Path and line of each name that an object has a second time.
    """

    lines: dict[Path, int] = field(default_factory=dict)
    twice: list[tuple[Path, int]] = field(default_factory=list)


def places_of(text: str) -> Places:
    """Return where each value of a JSON text stands.

    Args:
        text: Valid JSON: `json.loads` has read it.

    Example:
        >>> places_of('{"a": [1,\\n 2]}').lines
        {(): 1, ('a',): 1, ('a', 0): 1, ('a', 1): 2}
    """
    places = Places()
    path: list[str | int] = []
    line, counted, names_follow = 1, 0, False
    for token in _TOKEN.finditer(text):
        mark, here = token[0], token.start()
        line, counted = line + text.count("\n", counted, here), here
        if names_follow and mark[0] == '"':
            path[-1], names_follow = json.loads(mark), False
            if tuple(path) in places.lines:
                places.twice.append((tuple(path), line))
            places.lines[tuple(path)] = line
        elif mark in "]}":
            path.pop()
            names_follow = False
        elif mark == ",":
            last = path[-1]
            names_follow = isinstance(last, str)
            path[-1] = last if isinstance(last, str) else last + 1
        elif mark != ":":
            places.lines.setdefault(tuple(path), line)
            if mark in "[{":
                path.append("" if mark == "{" else 0)
                names_follow = mark == "{"
    return places
