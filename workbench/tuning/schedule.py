"""The learning rate over a training: linear warm-up, then a cosine to zero (METHOD §1.6)."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warmup_cosine(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak rate at a step.

    Args:
        step: 0..steps-1.
        steps: All steps of the training.
        warmup: Share of the steps that are warm-up, in [0, 1).

    Example:
        >>> [round(warmup_cosine(step, 10, 0.2), 2) for step in (0, 1, 2, 6, 9)]
        [0.5, 1.0, 1.0, 0.5, 0.04]
    """
    rising = round(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))


def scheduled(optimizer: Optimizer, steps: int, warmup: float) -> LambdaLR:
    """Return torch's scheduler over `warmup_cosine`."""
    return LambdaLR(optimizer, lambda step: warmup_cosine(min(step, steps - 1), steps, warmup))
