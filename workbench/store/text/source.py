"""A file as text, with the place of everything in it and of everything that is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_BYTES = 20_000_000  # ten thousand attributes with all they carry are 3 MB of JSON
_MOST = 300  # characters of a fault; a file may hold a sentence of megabytes


@dataclass
class Faults:
    """What is wrong, in the order of files and lines."""

    _found: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, name: str, line: int, words: str) -> None:
        """Note a fault; line 0 is the file as a whole."""
        short = words if len(words) <= _MOST else f"{words[:_MOST]}…"
        self._found.append((name, line, short))

    def lines(self) -> list[str]:
        """Return one line for each fault, opening with its place."""
        return [
            f"{name}, line {line}: {words}" if line else f"{name}: {words}"
            for name, line, words in sorted(self._found, key=lambda found: found[:2])
        ]


@dataclass(frozen=True)
class Source:
    """A file's text.

    Attributes:
        name: What faults call the file.
        text: All of it.
        faults: Where its faults are noted.
    """

    name: str
    text: str
    faults: Faults

    def fault(self, line: int, words: str) -> None:
        """Note what is wrong in a line, counted from 1."""
        self.faults.add(self.name, line, words)


@dataclass(frozen=True)
class Entry:
    """One attribute as a file has it, nothing checked yet.

    Attributes:
        line: Where it opens.
        fields: Name to value.
        lines: Name to line, of those fields that have one of their own.
    """

    line: int
    fields: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, name: str) -> int:
        """Return the line of a field, or of the entry if the field has none of its own."""
        return self.lines.get(name, self.line)


@dataclass(frozen=True)
class Block:
    """The attributes of one distortion as a file has them."""

    source: Source
    distortion: str
    line: int
    entries: list[Entry]

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.source.name}, line {self.line}"


def decoded(data: bytes, name: str, faults: Faults) -> Source | None:
    """Return a file's bytes as text, or note in one line why they are none.

    Args:
        data: The bytes; one more than `MAX_BYTES` is enough of a file that is too large.
        name: What faults call the file.
        faults: Where the fault is noted.
    """
    if len(data) > MAX_BYTES:
        faults.add(name, 0, f"is larger than the {MAX_BYTES // 1_000_000} MB that are read")
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4]:
        faults.add(name, 0, "is UTF-16 or binary; save it as UTF-8 text")
    else:
        try:
            return Source(name, data.decode("utf-8-sig"), faults)
        except UnicodeDecodeError as fault:
            if b"\0" in data:
                faults.add(name, 0, "is binary, no text")
            else:
                line = data.count(b"\n", 0, fault.start) + 1
                faults.add(name, line, "is not UTF-8; a spreadsheet saves it as 'CSV UTF-8'")
    return None
