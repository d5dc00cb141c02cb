import math
from copy import deepcopy

import matplotlib.image
import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from open_clip.transformer import VisionTransformer
from timm.layers import Attention
from torch.nn import functional as F

from workbench.cli.score import attribute_index, distortion_index
from workbench.domain.attributes import AttributeSet
from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.encoders.native import NativeTower
from workbench.errors import ConfigError, ShapeError, UnknownNameError
from workbench.inference.rollout import patch_relevance, recorded_attention
from workbench.inference.saliency import (
    METHODS,
    attribute_weights,
    mean_colour,
    occluded,
    saliency,
    target_logit,
)
from workbench.report.saliency_overlay import caption, write_overlay
from workbench.settings import read_settings
from workbench.training.modules import AttributeHead, PromptedTower
from workbench.training.prompt_pairs import encode_attributes
from workbench.training.tuned_model import TunedModel

pytestmark = pytest.mark.slow

ATTRIBUTES = AttributeSet.from_phrases(
    {"blur": ["soft edges", "hazy look"], "noise": ["grain", "speckle", "sandy surfaces"]}
)
CELL, SIDE = 32, 7


@pytest.fixture(scope="module")
def untuned():
    encoder = load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)
    pairs, groups = encode_attributes(encoder, ATTRIBUTES)
    return TunedModel(encoder, encoder.tower, AttributeHead(groups), pairs, encoder.logit_scale)


def tuned(model, mode):
    torch.manual_seed(0)
    own = model.encoder.tower
    tower = deepcopy(own).requires_grad_(True) if mode == "whole" else PromptedTower(own, mode, 4)
    return TunedModel(model.encoder, tower, model.head, model.pairs, model.scale)


@pytest.fixture(scope="module")
def smooth():
    """A smooth picture of more than one view."""
    across = np.linspace(60, 180, 300)[None, :, None] + np.linspace(0, 40, 240)[:, None, None]
    return np.repeat(across, 3, axis=2).astype(np.uint8)


@pytest.fixture(scope="module")
def image(smooth):
    """The smooth picture with grain in its upper left part."""
    made = smooth.astype(float)
    made[:96, :96] += np.random.default_rng(0).normal(0, 40, (96, 96, 3))
    return made.clip(0, 255).astype(np.uint8)


def native_tower(**fields):
    torch.manual_seed(0)
    visual = VisionTransformer(
        image_size=32, patch_size=16, width=16, layers=2, heads=2, mlp_ratio=2.0, output_dim=8,
        **fields,
    )  # fmt: skip
    return NativeTower(visual.eval().requires_grad_(False))


@pytest.mark.parametrize("mode", [None, "shallow", "deep", "whole"])
@pytest.mark.parametrize("method", METHODS)
def test_a_map_covers_the_image_and_says_what_it_is_of(untuned, image, mode, method):
    model = tuned(untuned, mode) if mode else untuned
    drawn = saliency(model, image, distortion=1, method=method, target="noise")
    assert drawn.values.shape == (240, 300)
    assert drawn.values.dtype == np.float32
    assert 0 <= drawn.values.min() < drawn.values.max() == 1
    assert (drawn.target, drawn.method) == ("noise", method)
    assert drawn.resolution == "7x7 cells of 32 px in each view"
    probabilities = model.probabilities(image[None])
    assert drawn.probability == pytest.approx(model.strengths(probabilities)[0, 1], abs=1e-5)


@pytest.mark.parametrize("method", ["gradient_rollout", "occlusion"])
def test_grain_is_found_where_it_is(untuned, image, smooth, method):
    reference = smooth if method == "occlusion" else None  # blind, it misleads: docs/saliency.md
    drawn = saliency(untuned, image, distortion=1, method=method, reference=reference)
    top, left = np.unravel_index(drawn.values.argmax(), drawn.values.shape)
    assert top < 128
    assert left < 128


def hooks(model):
    modules = model.encoder.model.modules()
    return [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in modules]


@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_the_model_is_left_changed(untuned, image, method):
    model = tuned(untuned, "deep")
    before, hooked = model.probabilities(image[None]), hooks(model)
    saliency(model, image, attribute=0, method=method)
    assert np.array_equal(model.probabilities(image[None]), before)
    assert hooks(model) == hooked
    assert all(parameter.grad is None for parameter in model.encoder.model.parameters())
    assert model.tower.prompts.grad is None


