import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
from io import BytesIO

import numpy as np
import psutil
import pytest
import torch

from tests.processes import started
from tests.training.small_encoder import grainy
from tests.waiting import PATIENCE_S
from workbench.datasets.image_set import ChosenImages
from workbench.domain.config import TuningConfig
from workbench.errors import (
    ConfigError,
    RunCancelledError,
    RunError,
    ShapeError,
    TrainingDivergedError,
)
from workbench.training.distributed import TrainingPickler, process_group
from workbench.training.epochs import EpochTraining
from workbench.training.loop import tune
from workbench.training.tuned_model import Examples

pytestmark = [pytest.mark.process, pytest.mark.slow]  # each starts a process that imports torch

IMAGES, STRENGTHS = grainy(11, 240, 256)


@pytest.fixture(autouse=True)
def _nothing_is_left():
    threads = torch.get_num_threads()
    yield
    assert multiprocessing.active_children() == []
    assert not torch.distributed.is_initialized()
    assert os.environ.keys().isdisjoint({"LOCAL_RANK", "MASTER_PORT", "WORLD_SIZE"})
    assert torch.get_num_threads() == threads


def tuned(encoder, pairs, devices, *, images=IMAGES, progress=lambda share, text: None,
          validation=None, checkpoint=None, **fields):  # fmt: skip
    # Batches of 5, 5 and 1: none can be halved, and the last leaves one process without rows.
    config = TuningConfig(
        **{"prompts": 4, "epochs": 3, "crops": 1, "batch_size": 5, "prompt_dropout": 0.2, **fields}
    )
    return tune(
        encoder, pairs, Examples(images, STRENGTHS), config, seed=0, progress=progress,
        validation=validation and Examples(*validation), checkpoint=checkpoint, devices=devices,
    )  # fmt: skip


@pytest.fixture
def losses(monkeypatch):
    """Return the losses of all steps that this process takes from here on."""
    losses, step = [], EpochTraining.step

    def recording(training, crops, batch, done):
        losses.append(step(training, crops, batch, done))
        return losses[-1]

    monkeypatch.setattr(EpochTraining, "step", recording)
    return losses


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({}, 9),
        ({"mode": "whole", "clip_norm": 0.01, "learning_rate": 1e-4, "epochs": 2}, 6),
        # The validation part says the opposite, so its loss rises while the other falls.
        ({"patience": 1, "validation": (IMAGES, 1 - STRENGTHS), "epochs": 9}, 6),
    ],
    ids=["all epochs", "clipped whole tower", "stopped early"],
)
def test_two_processes_take_the_steps_of_one_with_the_joined_batch(
    encoder, pairs, losses, fields, steps
):
    alone = tuned(encoder, pairs, 1, **fields).state()
    together = tuned(encoder, pairs, 2, **fields).state()
    curves = torch.stack(losses).reshape(2, steps)
    assert curves[0].numpy() == pytest.approx(curves[1].numpy(), abs=1e-5)
    for name, values in alone.items():
        assert torch.allclose(values, together[name], atol=1e-5), name


def test_a_cancelled_training_is_resumed_with_any_number_of_processes(encoder, pairs, tmp_path):
    checkpoint, expected = tmp_path / "kept", tuned(encoder, pairs, 1).state()

    def cancel(share, text):
        if "epoch 2" in text:
            raise RunCancelledError("Cancelled.")

    with pytest.raises(RunCancelledError, match=r"^Cancelled\.$"):
        tuned(encoder, pairs, 2, progress=cancel, checkpoint=checkpoint)
    for devices in (1, 2):
        copied = shutil.copy(checkpoint, tmp_path / "copied")
        resumed = tuned(encoder, pairs, devices, checkpoint=copied).state()
        assert all(torch.allclose(expected[name], resumed[name], atol=1e-5) for name in expected)
        assert not copied.exists()


def test_divergence_surfaces_as_itself(encoder, pairs):
    poisoned = pairs._replace(pairs=torch.full_like(pairs.pairs, torch.nan))
    with pytest.raises(TrainingDivergedError, match=r"^The loss became nan in epoch 1 of 3\."):
        tuned(encoder, poisoned, 2)


class FaultyElsewhere:
    """Images that only the first process can read."""

    def __init__(self, fault):
        self.fault = fault

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, row):
        if multiprocessing.parent_process() is not None:
            if self.fault is None:
                os.kill(os.getpid(), signal.SIGKILL)
            raise self.fault
        return IMAGES[row]


@pytest.mark.parametrize(
    ("fault", "surfaces", "words"),
    [
        (ShapeError("Too small."), ShapeError, r"^Too small\.$"),
        (KeyError("gone"), RunError, r"beside this one failed: KeyError\('gone'\)\.$"),
        (None, RunError, r"ended with exit code -9; .* Lower tuning\.batch_size or "),
    ],
    ids=["expected", "unexpected", "killed"],
)
def test_what_befalls_another_process_surfaces_here(encoder, pairs, fault, surfaces, words):
    with pytest.raises(surfaces, match=words):
        tuned(encoder, pairs, 2, images=FaultyElsewhere(fault))


PARENT = """
import multiprocessing, sys
from tests.training.small_encoder import ATTRIBUTES
from tests.training.test_distributed import tuned
from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.settings import read_settings
from workbench.training.prompt_pairs import encode_attributes

def progress(share, text):
    print(multiprocessing.active_children()[0].pid, flush=True)
    sys.stdin.read()

encoder = load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)
tuned(encoder, encode_attributes(encoder, ATTRIBUTES), 2, progress=progress)
"""


def test_the_other_process_ends_with_a_killed_parent():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with started(sys.executable, "-c", PARENT, **pipes, text=True) as parent:
        other = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        other.wait(timeout=PATIENCE_S)


def test_more_gpus_than_there_are_is_refused():
    group = process_group(
        None, range(1), processes=torch.cuda.device_count() + 2, device=torch.device("cuda")
    )
    with pytest.raises(ConfigError, match=r"needs as many GPUs, found \d+\. Lower WORKBENCH_DEVIC"):
        group.__enter__()


def test_memory_mapped_images_are_pickled_as_the_name_of_their_file(tmp_path):
    pixels = np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, (9, 50, 60, 3))
    pixels[:] = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    pixels.flush()
    sent = BytesIO()
    TrainingPickler(sent).dump(ChosenImages(pixels[3:], np.array([4, 0])))
    assert len(sent.getvalue()) < 1000
    assert (pickle.loads(sent.getvalue())[0] == pixels[7]).all()
