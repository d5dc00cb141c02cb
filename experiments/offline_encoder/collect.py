"""Cut the training photographs into views of KADID-10k's size, 512x384 px.

    apt-get download lomiri-wallpapers-16.04 …; dpkg -x FILE.deb ROOT
    python -m experiments.offline_encoder.collect --root ROOT --wikipedia FOLDER --to VIEWS

A view is the whole photograph, and its four quadrants where the photograph is large enough to be
halved first; a smaller one gives its centre at its own scale. Views are named photograph--view.png.
"""

import argparse
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from workbench.datasets.photographs import fit_photograph, read_image

WIDTH, HEIGHT = 512, 384
LIST = Path(__file__).with_name("photographs.yaml")


def photographs(root: Path, wikipedia: Path) -> dict[str, Path]:
    """Return all training photographs, name to file, from unpacked packages and a folder."""
    found = {f"wikipedia-{file.stem}": file for file in sorted(wikipedia.glob("*.png"))}
    for package, part in yaml.safe_load(LIST.read_text(encoding="utf-8"))["packages"].items():
        for file in part["files"]:
            name = file.split("/")[0] if "/" in file else Path(file).stem
            found[f"{package}-{name}"] = root / "usr/share" / part["folder"] / file
    return found


def views(image: np.ndarray) -> dict[str, np.ndarray]:
    """Return the views of a photograph, (384, 512, 3) uint8 each, by name."""
    cut = {"whole": fit_photograph(image, WIDTH, HEIGHT)}
    tall, wide = image.shape[:2]
    if tall >= 2 * HEIGHT and wide >= 2 * WIDTH:
        double = fit_photograph(image, 2 * WIDTH, 2 * HEIGHT)
        for down in (0, 1):
            for right in (0, 1):
                rows = slice(down * HEIGHT, (down + 1) * HEIGHT)
                cut[f"{down}{right}"] = double[rows, right * WIDTH : (right + 1) * WIDTH]
    elif tall >= HEIGHT and wide >= WIDTH:
        top, left = (tall - HEIGHT) // 2, (wide - WIDTH) // 2
        cut["centre"] = image[top : top + HEIGHT, left : left + WIDTH]
    return cut


def main() -> None:
    """Write all views."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("/"), help="where packages are unpacked")
    parser.add_argument("--wikipedia", type=Path, required=True, help="photographs 001.png to …")
    parser.add_argument("--to", type=Path, required=True)
    given = parser.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    for name, file in photographs(given.root, given.wikipedia).items():
        for view, pixels in views(read_image(file)).items():
            Image.fromarray(pixels).save(given.to / f"{name}--{view}.png")


if __name__ == "__main__":
    main()
