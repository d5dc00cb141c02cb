"""Which photographs a search may see: search, validation and test part, locked by a hash.

Search chooses among thousands of sentences, so what it saw says nothing of how good its choice is.
The validation part decides, once, which choices stand; the test part is left for the claim.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, get_args

from workbench.domain.canonical import Frozen, content_hash
from workbench.errors import DataError, SplitLeakageError

Part = Literal["search", "validation", "test"]

SHARES = (0.5, 0.2)  # of the photographs, for search and validation; the rest is for the test


class PhotographParts(Frozen):
    """Photographs by name, each in one part.

    Attributes:
        search: What sentences are sought on.
        validation: What decides whether a sentence that was found is proposed.
        test: What nobody sees before the claim.
    """

    search: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @classmethod
    def of(cls, files: Mapping[str, Path]) -> "PhotographParts":
        """Split photographs by a hash of their bytes: the same everywhere, whatever their names.

        Two files of the same bytes are in the same part. No picture is decoded.

        Args:
            files: Name to file.

        Raises:
            DataError: There are fewer than four photographs, so that a part would be empty.
        """
        digests: dict[str, list[str]] = {}
        for name, file in files.items():
            digests.setdefault(_digest(file), []).append(name)
        order = sorted(digests)
        first, second = (round(len(order) * share) for share in (SHARES[0], sum(SHARES)))
        ranges = (order[:first], order[first:second], order[second:])
        if not all(ranges):
            raise DataError(
                f"Three parts need at least 4 different photographs, and there are {len(order)}. "
                "Name a folder with more of them, or 'packaged'."
            )
        names = [tuple(sorted(n for d in each for n in digests[d])) for each in ranges]
        return cls(search=names[0], validation=names[1], test=names[2])

    @property
    def hash(self) -> str:
        """SHA-256 of who is in which part: figures of other parts are not comparable."""
        return content_hash({"format": "photograph-parts/1", **self.model_dump(mode="json")})

    def part_of(self, name: str) -> Part | None:
        """Return the part that a photograph is in; None if it is in none."""
        return next((part for part in get_args(Part) if name in getattr(self, part)), None)


class PhotographsOfPart(Mapping[str, Path]):
    """The files of one part; asking for one of another part raises.

    Args:
        files: All photographs, name to file.
        parts: Who is in which part.
        part: The one that may be read.
    """

    def __init__(self, files: Mapping[str, Path], parts: PhotographParts, part: Part) -> None:
        self.part = part
        self.parts = parts
        self._files = {name: files[name] for name in getattr(parts, part)}

    def __getitem__(self, name: str) -> Path:
        other = self.parts.part_of(name)
        if other not in (None, self.part):
            raise SplitLeakageError(
                f"'{name}' is a photograph of the {other} part, which a {self.part} may not see."
            )
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(b"photograph-parts/1:" + file.read_bytes()).hexdigest()
    except OSError as fault:
        raise DataError(f"The photograph {file} cannot be read: {fault.strerror}.") from fault
