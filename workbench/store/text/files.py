"""Reading attribute sets from files, and writing them, each file completely or not at all."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from workbench.atomic_files import atomic_write
from workbench.domain.attributes import AttributeSet, Form, Origin
from workbench.errors import ConfigError, InvalidConfigError
from workbench.store.text.assembly import (
    MAX_BYTES,
    Assembly,
    AttributeText,
    Block,
    Faults,
    Source,
    source_of,
)
from workbench.store.text.csv_form import csv_blocks, csv_text
from workbench.store.text.json_form import json_blocks, json_text
from workbench.store.text.yaml_form import yaml_blocks, yaml_texts

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


_BLOCKS: dict[Form, Callable[[Source], Iterator[Block]]] = {
    "yaml": yaml_blocks,
    "json": json_blocks,
    "csv": csv_blocks,
}


def read_attributes(
    path: Path,
    *,
    origin: Origin = "import",
    form: Form | None = None,
    calls: Mapping[str, int] | None = None,
) -> AttributeSet:
    """Read as `read_text` does, and number the calls.

    Args:
        path: The file or folder.
        origin: Recorded with attributes whose file names none.
        form: The form; without, as the suffix says.
        calls: Digest to number of the LLM calls in the store's log; others are left out.
    """
    return read_text(path, origin=origin, form=form).with_calls(calls or {})


def read_text(path: Path, *, origin: Origin = "import", form: Form | None = None) -> AttributeText:
    """Read a YAML, JSON or CSV file, or all YAML files of a folder.

    Calls stay digests, for the store to number; the other arguments are those of `read_attributes`.

    Raises:
        ConfigError: Nothing there, or no form.
        InvalidConfigError: Every fault of every file, each with its file and line.
    """
    files = _files(path)
    form = form or form_of(path)
    if path.is_dir() and form != "yaml":
        raise ConfigError(f"{path} is a folder, which holds YAML; name a file for {form}.")
    return _assembled(str(path), ((file.name, _head(file)) for file in files), form, origin)


def parse_attributes(
    data: bytes, *, name: str, form: Form, origin: Origin = "import"
) -> AttributeText:
    """Read the bytes of one file, of an upload for example; faults call it by `name`.

    Raises:
        InvalidConfigError: Every fault, each with its line.

    Example:
        >>> csv = b"distortion,phrase\\njpeg,blocky edges\\n"
        >>> parse_attributes(csv, name="upload", form="csv").attributes.phrases()
        {'jpeg': ('blocky edges',)}
    """
    return _assembled(name, [(name, data)], form, origin)


def _assembled(
    where: str, files: Iterable[tuple[str, bytes]], form: Form, origin: Origin
) -> AttributeText:
    faults, warnings, assembly = Faults(), Faults(), Assembly(origin)
    for name, data in files:
        source = source_of(data, name, faults, warnings)
        if source is not None:
            assembly.add(_BLOCKS[form](source))
    if lines := faults.lines():
        raise InvalidConfigError(where, lines)
    return assembly.text(warnings)


def _files(path: Path) -> list[Path]:
    """Return the file, or the folder's YAML files but for those that a killed writer left."""
    files = [path]
    if path.is_dir():
        files = sorted(
            file
            for file in path.iterdir()
            if SUFFIXES.get(file.suffix.lower()) == "yaml" and not file.name.startswith(".")
        )
    if not files or not all(file.is_file() for file in files):
        raise ConfigError(
            f"No attribute file at {path}; expected a YAML, JSON or CSV file, or a folder of YAML "
            "files."
        )
    return files


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as fault:
        raise ConfigError(f"Cannot read {file}: {fault.strerror}.") from fault


_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


def write_attributes(
    attributes: AttributeSet,
    path: Path,
    *,
    form: Form | None = None,
    calls: Mapping[int, str] | None = None,
    origin: Origin = "import",
) -> list[Path]:
    """Write a set: YAML as one file per distortion into a folder, JSON and CSV as one file.

    Each file is written completely or not at all; a folder file by file. Missing folders are made.
    Without `form` the suffix decides, and YAML is taken if there is none; the other arguments are
    those of `attribute_text`. The files written are returned.

    Raises:
        ConfigError: A file cannot be written, or a single file is named for YAML.
        StoreError: An attribute names a call whose digest is not given; nothing was written.
    """
    form = form or SUFFIXES.get(path.suffix.lower(), "yaml")
    if form != "yaml":
        texts = {path: attribute_text(attributes, form, calls=calls)}
    elif path.is_file() or (path.suffix.lower() in SUFFIXES and not path.is_dir()):
        raise ConfigError(
            f"YAML is a file for each distortion, so {path} must be a folder; for one file take "
            "JSON or CSV. Nothing was written."
        )
    else:
        files = yaml_texts(attributes, calls, origin)
        texts = {
            path / f"{_file_name(distortion)}.yaml": text for distortion, text in files.items()
        }
    try:
        for file, text in texts.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(file) as passing:
                passing.write_bytes(text.encode())
    except OSError as fault:
        raise ConfigError(f"Cannot write attributes to {path}: {fault.strerror}.") from fault
    return list(texts)


def attribute_text(
    attributes: AttributeSet,
    form: Form,
    *,
    calls: Mapping[int, str] | None = None,
    origin: Origin = "import",
) -> str:
    """Return a set as one text; YAML as a document for each distortion.

    Args:
        attributes: The set.
        form: The form.
        calls: Number in the store's log to digest of the LLM calls; without, calls are left out.
        origin: The origin that YAML leaves unsaid, since reading assumes it.

    Raises:
        StoreError: An attribute names a call whose digest is not given.

    Example:
        >>> print(attribute_text(AttributeSet.from_phrases({"jpeg": ["blocky edges"]}), "yaml"))
        distortion: jpeg
        attributes:
          - phrase: blocky edges
            origin: expert
        <BLANKLINE>
    """
    if form == "json":
        return json_text(attributes, calls)
    if form == "csv":
        return csv_text(attributes, calls)
    return "---\n".join(yaml_texts(attributes, calls, origin).values())


def _file_name(distortion: str) -> str:
    """Return the id; one that a file system may not take or not tell apart, with its digest.

    Example:
        >>> _file_name("gaussian_blur"), _file_name("../Blur")
        ('gaussian_blur', 'Blur-026b6f3e')
    """
    if _PLAIN_NAME.fullmatch(distortion):
        return distortion
    digest = hashlib.sha256(distortion.encode()).hexdigest()[:8]
    return "-".join([*re.findall(r"[A-Za-z0-9_]+", distortion[:60]), digest])
