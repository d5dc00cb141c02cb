"""Every family of towers gives open_clip's own numbers, and others are refused in one line."""

import open_clip
import pytest
import torch
from torch.profiler import profile

from tests.encoders.tower_families import FAMILIES, images_of, own_model, small_model
from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.encoders.openclip import TimmTower, open_tower, takes_prompts, trunk_class
from workbench.errors import ConfigError
from workbench.settings import read_settings
from workbench.training.modules import PromptedTower

pytestmark = pytest.mark.slow

OFFLINE = read_settings().model_copy(update={"offline": True})


def load(name):
    return load_encoder(EncoderConfig(name=name), OFFLINE, seed=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_small_tower_gives_encode_image_and_leaves_it_as_it_was(family):
    model, tower = small_model(family)
    images = images_of(tower)
    with torch.no_grad():
        tokens = tower.embed(images)
        untouched = own_model(family).encode_image(images)
        assert torch.equal(tower(images), untouched)
        assert torch.equal(model.encode_image(images), untouched)
    patches = (tower.image_size // tower.patch_size) ** 2
    assert tokens.shape == (2, tower.class_tokens + patches, tower.width)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_frozen_weight_is_copied_for_every_token(family):
    """Products with frozen weights are folded into one matrix: `tokens_first` sees to it."""
    _, tower = small_model(family)
    images = images_of(tower).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16), profile(record_shapes=True) as recorded:
        tower(images)
    copies = {tuple(e.input_shapes[1]) for e in recorded.events() if e.name == "aten::bmm"}
    assert (len(tower.embed(images)[0]), tower.width, 3 * tower.width) not in copies


def test_the_size_is_the_trunks_own_where_open_clip_states_another():
    _, tower = small_model("timm, CLS")
    assert (tower.visual.image_size[0], tower.image_size, tower.patch_size) == (224, 160, 16)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "class_tokens"), [("ViT-B-16-SigLIP", 0), ("MobileCLIP2-B", 1)])
def test_the_real_architecture_with_zero_prompts_gives_encode_image(name, class_tokens):
    model = open_clip.create_model(name, load_weights=False).eval().requires_grad_(False)
    tower = open_tower(name, model.visual)
    assert isinstance(tower, TimmTower)
    assert (tower.image_size, tower.patch_size, tower.width) == (224, 16, 768)
    assert (tower.class_tokens, len(tower.blocks)) == (class_tokens, 12)
    images = images_of(tower, 1)
    with torch.no_grad():
        expected = model.encode_image(images)
        for mode in ("shallow", "deep"):
            assert torch.equal(PromptedTower(tower, mode, 0)(images), expected)
            assert not torch.equal(PromptedTower(tower, mode, 4)(images), expected)


@pytest.mark.slow
def test_mobileclip_loads_with_its_own_tokens_and_colours():
    encoder = load("MobileCLIP2-B")
    assert (encoder.facts.image_size, encoder.facts.embedding_width) == (224, 512)
    assert encoder.facts.image_parameters == sum(p.numel() for p in encoder.tower.parameters())
    assert encoder.normalise(torch.full((1, 3, 2, 2), 255)).unique().tolist() == [1]
    assert encoder.token_counts(["a photo"]) == ([4], 77)
    assert encoder.encode_texts(["a photo"]).shape == (1, 512)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("RN50", "a ResNet image tower without tokens"),
        ("MobileCLIP2-S0", "timm's FastVit as its image tower"),
        ("convnext_base", "timm's ConvNeXt as its image tower"),
        ("swin_base_patch4_window7_224", "timm's SwinTransformer as its image tower"),
        ("vit_relpos_medium_patch16_cls_224", "timm's VisionTransformerRelPos as its image tower"),
        ("EVA02-B-16", "timm's Eva as its image tower"),
        ("PE-Core-B-16", "timm's Eva as its image tower"),
        ("roberta-ViT-B-32", "the text tower 'roberta-base'"),
    ],
)
def test_what_cannot_be_tuned_is_refused_and_what_works_is_named(name, what):
    with pytest.raises(ConfigError) as refused:
        load(name)
    assert str(refused.value) == (
        f"Encoder '{name}' has {what}, which the workbench cannot tune: take a plain vision "
        "transformer, such as 'ViT-B-32-quickgelu', 'ViT-B-16-SigLIP' or 'MobileCLIP2-B', or "
        "'offline'."
    )


@pytest.mark.parametrize(
    "trunk",
    ["vit_base_mci_224", "vit_so400m_patch14_siglip_378", "vitamin_small_224",
     "vit_large_patch14_clip_224", "vit_medium_patch16_gap_256"],
)  # fmt: skip
def test_plain_vision_transformers_of_timm_take_prompts(trunk):
    assert takes_prompts(trunk_class(trunk))


def test_a_foreign_trunk_is_refused_when_it_is_opened():
    visual = open_clip.timm_model.TimmModel("test_convnext", 16)
    with pytest.raises(ConfigError, match="'mine' has timm's ConvNeXt as its image tower"):
        open_tower("mine", visual)
