"""Every distortion that the files beside this one define, found by itself."""

import re
from functools import cache

import workbench.distortions
from workbench.distortions.base import Operator
from workbench.domain.distortion import Distortion
from workbench.errors import ConfigError
from workbench.registry import Registry, discover


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
    found: dict[str, Operator] = {}
    for module in discover(workbench.distortions):
        for operator in getattr(module, "OPERATORS", ()):
            name = operator.spec.id
            if name in found:
                raise ConfigError(
                    f"Two distortions share the id '{name}'; rename the one in {module.__name__}."
                )
            found[name] = operator
    if not found:
        raise ConfigError("No distortion was found in workbench.distortions; reinstall.")
    ordered = sorted(found.values(), key=lambda operator: _place(operator.spec))
    return Registry("distortion", {operator.spec.id: operator for operator in ordered})


@cache
def catalogue() -> Registry[Distortion]:
    """Return every distortion by id, KADID-10k's 25 first and in its order.

    Example:
        >>> catalogue()["jpeg"].levels
        (43.0, 36.0, 24.0, 7.0, 4.0)
        >>> catalogue()["jpg"]
        Traceback (most recent call last):
        workbench.errors.UnknownNameError: Unknown distortion 'jpg'. Did you mean 'jpeg'?
    """
    return Registry("distortion", {name: entry.spec for name, entry in operators().items()})


def _place(spec: Distortion) -> tuple[bool, str, int, str]:
    """Return the sorting key of "KADID-10k #12": data set, number, name."""
    numbered = re.fullmatch(r"(.+) #(\d+)", spec.source)
    dataset, number = (numbered[1], int(numbered[2])) if numbered else (spec.source, 0)
    return (dataset != "KADID-10k", dataset, number, spec.id)
