"""A frozen block of open_clip's vision transformer, for scoring: the same numbers, sooner.

A block spends its time in four matrix products and a tenth of it moving tokens between them.
Where no gradient is asked for, most of that can go: QuickGELU, x·σ(1.702x), is SiLU(1.702x)/1.702,
so that its factors go into the products before and behind it and its values into the same memory.
"""

from typing import Any

import torch
from open_clip.transformer import QuickGELU
from torch import Tensor
from torch.nn import functional as F

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
