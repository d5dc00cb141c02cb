"""open_clip's native vision transformers, cut at the seam `_embeds → resblocks → _pool → proj`.

The four names, and those of a block's parts, are open_clip 3.3's (`open_clip/transformer.py`). That
zero prompts give `encode_image` exactly, and some what hooks on it give, is tested, so a release
that moves the seam is noticed.
"""

from typing import Any

import torch
from open_clip.transformer import QuickGELU, ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.encoders.protocol import Tower
from workbench.errors import ConfigError

QUICK = 1.702  # of QuickGELU


def without_gradient(block: Any, tokens: Tensor, asking: int) -> Tensor:
    """Return what the block makes of the first tokens, to some units in the last place.

    Args:
        block: A `ResidualAttentionBlock`; hooks on its parts are not called.
        tokens: All that are attended to, (B, T, W).
        asking: R, how many of them are wanted.

    Returns:
        (B, R, W).
    """
    first = tokens[:, :asking]
    first = first + block.ls_1(attended(block.attn, block.ln_1(tokens), asking))
    return first + block.ls_2(through_mlp(block.mlp, block.ln_2(first)))  # type: ignore[no-any-return]


def attended(attention: Any, tokens: Tensor, asking: int) -> Tensor:
    """Return what the first R tokens gather from all, (B, R, W), of tokens, (B, T, W)."""
    width, heads = attention.embed_dim, attention.num_heads
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    query = F.linear(tokens[:, :asking], weight[:width], bias[:width])
    key, value = F.linear(tokens, weight[width:], bias[width:]).chunk(2, -1)
    query, key, value = (
        part.view(*part.shape[:2], heads, -1).transpose(1, 2) for part in (query, key, value)
    )
    told = F.scaled_dot_product_attention(query, key, value)  # (B, H, R, W/H)
    return attention.out_proj(told.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


def through_mlp(mlp: Any, tokens: Tensor) -> Tensor:
    """Return what the MLP makes of tokens, (B, R, W); with QuickGELU in a third of the passes."""
    if not isinstance(mlp.gelu, QuickGELU):
        return mlp(tokens)  # type: ignore[no-any-return]
    wide, narrow = mlp.c_fc, mlp.c_proj
    hidden = torch.addmm(wide.bias, tokens.flatten(0, 1), wide.weight.T, beta=QUICK, alpha=QUICK)
    hidden = F.silu(hidden, inplace=True)
    told = torch.addmm(narrow.bias, hidden, narrow.weight.T, alpha=1 / QUICK)
    return told.view(*tokens.shape[:2], -1)


class NativeTower(Tower):
    """A tower over an open_clip `VisionTransformer`; it shares its weights, it copies nothing.

    Args:
        visual: The model's image tower; its attention gets `tokens_first` as a hook, which changes
            how long it takes and no number.
    """

    def __init__(self, visual: Any) -> None:
        super().__init__()
        self.visual = visual
        self.image_size = visual.image_size[0]
        self.patch_size = visual.patch_size[0]
        self.width = visual.transformer.width
        self.class_tokens = 1
        for module in visual.transformer.modules():
            if isinstance(module, nn.MultiheadAttention) and module.batch_first:
                module.register_forward_pre_hook(tokens_first)

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

    def pass_block(self, layer: int, tokens: Tensor) -> Tensor:
        """See `Tower.pass_block`; without gradient, a frozen block's work is done sooner."""
        block = self.blocks[layer]
        if torch.is_grad_enabled() or not isinstance(block, ResidualAttentionBlock):
            return super().pass_block(layer, tokens)
        return without_gradient(block, tokens, tokens.shape[1])

    def finish(self, tokens: Tensor, own: int) -> Tensor:
        """See `Tower.finish`: only tokens that are pooled ask, and pass through the MLP."""
        visual, block = self.visual, self.blocks[-1]
        if not isinstance(block, ResidualAttentionBlock):
            return super().finish(tokens, own)
        by_class = visual.pool_type == "tok" and visual.attn_pool is None
        count = self.class_tokens if by_class else own
        if not torch.is_grad_enabled():
            return self.pool(without_gradient(block, tokens, count))
        normed = block.ln_1(tokens)
        told = block.attention(normed[:, :count], normed, normed)
        values = tokens[:, :count] + block.ls_1(told)
        return self.pool(values + block.ls_2(block.mlp(block.ln_2(values))))

    def pool(self, tokens: Tensor) -> Tensor:
        """See `Tower.pool`."""
        pooled, _ = self.visual._pool(tokens)
        projection = self.visual.proj
        return pooled if projection is None else pooled @ projection  # type: ignore[no-any-return]


def tokens_first(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return what an attention is given, (B, T, W), same values, with T outermost in memory.

    `nn.MultiheadAttention` turns its input to (T, B, W) and projects it. As that is not contiguous,
    PyTorch 2.14 does not fold the product with a frozen weight into one: it copies the weight T
    times and multiplies T small matrices. Turned beforehand, it is one product; a bf16 step on a
    CPU takes a quarter of the time (decision 0015).

    Args:
        given: Query, key and value; those that are one tensor stay so.
    """
    turned = {id(one): one.transpose(0, 1).contiguous().transpose(0, 1) for one in given}
    return tuple(turned[id(one)] for one in given)


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
        Encoder 'RN50' has a ResNet image tower, which the workbench cannot tune: take a plain \
vision transformer, such as 'ViT-B-32-quickgelu', 'ViT-B-16-SigLIP' or 'MobileCLIP2-B', or \
'offline'.
    """
    return ConfigError(
        f"Encoder '{name}' has {what}, which the workbench cannot tune: take a plain vision "
        "transformer, such as 'ViT-B-32-quickgelu', 'ViT-B-16-SigLIP' or 'MobileCLIP2-B', or "
        "'offline'."
    )
