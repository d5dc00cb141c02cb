"""A training may start from another's weights; weights are put back only where they belong."""

import pytest
import torch

from tests.training.small_encoder import grainy, small_pairs, tuned
from workbench.domain.config import TuningConfig
from workbench.errors import CheckpointMismatchError
from workbench.training.checkpoint import load_state, save_state
from workbench.training.loop import restored_model
from workbench.training.prompt_pairs import EncodedAttributes

pytestmark = pytest.mark.slow

IMAGES, _ = grainy()
MODES = ["shallow", "deep", "whole"]
TINY = {"learning_rate": 1e-12, "weight_decay": 0.0}


@pytest.mark.parametrize("mode", MODES)
def test_prompts_and_tower_are_taken_over_and_attribute_weights_are_not(small, mode):
    parent = tuned(small, mode=mode).state()
    parent["head.logits"] += 1
    child = tuned(small, mode=mode, start=parent, pairs=small_pairs(seed=1), **TINY).state()
    assert all(
        torch.allclose(child[name], values, atol=1e-7)
        for name, values in parent.items()
        if name != "head.logits"
    )
    assert child["head.logits"].abs().max() < 1e-7


def test_a_start_with_another_number_of_prompts_is_refused(small):
    with pytest.raises(
        CheckpointMismatchError, match=r"'prompts' have shape \(1, 4, 32\), expected \(1, 6, 32\)"
    ):
        tuned(small, prompts=6, start=tuned(small).state())


def test_a_start_of_another_mode_is_refused(small):
    with pytest.raises(
        CheckpointMismatchError, match=r"start from hold head\.logits, tower\..*more, not prompts:"
    ):
        tuned(small, start=tuned(small, mode="whole", **TINY).state())


@pytest.mark.parametrize("mode", [*MODES, "none"])
def test_a_model_is_restored_from_its_file_to_the_same_bits(small, tmp_path, mode):
    model, file = tuned(small, mode=mode), tmp_path / "model.safetensors"
    save_state(file, model.state(), {"name": "mine"})
    config = TuningConfig(mode=mode, prompts=4)
    again = restored_model(small, small_pairs(), config, load_state(file, {"name": "mine"}))
    probabilities = model.probabilities(IMAGES)
    assert (again.probabilities(IMAGES) == probabilities).all()
    assert (again.strengths(probabilities) == model.strengths(probabilities)).all()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mode": "none"}, r"hold head\.logits, prompts, expected head\.logits: .* than 'none'"),
        ({"mode": "deep"}, r"'prompts' have shape \(1, 4, 32\), expected \(3, 4, 32\)"),
        ({"prompts": 9}, r"'prompts' have shape \(1, 4, 32\), expected \(1, 9, 32\)"),
        ({"mode": "whole"}, r"expected head\.logits, tower\..* and \d+ more"),
    ],
    ids=["none", "deep", "prompts", "whole"],
)
def test_weights_of_another_configuration_are_not_put_back(small, fields, words):
    config = TuningConfig(**{"prompts": 4, **fields})
    with pytest.raises(CheckpointMismatchError, match=words):
        restored_model(small, small_pairs(), config, tuned(small).state())


def test_weights_of_fewer_attributes_are_not_put_back(small):
    with pytest.raises(
        CheckpointMismatchError, match=r"'head\.logits' have shape \(5,\), expected \(4,\)"
    ):
        restored_model(
            small,
            EncodedAttributes(*(v[:4] for v in small_pairs())),
            TuningConfig(prompts=4),
            tuned(small).state(),
        )


def test_mean_weights_stay_uniform_and_learned_ones_do_not(small):
    mean, learned = (tuned(small, weights=kind).head.weights() for kind in ("mean", "learned"))
    assert mean.tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3])
    assert (learned - mean).abs().max() > 1e-3
