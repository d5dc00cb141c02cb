"""Whether a tower computes in float32 or bfloat16, and by which attention.

In bfloat16 on a CPU, the backward pass of PyTorch's fused attention is slower than that of the
plain softmax(qkᵀ)v, so the latter is chosen in training, and the fused one where there is no
backward pass. Embeddings, probabilities and losses stay in float32. Decision 0015 has the
measurements.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

Precision = Literal["fp32", "bf16"]


def chosen_precision(wanted: Literal["auto", "fp32", "bf16"], device: torch.device) -> Precision:
    """Return the precision itself; "auto" is bf16 where the device is much faster in it.

    Example:
        >>> chosen_precision("bf16", torch.device("cpu"))
        'bf16'
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("amx_bf16") or able.get("avx512_bf16") else "fp32"


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Compute what the block's towers compute in a precision, by the attention that suits it."""
    if precision == "fp32":
        yield
        return
    with torch.autocast(device.type, dtype=torch.bfloat16):
        if device.type == "cpu" and torch.is_grad_enabled():
            with sdpa_kernel(SDPBackend.MATH):
                yield
        else:
            yield