def test_a_distortion_is_the_weighted_sum_of_its_attributes(untuned, image):
    with torch.no_grad():
        untuned.head.logits[3] = math.log(3)
    weights = attribute_weights(untuned, distortion=1)
    assert weights.tolist() == pytest.approx([0, 0, 0.2, 0.6, 0.2])
    of = [saliency(untuned, image, attribute=index, method="rollout").logit for index in (2, 3, 4)]
    summed_up = saliency(untuned, image, distortion=1, method="rollout").logit
    assert summed_up == pytest.approx(np.dot([0.2, 0.6, 0.2], of), abs=1e-4)
    with torch.no_grad():
        untuned.head.logits.zero_()


def test_occlusion_is_captums(untuned, image):
    crops = torch.from_numpy(image[None, :224, :224]).permute(0, 3, 1, 2)
    score = target_logit(untuned, attribute_weights(untuned, attribute=2))
    filling = mean_colour(crops)
    ours = occluded(score, crops, filling, CELL)
    theirs = Occlusion(lambda given: score(given.to(torch.uint8))).attribute(
        crops.float(),
        sliding_window_shapes=(3, CELL, CELL),
        strides=(3, CELL, CELL),
        baselines=filling.float(),
    )
    assert torch.allclose(ours[0], theirs[0, 0, ::CELL, ::CELL].float(), atol=1e-5)


def test_a_reference_leaves_only_what_differs_from_it(untuned, image):
    clean = image.copy()
    clean[:96, :96] = clean[96:97, 96:97]
    drawn = saliency(untuned, image, distortion=1, method="occlusion", reference=clean)
    changed = np.abs(drawn.cells[0]) > 1e-3  # the rest differs by rounding alone
    assert changed[:3, :3].all()
    assert changed.sum() == 9


def numpy_rollout(attentions, slopes, *, gradients):
    """The rollout of one image written anew in float64: product of one matrix a block."""
    rolled = np.eye(attentions[0].shape[-1])
    for attention, slope in zip(attentions, slopes, strict=True):
        weighted = np.maximum(slope * attention, 0) if gradients else attention
        step = np.eye(len(rolled)) + weighted.mean(0)
        rolled = (step if gradients else step / 2) @ rolled
    return rolled


@pytest.mark.parametrize("gradients", [True, False])
@pytest.mark.parametrize("pool", ["tok", "avg"])
def test_rollout_is_the_product_over_blocks_read_where_pooling_reads(pool, gradients):
    tower = native_tower(pool_type=pool)
    with recorded_attention(tower.blocks) as attentions:
        target = tower(torch.rand(1, 3, 32, 32))[0, 3]
    slopes = torch.autograd.grad(target, attentions, retain_graph=True)
    drawn = patch_relevance(
        target, attentions, image_tokens=5, new_prompts=[False, False], gradients=gradients
    )
    expected = numpy_rollout(
        [a[0].detach().double().numpy() for a in attentions],
        [s[0].double().numpy() for s in slopes],
        gradients=gradients,
    ) - gradients * np.eye(5)
    rows = expected[:1] if pool == "tok" else expected[1:]
    assert drawn[0].numpy() == pytest.approx(rows.mean(0), rel=1e-4)


def test_the_attention_kept_is_the_towers_own_and_leads_to_the_same_result():
    tower, images = native_tower(), torch.rand(2, 3, 32, 32)
    with recorded_attention(tower.blocks) as attentions:
        watched = tower(images)
    assert torch.allclose(watched, tower(images), atol=1e-6)
    block = tower.blocks[0]
    tokens = block.ln_1(tower.embed(images))
    _, theirs = block.attn(tokens, tokens, tokens, average_attn_weights=False)
    assert torch.allclose(attentions[0], theirs, atol=1e-6)


def test_what_old_prompts_gathered_is_lost_where_new_ones_take_their_place():
    tower = native_tower()
    visual = PromptedTower(tower, "deep", 2)
    with recorded_attention(tower.blocks) as attentions:
        target = visual(torch.rand(1, 3, 32, 32))[0, 0]
    slopes = torch.autograd.grad(target, attentions, retain_graph=True)
    drawn = patch_relevance(
        target, attentions, image_tokens=5, new_prompts=[False, True], gradients=True
    )
    first, second = (
        (s[0] * a[0].detach()).relu().mean(0).double().numpy()
        for a, s in zip(attentions, slopes, strict=True)
    )
    after = (np.eye(7) + first)[:, :5]
    after[5:] = 0
    expected = (np.eye(7) + second)[0] @ after - np.eye(5)[0]
    assert drawn[0].numpy() == pytest.approx(expected, rel=1e-4)


