"""Sets made of tiny photographs, here or in a process that can be killed."""

import subprocess
import sys
from functools import partial
from hashlib import sha256
from pathlib import Path

import skimage.data
from PIL import Image

from workbench.datasets.generation.generator import GeneratedSet, generate
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.distortions import apply_sequence, catalogue

ROOT = Path(__file__).parents[2]
CHOSEN = ("gaussian_blur", "jpeg", "white_noise", "color_block", "motion_blur", "darken")


def photographs(folder: Path) -> Path:
    """Write five small photographs into a folder and return it."""
    for name in ("astronaut", "coffee", "chelsea", "rocket", "cat"):
        picture = Image.fromarray(getattr(skimage.data, name)())
        file = folder / name[0] / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.resize((96, 72)).save(file)
    return folder


def make(folder: Path, out: Path, *, workers: int = 1, **options: object) -> GeneratedSet:
    """Make a set; options as in GeneratorConfig."""
    config = GeneratorConfig(
        **{"count": 40, "distortions": CHOSEN, "max_distortions": 3, "seed": 1} | options
    )
    return generate(
        str(folder),
        out,
        config,
        [catalogue()[name] for name in config.distortions],
        partial(apply_sequence, stretch=config.stretch),
        workers=workers,
        progress=lambda share, text: None,
    )


def files(out: Path) -> dict[str, str]:
    """Return the digest of every file of a set."""
    return {
        file.relative_to(out).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in sorted(out.rglob("*"))
        if file.is_file()
    }


def making(folder: Path, out: Path, *, workers: int, **options: object) -> subprocess.Popen[bytes]:
    """Start making a set in a process of its own; options as in GeneratorConfig."""
    call = f"make({str(folder)!r}, Path({str(out)!r}), workers={workers}, **{options!r})"
    script = f"from tests.datasets.generating import *\nif __name__ == '__main__':\n    {call}\n"
    file = out.with_suffix(".py")
    file.write_text(script)
    return subprocess.Popen(
        [sys.executable, file], env={"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
    )
