"""Experiment files: one YAML each, all faults reported together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from workbench.domain.base import fault_words
from workbench.domain.run import RunConfig
from workbench.errors import ConfigError, InvalidConfigError
from workbench.settings import resource


def experiment_files() -> list[Path]:
    """Return the experiments that ship with the workbench, sorted by name."""
    return sorted(resource("experiments").glob("*.yaml"))


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read an experiment and apply `section.field=value` overrides (values are YAML).

    Args:
        path: The YAML file.
        overrides: As given to `--set`.

    Raises:
        ConfigError: The file does not exist or is no YAML mapping, or an override has no "=".
        InvalidConfigError: Names every fault at once.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ConfigError(f"Cannot read the experiment {path}: {fault.strerror}.") from fault
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        line = " ".join(str(fault).split())
        raise ConfigError(f"{path} is not valid YAML: {line}.") from fault
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} must hold a mapping of fields, such as 'data: …'.")
    for override in overrides:
        _set(raw, override)
    return parse_experiment(raw, str(path))


def parse_experiment(raw: dict[str, Any], where: str) -> RunConfig:
    """Validate a configuration that is already read.

    Raises:
        InvalidConfigError: Names every fault at once.
    """
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as fault:
        raise InvalidConfigError(where, fault_words(fault)) from fault


def _set(raw: dict[str, Any], override: str) -> None:
    path, equals, value = override.partition("=")
    if not equals or not path:
        raise ConfigError(f"--set takes field=value such as tuning.epochs=5, got '{override}'.")
    *sections, field = path.split(".")
    for section in sections:
        inner = raw.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override}: '{section}' is a value, not a section.")
        raw = inner
    try:
        raw[field] = yaml.safe_load(value)
    except yaml.YAMLError as fault:
        raise ConfigError(f"--set {override}: the value is not valid YAML.") from fault
