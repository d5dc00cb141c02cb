"""A recipe as an operator: several operators, one after another, under one name."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.distortions.operator import FloatImage, Function, Operator
from workbench.domain.distortion import Recipe
from workbench.errors import ConfigError


@dataclass(frozen=True)
class _Composition:
    """Applies the steps of a recipe at a level; can be pickled, as its functions can."""

    name: str
    functions: tuple[Function, ...]  # one per step
    parameters: tuple[tuple[float, ...], ...]  # one row per step, one column per level

    def __call__(self, image: FloatImage, value: float, rng: np.random.Generator, /) -> FloatImage:
        levels = len(self.parameters[0])
        if value not in range(1, levels + 1):
            raise ConfigError(f"{self.name} has levels 1 to {levels}, got {value:g}.")
        # Children, not the generator itself: a step draws the same whatever the others draw, and
        # two equal steps draw differently.
        children = rng.spawn(len(self.functions))
        for function, row, child in zip(self.functions, self.parameters, children, strict=True):
            image = function(image, row[int(value) - 1], child)
        return image


def recipe_operator(recipe: Recipe, known: Mapping[str, Operator]) -> Operator:
    """Return the operator that a recipe describes; its parameter is the level.

    Nothing is rounded between the steps. It is stochastic if one of them is. No step is a recipe.

    Raises:
        UnknownNameError: A step's operator is not known.
        ConfigError: The recipe has no steps.

    Example:
        >>> from workbench.distortions.catalogue import operators
        >>> from workbench.domain.distortion import Step
        >>> steps = (Step(operator="mean_shift", parameters=(.125, .25)),) * 2
        >>> light = Recipe(id="light", name="Light", group="brightness", explanation="It glows.",
        ...                steps=steps)
        >>> grey = np.full((1, 1, 3), .25, np.float32)
        >>> glow = recipe_operator(light, operators())
        >>> glow.function(grey, 2, np.random.default_rng(0)).tolist()
        [[[0.75, 0.75, 0.75]]]
    """
    if not recipe.steps:
        raise ConfigError(f"The recipe {recipe.name} has no steps, so it cannot be applied.")
    used = [known[step.operator] for step in recipe.steps]
    stochastic = any(operator.spec.stochastic for operator in used)
    return Operator(
        recipe.spec().model_copy(update={"stochastic": stochastic}),
        _Composition(
            recipe.name,
            tuple(operator.function for operator in used),
            tuple(step.parameters for step in recipe.steps),
        ),
        tuple(dict.fromkeys(form for operator in used for form in operator.forms)),
    )
