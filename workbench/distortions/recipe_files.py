"""Recipes as text: a distortion type in a few lines of YAML, checked whole before it is used.

name: Night shot
explanation: A phone's camera at night makes the picture dark and grainy.
steps:
  - operator: darken
    parameters: [0.1, 0.3, 0.6]
  - operator: white_noise
    parameter: 0.01             # one number for all levels
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, get_args

import yaml

from workbench.atomic_files import atomic_write
from workbench.distortions.catalogue import catalogue, operators
from workbench.domain.canonical import short_repr
from workbench.domain.distortion import Distortion, Group, Recipe, Step, id_of
from workbench.errors import ConfigError, InvalidConfigError, UnknownNameError
from workbench.text_files import read_yaml, yaml_comment

MOST_LEVELS = 20
MOST_STEPS = 50

_STEP_FIELDS = ("operator", "parameters", "parameter")


def read_steps(
    raw: Mapping[str, object], recipe_ids: Collection[str], faults: list[str]
) -> tuple[Step, ...]:
    """Return the steps of a recipe; none if there are faults, which are appended.

    Args:
        raw: The recipe's fields, of which `steps` and `levels` are read.
        recipe_ids: Of the recipes there are; a step may not name one of them.
        faults: Receives one line per fault, each starting with the field's path.
    """
    steps = raw.get("steps")
    if steps is None or steps == []:
        if raw.get("levels") is not None:
            faults.append("levels: without steps there are none; leave it out, or add steps")
        return ()
    if not isinstance(steps, list):
        faults.append(f"steps: must be a list, got {short_repr(steps)}")
        return ()
    if len(steps) > MOST_STEPS:
        faults.append(f"steps: at most {MOST_STEPS} are done to an image, got {len(steps):,}")
        return ()
    levels = _levels(raw, steps, faults)
    read = [
        _step(step, f"steps.{n}", levels, recipe_ids, faults) for n, step in enumerate(steps, 1)
    ]
    return () if faults else tuple(step for step in read if step is not None)


def _levels(raw: Mapping[str, object], steps: list[object], faults: list[str]) -> int | None:
    """Return the number of levels: as stated, else as the first list of parameters has it."""
    levels = raw.get("levels")
    if levels is None:
        lists = (step.get("parameters") for step in steps if isinstance(step, dict))
        levels = next((len(values) for values in lists if isinstance(values, list)), None)
        if levels is None:
            faults.append("levels: is missing, and no step lists a parameter per level")
            return None
    if isinstance(levels, bool) or not isinstance(levels, int) or not 1 <= levels <= MOST_LEVELS:
        faults.append(f"levels: must be 1 to {MOST_LEVELS}, got {short_repr(levels)}")
        return None
    return levels


def _step(
    raw: object, path: str, levels: int | None, recipe_ids: Collection[str], faults: list[str]
) -> Step | None:
    if not isinstance(raw, dict):
        faults.append(f"{path}: must have an operator and its parameters, got {short_repr(raw)}")
        return None
    faults += unknown_fields(raw, _STEP_FIELDS, f"{path}.")
    spec = _operator(raw.get("operator"), f"{path}.operator", recipe_ids, faults)
    if ("parameters" in raw) == ("parameter" in raw):
        faults.append(f"{path}: needs either 'parameters', one per level, or one 'parameter'")
        return None
    if "parameter" in raw:
        number = _number(raw["parameter"], f"{path}.parameter", spec, faults)
        values = [number] * (levels or 0)
    else:
        values = _numbers(raw["parameters"], f"{path}.parameters", levels, spec, faults)
    return Step(operator=spec.id, parameters=tuple(values)) if spec and not faults else None


def _operator(
    name: object, path: str, recipe_ids: Collection[str], faults: list[str]
) -> Distortion | None:
    if not isinstance(name, str):
        faults.append(f"{path}: must be the id of an operator, got {short_repr(name)}")
    elif name in operators():
        return operators()[name].spec
    elif name in recipe_ids:
        faults.append(f"{path}: '{name}' is itself a recipe; write its steps out here")
    elif name in catalogue():
        faults.append(f"{path}: '{name}' can be described, but has no operator")
    else:
        meant = str(UnknownNameError("operator", name[:40], operators())).rstrip("?.")
        faults.append(f"{path}: {meant[0].lower()}{meant[1:]}")
    return None


def _numbers(
    values: object, path: str, levels: int | None, spec: Distortion | None, faults: list[str]
) -> list[float]:
    if not isinstance(values, list):
        faults.append(f"{path}: must be a list of one number per level, got {short_repr(values)}")
        return []
    if levels is not None and len(values) != levels:
        faults.append(f"{path}: {len(values)} of them for {levels} levels")
    return [_number(value, f"{path}.{n}", spec, faults) for n, value in enumerate(values, 1)]


def _number(value: object, path: str, spec: Distortion | None, faults: list[str]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        exponent = isinstance(value, str) and re.fullmatch(r"[+-]?\d+[eE][+-]?\d+", value)
        hint = "; YAML takes it for text: write it with a point, as 1.0e-3" if exponent else ""
        faults.append(f"{path}: {short_repr(value)} is not a number{hint}")
        return 0.0
    if not isfinite(value) if isinstance(value, float) else abs(value) > 10**300:
        faults.append(f"{path}: {short_repr(value)} is not a finite number")
        return 0.0
    low, high = spec.limits if spec else (None, None)
    if spec and ((low is not None and value < low) or (high is not None and value > high)):
        bounds = " and ".join(
            f"at {end} {bound:g}"
            for end, bound in (("least", low), ("most", high))
            if bound is not None
        )
        faults.append(f"{path}: {short_repr(value)} must be {bounds} ({spec.parameter})")
    return float(value)


def unknown_fields(raw: Mapping[Any, object], known: Sequence[str], path: str = "") -> list[str]:
    """Return a fault for each field that is none of the known."""
    return [
        f"{path}{short_repr(key).strip(chr(39))}: no such field; known: {', '.join(known)}"
        for key in raw
        if key not in known
    ]


MOST_BYTES = 64 * 1024  # of a file; what is larger is no recipe

_FIELDS = ("name", "explanation", "id", "group", "levels", "steps")


def read_recipe(path: Path, recipes: tuple[Recipe, ...] = ()) -> Recipe:
    """Read a recipe from a YAML file; no step may name one of the recipes there are already.

    Raises:
        ConfigError: The file cannot be opened.
        InvalidConfigError: Names every fault at once.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as fault:
        raise ConfigError(
            f"Cannot read the recipe {path}: {fault.strerror}. Name a YAML file."
        ) from fault
    return recipe_of_bytes(raw, str(path), recipes)


