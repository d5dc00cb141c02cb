"""What a user sees of datasets: which there are, samples of one, and a table before it is taken."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from workbench.atomic_files import atomic_write
from workbench.datasets.adapters import (
    Adapter,
    adapters,
    dataset_adapter,
    register_table,
    registered_tables,
    remove_table,
)
from workbench.datasets.check import missing_files
from workbench.datasets.labelled import DatasetFacts, ImageDataset, LabelledImage, Polarity
from workbench.datasets.table_preview import TablePreview, preview
from workbench.domain.config import DatasetConfig
from workbench.domain.distortion import id_of
from workbench.errors import ConfigError, DataError
from workbench.settings import Settings
from workbench.store import Store

MOST_MB = 50  # of a table that a page reads
SAMPLES = 12


class KnownDataset(NamedTuple):
    """A dataset that can be read.

    Attributes:
        facts: What is known of it before a file is opened.
        file: The table, of a registered one; "" of others.
        roots: Folders that it was read from by runs, the newest first.
    """

    facts: DatasetFacts
    file: str
    roots: tuple[str, ...]


def known_datasets(store: Store, settings: Settings) -> list[KnownDataset]:
    """Return registered tables and datasets that have an adapter, with where runs read them.

    Raises:
        DataError: A registration was damaged.
    """
    roots: dict[str, dict[str, None]] = {}
    for run in store.runs.list():
        data = run.config.data
        if isinstance(data, DatasetConfig) and data.root:
            roots.setdefault(data.dataset, {})[data.root] = None
    tables = registered_tables(settings.home)
    return [
        *(KnownDataset(entry.facts, entry.file, (entry.root,)) for entry in tables.values()),
        *(
            KnownDataset(adapter.facts, "", tuple(roots.get(name, ())))
            for name, adapter in adapters().items()
        ),
    ]


class OpenDataset(NamedTuple):
    """A dataset as it lies on disk, and which of its files are missing."""

    dataset: ImageDataset
    missing_images: tuple[str, ...]
    missing_references: tuple[str, ...]


def open_dataset(settings: Settings, name: str, root: str) -> OpenDataset:
    """Read a dataset and look for its files; no image is decoded.

    Raises:
        UnknownNameError: There is none of the name.
        ConfigError: It needs a root.
        DataError: It cannot be read.
    """
    adapter: Adapter = dataset_adapter(name, settings.home)
    dataset = adapter.open(root or None)
    images, references = missing_files(dataset)
    return OpenDataset(dataset, tuple(images), tuple(references))


def samples(
    opened: OpenDataset, distortion: str = "", *, count: int = SAMPLES
) -> list[LabelledImage]:
    """Return images from the lowest to the highest score, evenly over their ranks.

    Args:
        opened: Of which the files that are there count.
        distortion: Only images that show it; all if "".
        count: Number of images, or fewer.
    """
    missing = set(opened.missing_images)
    images = [
        image
        for image in opened.dataset.images
        if image.file not in missing
        and (not distortion or any(type.distortion == distortion for type in image.present))
    ]
    scored = [image for image in images if image.score is not None]
    ordered = sorted(scored, key=lambda image: image.score or 0.0) or images
    ranks = np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int)
    return [ordered[rank] for rank in ranks]


class OfferedTable(NamedTuple):
    """A table that somebody offers, before it is registered.

    Attributes:
        name: Of its file.
        data: Its bytes, of an upload; None where it lies on this machine.
        file: Where it lies; None of an upload.
        root: Folder that its paths are relative to; the table's own if None.
    """

    name: str
    data: bytes | None
    file: Path | None
    root: Path | None


def table_preview(
    table: OfferedTable,
    *,
    low: float | None = None,
    high: float | None = None,
    polarity: Polarity | None = None,
    columns: Mapping[str, str] | None = None,
    known: Sequence[str] = (),
) -> TablePreview:
    """Return what a table holds and every fault in it, as `datasets import --dry-run` does.

    The other arguments are those of `workbench.datasets.table_preview.preview`.

    Raises:
        ConfigError: The range is none, or the folder of an upload's images is not named.
        DataError: The table cannot be read, or is too large for a page.
    """
    words = {"low": low, "high": high, "polarity": polarity, "columns": columns, "known": known}
    if table.data is not None:
        if table.root is None:
            raise ConfigError("Name the folder that the table's paths are relative to.")
        _require_small(table.name, len(table.data))
        with TemporaryDirectory() as folder:
            file = Path(folder) / (Path(table.name).name or "table.csv")
            file.write_bytes(table.data)
            return preview(file, table.root, **words)  # type: ignore[arg-type]
    if table.file is None:
        raise ConfigError("Name a table.")
    try:
        size = table.file.stat().st_size
    except OSError as fault:
        raise DataError(f"{table.file} cannot be read: {fault.strerror}. Name a CSV.") from fault
    _require_small(str(table.file), size)
    return preview(table.file, table.root, **words)  # type: ignore[arg-type]


def _require_small(name: str, size: int) -> None:
    if size > MOST_MB * 1_000_000:
        raise DataError(
            f"{name} has {size / 1_000_000:.0f} MB; this page reads tables of up to {MOST_MB} MB. "
            "Use the command workbench datasets import."
        )


def take_table(
    table: OfferedTable, read: TablePreview, settings: Settings, name: str, *, replace: bool
) -> str:
    """Register a table under a name and return it; an upload is kept in the workbench's home.

    Args:
        table: As it was offered.
        read: Its preview, without problems.
        settings: Where it is registered.
        name: Small letters, digits and "_"; made of the file's name if "".
        replace: Take the place of another table of that name.

    Raises:
        RoleError: Who asks for it is no admin.
        ConfigError: The name cannot be one, or is taken.
        DataError: It cannot be written.
    """
    require_admin(settings, "register a table")
    name = name.strip() or id_of(Path(table.name).stem)
    if table.data is not None:
        if name in registered_tables(settings.home) and not replace:
            raise ConfigError(
                f"A table is registered as '{name}', and experiments may name it. Give this one "
                "another name, or replace that one."
            )
        if not name or name != id_of(name) or name in adapters():
            register_table(read, settings.home, name, replace=replace)  # says what is wrong
        kept = settings.home / "attribute_db" / "tables" / f"{name}.csv"
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(kept) as passing:
                passing.write_bytes(table.data)
        except OSError as fault:
            raise DataError(
                f"The table cannot be kept in {kept.parent}: {fault.strerror}. Make that folder "
                "writable."
            ) from fault
        read = read.model_copy(update={"file": str(kept)})
    return register_table(read, settings.home, name, replace=replace)


def forget_table(settings: Settings, name: str) -> None:
    """Unregister a table; its files stay.

    Raises:
        RoleError: Who asks for it is no admin.
        UnknownNameError: There is none of the name.
    """
    require_admin(settings, "forget a table")
    remove_table(name, settings.home)


def require_admin(settings: Settings, act: str) -> None:
    """Find out that somebody may not name files of the machine that all share.

    They may be anything: another project's photographs, or the secrets of the workbench.

    Raises:
        RoleError: Who asks for it is no admin.
    """
    settings.actor.require("admin", act)
