"""The manifest of a generated set: one row an image, in Parquet, enough to make it again."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import DataError
from workbench.files import written_whole

FORMAT = "attribute-workbench/generated/1"

COLUMNS = (
    ("image", pa.string(), "file below the root, or the row of the array"),
    ("reference", pa.string(), "clean image below the root"),
    ("photograph", pa.string(), "file of the photograph in the folder it was made from"),
    ("photograph_sha256", pa.string(), "of that file's bytes"),
    ("types", pa.list_(pa.string()), "distortions in the order in which they were applied"),
    ("levels", pa.list_(pa.int16()), "their levels, from 1"),
    ("level_counts", pa.list_(pa.int16()), "number of levels of each"),
    ("parameters", pa.list_(pa.float64()), "the operators' parameters at these levels"),
    ("seed", pa.uint32(), "of the distortions' random numbers"),
    ("width", pa.int32(), "pixels"),
    ("height", pa.int32(), "pixels"),
    ("sha256", pa.string(), "of the file's bytes, or of the array row's"),
)


def schema(scores: Iterable[str]) -> pa.Schema:
    """Return the columns of a manifest.

    Args:
        scores: Full-reference metrics that have a column each.
    """
    fields = [pa.field(name, kind, metadata={"meaning": text}) for name, kind, text in COLUMNS]
    meaning = {"meaning": "full-reference score, 1 = equal; weak supervision, no opinion score"}
    fields += [pa.field(name, pa.float64(), metadata=meaning) for name in scores]
    return pa.schema(fields, metadata={"format": FORMAT})


def write_manifest(
    file: Path, blocks: Iterable[list[dict[str, Any]]], scores: Iterable[str]
) -> None:
    """Write a manifest whole or not at all, one row group a block.

    Args:
        file: Where to.
        blocks: Rows by column name, in the order of the images.
        scores: Metrics with a column.

    Raises:
        OSError: It cannot be written.
    """
    columns = schema(scores)
    with (
        written_whole(file) as passing,
        pq.ParquetWriter(passing, columns, compression="zstd") as writer,
    ):
        for rows in blocks:
            writer.write_table(pa.Table.from_pylist(rows, columns))


def read_manifest(file: Path) -> pa.Table:
    """Return a manifest.

    Raises:
        DataError: Not there, no Parquet, broken off, or of another release.
    """
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as fault:
        raise DataError(
            f"{file} cannot be read as a manifest ({str(fault).splitlines()[0]}). If the set was "
            "not finished, give the same generate command again."
        ) from fault
    require_format(table.schema.metadata or {}, file)
    return table


def require_format(metadata: Mapping[bytes, bytes], file: Path) -> None:
    """Raise a DataError unless the metadata name this release's format."""
    found = metadata.get(b"format", b"none").decode(errors="replace")
    if found != FORMAT:
        raise DataError(
            f"{file} has format '{found}'; this release reads '{FORMAT}'. Generate the set again, "
            "or read it with the release that made it."
        )
