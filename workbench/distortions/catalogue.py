"""Every distortion that the files beside this one define, found by itself."""

import re
from collections.abc import Iterable
from functools import cache
from typing import TypeVar

import workbench.distortions
from workbench.distortions.base import Operator
from workbench.domain.distortion import Distortion
from workbench.errors import ConfigError
from workbench.registry import Registry, discover

T = TypeVar("T", Distortion, Operator)


@cache
def operators() -> Registry[Operator]:
    """Return every operator by id, KADID-10k's 25 first and in its order.

    A module of this package offers operators in a tuple `OPERATORS`; one that cannot be imported
    is an error, not an absent operator.

    Raises:
        ConfigError: No operator was found, or two share an id.

    Example:
        >>> list(operators())[:3]
        ['gaussian_blur', 'lens_blur', 'motion_blur']
    """
    found = [
        operator
        for module in discover(workbench.distortions)
        for operator in getattr(module, "OPERATORS", ())
    ]
    if not found:
        raise ConfigError("No distortion was found in workbench.distortions; reinstall.")
    found.sort(key=lambda operator: _place(operator.spec))
    return Registry("distortion", _distinct((operator.spec.id, operator) for operator in found))


@cache
def catalogue() -> Registry[Distortion]:
    """Return every distortion by id, KADID-10k's 25 first and in its order.

    Beside the operators' own specifications it holds what the modules of this package list in
    `WITHOUT_OPERATOR`: types of published datasets that can be described but not applied.

    Example:
        >>> catalogue()["jpeg"].levels
        (43.0, 36.0, 24.0, 7.0, 4.0)
        >>> catalogue()["jpg"]
        Traceback (most recent call last):
        workbench.errors.UnknownNameError: Unknown distortion 'jpg'. Did you mean 'jpeg'?
    """
    described = [
        spec
        for module in discover(workbench.distortions)
        for spec in getattr(module, "WITHOUT_OPERATOR", ())
    ]
    specs = sorted([*(entry.spec for entry in operators().values()), *described], key=_place)
    return Registry("distortion", _distinct((spec.id, spec) for spec in specs))


def _distinct(entries: Iterable[tuple[str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    for name, entry in entries:
        if name in found:
            raise ConfigError(f"Two distortions share the id '{name}'; rename one of them.")
        found[name] = entry
    return found


def _place(spec: Distortion) -> tuple[bool, str, int, str]:
    """Return the sorting key of "KADID-10k #12": data set, number, name."""
    numbered = re.fullmatch(r"(.+) #(\d+)", spec.source)
    dataset, number = (numbered[1], int(numbered[2])) if numbered else (spec.source, 0)
    return (dataset != "KADID-10k", dataset, number, spec.id)
