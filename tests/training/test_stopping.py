"""Training stops by the validation part only, and refuses what it cannot train on."""

import logging
import re

import numpy as np
import pytest
import torch

from tests.training.small_encoder import grainy, tuned
from workbench.errors import ConfigError, ShapeError, TrainingDivergedError
from workbench.training.modules import PromptedTower, distortion_loss
from workbench.training.tuned_model import TunedModel

IMAGES, STRENGTHS = grainy()


@pytest.fixture
def validation_losses(caplog):
    """Return a function that returns the validation loss of each epoch, as it was logged."""
    caplog.set_level(logging.INFO, "workbench.training")
    words = re.compile(r"^epoch \d+ of \d+: validation loss (\S+)$")
    return lambda: [float(found[1]) for m in caplog.messages if (found := words.match(m))]


class Untouchable:
    """Images that nobody may read."""

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, row):
        raise AssertionError("the validation part was read")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("patience", [1, 3])
def test_the_epoch_of_the_lowest_validation_loss_is_kept(small, validation_losses, seed, patience):
    unlike = np.random.default_rng(seed).random(STRENGTHS.shape).astype(np.float32)
    model = tuned(
        small, patience=patience, validation=(IMAGES, unlike), epochs=12, seed=seed, warmup=0.0
    )
    losses = validation_losses()
    assert len(set(losses)) == len(losses)  # so that a loss names its epoch
    assert len(losses) == min(12, int(np.argmin(losses)) + 1 + patience)
    strengths = torch.from_numpy(model.strengths(model.probabilities(IMAGES)))
    loss = distortion_loss(strengths, torch.from_numpy(unlike)).item()
    assert loss == pytest.approx(min(losses), rel=1e-6)


def test_without_patience_the_validation_part_is_not_read(small):
    with_part = tuned(small, validation=(Untouchable(), 1 - STRENGTHS)).state()
    assert all(
        torch.equal(with_part[name], values) for name, values in tuned(small).state().items()
    )


@pytest.mark.parametrize("validation", [None, (IMAGES[:0], STRENGTHS[:0])])
def test_patience_without_a_validation_part_is_refused(small, validation):
    with pytest.raises(ConfigError, match=r"stops by a validation part, and .*split\.validation"):
        tuned(small, patience=2, validation=validation)


def test_a_validation_part_of_one_image_is_enough(small, validation_losses):
    tuned(small, patience=3, validation=(IMAGES[:1], STRENGTHS[:1]))
    assert len(validation_losses()) == 3
    assert np.isfinite(validation_losses()).all()


def test_an_empty_training_part_is_refused(small):
    with pytest.raises(ConfigError, match=r"no image to tune on; the split leaves .* empty\.$"):
        tuned(small, examples=(IMAGES[:0], STRENGTHS[:0]))


def test_images_that_are_all_of_one_class_are_refused(small):
    with pytest.raises(ConfigError, match="All 5 images to tune on have the same strengths"):
        tuned(small, examples=(IMAGES[1::2], STRENGTHS[1::2]))


def test_embeddings_that_are_no_numbers_name_the_epoch(small, monkeypatch):
    forward, calls = PromptedTower.forward, []

    def poisoned(tower, images):
        calls.append(1)
        return forward(tower, images) * (torch.inf if len(calls) == 5 else 1)

    monkeypatch.setattr(PromptedTower, "forward", poisoned)
    with pytest.raises(
        TrainingDivergedError, match=r"^The loss became nan in epoch 2 of 3\. Lower"
    ):
        tuned(small)


def test_a_gradient_that_is_no_number_in_the_last_step_is_not_kept(small, monkeypatch):
    loss, shares = TunedModel.loss, []

    def steep(model, crops, targets):
        last = model.tower.prompts.new_tensor(0.0).copysign(torch.tensor(1.0))
        # The root's slope at 0 is infinite while its value is finite.
        return loss(model, crops, targets) + (model.tower.prompts.sum() * last).sqrt() * 0

    monkeypatch.setattr(TunedModel, "loss", steep)
    words = re.escape("The gradient became nan in epoch 1 of 1.")
    with pytest.raises(TrainingDivergedError, match=words):
        tuned(small, epochs=1, batch_size=10, progress=lambda share, text: shares.append(share))
    assert shares == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "The loss after the last step became nan in epoch 1 of 1."),
        (
            {"patience": 1, "validation": (IMAGES, STRENGTHS), "epochs": 4},
            "The loss on the validation part became nan in epoch 1 of 4.",
        ),
    ],
    ids=["last epoch", "validation"],
)
def test_a_step_that_breaks_the_tower_is_noticed_without_another_one(small, fields, words):
    broken = {"epochs": 1, "batch_size": 10, "warmup": 0.0, "learning_rate": 1e30, **fields}
    with pytest.raises(TrainingDivergedError, match=re.escape(words)):
        tuned(small, **broken)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"examples": (IMAGES, STRENGTHS[:3])}, "(3, 2), expected (10, 2)"),
        ({"examples": (IMAGES, STRENGTHS[:, :1])}, "(10, 1), expected (10, 2)"),
        ({"validation": (IMAGES[:2], STRENGTHS)}, "(10, 2), expected (2, 2)"),
    ],
)
def test_strengths_that_do_not_fit_are_refused_with_both_shapes(small, fields, words):
    with pytest.raises(ShapeError, match=re.escape(f"Strengths have shape {words}: one row per")):
        tuned(small, **fields)
