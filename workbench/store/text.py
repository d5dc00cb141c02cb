"""Attribute sets as text: one YAML file per distortion, made for git diffs.

distortion: jpeg
attributes:
  - visible grid of small square blocks
"""

from pathlib import Path

import yaml
from pydantic import ValidationError

from workbench.domain.attributes import Attribute, AttributeSet, Origin
from workbench.errors import ConfigError, InvalidConfigError
from workbench.files import written_whole


def read_attributes(path: Path, *, origin: Origin = "import") -> AttributeSet:
    """Read one YAML file, or all of a folder; a fault anywhere refuses the whole.

    Args:
        path: A file, or a folder of `*.yaml`.
        origin: Recorded with each attribute.

    Raises:
        ConfigError: Nothing there.
        InvalidConfigError: Every fault of every file, each with its file.
    """
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise ConfigError(f"No attribute file at {path}; expected a YAML file or a folder of them.")
    found: dict[str, tuple[Attribute, ...]] = {}
    faults: list[str] = []
    for file in files:
        try:
            distortion, attributes = _read(file, origin)
            if distortion in found:
                raise ValueError(f"'{distortion}' stands in another file already")
            found[distortion] = attributes
        except (OSError, ValueError, yaml.YAMLError) as fault:
            faults.append(f"{file.name}: {_plain(fault)}")
    if faults:
        raise InvalidConfigError(str(path), faults)
    return AttributeSet(by_distortion=found)


def write_attributes(attributes: AttributeSet, folder: Path) -> list[Path]:
    """Write one file per distortion; reading them back gives an equal set of phrases.

    Raises:
        ConfigError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder, d, phrases) for d, phrases in attributes.phrases().items()]
    except OSError as fault:
        raise ConfigError(f"Cannot write attribute files to {folder}: {fault}.") from fault


def _write(folder: Path, distortion: str, phrases: tuple[str, ...]) -> Path:
    file = folder / f"{distortion}.yaml"
    document = {"distortion": distortion, "attributes": list(phrases)}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)
    with written_whole(file) as passing:
        passing.write_text(text, encoding="utf-8")
    return file


def _read(file: Path, origin: Origin) -> tuple[str, tuple[Attribute, ...]]:
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(raw, dict) or set(raw) != {"distortion", "attributes"}:
        raise ValueError("needs exactly the fields 'distortion' and 'attributes'")
    phrases = raw["attributes"]
    if not isinstance(phrases, list) or not phrases:
        raise ValueError("'attributes' must be a list of phrases")
    for number, phrase in enumerate(phrases, start=1):
        if not isinstance(phrase, str) or not phrase.strip():
            raise ValueError(f"attribute {number} is {phrase!r}, not a phrase")
    attributes = tuple(Attribute(phrase=phrase, origin=origin) for phrase in phrases)
    distortion = str(raw["distortion"])
    AttributeSet(by_distortion={distortion: attributes})
    return distortion, attributes


def _plain(fault: Exception) -> str:
    if isinstance(fault, ValidationError):
        return "; ".join(error["msg"].removeprefix("Value error, ") for error in fault.errors())
    return " ".join(str(fault).split())
