"""A batch that the memory does not hold, for real: in a process that may take only so much."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

SCRIPT = """
import resource
import torch
from pathlib import Path
from tests.training.small_encoder import *

torch.set_num_threads(1)
encoder = small_encoder()
tuned(encoder)  # so that all that is loaded late is there
images, strengths = grainy(20)
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = resource.getrlimit(resource.RLIMIT_AS)[1]
for room_mb in {rooms}:
    resource.setrlimit(
        resource.RLIMIT_AS, (pages * resource.getpagesize() + room_mb * 2**20, most)
    )
    try:
        tuned(encoder, examples=(images, strengths), crops=1000, batch_size=30_000)
    except Exception as fault:
        print(type(fault).__name__, fault)
"""


def test_a_batch_that_does_not_fit_says_which_might():
    # Crops take 59 MB and are made by NumPy; as floats they take 234 MB, and the tower far more.
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(rooms=(30, 150, 700))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    words = "RunError The memory does not hold a step with a batch of 20000. "
    assert done.stdout.splitlines() == 3 * [f"{words}Try tuning.batch_size 10000."]
