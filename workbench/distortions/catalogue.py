"""Every distortion: of the modules of this package, of other packages, and of recipes."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from workbench.distortions.operator import FloatImage, Function, Operator
from workbench.domain.distortion import Distortion, Recipe
from workbench.errors import ConfigError
from workbench.registry import Registry, discover, offered

ENTRY_POINTS = "attribute_workbench.distortions"


def offered_operators() -> Iterator[tuple[str, Operator]]:
    """Yield (package, operator) of every entry point of the group.

    An entry point names an `Operator`, a tuple of them, or a module that lists them in
    `OPERATORS`; if it cannot be loaded or is none of these, a ConfigError names its package.
    """
    for point, package, target in offered(ENTRY_POINTS, "distortions"):
        entry = getattr(target, "OPERATORS", None) if isinstance(target, ModuleType) else target
        operators = (entry,) if isinstance(entry, Operator) else entry
        if not isinstance(operators, tuple | list) or not all(
            isinstance(operator, Operator) for operator in operators
        ):
            raise ConfigError(
                f"The package '{package}' offers {point.value} as distortions, which is neither an "
                f"Operator, nor a tuple of them, nor a module with OPERATORS. Repair or uninstall "
                f"{package}."
            )
        for operator in operators:
            yield package, operator


WITHOUT_OPERATOR: tuple[Distortion, ...] = (
    Distortion(
        id="jpeg2000_transmission_errors",
        name="JPEG2000 transmission errors",
        group="compression",
        source="TID2013 #13",
        explanation="Parts of the wavelet-coded file arrive wrong or not at all, so that smeared "
        "and rippled patches without clear borders appear in places, some of them with wrong "
        "brightness, while other places stay sharp.",
        has_operator=False,
    ),
    Distortion(
        id="comfort_noise",
        name="Comfort noise",
        group="noise",
        source="TID2013 #20",
        explanation="Fine texture that a coder threw away is replaced by artificial random texture "
        "of similar strength, so that grass, hair or fabric looks natural at first sight but "
        "differs from the original in every detail.",
        has_operator=False,
    ),
    Distortion(
        id="lossy_compression_of_noisy_images",
        name="Lossy compression of noisy images",
        group="compression",
        source="TID2013 #21",
        explanation="A grainy image is stored with heavy loss, so that the coder wipes away a part "
        "of the grain together with faint detail and turns the rest into irregular blotches and "
        "small wavy marks.",
        has_operator=False,
    ),
    Distortion(
        id="fast_fading",
        name="Fast fading",
        group="compression",
        source="LIVE #5",
        explanation="A wavelet-coded image is received over a radio link whose strength rises and "
        "falls quickly, so that whole regions lose their detail, get smeared or are crossed by "
        "displaced ghosts and ripples, while others arrive intact.",
        has_operator=False,
    ),
)


def _modules() -> list[ModuleType]:
    import workbench.distortions  # on top it would be a cycle: the package imports this module

    return discover(workbench.distortions)


@cache
def operators(recipes: tuple[Recipe, ...] = ()) -> Registry[Operator]:
    """Return every operator by id, KADID-10k's 25 first and in its order, recipes last.

    A module of this package offers operators in a tuple `OPERATORS`, another package through an
    entry point; what cannot be imported is an error, not an absent operator.

    Args:
        recipes: Types made of data. One whose steps use an operator that is not installed is left
            out. One with the id of an operator replaces it: where it was stored it came first,
            and what its id means there must not change.

    Raises:
        ConfigError: No operator was found, two share an id, or a package is broken.

    Example:
        >>> list(operators())[:3]
        ['gaussian_blur', 'lens_blur', 'motion_blur']
    """
    if recipes:
        known, ids = operators(), {recipe.id for recipe in recipes}
        others = {id: operator for id, operator in known.items() if id not in ids}
        usable = [recipe for recipe in recipes if recipe.steps and not _lacking(recipe)]
        composed = {recipe.id: recipe_operator(recipe, known) for recipe in usable}
        return Registry("distortion", others | composed)
    listed = [
        (module.__name__, operator)
        for module in _modules()
        for operator in getattr(module, "OPERATORS", ())
    ]
    if not listed:
        raise ConfigError("No distortion was found in workbench.distortions; reinstall.")
    listed += offered_operators()
    _require_distinct((operator.spec, source) for source, operator in listed)
    listed.sort(key=lambda entry: _catalogue_order(entry[1].spec))
    return Registry("distortion", {operator.spec.id: operator for _, operator in listed})


@cache
def catalogue(recipes: tuple[Recipe, ...] = ()) -> Registry[Distortion]:
    """Return every distortion by id, KADID-10k's 25 first and in its order, recipes last.

    Beside the operators' own specifications it holds what the modules of this package list in
    `WITHOUT_OPERATOR`: types of published datasets that can be described but not applied.

    Args:
        recipes: As in `operators`; here also those that cannot be applied.

    Example:
        >>> catalogue()["jpeg"].levels
        (43.0, 36.0, 24.0, 7.0, 4.0)
        >>> catalogue()["jpg"]
        Traceback (most recent call last):
        workbench.errors.UnknownNameError: Unknown distortion 'jpg'. Did you mean 'jpeg'?
    """
    if recipes:
        applicable, ids = operators(recipes), {recipe.id for recipe in recipes}
        others = {id: spec for id, spec in catalogue().items() if id not in ids}
        return Registry("distortion", others | {r.id: _spec(r, applicable) for r in recipes})
    described = [
        (spec, module.__name__)
        for module in _modules()
        for spec in getattr(module, "WITHOUT_OPERATOR", ())
    ]
    entries = [*((entry.spec, "an operator") for entry in operators().values()), *described]
    _require_distinct(entries)
    specs = sorted((spec for spec, _ in entries), key=_catalogue_order)
    return Registry("distortion", {spec.id: spec for spec in specs})


def operator_of(distortion: str, recipes: tuple[Recipe, ...] = ()) -> Operator:
    """Return the operator of a distortion, or say why there is none.

    Raises:
        UnknownNameError: No such distortion.
        ConfigError: It can be described but not applied.

    Example:
        >>> operator_of("jpeg").spec.name
        'JPEG'
    """
    applicable = operators(recipes)
    if distortion in applicable:
        return applicable[distortion]
    spec = catalogue(recipes)[distortion]
    missing = [name for recipe in recipes if recipe.id == distortion for name in _lacking(recipe)]
    if missing:
        raise ConfigError(
            f"{spec.name} ('{distortion}') needs an operator that is not installed here: "
            f"{', '.join(missing)}. Install the package that it comes from."
        )
    raise ConfigError(
        f"{spec.name} ('{distortion}') has no operator: it can be described, but no image can be "
        "made with it. Name another distortion."
    )


def _lacking(recipe: Recipe) -> list[str]:
    return sorted({step.operator for step in recipe.steps} - set(operators()))


def _spec(recipe: Recipe, applicable: Registry[Operator]) -> Distortion:
    if recipe.id in applicable:
        return applicable[recipe.id].spec
    return recipe.spec().model_copy(update={"has_operator": False})


def _require_distinct(entries: Iterable[tuple[Distortion, str]]) -> None:
    sources: dict[str, str] = {}
    for spec, source in entries:
        if spec.id in sources:
            raise ConfigError(
                f"Two distortions share the id '{spec.id}', one of {sources[spec.id]} and one of "
                f"{source}; rename one of them, or uninstall its package."
            )
        sources[spec.id] = source


def _catalogue_order(spec: Distortion) -> tuple[bool, str, int, str]:
    """Return the sorting key of "TID2013 #12" or "camera #3, after ...": set, number, name."""
    numbered = re.fullmatch(r"(.+?) #(\d+)(?:, .+)?", spec.source)
    dataset, number = (numbered[1], int(numbered[2])) if numbered else (spec.source, 0)
    return (dataset != "KADID-10k", dataset, number, spec.id)


def kadid10k() -> tuple[str, ...]:
    """Return the ids of KADID-10k's 25 distortions, in its order.

    Example:
        >>> len(kadid10k()), kadid10k()[9]
        (25, 'jpeg')
    """
    return tuple(n for n, spec in catalogue().items() if spec.source.startswith("KADID-10k #"))


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
