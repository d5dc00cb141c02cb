"""Every dataset by name: the adapters of this package, and tables that a user registered.

A registered table is one JSON file in the workbench's home, `attribute_db/tables/NAME.json`
(decision 0020): where the table lies, and the range and direction its scores were imported with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from pydantic import Field, ValidationError

import workbench.datasets
from workbench.atomic_files import atomic_write
from workbench.datasets import table
from workbench.datasets.labelled import DatasetFacts, ImageDataset
from workbench.datasets.table_preview import TablePreview
from workbench.domain.canonical import Frozen
from workbench.domain.distortion import id_of
from workbench.errors import ConfigError, DataError, UnknownNameError
from workbench.registry import Registry, discover


@dataclass(frozen=True)
class Adapter:
    """How a dataset is read.

    Attributes:
        facts: What is known of it.
        load: Reads the layout below a root; raises DatasetNotFoundError that says where it looked
            and how to obtain the dataset, DataError for a table it cannot read.
        root: Where a registered table has its images; None where the user names the root.
    """

    facts: DatasetFacts
    load: Callable[[Path], ImageDataset]
    root: Path | None = None

    def open(self, root: str | Path | None) -> ImageDataset:
        """Read the dataset; without a root, from where it was registered.

        Raises:
            ConfigError: No root is named, and the dataset is no registered table.
            DataError: As `load`.
        """
        if root := root or self.root:
            return self.load(Path(root))
        raise ConfigError(
            f"{self.facts.title} needs the folder that its files lie below. Name it: ROOT on the "
            f"command line, data.root in an experiment. {self.facts.obtain}"
        )


@cache
def adapters() -> Registry[Adapter]:
    """Return the adapters of this package by name.

    Example:
        >>> adapters()["kadid10k"].facts.images
        10125
    """
    loaded = (
        Adapter(module.FACTS, module.load)
        for module in discover(workbench.datasets)
        if isinstance(getattr(module, "FACTS", None), DatasetFacts)
    )
    return Registry("dataset", {adapter.facts.name: adapter for adapter in loaded})


class RegisteredTable(Frozen):
    """A table that was imported under a name."""

    file: str  # the CSV, an absolute path
    root: str  # folder that its paths are relative to, an absolute path
    # what the import read; `score_range` and `polarity` stay what they were then, so that a quality
    # keeps its meaning when rows are added
    facts: DatasetFacts
    # field to the name of its column, as the user stated them
    columns: dict[str, str] = Field(default_factory=dict)

    def adapter(self) -> Adapter:
        """Return what reads the table where it lies."""
        low, high = self.facts.score_range or (None, None)
        load = partial(
            table.read_table,
            Path(self.file),
            low=low,
            high=high,
            polarity=self.facts.polarity or "higher is better",
            columns=self.columns,
            name=self.facts.name,
        )
        return Adapter(self.facts, load, Path(self.root))


def dataset_adapter(name: str, home: Path) -> Adapter:
    """Return the adapter of a dataset, or of a table that is registered in a home.

    Raises:
        UnknownNameError: There is neither.
        DataError: The registration was damaged.
    """
    if name in adapters():
        return adapters()[name]
    names = [file.stem for file in _registrations(home)]
    if name not in names:
        raise UnknownNameError("dataset", name, [*adapters(), *names])
    return _read(_folder(home) / f"{name}.json").adapter()


def registered_tables(home: Path) -> dict[str, RegisteredTable]:
    """Return the tables that are registered in a home, by name.

    Raises:
        DataError: A registration was damaged.
    """
    return {file.stem: _read(file) for file in _registrations(home)}


def register_table(preview: TablePreview, home: Path, name: str | None, *, replace: bool) -> str:
    """Register a table, so that experiments can name it; return its name.

    The same file may be imported again: what is said of its scores last holds.

    Args:
        preview: The table, without problems.
        home: The workbench's home.
        name: Small letters, digits and "_"; None makes one of the file's name.
        replace: Take the place of another table of that name.

    Raises:
        ConfigError: The name cannot be one, or is taken.
        DataError: The registration cannot be written.
    """
    file, root = Path(preview.file).resolve(), Path(preview.root).resolve()
    name = id_of(file.stem) if name is None else name
    if not name or name != id_of(name):
        raise ConfigError(
            f"'{name}' cannot name a dataset; give --name with small letters, digits and _, "
            "such as my_ratings."
        )
    if name in adapters():
        raise ConfigError(
            f"'{name}' is a dataset of the workbench. Give the table another name with --name."
        )
    counts = {"name": name, "images": preview.images, "references": preview.references}
    facts = table.facts_of(preview).model_copy(update=counts)
    entry = RegisteredTable(
        file=str(file), root=str(root), facts=facts, columns=preview.stated_columns
    )
    target = _folder(home) / f"{name}.json"
    if target.is_file() and not replace and _read(target).file != entry.file:
        raise ConfigError(
            f"Another table is registered as '{name}', and experiments may name it. Give this one "
            "another name with --name, or --replace that one."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as passing:
            passing.write_text(entry.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except OSError as fault:
        raise DataError(
            f"The table cannot be registered in {target.parent}: {fault.strerror}. Set "
            "WORKBENCH_HOME to a folder that can be written."
        ) from fault
    return name


def remove_table(name: str, home: Path) -> None:
    """Remove the registration of a table; its files stay where they are.

    Raises:
        UnknownNameError: No table is registered under the name.
    """
    files = {file.stem: file for file in _registrations(home)}
    if name not in files:
        raise UnknownNameError("registered table", name, files)
    files[name].unlink()


def _folder(home: Path) -> Path:
    return home / "attribute_db" / "tables"


def _registrations(home: Path) -> list[Path]:
    return sorted(_folder(home).glob("[!.]*.json"))


def _read(file: Path) -> RegisteredTable:
    try:
        return RegisteredTable.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as fault:
        raise DataError(
            f"{file} is no registered table ({str(fault).splitlines()[0]}). Import the table again "
            f"with --replace, or forget it: workbench datasets remove {file.stem}."
        ) from fault
