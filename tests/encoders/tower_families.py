"""A small model of each family of towers that prompts can join, with random weights."""

import torch
from open_clip.model import CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP

from workbench.encoders.openclip import open_tower

TEXT = CLIPTextCfg(width=32, heads=1, layers=1, vocab_size=64)
SMALL = {"image_size": 64, "patch_size": 16, "width": 64, "layers": 3, "head_width": 32}
FAMILIES = {  # of timm its own small test models, pooled as the models they stand for
    "native, CLS": CLIPVisionCfg(**SMALL),
    "native, average": CLIPVisionCfg(**SMALL, pool_type="avg", no_ln_pre=True),
    "timm, CLS": CLIPVisionCfg(timm_model_name="test_vit", timm_pool="token", timm_proj=None),
    "timm, average": CLIPVisionCfg(timm_model_name="test_vit4", timm_pool="avg"),
    "timm, attention": CLIPVisionCfg(
        timm_model_name="test_vit3", timm_pool="map", timm_proj="none"
    ),
}


def own_model(family):
    """Return the model of a family as open_clip makes it, frozen."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CustomTextCLIP(96, FAMILIES[family], TEXT)
        for parameter in model.parameters():  # or a layer scale of 1e-5 would hide every prompt
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval().requires_grad_(False)


def small_model(family):
    """Return the model of a family and its opened tower."""
    model = own_model(family)
    return model, open_tower(family, model.visual)


def images_of(tower, count=2):
    """Return normalised images that a tower reads, (count, 3, S, S)."""
    shape = (count, 3, tower.image_size, tower.image_size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))
