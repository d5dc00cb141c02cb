"""Experiment files, one YAML each with all faults reported together, and small stand-ins."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from workbench.atomic_files import atomic_write
from workbench.distortions import catalogue, operator_of
from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.canonical import fault_words
from workbench.domain.config import AnyData, DataConfig, EncoderConfig, RunConfig
from workbench.domain.distortion import Recipe
from workbench.errors import ConfigError, InvalidConfigError
from workbench.settings import Settings, resource
from workbench.text_files import MOST_YAML, TextFault, read_file, read_yaml

STAND_IN_SIZE = 224  # pixels a side: one view of most encoders
STAND_IN_IMAGES = 500  # of a dataset that is there
STAND_IN_EPOCHS = 2
STAND_IN_PROMPTS = 16


def experiment_files() -> list[Path]:
    """Return the experiments that the browser offers: the demo's, then others, by name."""
    files = resource("experiments").glob("*.yaml")
    return sorted(files, key=lambda file: (not file.stem.startswith("demo"), file.stem))


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read an experiment and apply `section.field=value` overrides (values are YAML).

    A list's entries are counted from 0: `transfer.0.root=FOLDER`.

    Raises:
        ConfigError: The file does not exist or is not a YAML mapping, or an override has no "=" or
            names an entry that a list does not have.
        InvalidConfigError: Names every fault at once.
    """
    try:
        raw = read_yaml(read_file(path, MOST_YAML).decode("utf-8-sig"))
    except OSError as fault:
        raise ConfigError(f"Cannot read the experiment {path}: {fault.strerror}.") from fault
    except UnicodeDecodeError as fault:
        where = f"byte {fault.start + 1}"
        raise ConfigError(f"{path} is not valid YAML: {where} is not UTF-8.") from fault
    except TextFault as fault:
        raise ConfigError(f"{path} is not valid YAML: {fault}.") from fault
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} must hold a mapping of fields, such as 'data: …'.")
    for override in overrides:
        _set(raw, override)
    return parse_experiment(raw, str(path))


def parse_experiment(raw: dict[str, Any], where: str) -> RunConfig:
    """Validate a configuration that is already read; `where` names it in the message.

    Raises:
        InvalidConfigError: Names every fault at once.
    """
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as fault:
        raise InvalidConfigError(where, fault_words(fault)) from fault


def stand_in(config: RunConfig, *, elsewhere: str | None = None) -> RunConfig:
    """Return a run of the same form that two cores can do, with what is available.

    Missing data are replaced by the packaged photographs, distorted with those of their
    distortions that have an operator; a dataset that is there gives some of its images. The encoder
    is the offline one, folds and epochs are few. Figures of a stand-in reproduce nothing.

    Args:
        config: The run as it is meant.
        elsewhere: Folder of other photographs than the packaged ones, to stand in for data that the
            tuned model is transferred to. Without it such data are left out: the photographs that
            the model was tuned on would test nothing.

    Raises:
        ConfigError: None of its distortions has an operator.

    Example:
        >>> from workbench.domain.config import DatasetConfig
        >>> meant = RunConfig(name="live", data=DatasetConfig(
        ...     dataset="live", root="nowhere", distortions=("jpeg", "fast_fading")))
        >>> small = stand_in(meant)
        >>> small.name, small.data.distortions, small.encoder.name
        ('live-stand-in', ('jpeg',), 'offline')
    """
    distorted = config.data.distortions
    others = [_available(other, elsewhere, distorted) for other in config.transfer]
    tuning, split = config.tuning, config.split
    reduced = {
        "prompts": min(tuning.prompts, STAND_IN_PROMPTS),
        "epochs": min(tuning.epochs, STAND_IN_EPOCHS),
        "crops": 1,
    }
    return config.model_copy(
        update={
            "name": f"{config.name}-stand-in",
            "data": _available(config.data, "packaged", distorted),
            "transfer": tuple(data for data in others if data is not None),
            "encoder": EncoderConfig(name="offline"),
            "tuning": tuning.model_copy(update=reduced),
            "split": split.model_copy(update={"folds": 2, "repeats": 1, "published": None}),
        }
    )


def _available(data: AnyData, photographs: str | None, default: tuple[str, ...]) -> AnyData | None:
    """Return data as far as they are available, with photographs in place of a missing dataset.

    None if there are no photographs. The default is for data that name no distortions.
    """
    if isinstance(data, DataConfig):
        folder = data.photographs if Path(data.photographs).is_dir() else "packaged"
        small = {"width": STAND_IN_SIZE, "height": STAND_IN_SIZE}
        return data.model_copy(update={"photographs": folder, **small})
    if Path(data.root).is_dir():
        images = min(data.images or STAND_IN_IMAGES, STAND_IN_IMAGES)
        return data.model_copy(update={"images": images})
    if photographs is None:
        return None
    known, wanted = catalogue(), data.distortions or default
    applied = [id for id in wanted if id in known and known[id].has_operator]
    if not applied:
        raise ConfigError(
            f"Nothing can stand in for {data.dataset}: the workbench can apply none of "
            f"{', '.join(wanted)}."
        )
    return DataConfig(
        photographs=photographs,
        distortions=tuple(applied),
        width=STAND_IN_SIZE,
        height=STAND_IN_SIZE,
        seed=data.seed,
    )


_SHOWN = 60  # characters of an override in a message


def _set(raw: dict[str, Any], override: str) -> None:
    path, equals, value = override.partition("=")
    shown = override if len(override) <= _SHOWN else f"{override[:_SHOWN]}…"
    if not equals or not path:
        raise ConfigError(f"--set takes field=value such as tuning.epochs=5, got '{shown}'.")
    *sections, field = path.split(".")
    holder: dict[str, Any] | list[Any] = raw
    for section in sections:
        key = _key(holder, section, shown)
        inner = holder.setdefault(key, {}) if isinstance(holder, dict) else holder[key]
        if not isinstance(inner, dict | list):
            raise ConfigError(f"--set {shown}: '{section[:_SHOWN]}' is a value, not a section.")
        holder = inner
    key = _key(holder, field, shown)
    try:
        holder[key] = read_yaml(value)
    except TextFault as fault:
        raise ConfigError(f"--set {shown}: the value is not valid YAML: {fault}.") from fault


def _key(holder: dict[str, Any] | list[Any], name: str, shown: str) -> Any:
    """Return the key of a section or the index of a list's entry."""
    if isinstance(holder, dict):
        return name
    if not name.isdecimal() or len(name) > len(str(len(holder))) or int(name) >= len(holder):
        raise ConfigError(
            f"--set {shown}: '{name[:_SHOWN]}' is no entry of a list of {len(holder)}, counted "
            "from 0."
        )
    return int(name)


