"""The dataset card of a generated set: what it is, how it was made, and how to make it again."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from workbench.datasets.generation.manifest import COLUMNS
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.datasets.weak_scores import LABELS
from workbench.domain.distortion import Distortion

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
    """Return the card, Markdown.

    Args:
        config: What decided the set.
        specs: Its distortions.
        manifest: Its manifest.
    """
    types = manifest["types"]
    applied = pc.value_counts(pc.list_flatten(types)).to_pylist()
    counts = Counter({one["values"]: one["counts"] for one in applied})
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
