"""An official layout on disk: its files, whatever the case of their names, and its images."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.datasets.labelled import (
    DatasetFacts,
    DatasetType,
    ImageDataset,
    LabelledImage,
    Present,
    quality_of,
)
from workbench.errors import DatasetNotFoundError
from workbench.text_files import name_key


class FileIndex:
    """Names below a folder; each folder is listed once.

    Args:
        root: The folder; names are relative to it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listed: dict[str, dict[str, str]] = {}

    def find(self, path: str) -> str | None:
        """Return a path as it is on disk, or None.

        Where two names differ in case or normal form only, the one that is written as asked for is
        meant.

        Args:
            path: Relative to the root, "/" between folders; "." and ".." are not followed.

        Example:
            >>> import workbench
            >>> FileIndex(Path(workbench.__file__).parent).find("Datasets/LAYOUT.py")
            'datasets/layout.py'
        """
        on_disk = ""
        for part in PurePosixPath(path).parts:
            names = self._names(on_disk)
            name = names.get(part) or names.get(name_key(part))
            if name is None:
                return None
            on_disk = f"{on_disk}/{name}" if on_disk else name
        return on_disk or None

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder as they are on disk, sorted; none if it is not there.

        Args:
            folder: Relative to the root; "" is the root itself.
        """
        on_disk = self.find(folder) if folder else ""
        return [] if on_disk is None else sorted(set(self._names(on_disk).values()))

    def _names(self, folder: str) -> dict[str, str]:
        if folder not in self._listed:
            try:
                names = sorted(file.name for file in (self.root / folder).iterdir())
            except OSError:
                names = []
            self._listed[folder] = {name_key(n): n for n in names} | {n: n for n in names}
        return self._listed[folder]


class Layout:
    """A dataset's files below the root that a user named.

    Args:
        root: Where the dataset was unpacked.
        facts: What is expected there.

    Raises:
        DatasetNotFoundError: The root is no folder.
    """

    def __init__(self, root: Path, facts: DatasetFacts) -> None:
        self.root, self.facts, self.files = root, facts, FileIndex(root)
        if not root.is_dir():
            raise DatasetNotFoundError(f"{facts.title}: no folder at {root}. {facts.obtain}")

    def name(self, path: str) -> str:
        """Return a path as it is on disk, or as it should be where the file is missing."""
        return self.files.find(path) or path

    def table(self, *names: str) -> Path:
        """Return the first of these files that is there; the dataset cannot be read without.

        Raises:
            DatasetNotFoundError: Says where it looked, what lies there and how to obtain it.
        """
        for name in names:
            if file := self.optional(name):
                return file
        expected = " or ".join(f"'{name}'" for name in names)
        raise DatasetNotFoundError(
            f"{self.facts.title}: no {expected} in {self.root}.{self._deeper(names[0])} Expected "
            f"there: {'; '.join(self.facts.layout)}. {self.facts.obtain}"
        )

    def optional(self, name: str) -> Path | None:
        """Return a file that may be missing."""
        on_disk = self.files.find(name)
        return None if on_disk is None else self.root / on_disk

    def image(
        self,
        file: str,
        group: str,
        *,
        score: float | None = None,
        reference: str | None = None,
        type: DatasetType | None = None,
        level: int | None = None,
        **more: Any,
    ) -> LabelledImage:
        """Return an image of the dataset, its score mapped to quality by the dataset's facts.

        Args:
            file: Path below the root, in any case.
            group: What never sits on both sides of a split.
            score: As the dataset gives it.
            reference: Path below the root, in any case.
            type: Its distortion; None for a clean or authentic image.
            level: Of the distortion, 1..L; None where the dataset has no levels.
            more: Other fields of `LabelledImage`.
        """
        return LabelledImage(
            file=self.name(file),
            group=group,
            reference=self.name(reference) if reference else None,
            present=(Present(type.distortion, level, type.levels),) if type else (),
            label=type.label if type else "",
            score=score,
            quality=None if score is None else quality_of(score, self.facts),
            **more,
        )

    def numbered_image(
        self, file: str, group: str, number: int, level: int, **more: Any
    ) -> LabelledImage:
        """Return an image whose type the dataset numbers from 1; as `image` otherwise.

        Raises:
            ValueError: There is no such type or level.
        """
        types = self.facts.types
        if not (1 <= number <= len(types) and 1 <= level <= types[0].levels):
            name = PurePosixPath(file).name
            raise ValueError(
                f"'{name}' is of no type 1 to {len(types)} at a level 1 to {types[0].levels}"
            )
        return self.image(file, group, type=types[number - 1], level=level, **more)

    def dataset(
        self, images: Iterable[LabelledImage], facts: DatasetFacts | None = None
    ) -> ImageDataset:
        """Return the dataset; a file that is missing stays in it, so that splits count right.

        Args:
            images: In the official order.
            facts: Where the files say more than is known beforehand.

        Raises:
            DatasetNotFoundError: Not one of its images is there.
        """
        listed = tuple(images)
        if not any(self.files.find(image.file) for image in listed):
            first = f"'{listed[0].file}' and the like" if listed else "any image"
            raise DatasetNotFoundError(
                f"{self.facts.title}: {self.root} has the tables, but not {first}. "
                f"{self.facts.obtain}"
            )
        return ImageDataset(facts or self.facts, self.root, listed)

    def _deeper(self, name: str) -> str:
        """Say so if the archive was unpacked one folder deeper, as often happens."""
        for folder in self.files.names(""):
            if self.files.find(f"{folder}/{name}"):
                return f" It lies in {self.root / folder}: name that folder."
        return ""
