"""The distortions of KADID-10k: what each does, in words and in code.

    catalogue()                                   the 25 specifications, by id
    operators()                                   the same with their functions
    apply_distortion(image, "jpeg", 3, seed=0)    a distorted copy

A new distortion is one function and its specification in one file of this package, listed in that
file's `OPERATORS`; the contract tests find it by themselves.
"""

from workbench.distortions.apply import apply_distortion, apply_to_floats
from workbench.distortions.base import Operator, effective_strength
from workbench.distortions.catalogue import catalogue, operators
from workbench.distortions.pixels import as_rgb

__all__ = [
    "Operator",
    "apply_distortion",
    "apply_to_floats",
    "as_rgb",
    "catalogue",
    "effective_strength",
    "operators",
]
