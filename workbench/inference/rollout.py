"""Attention of every block with its gradient, and what it says about each patch.

Shapes: B crops, H heads, T tokens (own and prompts), R of them as queries (all, but in a last block
that computes only what is pooled), O own tokens [prefix, patches], W width.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.errors import ConfigError


@contextmanager
def recorded_attention(blocks: nn.ModuleList) -> Iterator[list[Tensor]]:
    """Record the attention of every block while the tower is called once; then all is as before.

    Yields a list that fills with the softmaxed weights of each block, (B, H, R, T), part of the
    graph. Takes open_clip's own transformer blocks, or timm's.

    Raises:
        ConfigError: A block computes its attention elsewhere.
    """
    attentions: list[Tensor] = []
    with ExitStack() as hooks:
        for block in blocks:
            _watch(getattr(block, "attn", None), attentions, hooks)
        yield attentions


def patch_relevance(
    target: Tensor,
    attentions: Sequence[Tensor],
    *,
    image_tokens: int,
    new_prompts: Sequence[bool],
    gradients: bool,
) -> Tensor:
    """Return how much each own token matters to what pooling reads (Chefer et al. 2021, Eq. 5–6).

    With gradients, R ← R + E_heads[relu(∇A ⊙ A)] R over the blocks; without, the plain rollout of
    Abnar & Zuidema (2020), R ← ½(E_heads[A] + I) R. The rows that pooling reads are those of the
    last attention that the target's gradient reaches: CLS alone, or every patch.

    Args:
        target: A scalar computed from the tower's results.
        attentions: From `recorded_attention`.
        image_tokens: O; the tokens after these are prompts, which show nothing of the image.
        new_prompts: For each block, whether its prompts are new, so that the old ones' part is
            lost.
        gradients: Which of the two.

    Returns:
        (B, O), ≥ 0; what a token says for itself through the residual path is left out with
        gradients, since it is the same for all.
    """
    slopes = torch.autograd.grad(target, attentions)
    batch, _, count, _ = slopes[0].shape
    start = torch.eye(count, image_tokens, device=target.device).expand(batch, -1, -1)  # (B, T, O)
    rolled = start
    for attention, slope, new in zip(attentions, slopes, new_prompts, strict=True):
        if new:
            zeros = torch.zeros_like(rolled[:, image_tokens:])
            rolled = torch.cat([rolled[:, :image_tokens], zeros], dim=1)
        queries = rolled[:, : attention.shape[2]]
        if gradients:
            rolled = queries + (slope * attention).relu().mean(1) @ rolled
        else:
            rolled = (queries + attention.mean(1) @ rolled) / 2
    relevance = rolled - start[:, : rolled.shape[1]] if gradients else rolled  # (B, R, O)
    read = (slopes[-1].abs().amax((1, 3)) > 0).to(relevance)[:, :, None]  # (B, R, 1)
    return ((relevance * read).sum(1) / read.sum(1).clamp_min(1)).detach()


def _watch(attention: Any, attentions: list[Tensor], hooks: ExitStack) -> None:
    if isinstance(attention, nn.MultiheadAttention) and attention.batch_first:
        handle = attention.register_forward_hook(_recomputed(attentions))
    elif hasattr(attention, "fused_attn") and hasattr(attention, "attn_drop"):
        hooks.callback(setattr, attention, "fused_attn", attention.fused_attn)
        attention.fused_attn = False  # timm's switch: the weights then pass through a module
        handle = attention.attn_drop.register_forward_hook(
            lambda _module, _inputs, weights: _record(weights, attentions)
        )
    else:
        raise ConfigError(
            f"No attention can be read from a {type(attention).__name__}: rollout works on "
            "open_clip's and timm's vision transformers. Take the method 'occlusion'."
        )
    hooks.callback(handle.remove)


def _recomputed(
    attentions: list[Tensor],
) -> Callable[[nn.MultiheadAttention, tuple[Tensor, ...], object], tuple[Tensor, None]]:
    """Return a hook whose result depends on the weights it records.

    No gradient reaches the weights that torch returns: they are a view beside its result.
    """

    def hook(
        module: nn.MultiheadAttention, inputs: tuple[Tensor, ...], _result: object
    ) -> tuple[Tensor, None]:
        projections = zip(module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3), strict=True)
        query, key, value = (
            F.linear(tokens, weight, bias)
            .reshape(*tokens.shape[:2], module.num_heads, -1)
            .transpose(1, 2)
            for tokens, (weight, bias) in zip(inputs, projections, strict=True)
        )  # (B, H, R or T, W/H)
        weights = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)  # (B, H, R, T)
        mixed = (_record(weights, attentions) @ value).transpose(1, 2).flatten(2)  # (B, R, W)
        return module.out_proj(mixed), None

    return hook


def _record(weights: Tensor, attentions: list[Tensor]) -> Tensor:
    if not weights.requires_grad:
        weights.requires_grad_()  # nothing before it is trained
    attentions.append(weights)
    return weights
