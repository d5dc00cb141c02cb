"""Sets made of tiny photographs, here or in a process that can be killed."""

import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from functools import partial
from hashlib import sha256
from pathlib import Path

import skimage.data
from PIL import Image

from tests.processes import started
from workbench.datasets.generation.generator import GeneratedSet, generate
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.distortions import apply_sequence, catalogue

ROOT = Path(__file__).parents[2]
WAITS_AT = 0.7  # share of its images at which a set that is to be killed waits for that
CHOSEN = ("gaussian_blur", "jpeg", "white_noise", "color_block", "motion_blur", "darken")


def photographs(folder: Path) -> Path:
    """Write five small photographs into a folder and return it."""
    for name in ("astronaut", "coffee", "chelsea", "rocket", "cat"):
        picture = Image.fromarray(getattr(skimage.data, name)())
        file = folder / name[0] / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.resize((96, 72)).save(file)
    return folder


def run_on(share: float, text: str) -> None:
    """Take progress and do nothing."""


def wait_to_be_killed(share: float, text: str) -> None:
    """Go no further than `WAITS_AT`, so that no machine is quick enough to be done before."""
    if share >= WAITS_AT:
        threading.Event().wait()


def make(
    folder: Path,
    out: Path,
    *,
    workers: int = 1,
    each=None,
    forms=(),
    progress=run_on,
    **options: object,
) -> GeneratedSet:
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
        forms=forms,
        workers=workers,
        each=each,
        progress=progress,
    )


def files(out: Path) -> dict[str, str]:
    """Return the digest of every file of a set."""
    return {
        file.relative_to(out).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in sorted(out.rglob("*"))
        if file.is_file()
    }


def making(
    folder: Path, out: Path, *, workers: int, **options: object
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Make a set in a process that is to be killed; options as in GeneratorConfig."""
    more = f"workers={workers}, progress=wait_to_be_killed, **{options!r}"
    call = f"make({str(folder)!r}, Path({str(out)!r}), {more})"
    script = f"from tests.datasets.generating import *\nif __name__ == '__main__':\n    {call}\n"
    file = out.with_suffix(".py")
    file.write_text(script)
    return started(sys.executable, file, env={"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