def recipe_of_bytes(raw: bytes, where: str, recipes: tuple[Recipe, ...] = ()) -> Recipe:
    """Return the recipe that the bytes of a YAML file describe; takes what `parse_recipe` does.

    Raises:
        InvalidConfigError: Names every fault at once.
    """
    if len(raw) > MOST_BYTES:
        raise InvalidConfigError(where, [f"it is longer than {MOST_BYTES:,} bytes"])
    try:
        document = read_yaml(raw.decode("utf-8-sig"), _StrictLoader)
    except ValueError as fault:
        raise InvalidConfigError(where, [_syntax(fault)]) from fault
    return parse_recipe(document, where, recipes)


def recipe_warnings(path: Path) -> list[str]:
    """Return a warning for each unquoted text of a recipe's file that ends before a comment."""
    text = path.read_text(encoding="utf-8-sig")
    document = yaml.compose(text, _StrictLoader)
    fields = document.value if isinstance(document, yaml.MappingNode) else ()
    comments = {
        (key.value, int(value.end_mark.line) + 1): yaml_comment(text, value.end_mark.index)
        for key, value in fields
        if key.value in ("name", "explanation") and not value.style
    }
    return [
        f"{path}, line {line}: {comment!r} is a comment; put quotes around all of the {field} to "
        "keep it"
        for (field, line), comment in comments.items()
        if comment
    ]


