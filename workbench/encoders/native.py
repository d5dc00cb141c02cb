"""open_clip's native vision transformers, cut at the seam `_embeds → resblocks → _pool → proj`.

The four names, and those of a block's parts, are open_clip 3.3's (`open_clip/transformer.py`).
Tests check that zero prompts give `encode_image` exactly, and prompts what hooks on it give, so a
release that moves the seam is noticed.
"""

from typing import Any

import torch
from open_clip.transformer import QuickGELU, ResidualAttentionBlock
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.encoders.protocol import Tower
from workbench.errors import ConfigError

QUICK = 1.702  # of QuickGELU


def without_gradient(block: Any, tokens: Tensor, queries: int) -> Tensor:
    """Return a frozen block's result for the first R tokens, (B, R, W); equal but for rounding.

    Args:
        block: A `ResidualAttentionBlock`; hooks on its parts are not called.
        tokens: All that are attended to, (B, T, W).
        queries: R.
    """
    first = tokens[:, :queries]
    first = first + block.ls_1(_attention(block.attn, block.ln_1(tokens), queries))
    return first + block.ls_2(_mlp(block.mlp, block.ln_2(first)))  # type: ignore[no-any-return]


def _attention(attention: Any, tokens: Tensor, queries: int) -> Tensor:
    """Return the attention of the first R tokens over all, (B, R, W), of tokens, (B, T, W)."""
    width, heads = attention.embed_dim, attention.num_heads
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    query = F.linear(tokens[:, :queries], weight[:width], bias[:width])
    key, value = F.linear(tokens, weight[width:], bias[width:]).chunk(2, -1)
    query, key, value = (
        part.view(*part.shape[:2], heads, -1).transpose(1, 2) for part in (query, key, value)
    )
    mixed = F.scaled_dot_product_attention(query, key, value)  # (B, H, R, W/H)
    return attention.out_proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


def _mlp(mlp: Any, tokens: Tensor) -> Tensor:
    """Return the MLP's result, (B, R, W); QuickGELU as SiLU in place, with its factors in the
    products around it, takes a third of the passes over memory.
    """
    if not isinstance(mlp.gelu, QuickGELU):
        return mlp(tokens)  # type: ignore[no-any-return]
    wide, narrow = mlp.c_fc, mlp.c_proj
    hidden = torch.addmm(wide.bias, tokens.flatten(0, 1), wide.weight.T, beta=QUICK, alpha=QUICK)
    hidden = F.silu(hidden, inplace=True)
    result = torch.addmm(narrow.bias, hidden, narrow.weight.T, alpha=1 / QUICK)
    return result.view(*tokens.shape[:2], -1)


class NativeTower(Tower):
    """A tower over an open_clip `VisionTransformer`, which it shares.

    Its attention gets `tokens_first` as a hook, which changes how long it takes and no number.
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
        """See `Tower.pass_block`; without gradient, a frozen block is computed faster."""
        block = self.blocks[layer]
        if torch.is_grad_enabled() or not isinstance(block, ResidualAttentionBlock):
            return super().pass_block(layer, tokens)
        return without_gradient(block, tokens, tokens.shape[1])

    def finish(self, tokens: Tensor, image_tokens: int) -> Tensor:
        """See `Tower.finish`: only pooled tokens are queries, and pass through the MLP."""
        visual, block = self.visual, self.blocks[-1]
        if not isinstance(block, ResidualAttentionBlock):
            return super().finish(tokens, image_tokens)
        by_class = visual.pool_type == "tok" and visual.attn_pool is None
        count = self.class_tokens if by_class else image_tokens
        if not torch.is_grad_enabled():
            return self.pool(without_gradient(block, tokens, count))
        normed = block.ln_1(tokens)
        mixed = block.attention(normed[:, :count], normed, normed)
        values = tokens[:, :count] + block.ls_1(mixed)
        return self.pool(values + block.ls_2(block.mlp(block.ln_2(values))))

    def pool(self, tokens: Tensor) -> Tensor:
        """See `Tower.pool`."""
        pooled, _ = self.visual._pool(tokens)
        projection = self.visual.proj
        return pooled if projection is None else pooled @ projection  # type: ignore[no-any-return]


def tokens_first(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return query, key and value, (B, T, W) each, same values, with T outermost in memory.

    `nn.MultiheadAttention` turns its input to (T, B, W) and projects it. As that is not contiguous,
    PyTorch 2.14 does not fold the product with a frozen weight into one: it copies the weight T
    times and multiplies T small matrices. Turned beforehand, it is one product; a bf16 step on a
    CPU takes a quarter of the time (decision 0015). Inputs that are one tensor stay so.
    """
    turned = {id(part): part.transpose(0, 1).contiguous().transpose(0, 1) for part in inputs}
    return tuple(turned[id(part)] for part in inputs)


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
