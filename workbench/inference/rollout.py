"""Attention of every block with its gradient, and what it says about each patch.

Shapes: B crops, H heads, T tokens (own and prompts), R of them that ask (all, but in a last block
that computes only what is pooled), O own tokens [prefix, patches], W width.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.errors import ConfigError


@dataclass(frozen=True)
class Kept:
    """What a forward pass left behind, all of it part of the graph.

    Attributes:
        attentions: Softmaxed weights of each block, (B, H, R, T).
    """

    attentions: list[Tensor] = field(default_factory=list)


@contextmanager
def attention_kept(blocks: nn.ModuleList) -> Iterator[Kept]:
    """Keep the attention of every block while the tower is called once; then all is as before.

    Args:
        blocks: open_clip's own transformer blocks, or timm's.

    Raises:
        ConfigError: A block keeps its attention elsewhere.
    """
    kept = Kept()
    with ExitStack() as hooks:
        for block in blocks:
            _watch(getattr(block, "attn", None), kept.attentions, hooks)
        yield kept


def patch_relevance(
    target: Tensor, kept: Kept, *, own: int, fresh: Sequence[bool], gradients: bool
) -> Tensor:
    """Return how much each own token matters to what pooling reads (Chefer et al. 2021, Eq. 5–6).

    With gradients, R ← R + E_heads[relu(∇A ⊙ A)] R over the blocks; without, the plain rollout of
    Abnar & Zuidema (2020), R ← ½(E_heads[A] + I) R. The rows that pooling reads are those of the
    last attention that the target's gradient reaches: CLS alone, or every patch.

    Args:
        target: A scalar that the tower's results lead to.
        kept: From `attention_kept`.
        own: O; the tokens after these are prompts, which show nothing of the image.
        fresh: For each block, whether its prompts are new, so that the old ones' part is lost.
        gradients: Which of the two.

    Returns:
        (B, O), ≥ 0; what a token says for itself through the residual path is left out with
        gradients, since it is the same for all.
    """
    slopes = torch.autograd.grad(target, kept.attentions)
    batch, _, count, _ = slopes[0].shape
    start = torch.eye(count, own, device=target.device).expand(batch, -1, -1)  # (B, T, O)
    rolled = start
    for attention, slope, new in zip(kept.attentions, slopes, fresh, strict=True):
        if new:
            rolled = torch.cat([rolled[:, :own], torch.zeros_like(rolled[:, own:])], dim=1)
        asking = rolled[:, : attention.shape[2]]
        if gradients:
            rolled = asking + (slope * attention).relu().mean(1) @ rolled
        else:
            rolled = (asking + attention.mean(1) @ rolled) / 2
    found = rolled - start[:, : rolled.shape[1]] if gradients else rolled  # (B, R, O)
    read = (slopes[-1].abs().amax((1, 3)) > 0).to(found)[:, :, None]  # (B, R, 1)
    return ((found * read).sum(1) / read.sum(1).clamp_min(1)).detach()


def _watch(attention: Any, kept: list[Tensor], hooks: ExitStack) -> None:
    if isinstance(attention, nn.MultiheadAttention) and attention.batch_first:
        handle = attention.register_forward_hook(_computed_again(kept))
    elif hasattr(attention, "fused_attn") and hasattr(attention, "attn_drop"):
        hooks.callback(setattr, attention, "fused_attn", attention.fused_attn)
        attention.fused_attn = False  # timm's switch: the weights then pass through a module
        handle = attention.attn_drop.register_forward_hook(lambda _m, _g, out: _keep(out, kept))
    else:
        raise ConfigError(
            f"No attention can be read from a {type(attention).__name__}: rollout works on "
            "open_clip's and timm's vision transformers. Take the method 'occlusion'."
        )
    hooks.callback(handle.remove)


def _computed_again(
    kept: list[Tensor],
) -> Callable[[nn.MultiheadAttention, tuple[Tensor, ...], object], tuple[Tensor, None]]:
    """Return a hook in whose result the weights take part; those that torch returns do not."""

    def again(
        module: nn.MultiheadAttention, given: tuple[Tensor, ...], _result: object
    ) -> tuple[Tensor, None]:
        parts = zip(module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3), strict=True)
        query, key, value = (
            F.linear(tokens, weight, bias)
            .reshape(*tokens.shape[:2], module.num_heads, -1)
            .transpose(1, 2)
            for tokens, (weight, bias) in zip(given, parts, strict=True)
        )  # (B, H, R or T, W/H)
        weights = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)  # (B, H, R, T)
        mixed = (_keep(weights, kept) @ value).transpose(1, 2).flatten(2)  # (B, R, W)
        return module.out_proj(mixed), None

    return again


def _keep(weights: Tensor, kept: list[Tensor]) -> Tensor:
    if not weights.requires_grad:
        weights.requires_grad_()  # nothing before it is trained
    kept.append(weights)
    return weights
