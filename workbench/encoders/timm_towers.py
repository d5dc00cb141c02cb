"""timm's vision transformers inside open_clip (SigLIP, MobileCLIP-B), cut at timm's own pieces.

`patch_embed → _pos_embed → patch_drop → norm_pre → blocks → norm → forward_head` is what `forward`
of timm 1.0's `VisionTransformer` calls (`timm/models/vision_transformer.py`); open_clip's
`TimmModel` puts its `head` behind. That zero prompts give `encode_image` exactly is tested, so a
release that moves a piece is noticed.
"""

from typing import Any

import timm
import torch
from torch import Tensor, nn

from workbench.encoders.base import Tower


class TimmTower(Tower):
    """A tower over open_clip's `TimmModel`; it shares its weights, it copies nothing.

    Args:
        visual: The model's image tower, whose trunk is a timm `VisionTransformer`.
    """

    def __init__(self, visual: Any) -> None:
        super().__init__()
        self.visual = visual
        patches = visual.trunk.patch_embed
        self.image_size = patches.img_size[0]  # open_clip's configuration may state another one
        # Behind a convolutional stem, `patch_size` counts the stem's cells: 1, not 16.
        self.patch_size = self.image_size // patches.grid_size[0]
        self.width = visual.trunk.embed_dim
        self.class_tokens = visual.trunk.num_prefix_tokens

    @property
    def blocks(self) -> nn.ModuleList:
        """See `Tower.blocks`."""
        return nn.ModuleList(self.visual.trunk.blocks)  # made anew: weights keep one name each

    def embed(self, images: Tensor) -> Tensor:
        """See `Tower.embed`."""
        trunk = self.visual.trunk
        tokens = trunk._pos_embed(trunk.patch_embed(images))
        return trunk.norm_pre(trunk.patch_drop(tokens))  # type: ignore[no-any-return]

    def admit(self, tokens: Tensor) -> Tensor:
        """See `Tower.admit`; SigLIP and MobileCLIP-B have no norm there."""
        return self.visual.trunk.norm_pre(tokens)  # type: ignore[no-any-return]

    def pool(self, tokens: Tensor) -> Tensor:
        """See `Tower.pool`."""
        trunk = self.visual.trunk
        return self.visual.head(trunk.forward_head(trunk.norm(tokens)))  # type: ignore[no-any-return]


def trunk_class(name: str) -> type[nn.Module]:
    """Return the class of a timm model without making its weights, in a fraction of a second.

    Args:
        name: timm's name of the model.

    Example:
        >>> trunk_class("vit_base_patch16_siglip_224").__name__
        'VisionTransformer'
    """
    with torch.device("meta"):
        return type(timm.create_model(name))


def takes_prompts(trunk: type[nn.Module]) -> bool:
    """Return whether a timm model's blocks take any number of tokens, whatever their places.

    Others have no tokens (ConvNeXt, FastViT), or tie each to its place in every block (EVA and PE
    by rotary embeddings, Swin by windows, relative positions).
    """
    return issubclass(trunk, timm.models.VisionTransformer)
