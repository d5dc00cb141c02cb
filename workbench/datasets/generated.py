"""Multi-distortion sets that `workbench generate` made."""

from pathlib import Path
from typing import Any

from workbench.datasets.generation.manifest import read_manifest
from workbench.datasets.labelled import DatasetFacts, ImageDataset, LabelledImage, Present
from workbench.datasets.weak_scores import LABELS
from workbench.errors import DatasetNotFoundError

FACTS = DatasetFacts(
    name="generated",
    title="A generated multi-distortion set",
    kind="synthetic",
    source="ExIQA's 100k set, section on multi-distortion training",
    obtain="Make one: workbench generate PHOTOGRAPHS OUT --count N.",
    layout=("manifest.parquet", "references/*.png", "images/* or images.npy"),
    group="photograph",
)


def load(root: Path) -> ImageDataset:
    """Read a generated set; its first weak score, if it has any, stands as the quality.

    Raises:
        DatasetNotFoundError: No manifest; the set is not there or not complete.
        DataError: The manifest cannot be read or is another release's.
    """
    manifest = root / "manifest.parquet"
    if not manifest.is_file():
        raise DatasetNotFoundError(
            f"No manifest at {manifest}. If the set was broken off, give the same generate command "
            f"again; if there is none: {FACTS.obtain}"
        )
    table = read_manifest(manifest)
    metric = next((name for name in LABELS if name in table.column_names), None)
    facts = FACTS
    if metric:
        facts = FACTS.model_copy(
            update={
                "score": f"{LABELS[metric]}, weak supervision",
                "score_range": (0.0, 1.0),
                "polarity": "higher is better",
            }
        )
    return ImageDataset(facts, root, tuple(_image(row, metric) for row in table.to_pylist()))


def _image(row: dict[str, Any], metric: str | None) -> LabelledImage:
    file, _, number = row["image"].partition("#")
    score = row[metric] if metric else None
    return LabelledImage(
        file=file,
        frame=int(number) if number else None,
        group=row["photograph"],
        reference=row["reference"],
        present=tuple(
            Present(*step)
            for step in zip(row["types"], row["levels"], row["level_counts"], strict=True)
        ),
        label="+".join(row["types"]),
        score=score,
        quality=score,
    )
