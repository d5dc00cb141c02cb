"""What is known of one distortion type: its attributes, what names it, how runs have found it."""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from workbench.domain.comparison import AccessCount
from workbench.domain.distortion import Distortion, Recipe, Step, are_near, id_of
from workbench.domain.metrics import TypeFigures, Undefined
from workbench.domain.run import Run
from workbench.errors import InvalidConfigError
from workbench.registry import Registry
from workbench.store import Store

if TYPE_CHECKING:
    from workbench.evaluation.comparable import ComparedRuns

NEWEST = 5  # runs whose figures are shown at once


class FoundInRun(NamedTuple):
    """How a run told one type, on its held-out images.

    Attributes:
        run: The finished run.
        label: What people call its version.
        figures: Undefined where the run kept no strengths.
        accesses: How often its test set was accessed, this time included.
    """

    run: Run
    label: str
    figures: TypeFigures | Undefined
    accesses: AccessCount


def runs_with_type(store: Store, distortion: str) -> list[Run]:
    """Return the newest finished runs whose images show a type, newest first, without results."""
    done = [
        run
        for run in store.runs.list()
        if run.status == "done" and distortion in run.config.data.distortions
    ]
    return done[:NEWEST]


def found_in_runs(
    store: Store, distortion: str, runs: list[Run], *, purpose: str, author: str
) -> list[FoundInRun]:
    """Return how runs told a type; each is recorded as a test-set access first.

    Args:
        store: The open store.
        distortion: Id of the type.
        runs: Finished ones whose images show it.
        purpose: What for, in words ("distortions show jpeg").
        author: Who sees it.
    """
    from workbench.evaluation.comparable import ComparedRuns
    from workbench.workflow.access import record_run_access

    labels = {version.hash: version.label for version in store.versions.summaries()}
    found = []
    for run in runs:
        label = labels[run.version]
        compared = ComparedRuns.of([store.runs.get(run.id)], [label])
        count = record_run_access(store, compared, purpose=purpose, author=author)
        found.append(FoundInRun(run, label, _figures(compared, distortion), count))
    return found


def _figures(compared: "ComparedRuns", distortion: str) -> TypeFigures | Undefined:
    from workbench.evaluation.identification import type_figures

    strengths = compared.strengths
    if isinstance(strengths, Undefined):
        return strengths
    held_out = strengths[0]
    if distortion not in held_out.distortions:
        return Undefined(undefined="the run's images do not show it")
    return type_figures(
        held_out.true,
        held_out.predicted,
        levels=held_out.levels,
        type=held_out.distortions.index(distortion),
    )


def near_types(specs: Registry[Distortion], distortion: str) -> list[Distortion]:
    """Return the types that show the same fault in another model, in the catalogue's order."""
    return [spec for spec in specs.values() if are_near(spec, specs[distortion])]


class TypedRecipe(NamedTuple):
    """What a form holds while somebody fills it in.

    Attributes:
        recipe: None while there are faults.
        preview: Its steps alone, as a recipe that can be applied; None if they have faults.
        faults: One line each, starting with the field's path, as `workbench distortions add` names
            them.
    """

    recipe: Recipe | None
    preview: Recipe | None
    faults: tuple[str, ...]


def typed_recipe(store: Store, fields: Mapping[str, object], *, replaces: str = "") -> TypedRecipe:
    """Return the recipe that a form's fields describe, or every fault in them.

    Args:
        store: Holds the recipes there are.
        fields: As a YAML file has them.
        replaces: Id of the recipe that may be replaced, if nothing names it.
    """
    from workbench.distortions import parse_recipe

    others = tuple(store.recipes.list())
    faults: list[str] = []
    recipe = None
    try:
        recipe = parse_recipe(dict(fields), "The form", others)
    except InvalidConfigError as fault:
        faults += fault.faults
    id = recipe.id if recipe else fields.get("id") or id_of(str(fields.get("name") or ""))
    if id in {other.id for other in others}:
        use = store.recipes.use(str(id))
        if id != replaces:
            faults.append(f"id: there is a recipe '{id}' already; choose another id")
        elif use.drafted or use.versions:
            faults.append(
                f"id: attributes name '{id}', so that it must keep its meaning; choose another id "
                "for the new version"
            )
    return TypedRecipe(None if faults else recipe, _preview(fields), tuple(faults))


def _preview(fields: Mapping[str, object]) -> Recipe | None:
    """Return a recipe of the steps alone, so that they can be seen before all words are there."""
    from workbench.distortions import parse_recipe

    words = {"name": "Preview", "explanation": "-", "id": "preview", "group": "spatial"}
    try:
        recipe = parse_recipe({**words, "steps": fields.get("steps")}, "The form")
    except InvalidConfigError:
        return None
    return recipe if recipe.steps else None


def as_recipe(store: Store, distortion: str) -> Recipe:
    """Return a type as a recipe to start another one from: an operator becomes its only step.

    Raises:
        UnknownNameError: There is no such type.
    """
    spec = store.recipes.catalogue()[distortion]
    for recipe in store.recipes.list():
        if recipe.id == distortion:
            return recipe
    steps = (Step(operator=spec.id, parameters=spec.levels),) if spec.has_operator else ()
    return Recipe(
        id=spec.id, name=spec.name, group=spec.group, explanation=spec.explanation, steps=steps
    )


def free_id(store: Store, id: str) -> str:
    """Return an id that no type has yet, made of another one.

    Args:
        store: Holds the recipes there are.
        id: Of a type, such as "night", which gives "night_2".
    """
    taken = store.recipes.catalogue()
    return next(f"{id}_{n}" for n in itertools.count(2) if f"{id}_{n}" not in taken)
