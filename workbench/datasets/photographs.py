"""Pristine photographs: those that installed packages ship, or a folder of one's own."""

import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

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
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        kinds = ", ".join(sorted(SUFFIXES))
        raise DatasetNotFoundError(
            f"{folder} holds no photograph ({kinds}). Name another folder, or 'packaged'."
        )
    return {file.relative_to(folder).as_posix(): file for file in files}


def photograph_file(source: str, name: str) -> Path:
    """Return the file of one photograph of a source, whether or not it is there.

    Example:
        >>> photograph_file("photographs", "holiday/1.jpg").as_posix()
        'photographs/holiday/1.jpg'
    """
    return photograph_files(source)[name] if source == "packaged" else Path(source) / name


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


def read_image(file: Path) -> np.ndarray:
    """Return an image as viewers show it: upright, 8 bits, RGB.

    Grey is repeated in three channels, 16 bits keep their upper 8, and what an EXIF tag says of
    the orientation is done. Transparency is refused: what lies behind it only the caller knows.

    Returns:
        (H, W, 3), uint8.

    Raises:
        CorruptImageError: The file is no image, broken off, partly transparent, or too large to be
            safe.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as opened:
                return _as_rgb(ImageOps.exif_transpose(opened))
    except FileNotFoundError:
        raise CorruptImageError(f"{file} does not exist. Name an image that is there.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as fault:
        raise CorruptImageError(
            f"{file} is no readable image ({fault}). Replace it or take it out of the folder."
        ) from fault
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise CorruptImageError(
            f"{file} is too large to be safe: {fault} Scale it down first."
        ) from fault


def _as_rgb(image: Image.Image) -> np.ndarray:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            raise ValueError("parts of it are transparent; put it on a background first")
    if image.mode.startswith("I"):  # 16-bit grey; Pillow itself would clip it to 255
        grey = np.asarray(image, np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise ValueError(f"values from {grey.min()} to {grey.max()} are no 16-bit image")
        image = Image.fromarray((grey >> 8).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point values have no agreed white; save it with 8 bits")
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DatasetNotFoundError(
            f"The photographs of '{package}' are missing: pip install scikit-image scikit-learn."
        )
    return Path(spec.submodule_search_locations[0])
