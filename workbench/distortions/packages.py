"""Operators that other installed packages offer, found by their entry points."""

from collections.abc import Iterator
from types import ModuleType

from workbench.distortions.base import Operator
from workbench.errors import ConfigError
from workbench.registry import offered

ENTRY_POINTS = "attribute_workbench.distortions"


def offered_operators() -> Iterator[tuple[str, Operator]]:
    """Yield (package, operator) of every entry point of the group.

    An entry point names an `Operator`, a tuple of them, or a module that lists them in
    `OPERATORS`.

    Raises:
        ConfigError: One cannot be loaded or is none of these; the line names its package.
    """
    for point, package, found in offered(ENTRY_POINTS, "distortions"):
        some = getattr(found, "OPERATORS", None) if isinstance(found, ModuleType) else found
        operators = (some,) if isinstance(some, Operator) else some
        if not isinstance(operators, tuple | list) or not all(
            isinstance(one, Operator) for one in operators
        ):
            raise ConfigError(
                f"The package '{package}' offers {point.value} as distortions, which is neither an "
                f"Operator, nor a tuple of them, nor a module with OPERATORS. Repair or uninstall "
                f"{package}."
            )
        for operator in operators:
            yield package, operator
