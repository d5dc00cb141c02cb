"""Which form a file has."""

from pathlib import Path
from typing import Literal

from workbench.errors import ConfigError

Form = Literal["yaml", "json", "csv"]

SUFFIXES: dict[str, Form] = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".csv": "csv"}


def form_of(path: Path) -> Form:
    """Return the form that a file's suffix names; a folder holds YAML.

    Raises:
        ConfigError: The suffix names none.

    Example:
        >>> form_of(Path("set.csv"))
        'csv'
    """
    if path.is_dir():
        return "yaml"
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"Cannot tell the form of {path} by its name; say which of yaml, json and csv it is."
        )
    return SUFFIXES[path.suffix.lower()]
