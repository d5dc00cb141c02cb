"""Find modules and what other packages offer, and look things up by name with a useful error."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Generic, TypeVar

from workbench.errors import ConfigError, UnknownNameError


def discover(package: ModuleType) -> list[ModuleType]:
    """Import every public module of a package, in the order of their names.

    An import error surfaces: a module that cannot be imported is a fault, not an absent plugin.

    Example:
        >>> import workbench.domain
        >>> [module.__name__ for module in discover(workbench.domain)][0]
        'workbench.domain.attributes'
    """
    return [
        importlib.import_module(f"{package.__name__}.{info.name}")
        for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name)
        if not info.name.startswith("_")
    ]


def offered(group: str, what: str) -> Iterator[tuple[EntryPoint, str, Any]]:
    """Yield (entry point, package, what it names) of every entry point of a group, in order.

    Args:
        group: Such as "attribute_workbench.distortions".
        what: What is offered there, for the message.

    Raises:
        ConfigError: One cannot be loaded; the line names its package.
    """
    points = entry_points(group=group)
    named = [(point, point.dist.name if point.dist else point.module) for point in points]
    for point, package in sorted(named, key=lambda pair: (pair[0].name, pair[1])):
        try:
            target = point.load()
        except Exception as fault:  # a stranger's module may raise anything
            said = " ".join(f"{type(fault).__name__}: {fault}".split())
            raise ConfigError(
                f"The package '{package}' offers {what} that cannot be loaded: {point.value}: "
                f"{said}. Repair or uninstall {package}."
            ) from fault
        yield point, package, target


T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Names to things, in insertion order; a wrong name says which one was meant.

    Example:
        >>> numbers = Registry("number", {"one": 1})
        >>> numbers["One"]
        Traceback (most recent call last):
        workbench.errors.UnknownNameError: Unknown number 'One'. Did you mean 'one'?
    """

    def __init__(self, kind: str, entries: Mapping[str, T]) -> None:
        self.kind, self._entries = kind, dict(entries)

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
