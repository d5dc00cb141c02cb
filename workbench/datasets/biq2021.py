"""BIQ2021: 12,000 authentic photographs with an official split and three subsets."""

from functools import partial
from pathlib import Path

from workbench.datasets.labelled import DatasetFacts, ImageDataset, LabelledImage
from workbench.datasets.layout import Layout
from workbench.datasets.text_tables import finite, read_columns

TABLES = {"train": "Train (Images and MOS).csv", "test": "Test (Images and MOS).csv"}

FACTS = DatasetFacts(
    name="biq2021",
    title="BIQ2021",
    kind="authentic",
    source="Ahmed and Asif: BIQ2021, a large-scale blind image quality assessment database, "
    "Journal of Electronic Imaging 31(5), 2022",
    obtain="Download it from https://github.com/nisarahmedrana/BIQ2021 and unpack it.",
    layout=("Images/ss01 (1).jpg", *TABLES.values()),
    score="MOS",
    score_range=(0, 1),
    polarity="higher is better",
    group="photograph",
    images=12_000,
    references=0,
)


def load(root: Path) -> ImageDataset:
    """Read BIQ2021: the training part, then the test part, in the order of their tables.

    One of the two tables is enough. Each image has its subset ("ss01"), to be reported by itself.

    Raises:
        DatasetNotFoundError: Both tables, or all images, are missing.
        DataError: Names the rows that cannot be read.
    """
    layout = Layout(root, FACTS)
    layout.table(*TABLES.values())
    images: list[LabelledImage] = []
    for part, name in TABLES.items():
        if table := layout.optional(name):
            images += read_columns(table, ("Image Name", "MOS"), partial(_image, layout, part))
    return layout.dataset(images)


def _image(layout: Layout, part: str, row: list[str]) -> LabelledImage:
    name, score = row[0], finite(row[1])
    file = layout.name(f"Images/{name}")
    return layout.image(file, file, score=score, subset=name.split()[0].casefold(), official=part)
