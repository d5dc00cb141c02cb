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
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml

from workbench.distortions.catalogue import catalogue, operators
from workbench.distortions.recipe_steps import read_steps, shown, unknown_fields
from workbench.domain.distortion import Group
from workbench.domain.recipe import Recipe, Step, id_of
from workbench.errors import ConfigError, InvalidConfigError
from workbench.files import written_whole

MOST_BYTES = 64 * 1024  # of a file; what is larger is no recipe

_FIELDS = ("name", "explanation", "id", "group", "levels", "steps")


def read_recipe(path: Path, recipes: tuple[Recipe, ...] = ()) -> Recipe:
    """Read a recipe from a YAML file.

    Args:
        path: The file, UTF-8.
        recipes: Those there are already; a step may not name one of them.

    Raises:
        ConfigError: The file cannot be opened.
        InvalidConfigError: Names every fault at once.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as fault:
        raise ConfigError(f"Cannot read the recipe {path}: {fault.strerror}.") from fault
    if len(raw) > MOST_BYTES:
        raise InvalidConfigError(str(path), [f"it is longer than {MOST_BYTES:,} bytes"])
    try:
        document = yaml.load(raw.decode("utf-8-sig"), _StrictLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        raise InvalidConfigError(str(path), [_syntax(fault)]) from fault
    return parse_recipe(document, str(path), recipes)


def parse_recipe(raw: object, where: str, recipes: tuple[Recipe, ...] = ()) -> Recipe:
    """Return the recipe that a mapping of fields describes, as it is read from YAML.

    Args:
        raw: `name` and `explanation`; optional `id` (else made of the name), `group` (else the
            first step's), `levels` (a count) and `steps`. A step has an `operator`, and
            `parameters` (one per level) or one `parameter` for all levels.
        where: Opens the message of faults.
        recipes: Those there are already.

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


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as YAML, whole or not at all; reading it back gives an equal one.

    Raises:
        ConfigError: The file cannot be written.
    """
    fields = recipe.model_dump(mode="json")
    document = {name: fields[name] for name in ("name", "explanation", "id", "group", "steps")}
    text = yaml.safe_dump(
        document, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
    )
    try:
        with written_whole(path) as passing:
            passing.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise ConfigError(f"Cannot write the recipe {path}: {fault.strerror}.") from fault


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
    if isinstance(fault, RecursionError):
        return "not valid YAML: nested too deeply"
    if isinstance(fault, yaml.MarkedYAMLError) and fault.problem_mark:
        mark = fault.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {fault.problem}"
    return f"not valid YAML: {' '.join(str(fault).split())}"


def _text(raw: Mapping[str, object], field: str, faults: list[str]) -> str:
    value = raw.get(field)
    if value is None or (isinstance(value, str) and not value.strip()):
        faults.append(f"{field}: is {'empty' if field in raw else 'missing'}")
        return ""
    if not isinstance(value, str):
        faults.append(f"{field}: must be text, got {shown(value)}; put it into quotes")
        return ""
    text = unicodedata.normalize("NFC", " ".join(value.split()))
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        faults.append(f"{field}: holds a character that is no text; remove it")
    return text


def _id(raw: Mapping[str, object], name: str, faults: list[str]) -> str:
    """Return the id that is given or that the name suggests."""
    given = raw.get("id")
    id = id_of(name) if given is None else given
    if not isinstance(id, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", id):
        if given is not None:
            rule = "must be small letters, 0-9 and _, a letter first"
            faults.append(f"id: {rule}; got {shown(given)}")
        elif name:
            faults.append(f"id: {shown(name)} suggests none; give one: small letters, 0-9 and _")
        return ""
    if id in catalogue():
        place = catalogue()[id].source or "there already"
        faults.append(f"id: '{id}' is a distortion of the catalogue ({place}); choose another")
    return id


def _group(raw: Mapping[str, object], steps: tuple[Step, ...], faults: list[str]) -> object:
    """Return the group that is given, or that of the first step; "spatial" says the least."""
    given = raw.get("group")
    if given is None:
        return operators()[steps[0].operator].spec.group if steps else "spatial"
    if given not in get_args(Group):
        faults.append(f"group: {shown(given)} is none of {', '.join(get_args(Group))}")
    return given