def parse_recipe(raw: object, where: str, recipes: tuple[Recipe, ...] = ()) -> Recipe:
    """Return the recipe that a mapping of fields describes, as it is read from YAML.

    Args:
        raw: `name` and `explanation`; optional `id` (else made of the name), `group` (else the
            first step's), `levels` (a count) and `steps`. A step has an `operator`, and
            `parameters` (one per level) or one `parameter` for all levels.
        where: Opens the message of faults.
        recipes: Those there are already; no step may name one.

    Raises:
        InvalidConfigError: Names every fault at once.
    """
    if not isinstance(raw, dict):
        raise InvalidConfigError(where, ["it must be a mapping of fields, such as 'name: …'"])
    faults = unknown_fields(raw, _FIELDS)
    name, explanation = (_text(raw, field, faults) for field in ("name", "explanation"))
    id = _id(raw, name, faults)
    steps = read_steps(raw, {recipe.id for recipe in recipes}, faults)
    group = _group(raw, steps, faults)
    if faults:
        raise InvalidConfigError(where, faults)
    return Recipe.model_validate(
        {"id": id, "name": name, "group": group, "explanation": explanation, "steps": steps}
    )


def recipe_text(recipe: Recipe) -> str:
    """Return a recipe as YAML; reading it gives an equal one."""
    fields = recipe.model_dump(mode="json")
    document = {name: fields[name] for name in ("name", "explanation", "id", "group", "steps")}
    text: str = yaml.safe_dump(
        document, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
    )
    return text


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as YAML, atomically; reading it back gives an equal one.

    Raises:
        ConfigError: The file cannot be written.
    """
    text = recipe_text(recipe)
    try:
        with atomic_write(path) as passing:
            passing.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise ConfigError(
            f"Cannot write the recipe {path}: {fault.strerror}. Name another file."
        ) from fault


class _StrictLoader(yaml.SafeLoader):
    """Refuses a field that stands twice, where YAML's own would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for name, count in names.items():
            if count > 1:
                problem = f"the field '{name}' stands {count} times"
                raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_mapping(node, deep)


def _syntax(fault: Exception) -> str:
    """Return what is wrong with a text that is no YAML."""
    if isinstance(fault, UnicodeDecodeError):
        return f"byte {fault.start + 1} is not UTF-8; save the file as UTF-8"
    return str(fault) if getattr(fault, "line", 0) else f"not valid YAML: {fault}"


def _text(raw: Mapping[str, object], field: str, faults: list[str]) -> str:
    value = raw.get(field)
    if value is None or (isinstance(value, str) and not value.strip()):
        faults.append(f"{field}: is {'empty' if field in raw else 'missing'}")
        return ""
    if not isinstance(value, str):
        faults.append(f"{field}: must be text, got {short_repr(value)}; put it into quotes")
        return ""
    text = unicodedata.normalize("NFC", " ".join(value.split()))
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        faults.append(f"{field}: holds a character that is no text; remove it")
    return text


def _id(raw: Mapping[str, object], name: str, faults: list[str]) -> str:
    """Return the id as stated, or as the name suggests it."""
    stated = raw.get("id")
    id = id_of(name) if stated is None else stated
    if not isinstance(id, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", id):
        if stated is not None:
            rule = "must be small letters, 0-9 and _, a letter first"
            faults.append(f"id: {rule}; got {short_repr(stated)}")
        elif name:
            faults.append(
                f"id: {short_repr(name)} suggests none; give one: small letters, 0-9 and _"
            )
        return ""
    if id in catalogue():
        source = catalogue()[id].source or "there already"
        faults.append(f"id: '{id}' is a distortion of the catalogue ({source}); choose another")
    return id


def _group(raw: Mapping[str, object], steps: tuple[Step, ...], faults: list[str]) -> object:
    """Return the group as stated, or that of the first step; "spatial" says the least."""
    group = raw.get("group")
    if group is None:
        return operators()[steps[0].operator].spec.group if steps else "spatial"
    if group not in get_args(Group):
        faults.append(f"group: {short_repr(group)} is none of {', '.join(get_args(Group))}")
    return group
