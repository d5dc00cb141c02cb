from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from tests.training.small_encoder import ATTRIBUTES, grainy
from workbench.domain.config import TuningConfig
from workbench.errors import RunCancelledError, ShapeError, TrainingDivergedError
from workbench.training.loop import tune
from workbench.training.prompt_pairs import encode_attributes
from workbench.training.tuned_model import Examples

pytestmark = pytest.mark.slow

IMAGES = grainy(16, 240, 256)


def tuned(
    encoder, pairs, *, images=IMAGES.images, seed=0, progress=lambda share, text: None,
    validation=None, **fields,
):  # fmt: skip
    config = TuningConfig(**{"mode": "shallow", "prompts": 4, "epochs": 2, "crops": 1, **fields})
    examples = Examples(images, IMAGES.strengths[: len(images)])
    return tune(
        encoder, pairs, examples, config, seed=seed, progress=progress, validation=validation
    )


@pytest.mark.parametrize(("mode", "tokens"), [("shallow", 4), ("deep", 12)])
def test_gradients_reach_the_prompts_and_only_the_prompts(encoder, pairs, mode, tokens):
    before = {name: value.clone() for name, value in encoder.model.state_dict().items()}
    model = tuned(encoder, pairs, mode=mode)
    for name, value in encoder.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(parameter.grad is not None for parameter in encoder.model.parameters())
    assert model.tower.prompts.grad.abs().flatten(1).sum(1).min() > 0
    names = [name for name, p in model.tower.named_parameters() if p.requires_grad]
    assert names == ["prompts"]
    assert model.tower.prompts.numel() == tokens * encoder.tower.width


def test_a_whole_tower_is_tuned_as_a_copy(encoder, pairs):
    before = {name: value.clone() for name, value in encoder.model.state_dict().items()}
    model = tuned(encoder, pairs, mode="whole")
    after = encoder.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert not torch.equal(model.tower.visual.proj, encoder.tower.visual.proj)


def test_tuning_learns_to_tell_grain(encoder, pairs):
    model = tuned(encoder, pairs, mode="whole", epochs=15, learning_rate=0.003)
    images, _ = IMAGES
    strengths = model.strengths(model.probabilities(images))
    assert strengths[1::2, 1].min() > strengths[::2, 1].max() + 0.5
    assert strengths[:, 0].max() < 0.3


def test_the_same_seed_gives_the_same_bits_and_leaves_the_random_state(encoder, pairs):
    images, _ = IMAGES
    before = torch.random.get_rng_state()
    first, again, other = (
        tuned(encoder, pairs, seed=seed).probabilities(images) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (first == again).all()
    assert (first != other).any()


def test_the_text_tower_never_runs_in_the_loop(encoder, pairs):
    with profiled(encoder) as used:
        encode_attributes(encoder, ATTRIBUTES)
    assert used() == {"text tower"}
    with profiled(encoder) as used:
        model = tuned(encoder, pairs, validation=grainy(4, 240, 256), patience=1)
        model.probabilities(grainy(4, 240, 256)[0])
    assert used() == {"image tower"}


@contextmanager
def profiled(encoder):
    """Yield a function that tells which towers the profile of the block shows."""
    ranges, handles = [], []

    def enter(name):
        ranges.append(record_function(name))
        ranges[-1].__enter__()

    # The image tower is opened at its blocks, so its first one stands for it.
    for name, part in (
        ("text tower", encoder.model.text),
        ("image tower", encoder.tower.blocks[0]),
    ):
        handles.append(part.register_forward_pre_hook(lambda *_, name=name: enter(name)))
        handles.append(
            part.register_forward_hook(lambda *_: ranges.pop().__exit__(None, None, None))
        )
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        towers = {"text tower", "image tower"}
        yield lambda: towers & {event.key for event in recorded.key_averages()}
    for handle in handles:
        handle.remove()


def test_none_trains_nothing(encoder, pairs):
    recorded = []
    model = tuned(encoder, pairs, mode="none", progress=lambda share, text: recorded.append(share))
    assert model.tower is encoder.tower
    assert recorded == []


def test_progress_may_cancel(encoder, pairs):
    def cancel(share, text):
        raise RunCancelledError("Cancelled.")

    with pytest.raises(RunCancelledError):
        tuned(encoder, pairs, progress=cancel)


def test_divergence_names_the_epoch_and_the_rate(encoder, pairs):
    poisoned = pairs._replace(pairs=torch.full_like(pairs.pairs, torch.nan))
    with pytest.raises(
        TrainingDivergedError, match=r"nan in epoch 1 of 2. Lower tuning.learning_rate"
    ):
        tuned(encoder, poisoned)


def test_images_smaller_than_the_view_are_refused(encoder, pairs):
    with pytest.raises(ShapeError, match="64x64 px are smaller than the encoder's 224x224 px view"):
        tuned(encoder, pairs, images=np.zeros((2, 64, 64, 3), np.uint8))
