"""The distortions of KADID-10k, TID2013, CSIQ, LIVE and LVQ, and faults of real cameras.

Each is there in words and in code:

    catalogue()                                   every specification by id, KADID-10k's 25 first
    operators()                                   those that can be applied, with their functions
    apply_distortion(image, "jpeg", 3, seed=0)    a distorted copy

What two data sets have in common is listed once, under KADID-10k's name if it has it. Four types
can be described but not applied (`catalogue.WITHOUT_OPERATOR`).

A new distortion is one function and its specification in one file of this package, listed in that
file's `OPERATORS`; the contract tests find it by themselves.
"""

from workbench.distortions.apply import (
    apply_distortion,
    apply_parameter,
    apply_sequence,
    apply_to_floats,
    side_by_side,
    strip,
)
from workbench.distortions.catalogue import catalogue, kadid10k, operator_of, operators
from workbench.distortions.operator import Operator, effective_strength
from workbench.distortions.pixels import as_rgb
from workbench.distortions.recipe_files import (
    parse_recipe,
    read_recipe,
    recipe_of_bytes,
    recipe_text,
    recipe_warnings,
    write_recipe,
)

__all__ = [
    "Operator",
    "apply_distortion",
    "apply_parameter",
    "apply_sequence",
    "apply_to_floats",
    "as_rgb",
    "catalogue",
    "effective_strength",
    "kadid10k",
    "operator_of",
    "operators",
    "parse_recipe",
    "read_recipe",
    "recipe_of_bytes",
    "recipe_text",
    "recipe_warnings",
    "side_by_side",
    "strip",
    "write_recipe",
]
