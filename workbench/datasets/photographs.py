"""Pristine photographs: those that installed packages ship, or a folder of one's own."""

import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from workbench.errors import CorruptImageError, DatasetNotFoundError

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

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def photograph_files(source: str) -> dict[str, Path]:
    """Return the photographs of a source, name to file, sorted by name.

    Args:
        source: "packaged", or a folder; its subfolders are searched too.

    Raises:
        DatasetNotFoundError: The folder does not exist or holds no image.

    Example:
        >>> list(photograph_files("packaged"))[:3]
        ['astronaut', 'chelsea', 'china']
    """
    if source == "packaged":
        return {name: _package_folder(package) / file for name, (package, file) in PACKAGED.items()}
    folder = Path(source)
    if not folder.is_dir():
        raise DatasetNotFoundError(
            f"No folder of photographs at {folder}. Name an existing folder, or 'packaged'."
        )
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not found:
        kinds = ", ".join(sorted(SUFFIXES))
        raise DatasetNotFoundError(f"{folder} holds no photograph ({kinds}).")
    return {file.relative_to(folder).as_posix(): file for file in found}


def load_photograph(file: Path, width: int, height: int) -> np.ndarray:
    """Return a photograph scaled to cover width x height pixels and cropped at its centre.

    Args:
        file: Any image that Pillow reads.
        width: Width in pixels.
        height: Height in pixels.

    Returns:
        RGB, (height, width, 3), uint8.

    Raises:
        CorruptImageError: The file is no image, or broken off, or too large to be safe.
    """
    image = _open(file)
    scale = max(width / image.width, height / image.height)
    size = max(width, round(image.width * scale)), max(height, round(image.height * scale))
    scaled = image.resize(size, Image.Resampling.LANCZOS)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(scaled.crop((left, top, left + width, top + height)), dtype=np.uint8)


def read_image(file: Path) -> np.ndarray:
    """Return an image as it is, RGB, (H, W, 3), uint8.

    Raises:
        CorruptImageError: The file is no image, or broken off, or too large to be safe.
    """
    return np.asarray(_open(file), dtype=np.uint8)


def _open(file: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as opened:
                return opened.convert("RGB")
    except FileNotFoundError:
        raise CorruptImageError(f"{file} does not exist.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as fault:
        raise CorruptImageError(
            f"{file} is no readable image ({fault}). Replace it or take it out of the folder."
        ) from fault
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise CorruptImageError(f"{file} is too large to be safe: {fault}") from fault


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DatasetNotFoundError(
            f"The photographs of '{package}' are missing: pip install scikit-image scikit-learn."
        )
    return Path(spec.submodule_search_locations[0])
