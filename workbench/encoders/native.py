"""open_clip's native vision transformers, cut at the seam `_embeds → resblocks → _pool → proj`.

The four names are open_clip 3.3's (`open_clip/transformer.py`, VisionTransformer). That zero
prompts give `encode_image` exactly is tested, so a release that moves the seam is noticed.
"""

from typing import Any

from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from workbench.encoders.base import Tower
from workbench.errors import ConfigError


class NativeTower(Tower):
    """A tower over an open_clip `VisionTransformer`; it shares its weights, it copies nothing.

    Args:
        visual: The model's image tower.
    """

    def __init__(self, visual: Any) -> None:
        super().__init__()
        self.visual = visual
        self.image_size = visual.image_size[0]
        self.patch_size = visual.patch_size[0]
        self.width = visual.transformer.width

    @property
    def blocks(self) -> nn.ModuleList:
        """See `Tower.blocks`."""
        return self.visual.transformer.resblocks  # type: ignore[no-any-return]

    def embed(self, images: Tensor) -> Tensor:
        """See `Tower.embed`."""
        return self.visual._embeds(images)  # type: ignore[no-any-return]

    def admit(self, tokens: Tensor) -> Tensor:
        """See `Tower.admit`."""
        return self.visual.ln_pre(tokens)  # type: ignore[no-any-return]

    def pool(self, tokens: Tensor) -> Tensor:
        """See `Tower.pool`."""
        pooled, _ = self.visual._pool(tokens)
        projection = self.visual.proj
        return pooled if projection is None else pooled @ projection  # type: ignore[no-any-return]


def native_tower(name: str, visual: nn.Module) -> NativeTower:
    """Return the tower of an open_clip model.

    Args:
        name: The model's name, for the message.
        visual: Its `visual`.

    Raises:
        ConfigError: The tower has no tokens that prompts could join, or keeps them elsewhere.
    """
    if isinstance(visual, VisionTransformer):
        return NativeTower(visual)
    raise unsuitable(name, f"a {type(visual).__name__} image tower")


def unsuitable(name: str, what: str) -> ConfigError:
    """Return the error that refuses an encoder and names what works.

    Example:
        >>> print(unsuitable("RN50", "a ResNet image tower"))
        Encoder 'RN50' has a ResNet image tower, which the workbench cannot tune: take one of \
open_clip's own vision transformers, such as 'ViT-B-32-quickgelu', 'ViT-B-16' or 'ViT-L-14', or \
'offline'.
    """
    return ConfigError(
        f"Encoder '{name}' has {what}, which the workbench cannot tune: take one of open_clip's "
        "own vision transformers, such as 'ViT-B-32-quickgelu', 'ViT-B-16' or 'ViT-L-14', or "
        "'offline'."
    )
