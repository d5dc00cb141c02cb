"""The manifest of a generated set: one row an image, in Parquet, enough to make it again."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.atomic_files import atomic_write
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.datasets.weak_scores import LABELS
from workbench.domain.distortion import Distortion
from workbench.errors import DataError

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
    """Return the columns of a manifest; each full-reference metric of `scores` has one."""
    fields = [pa.field(name, kind, metadata={"meaning": text}) for name, kind, text in COLUMNS]
    meaning = {"meaning": "full-reference score, 1 = equal; weak supervision, no opinion score"}
    fields += [pa.field(name, pa.float64(), metadata=meaning) for name in scores]
    return pa.schema(fields, metadata={"format": FORMAT})


def write_manifest(
    file: Path, blocks: Iterable[list[dict[str, Any]]], scores: Iterable[str]
) -> None:
    """Write a manifest atomically, one row group a block; rows are in the order of the images."""
    columns = schema(scores)
    with (
        atomic_write(file) as passing,
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
    stated = metadata.get(b"format", b"none").decode(errors="replace")
    if stated != FORMAT:
        raise DataError(
            f"{file} has format '{stated}'; this release reads '{FORMAT}'. Generate the set again, "
            "or read it with the release that made it."
        )


_CARD = """# Multi-distortion set

{images} images made from {photographs} photographs with {types} distortions (ExIQA's protocol for
its 100k set). Every image and the order, levels and seed of its distortions is a row of
`manifest.parquet`.

| | |
|---|---|
| Distortions on an image | uniform on 1 to {most}, each at a uniform level, in random order |
| Clean images | {clean} |
| Seed | {seed} |
| Size | {size} |
| Images are stored as | {form} |
| Weak scores | {scores} |

Weak scores are full-reference metrics against the clean image, not human opinions. Split by
`photograph`: images of one photograph must not stand on both sides.

## How often each distortion occurs

| distortion | images |
|---|---|
{counts}

## Columns of the manifest

| column | meaning |
|---|---|
{columns}

## Make an image again

```python
import numpy as np, pyarrow.parquet as pq
from PIL import Image
from workbench.distortions import apply_sequence

row = pq.read_table("manifest.parquet").slice({example}, 1).to_pylist()[0]
clean = np.asarray(Image.open(row["reference"]))
steps = list(zip(row["types"], row["levels"]))
image = apply_sequence(clean, steps, seed=row["seed"]{stretch})
```

The licences of the photographs hold for these images too; `photograph` names each one's file.
`set.json` states the configuration and the libraries that decide the bytes.
"""


def card(config: GeneratorConfig, specs: Sequence[Distortion], manifest: pa.Table) -> str:
    """Return the dataset card of a set, Markdown."""
    types = manifest["types"]
    applied = pc.value_counts(pc.list_flatten(types)).to_pylist()
    counts = Counter({entry["values"]: entry["counts"] for entry in applied})
    clean = pc.sum(pc.equal(pc.list_value_length(types), 0)).as_py()
    size = f"{config.size[0]}x{config.size[1]} px" if config.size else "each photograph's own"
    quality = f", quality {config.quality}" if config.quality else ""
    meanings = [(name, text) for name, _, text in COLUMNS]
    meanings += [(name, f"{LABELS[name]} against the clean image") for name in config.scores]
    return _CARD.format(
        images=len(types),
        photographs=pc.count_distinct(manifest["photograph"]).as_py(),
        types=len(specs),
        most=config.max_distortions,
        clean=f"{clean} (each with probability {config.clean_share:g})",
        seed=config.seed,
        size=size,
        form=config.form + quality,
        scores=", ".join(LABELS[name] for name in config.scores) or "none",
        counts="\n".join(f"| {spec.id} | {counts[spec.id]} |" for spec in specs),
        columns="\n".join(f"| {name} | {text} |" for name, text in meanings),
        example=min(7, len(types) - 1),
        stretch=", stretch=True" if config.stretch else "",
    )
