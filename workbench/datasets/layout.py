"""Files of an official layout, found whatever the case of their names."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from workbench.datasets.labelled import DatasetFacts, ImageDataset, LabelledImage
from workbench.errors import DatasetNotFoundError


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

        Where two names differ in case only, the one that is written as given is meant.

        Args:
            path: Relative to the root, "/" between folders; "." and ".." are not followed.

        Example:
            >>> import workbench
            >>> FileIndex(Path(workbench.__file__).parent).find("Datasets/LAYOUT.py")
            'datasets/layout.py'
        """
        found = ""
        for part in PurePosixPath(path).parts:
            names = self._names(found)
            name = names.get(part) or names.get(part.casefold())
            if name is None:
                return None
            found = f"{found}/{name}" if found else name
        return found or None

    def _names(self, folder: str) -> dict[str, str]:
        if folder not in self._listed:
            try:
                names = sorted(file.name for file in (self.root / folder).iterdir())
            except OSError:
                names = []
            self._listed[folder] = {n.casefold(): n for n in names} | {n: n for n in names}
        return self._listed[folder]

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder as they are on disk, sorted; none if it is not there.

        Args:
            folder: Relative to the root; "" is the root itself.
        """
        found = self.find(folder) if folder else ""
        return [] if found is None else sorted(set(self._names(found).values()))


class Layout:
    """A dataset's files below the root that a user gave.

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

    def table(self, name: str, *others: str) -> Path:
        """Return a file without which the dataset cannot be read; the first that is there.

        Raises:
            DatasetNotFoundError: Says where it looked, what lies there and how to obtain it.
        """
        for candidate in (name, *others):
            found = self.files.find(candidate)
            if found is not None:
                return self.root / found
        wanted = " or ".join(f"'{candidate}'" for candidate in (name, *others))
        raise DatasetNotFoundError(
            f"{self.facts.title}: no {wanted} in {self.root}.{self._deeper(name)} Expected there: "
            f"{'; '.join(self.facts.layout)}. {self.facts.obtain}"
        )

    def optional(self, name: str) -> Path | None:
        """Return a file that may be missing."""
        found = self.files.find(name)
        return None if found is None else self.root / found

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
        kept = tuple(images)
        if not any(self.files.find(image.file) for image in kept):
            first = f"'{kept[0].file}' and the like" if kept else "any image"
            raise DatasetNotFoundError(
                f"{self.facts.title}: {self.root} has the tables, but not {first}. "
                f"{self.facts.obtain}"
            )
        return ImageDataset(facts or self.facts, self.root, kept)

    def _deeper(self, name: str) -> str:
        """Say so if the archive was unpacked one folder deeper, as often happens."""
        for folder in self.files.names(""):
            if self.files.find(f"{folder}/{name}"):
                return f" It lies in {self.root / folder}: name that folder."
        return ""
