"""Operators that other installed packages offer, found by their entry points."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from workbench.distortions.base import Operator
from workbench.errors import ConfigError

ENTRY_POINTS = "attribute_workbench.distortions"


def offered_operators() -> Iterator[tuple[str, Operator]]:
    """Yield (package, operator) of every entry point of the group.

    An entry point names an `Operator`, a tuple of them, or a module that lists them in
    `OPERATORS`.

    Raises:
        ConfigError: One cannot be loaded or is none of these; the line names its package.
    """
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        package = point.dist.name if point.dist else point.module
        for operator in _operators(point, package):
            yield package, operator


def _operators(point: EntryPoint, package: str) -> tuple[Operator, ...]:
    try:
        offered = point.load()
    except Exception as fault:  # a stranger's module may raise anything
        said = " ".join(f"{type(fault).__name__}: {fault}".split())
        raise ConfigError(
            f"The package '{package}' offers distortions that cannot be loaded: {point.value}: "
            f"{said}. Repair or uninstall {package}."
        ) from fault
    if isinstance(offered, ModuleType):
        offered = getattr(offered, "OPERATORS", None)
    if isinstance(offered, Operator):
        return (offered,)
    if isinstance(offered, tuple | list) and all(isinstance(one, Operator) for one in offered):
        return tuple(offered)
    raise ConfigError(
        f"The package '{package}' offers {point.value} as distortions, which is neither an "
        f"Operator, nor a tuple of them, nor a module with OPERATORS. Repair or uninstall "
        f"{package}."
    )
