"""Find every module of a package, and look things up by name with a useful error."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Generic, TypeVar

from workbench.errors import UnknownNameError


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
