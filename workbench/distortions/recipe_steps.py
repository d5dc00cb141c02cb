"""The steps of a recipe, each fault of each named by its place."""

import re
import reprlib
from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from typing import Any

from workbench.distortions.catalogue import catalogue, operators
from workbench.domain.distortion import Distortion
from workbench.domain.recipe import Step
from workbench.errors import UnknownNameError

MOST_LEVELS = 20

_FIELDS = ("operator", "parameters", "parameter")


def read_steps(
    raw: Mapping[str, object], taken: Collection[str], faults: list[str]
) -> tuple[Step, ...]:
    """Return the steps of a recipe; what is wrong with them is added to the faults.

    Args:
        raw: The recipe's fields, of which `steps` and `levels` are read.
        taken: Ids of the recipes there are; a step may not name one of them.
        faults: Receives one line per fault, each starting with the field's path.

    Returns:
        The steps; none if there are faults.
    """
    given = raw.get("steps")
    if given is None or given == []:
        if raw.get("levels") is not None:
            faults.append("levels: without steps there are none; leave it out, or add steps")
        return ()
    if not isinstance(given, list):
        faults.append(f"steps: must be a list, got {shown(given)}")
        return ()
    levels = _levels(raw, given, faults)
    steps = [_step(step, f"steps.{n}", levels, taken, faults) for n, step in enumerate(given, 1)]
    return () if faults else tuple(step for step in steps if step is not None)


def _levels(raw: Mapping[str, object], steps: list[object], faults: list[str]) -> int | None:
    """Return the number of levels: as it is given, else as the first list of parameters has it."""
    given = raw.get("levels")
    if given is None:
        lists = (step.get("parameters") for step in steps if isinstance(step, dict))
        given = next((len(values) for values in lists if isinstance(values, list)), None)
        if given is None:
            faults.append("levels: is missing, and no step lists a parameter per level")
            return None
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_LEVELS:
        faults.append(f"levels: must be 1 to {MOST_LEVELS}, got {shown(given)}")
        return None
    return given


def _step(
    raw: object, place: str, levels: int | None, taken: Collection[str], faults: list[str]
) -> Step | None:
    if not isinstance(raw, dict):
        faults.append(f"{place}: must have an operator and its parameters, got {shown(raw)}")
        return None
    faults += unknown_fields(raw, _FIELDS, f"{place}.")
    spec = _operator(raw.get("operator"), f"{place}.operator", taken, faults)
    if ("parameters" in raw) == ("parameter" in raw):
        faults.append(f"{place}: needs either 'parameters', one per level, or one 'parameter'")
        return None
    if "parameter" in raw:
        one = _number(raw["parameter"], f"{place}.parameter", spec, faults)
        values = [one] * (levels or 0)
    else:
        values = _numbers(raw["parameters"], f"{place}.parameters", levels, spec, faults)
    return Step(operator=spec.id, parameters=tuple(values)) if spec and not faults else None


def _operator(
    name: object, place: str, taken: Collection[str], faults: list[str]
) -> Distortion | None:
    if not isinstance(name, str):
        faults.append(f"{place}: must be the id of an operator, got {shown(name)}")
    elif name in operators():
        return operators()[name].spec
    elif name in taken:
        faults.append(f"{place}: '{name}' is itself a recipe; write its steps out here")
    elif name in catalogue():
        faults.append(f"{place}: '{name}' can be described, but has no operator")
    else:
        meant = str(UnknownNameError("operator", name[:40], operators())).rstrip("?.")
        faults.append(f"{place}: {meant[0].lower()}{meant[1:]}")
    return None


def _numbers(
    given: object, place: str, levels: int | None, spec: Distortion | None, faults: list[str]
) -> list[float]:
    if not isinstance(given, list):
        faults.append(f"{place}: must be a list of one number per level, got {shown(given)}")
        return []
    if levels is not None and len(given) != levels:
        faults.append(f"{place}: {len(given)} of them for {levels} levels")
    return [_number(one, f"{place}.{n}", spec, faults) for n, one in enumerate(given, 1)]


def _number(given: object, place: str, spec: Distortion | None, faults: list[str]) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        exponent = isinstance(given, str) and re.fullmatch(r"[+-]?\d+[eE][+-]?\d+", given)
        hint = "; YAML takes it for text: write it with a point, as 1.0e-3" if exponent else ""
        faults.append(f"{place}: {shown(given)} is not a number{hint}")
        return 0.0
    if not isfinite(given) if isinstance(given, float) else abs(given) > 10**300:
        faults.append(f"{place}: {shown(given)} is not a finite number")
        return 0.0
    low, high = spec.limits if spec else (None, None)
    if spec and ((low is not None and given < low) or (high is not None and given > high)):
        bounds = " and ".join(
            f"at {end} {bound:g}"
            for end, bound in (("least", low), ("most", high))
            if bound is not None
        )
        faults.append(f"{place}: {shown(given)} must be {bounds} ({spec.parameter})")
    return float(given)


def unknown_fields(raw: Mapping[Any, object], known: Sequence[str], place: str = "") -> list[str]:
    """Return a fault for each field that is none of the known."""
    return [
        f"{place}{shown(key).strip(chr(39))}: no such field; known: {', '.join(known)}"
        for key in raw
        if key not in known
    ]


def shown(value: object) -> str:
    """Return a value as a message may show it: short, however large it is.

    Example:
        >>> shown(["a" * 1000])
        "['aaaaaaaaaaaa...aaaaaaaaaaaaa']"
    """
    try:
        return reprlib.repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a huge number"
