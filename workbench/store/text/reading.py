"""Read attribute sets from files, all of it or every fault."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from workbench.domain.attributes import AttributeSet, Origin
from workbench.errors import ConfigError, InvalidConfigError
from workbench.store.text.assembly import Assembly, AttributeText
from workbench.store.text.csv_form import csv_blocks
from workbench.store.text.forms import SUFFIXES, Form, form_of
from workbench.store.text.json_form import json_blocks
from workbench.store.text.source import MAX_BYTES, Block, Faults, Source, decoded
from workbench.store.text.yaml_form import yaml_blocks

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
    """Read a YAML, JSON or CSV file, or all YAML files of a folder.

    Args:
        path: The file or folder.
        origin: Recorded with attributes whose file names none.
        form: The form; without, as the suffix says.
        calls: Digest to number of the LLM calls in the store's log; others are left out.

    Raises:
        ConfigError: Nothing there, or no form.
        InvalidConfigError: Every fault of every file, each with its file and line.
    """
    return read_text(path, origin=origin, form=form).with_calls(calls or {})


def read_text(path: Path, *, origin: Origin = "import", form: Form | None = None) -> AttributeText:
    """Read as `read_attributes` does, and keep the digests of calls for the store to number.

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
    """Read the bytes of one file, of an upload for example.

    Args:
        data: The bytes.
        name: What faults call them.
        form: Their form.
        origin: Recorded with attributes that name none.

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
    faults, assembly = Faults(), Assembly(origin)
    for name, data in files:
        source = decoded(data, name, faults)
        if source is not None:
            assembly.add(_BLOCKS[form](source))
    if lines := faults.lines():
        raise InvalidConfigError(where, lines)
    return assembly.text()


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
