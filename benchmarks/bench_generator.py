"""How fast multi-distortion sets are made: the paper's mode, 512 x 384, PNG out.

    python benchmarks/bench_generator.py

One worker is set against its own operators alone: the same images with the same steps, from memory
to memory. Two workers are set against one, in wall-clock time, their start included.
"""

import shutil
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workbench.datasets.generation.generator import generate
from workbench.datasets.generation.parallel import one_thread
from workbench.datasets.generation.plan import GeneratorConfig, plan_image
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_sequence, catalogue, kadid10k

IMAGES = 480
SIZE = (512, 384)
SMALLER = "chelsea"  # the one packaged photograph that would have to be enlarged
IDS = kadid10k()
CONFIG = GeneratorConfig(count=IMAGES, distortions=IDS, max_distortions=len(IDS), size=SIZE)
SPECS = [catalogue()[name] for name in IDS]


def rows() -> list[dict[str, Any]]:
    """Return one row for one worker and one for two."""
    with TemporaryDirectory() as folder:
        photographs = Path(folder) / "photographs"
        photographs.mkdir()
        for name, file in photograph_files("packaged").items():
            if name != SMALLER:
                shutil.copy(file, photographs)
        operators_s = operators_alone_s(photographs)
        one_s, one_processor_s = making_s(photographs, Path(folder) / "one", workers=1)
        two_s, _ = making_s(photographs, Path(folder) / "two", workers=2)
    rate = IMAGES / one_processor_s
    return [
        {
            "name": f"generator: paper mode, {SIZE[0]}x{SIZE[1]}, PNG, one worker",
            "value": round(rate, 2),
            "unit": "images/s of processor time",
            "reference": f"its operators alone, {IMAGES / operators_s:.2f} images/s",
            "ratio": round(rate * operators_s / IMAGES, 3),
            "target": ">= 8 images/s",
            "holds": rate >= 8,
        },
        {
            "name": "generator: two workers",
            "value": round(IMAGES / two_s, 2),
            "unit": "images/s",
            "reference": f"one worker, {IMAGES / one_s:.2f} images/s",
            "ratio": round(one_s / two_s, 2),
            "target": ">= 1.8 x reference",
            "holds": one_s / two_s >= 1.8,
        },
    ]


def operators_alone_s(photographs: Path) -> float:
    """Return the processor time of the set's operators."""
    files = list(photograph_files(str(photographs)).values())
    clean = [load_photograph(file, *SIZE) for file in files]
    with one_thread():
        started = time.process_time()
        for index in range(IMAGES):
            planned = plan_image(CONFIG, SPECS, len(files), index)
            apply_sequence(clean[planned.photograph], planned.steps, seed=planned.seed)
        return time.process_time() - started


def making_s(photographs: Path, out: Path, *, workers: int) -> tuple[float, float]:
    """Return the wall-clock time of making a set, and this process's processor time."""
    wall, processor = time.monotonic(), time.process_time()
    generate(
        str(photographs), out, CONFIG, SPECS, partial(apply_sequence),
        workers=workers, progress=lambda _share, _text: None,
    )  # fmt: skip
    return time.monotonic() - wall, time.process_time() - processor


if __name__ == "__main__":
    for row in rows():
        print(row)
