"""A probe whose answers are known, since its embeddings are laid out by hand."""

from pathlib import Path

import numpy as np

from workbench.distortions import catalogue
from workbench.drafting.lint import Probe
from workbench.drafting.lint.rule import Subject

PHOTOGRAPHS, LEVELS, WIDTH = 6, 5, 8
STRENGTH = np.arange(LEVELS + 1) / LEVELS
JPEG, BLUR, PHOTOGRAPH, ALWAYS, NOTHING = np.eye(WIDTH)[:5]


def planted_probe(scale: float = 10.0) -> Probe:
    """Return images that move along JPEG or BLUR with their level, from places of their own."""
    own = np.linspace(-1, 1, PHOTOGRAPHS)[:, None, None] * PHOTOGRAPH
    embeddings = {
        name: (own + STRENGTH[None, :, None] * axis + ALWAYS)[:, :, None].astype(np.float32)
        for name, axis in (("jpeg", JPEG), ("gaussian_blur", BLUR))
    }
    names = tuple(f"photograph {n}" for n in range(PHOTOGRAPHS))
    return Probe(names, dict.fromkeys(embeddings, STRENGTH), embeddings, scale)


def planted_subject(direction: np.ndarray, distortion: str = "jpeg", **more) -> Subject:
    """Return an attribute whose sentences differ by this direction."""
    pair = np.stack([direction, np.zeros(WIDTH)]).astype(np.float32)
    specs = catalogue()
    return Subject(
        distortion=specs[distortion],
        phrase="square tiles",
        catalogue=specs,
        pair=pair,
        response=planted_probe().response(pair),
        **more,
    )


def kept_files(cache: Path) -> dict[str, int]:
    """Return the files of a cached probe and when each was written."""
    return {file.name: file.stat().st_mtime_ns for file in cache.rglob("*.safetensors")}