def attributes_for(
    version: Version, config: RunConfig, recipes: tuple[Recipe, ...]
) -> AttributeSet:
    """Return the attributes of a version that a configuration asks for.

    Called when a run is queued, so that a fault shows at once, and when the run starts: the worker
    may be another machine, without the package that an operator comes from.

    Raises:
        ConfigError: The version lacks a distortion of the configuration, or one has no operator.
    """
    for distortion in config.data.distortions:
        operator_of(distortion, recipes)  # raises with a suggestion, or what is missing
    attributes = version.attributes.restricted_to(config.data.distortions)
    missing = sorted(set(config.data.distortions) - set(attributes.distortions))
    if missing:
        raise ConfigError(
            f"Version {version.label} has no attributes for {', '.join(missing)}. "
            "Draft them, or take them out of data.distortions."
        )
    return attributes


def as_document(config: RunConfig) -> dict[str, Any]:
    """Return every field of a configuration as an experiment file has it, also those at default.

    What is stored with a run leaves fields out that came later; there it means what was before.

    Example:
        >>> config = RunConfig(data=DataConfig(distortions=("jpeg",)))
        >>> parse_experiment(as_document(config), "it") == config
        True
    """
    document: dict[str, Any] = _plain(config)
    return document


def experiment_text(config: RunConfig) -> str:
    """Return a configuration as the YAML of an experiment."""
    return yaml.safe_dump(as_document(config), sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(field) for name, field in value}
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value


def save_experiment(settings: Settings, name: str, config: RunConfig) -> Path:
    """Write an experiment of one's own, which is offered beside those that ship.

    Args:
        settings: Whose home has the folder `experiments/`.
        name: Letters, digits and `-`, `_`, `.`; the file gets it, and the runs are called so.
        config: What is written, all of it.

    Raises:
        RoleError: Who asks for it is a viewer.
        ConfigError: The name cannot be that of a file, is taken, or the file cannot be written.
    """
    settings.actor.require("editor", "save an experiment")
    name = name.strip().removesuffix(".yaml")
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"An experiment is called by letters, digits and - _ . alone, got '{name[:40]}'."
        )
    file = settings.home / "experiments" / f"{name}.yaml"
    if file.exists() or any(file.stem == shipped.stem for shipped in experiment_files()):
        raise ConfigError(f"There is an experiment called '{name}' already; choose another name.")
    named = config.model_copy(update={"name": name})
    text = f"# workbench run REF --config {file}\n{experiment_text(named)}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise ConfigError(f"The experiment {file} cannot be written: {fault.strerror}.") from fault
    return file


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
