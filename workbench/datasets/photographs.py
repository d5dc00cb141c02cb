"""Pristine photographs: those that installed packages ship, or a folder of one's own."""

import logging
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from workbench.datasets.image_reader import (
    HEIF,
    HEIF_HINT,
    SUFFIXES,
    needs_heif_package,
    read_image,
)
from workbench.errors import DatasetNotFoundError

_log = logging.getLogger(__name__)

# Colour photographs inside the wheels of scikit-image and scikit-learn (each package's data
# README states the licences). The right half of the stereo pair is left out: it shows the same
# scene as the left one and would put one photograph on both sides of a split.
PACKAGED: Mapping[str, tuple[str, str]] = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "coffee": ("skimage", "data/coffee.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "hubble_deep_field": ("skimage", "data/hubble_deep_field.jpg"),
    "immunohistochemistry": ("skimage", "data/ihc.png"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
}

SYSTEM_FOLDERS = frozenset({"$RECYCLE.BIN", "@eaDir", "System Volume Information", "__MACOSX"})
MOST_NAMED = 3  # names of one kind spelled out in a message


@dataclass(frozen=True)
class PhotographFolder:
    """What a folder of photographs holds, its subfolders searched too."""

    folder: Path
    files: dict[str, Path]  # name to file, sorted by name; see `readable_name`
    left_out: dict[str, tuple[str, ...]]  # reason to names

    def said(self) -> str:
        """Return what was left out and why, in one line; "" if nothing was.

        Example:
            >>> PhotographFolder(Path("own"), {}, {"hidden": ("._a.jpg", ".git/")}).said()
            'own: 0 photographs are read. Left out: 2 hidden (._a.jpg, .git/).'
        """
        if not self.left_out:
            return ""
        parts = []
        for reason, names in self.left_out.items():
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            parts.append(f"{len(names)} {reason} ({', '.join(names[:MOST_NAMED])}{more})")
        return f"{self.folder}: {self._count()} read. Left out: {'; '.join(parts)}."

    def _count(self) -> str:
        return "1 photograph is" if len(self.files) == 1 else f"{len(self.files)} photographs are"


def photograph_files(source: str) -> dict[str, Path]:
    """Return the photographs of a source, name to file, sorted by name; log what is left out.

    Args:
        source: "packaged", or a folder; see `photograph_folder`.

    Raises:
        DatasetNotFoundError: The folder does not exist or holds no image.

    Example:
        >>> list(photograph_files("packaged"))[:3]
        ['astronaut', 'chelsea', 'china']
    """
    if source == "packaged":
        return {name: _package_folder(package) / file for name, (package, file) in PACKAGED.items()}
    listed = photograph_folder(Path(source))
    said = listed.said()
    if not listed.files:
        raise DatasetNotFoundError(
            f"{source} holds no photograph ({', '.join(sorted(SUFFIXES))}). Name another folder, "
            f"or 'packaged'.{f' {said}' if said else ''}"
        )
    if said:
        _log.warning("%s", said)
    return listed.files


def photograph_folder(folder: Path) -> PhotographFolder:
    """Return what counts as a photograph in a folder and its subfolders, for every command.

    A regular file whose name ends as that of an image, `SUFFIXES`. Left out, with the reason: names
    that begin with a dot and what operating systems make for themselves, with all below them; links
    that lead nowhere, or to what is read anyway; what is no file. A link to another folder is
    followed.

    Raises:
        DatasetNotFoundError: The folder does not exist.
    """
    if not folder.is_dir():
        raise DatasetNotFoundError(
            f"No folder of photographs at {folder}. Name an existing folder, or 'packaged'."
        )
    walk = _Walk(folder)
    on_disk = walk.files
    names = {name: unicodedata.normalize("NFC", name) for name in on_disk}
    files = {  # two files whose names differ in their Unicode form alone remain two
        (nfc if nfc == name or nfc not in on_disk else name): on_disk[name]
        for name, nfc in names.items()
    }
    ordered = sorted(files, key=lambda name: PurePosixPath(name).parts)
    left_out = {reason: tuple(sorted(walk.left_out[reason])) for reason in sorted(walk.left_out)}
    return PhotographFolder(folder, {name: files[name] for name in ordered}, left_out)


class _Walk:
    """Goes through a folder: real folders and files first, then links to others, none twice."""

    def __init__(self, root: Path) -> None:
        self.root, self.real = root, root.resolve()
        self.files: dict[str, Path] = {}
        self.left_out: dict[str, list[str]] = {}
        self._visited: set[tuple[int, int]] = set()  # device and inode, of files and folders
        self._linked_folders: list[Path] = []
        self._linked_files: list[Path] = []
        self._go_through(root)
        for link in self._linked_folders:  # grows while it is gone through
            if _identity(link) in self._visited or self.real.is_relative_to(link.resolve()):
                self._leave_out(link, "linked to a folder that is read already")
            else:
                self._go_through(link)
        for link in self._linked_files:
            if _identity(link) in self._visited:
                self._leave_out(link, "linked to a file that is read already")
            else:
                self._add(link)

    def _go_through(self, top: Path) -> None:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                self._visited.add(_identity(folder))
                waiting += [entry for entry in sorted(folder.iterdir()) if self._is_folder(entry)]
            except OSError:
                self._leave_out(folder, "that cannot be opened")

    def _is_folder(self, entry: Path) -> bool:
        """Return whether an entry is a folder to go into; note it if it is anything else."""
        if entry.name.startswith("."):
            self._leave_out(entry, "hidden")
        elif entry.name in SYSTEM_FOLDERS:
            self._leave_out(entry, "made by an operating system")
        elif entry.is_symlink():
            if not entry.exists():
                self._leave_out(entry, "linked to nowhere")
            else:
                (self._linked_folders if entry.is_dir() else self._linked_files).append(entry)
        elif entry.is_dir():
            return True
        else:
            self._add(entry)
        return False

    def _add(self, file: Path) -> None:
        if file.suffix.lower() not in SUFFIXES:
            self._leave_out(file, "of no kind that is read")
        elif not file.is_file():
            self._leave_out(file, "that is no file")
        elif file.suffix.lower() in HEIF and needs_heif_package(file):
            self._leave_out(file, f"that {HEIF_HINT}")
        else:
            self.files[self._name(file)] = file
            self._visited.add(_identity(file))

    def _leave_out(self, path: Path, reason: str) -> None:
        folder = "/" if path.is_dir() and path != self.root else ""
        self.left_out.setdefault(reason, []).append(f"{self._name(path)}{folder}")

    def _name(self, path: Path) -> str:
        return readable_name(path.relative_to(self.root).as_posix())


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def readable_name(name: str) -> str:
    r"""Return a file's name as text; a byte that is none in UTF-8 is written as \xHH.

    Example:
        >>> print(readable_name(os.fsdecode(b"caf\xe9.jpg")))
        caf\xe9.jpg
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def photograph_file(source: str, name: str) -> Path:
    """Return the file of one photograph of a source, whether or not it is there.

    Example:
        >>> photograph_file("photographs", "holiday/1.jpg").as_posix()
        'photographs/holiday/1.jpg'
    """
    if source == "packaged":
        return photograph_files(source)[name]
    file = Path(source) / name
    return file if file.exists() else _files_below(source).get(name, file)


@lru_cache(maxsize=1)
def _files_below(source: str) -> dict[str, Path]:
    """Find the names that are written in another way on disk; see `photograph_folder`."""
    return photograph_folder(Path(source)).files if Path(source).is_dir() else {}


def load_photograph(file: Path, width: int, height: int) -> np.ndarray:
    """Read a photograph and fit it to a size in pixels; see `read_image` and `fit_photograph`."""
    return fit_photograph(read_image(file), width, height)


def fit_photograph(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return an image scaled to cover width x height pixels and cropped at its centre.

    Args:
        image: RGB, (H, W, 3), uint8.
        width: Of the result, in pixels.
        height: Of the result, in pixels.

    Returns:
        RGB, (height, width, 3), uint8.
    """
    tall, wide = image.shape[:2]
    scale = max(width / wide, height / tall)
    size = max(width, round(wide * scale)), max(height, round(tall * scale))
    scaled = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(scaled.crop((left, top, left + width, top + height)), dtype=np.uint8)


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DatasetNotFoundError(
            f"The photographs of '{package}' are missing: pip install scikit-image scikit-learn."
        )
    return Path(spec.submodule_search_locations[0])
