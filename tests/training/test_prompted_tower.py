"""Prompts against open_clip's own forward pass, with hooks that put the same tokens in."""

import math

import pytest
import torch

from tests.encoders.tower_families import FAMILIES, images_of, small_model
from workbench.training.modules import PromptedTower

MODES, INSERTIONS = ["shallow", "deep"], ["end", "after_cls"]


@pytest.fixture(scope="module", params=FAMILIES)
def small(request):
    return small_model(request.param)


@pytest.fixture(scope="module")
def tower():
    return small_model("timm, attention")[1]


def hooked(model, tower, prompted):
    """Return open_clip's `encode_image` with prompts put in, and taken out again, by hooks."""
    prompts, count = prompted.prompts.detach(), prompted.prompts.shape[1]
    visual, blocks = tower.visual, list(tower.blocks)
    norm = visual.trunk.norm_pre if hasattr(visual, "trunk") else visual.ln_pre
    at = None if prompted.insertion == "end" else tower.class_tokens

    def put(tokens, layer):
        left, right = (tokens, tokens[:, :0]) if at is None else (tokens[:, :at], tokens[:, at:])
        return torch.cat([left, prompts[layer].expand(len(tokens), -1, -1), right], dim=1)

    def drop(tokens):
        if at is None:
            return tokens[:, :-count]
        return torch.cat([tokens[:, :at], tokens[:, at + count :]], dim=1)

    first = norm if at is None else blocks[0]
    handles = [first.register_forward_pre_hook(lambda _, given: (put(given[0], 0),))]
    for layer, block in enumerate(blocks[1 : len(prompts)], 1):
        replace = lambda _, given, layer=layer: (put(drop(given[0]), layer),)  # noqa: E731
        handles.append(block.register_forward_pre_hook(replace))
    handles.append(blocks[-1].register_forward_hook(lambda _, __, out: drop(out)))
    try:
        with torch.no_grad():
            return model.encode_image(images_of(tower))
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("insertion", INSERTIONS)
def test_prompts_do_what_hooks_on_open_clips_own_pass_do(small, mode, insertion):
    model, tower = small
    prompted = PromptedTower(tower, mode, 3, insertion=insertion)
    with torch.no_grad():
        ours, plain = prompted(images_of(tower)), tower(images_of(tower))
    assert torch.allclose(ours, hooked(model, tower, prompted), atol=1e-5)
    assert not torch.allclose(ours, plain, atol=1e-3)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("insertion", INSERTIONS)
def test_no_prompts_give_encode_image(small, mode, insertion):
    model, tower = small
    with torch.no_grad():
        ours = PromptedTower(tower, mode, 0, insertion=insertion)(images_of(tower))
        assert torch.equal(ours, model.encode_image(images_of(tower)))


@pytest.mark.parametrize("mode", MODES)
def test_only_prompts_are_tuned(small, mode):
    model, tower = small
    before = {name: values.clone() for name, values in model.state_dict().items()}
    prompted = PromptedTower(tower, mode, 3)
    prompted.train()(images_of(tower)).square().sum().backward()
    layers = len(tower.blocks) if mode == "deep" else 1
    assert [name for name, _ in prompted.named_parameters()] == ["prompts"]
    assert sum(p.numel() for p in prompted.parameters()) == layers * 3 * tower.width
    assert (prompted.prompts.grad.abs().amax(-1) > 0).all()
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.training
    assert all(torch.equal(before[name], values) for name, values in model.state_dict().items())


def test_initialisations_have_the_spread_of_their_sources(tower):
    torch.manual_seed(0)
    normal = PromptedTower(tower, "deep", 100).prompts.detach()
    assert (normal.mean().item(), normal.std().item()) == pytest.approx((0, 1), abs=0.02)
    uniform = PromptedTower(tower, "deep", 100, initialisation="uniform").prompts.detach()
    reach = math.sqrt(6 / (3 * 16 * 16 + 96))  # VPT: 3 channels, patches of 16 px, width 96
    assert 0.99 * reach < uniform.abs().max() <= reach
    assert uniform.std().item() == pytest.approx(reach / math.sqrt(3), rel=0.02)


def test_dropout_acts_in_training_only(tower):
    torch.manual_seed(0)
    prompted, images = PromptedTower(tower, "deep", 8, dropout=0.5), images_of(tower)
    with torch.no_grad():
        still = [prompted.eval()(images) for _ in range(2)]
        moving = [prompted.train()(images) for _ in range(2)]
        without = PromptedTower(tower, "deep", 8)
        without.load_state_dict(prompted.state_dict())
        assert torch.equal(still[0], without(images))
    assert torch.equal(*still)
    assert not torch.allclose(*moving, atol=1e-4)
