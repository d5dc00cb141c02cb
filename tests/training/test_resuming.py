"""A training that is broken off goes on to the same bits, or says why it cannot."""

import os

import pytest
import torch
from safetensors import safe_open

from tests.training.small_encoder import grainy, small_encoder, small_pairs, tuned
from workbench.errors import CheckpointMismatchError, RunCancelledError, RunError

pytestmark = pytest.mark.slow

IMAGES, STRENGTHS = grainy()


def cancel(share, text):
    """Break off within the second epoch."""
    if "epoch 2" in text:
        raise RunCancelledError("Cancelled.")


@pytest.fixture
def checkpoint(small, tmp_path):
    """Return the checkpoint of a training that was broken off."""
    file = tmp_path / "kept.safetensors"
    with pytest.raises(RunCancelledError):
        tuned(small, checkpoint=file, progress=cancel)
    return file


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "shallow"},
        {"mode": "deep", "prompt_dropout": 0.3},
        {"mode": "whole", "learning_rate": 1e-4},
        {"weights": "mean", "initialisation": "uniform"},
        {"patience": 5, "validation": (IMAGES[:3], STRENGTHS[:3])},
        {"patience": 2, "validation": (IMAGES, 1 - STRENGTHS), "epochs": 6},
    ],
    ids=["shallow", "deep with dropout", "whole", "mean weights", "validation", "stops early"],
)
def test_a_broken_training_goes_on_to_the_same_bits(small, tmp_path, fields):
    file, texts = tmp_path / "kept.safetensors", []
    unbroken = tuned(small, **fields).state()
    with pytest.raises(RunCancelledError):
        tuned(small, checkpoint=file, progress=cancel, **fields)
    assert file.is_file()
    resumed = tuned(
        small, checkpoint=file, progress=lambda share, text: texts.append(text), **fields
    )
    assert "epoch 2" in texts[0]
    assert resumed.state().keys() == unbroken.keys()
    for name, values in resumed.state().items():
        assert torch.equal(values, unbroken[name]), name
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_has_ended_leaves_no_checkpoint(small, tmp_path):
    tuned(small, checkpoint=tmp_path / "kept.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoder": small_encoder("other")}, "encoder: small random, expected other random"),
        ({"pairs": small_pairs(seed=1)}, "attribute set: "),
        ({"prompts": 5}, "configuration: "),
        ({"seed": 1}, "seed: 0, expected 1"),
        ({"examples": (IMAGES, STRENGTHS / 2)}, "set of images: "),
        ({"facts": {"data": "theirs"}}, r"set of images: \w{64}, expected theirs"),
        ({"facts": {"rows": "other"}}, "split: none, expected other"),
    ],
    ids=["encoder", "attributes", "configuration", "seed", "strengths", "images", "rows"],
)
def test_a_checkpoint_of_another_training_is_refused(small, checkpoint, changes, words):
    before = checkpoint.read_bytes()
    with pytest.raises(
        CheckpointMismatchError, match=f"was trained with another {words}.*Run the .*--again"
    ):
        tuned(**{"encoder": small, "checkpoint": checkpoint, **changes})
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
def test_a_checkpoint_cut_short_is_refused(small, checkpoint, share):
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        CheckpointMismatchError, match=r"kept\.safetensors holds no trained weights .*--again"
    ):
        tuned(small, checkpoint=checkpoint)


class Harmful:
    """Pickled, it makes a folder where it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_a_pickle_under_the_checkpoints_name_is_refused_unread(small, tmp_path):
    file, harm = tmp_path / "kept.safetensors", tmp_path / "harm"
    torch.save({"trained/prompts": torch.zeros(1, 4, 32), "more": Harmful(str(harm))}, file)
    with pytest.raises(CheckpointMismatchError, match="holds no trained weights that can be read"):
        tuned(small, checkpoint=file)
    assert not harm.exists()


def test_a_checkpoint_holds_weights_and_facts_only(checkpoint):
    with safe_open(checkpoint, "pt") as opened:
        assert opened.metadata()["epoch"] == "1"
        kinds = {name.split("/")[0] for name in opened.keys()}  # noqa: SIM118
    assert kinds == {"trained", "optimizer", "random"}


def test_a_checkpoint_that_cannot_be_written_says_so(small, tmp_path):
    with pytest.raises(RunError, match=r"cannot be written to .*gone.*Free some space or make"):
        tuned(small, checkpoint=tmp_path / "gone" / "kept.safetensors")
