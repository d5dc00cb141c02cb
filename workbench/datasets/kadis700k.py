"""KADIS-700k: 140,000 pristine photographs to distort; its own distorted images are not read."""

from pathlib import Path

from workbench.datasets.labelled import DatasetFacts, ImageDataset
from workbench.datasets.layout import Layout
from workbench.datasets.text_tables import read_columns

FACTS = DatasetFacts(
    name="kadis700k",
    title="KADIS-700k",
    kind="pristine",
    source="Lin, Hosu and Saupe: DeepFL-IQA, weak supervision for deep IQA feature learning, 2020",
    obtain="Download kadis700k.zip from https://database.mmsp-kn.de/kadid-10k-database.html and "
    "unpack it.",
    layout=("ref_imgs/<name>.png", "kadis700k_ref_imgs.csv"),
    group="photograph",
    images=140_000,
    references=0,
)


def load(root: Path) -> ImageDataset:
    """Read the pristine photographs in the order of `kadis700k_ref_imgs.csv`.

    Raises:
        DatasetNotFoundError: The table or all images are missing.
        DataError: The table cannot be read.
    """
    layout = Layout(root, FACTS)
    table = layout.table("kadis700k_ref_imgs.csv")
    files = read_columns(table, ("ref_im",), lambda row: layout.name(f"ref_imgs/{row[0]}"))
    return layout.dataset(layout.image(file, file) for file in files)