def test_timms_attention_is_read_and_given_its_fused_kernel_back():
    block = torch.nn.Module()
    block.attn = Attention(16, num_heads=2).eval()
    block.forward = block.attn.forward
    fused = block.attn.fused_attn
    tokens = torch.rand(2, 5, 16)
    with recorded_attention(torch.nn.ModuleList([block])) as attentions:
        watched = block(tokens)
    assert block.attn.fused_attn is fused
    assert torch.allclose(watched, block(tokens), atol=1e-6)
    assert attentions[0].shape == (2, 2, 5, 5)
    assert torch.autograd.grad(watched.square().sum(), attentions[0])[0].abs().max() > 0


def test_attention_that_cannot_be_read_is_refused_with_the_method_that_works():
    blocks = torch.nn.ModuleList([torch.nn.Linear(2, 2)])
    with (
        pytest.raises(ConfigError, match=r"read from a NoneType: .* Take the method 'occlusion'"),
        recorded_attention(blocks),
    ):
        pass


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({}, ConfigError, "of one attribute or of one distortion"),
        ({"attribute": 0, "distortion": 0}, ConfigError, "name either"),
        ({"attribute": 5}, ConfigError, "has 5 attributes, numbered from 0: there is no 5"),
        ({"distortion": -1}, ConfigError, "has 2 distortions, numbered from 0: there is no -1"),
        ({"attribute": 0, "method": "ocllusion"}, UnknownNameError, "Did you mean 'occlusion'?"),
        ({"attribute": 0, "reference": np.zeros((240, 300, 3), np.uint8)}, ConfigError,
         "'gradient_rollout' takes no reference"),
        ({"attribute": 0, "method": "occlusion", "reference": np.zeros((2, 2, 3), np.uint8)},
         ShapeError, r"The reference is \(2, 2, 3\)"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused(untuned, image, fields, error, words):
    with pytest.raises(error, match=words):
        saliency(untuned, image, **fields)


@pytest.mark.parametrize("wrong", [np.zeros((240, 300), np.uint8), np.zeros((240, 300, 3))])
def test_what_is_no_image_is_refused(untuned, wrong):
    with pytest.raises(ShapeError, match=r"An image is \(H, W, 3\) uint8"):
        saliency(untuned, wrong, attribute=0)


def test_views_are_stitched_where_they_lie_and_averaged_where_they_lap(untuned, image):
    drawn = saliency(untuned, image, distortion=1)
    summed, counted = np.zeros((240, 300)), np.zeros((240, 300))
    places = [(top, left) for top in (0, 16) for left in (0, 76)]
    for (top, left), cells in zip(places, torch.from_numpy(drawn.cells), strict=True):
        finer = F.interpolate(cells[None, None], (224, 224), mode="bilinear")[0, 0].numpy()
        summed[top : top + 224, left : left + 224] += finer
        counted[top : top + 224, left : left + 224] += 1
    mean = summed / counted
    assert drawn.values == pytest.approx(mean / mean.max(), abs=1e-5)


def test_an_overlay_is_a_readable_picture_written_whole(untuned, image, tmp_path):
    grain = saliency(untuned, image, attribute=2, target="grain worth $5 " * 20)
    write_overlay(image, grain, tmp_path / "map.png")
    drawn = matplotlib.image.imread(tmp_path / "map.png")
    assert drawn.shape[1] == 1210
    assert [file.name for file in tmp_path.iterdir()] == ["map.png"]
    assert caption(grain).startswith(f"probability {grain.probability:.2f} · logit difference")


@pytest.mark.parametrize(
    ("index", "name", "error", "words"),
    [
        (attribute_index, "Grain", None, 2),
        (attribute_index, "fog: soft edges", None, 5),
        (attribute_index, "soft edges", ConfigError, "2 distortions have .* 'blur: soft edges'"),
        (attribute_index, "Noise", ConfigError, "'Noise' is a distortion, not an attribute"),
        (attribute_index, "speckel", UnknownNameError, "Did you mean 'speckle'?"),
        (distortion_index, "noise", None, 1),
        (distortion_index, "nois", UnknownNameError, "Did you mean 'noise'?"),
    ],
)
def test_a_target_is_found_by_its_name(index, name, error, words):
    known = {**ATTRIBUTES.phrases(), "fog": ("soft edges",)}
    if error is None:
        assert index(name, known) == words
    else:
        with pytest.raises(error, match=words):
            index(name, known)
