"""KADID-10k: 81 references, 25 distortions at 5 levels, 10,125 images."""

import re
from functools import partial
from pathlib import Path

from workbench.datasets.labelled import DatasetFacts, ImageDataset, LabelledImage, numbered_types
from workbench.datasets.layout import Layout
from workbench.datasets.text_tables import finite, read_columns

# In the release's order.
_DISTORTIONS = (
    "gaussian_blur", "lens_blur", "motion_blur", "color_diffusion", "color_shift",
    "color_quantization", "color_saturation_1", "color_saturation_2", "jpeg2000", "jpeg",
    "white_noise", "white_noise_color_component", "impulse_noise", "multiplicative_noise",
    "denoise", "brighten", "darken", "mean_shift", "jitter", "non_eccentricity_patch",
    "pixelate", "quantization", "color_block", "high_sharpen", "contrast_change",
)  # fmt: skip

FACTS = DatasetFacts(
    name="kadid10k",
    title="KADID-10k",
    kind="synthetic",
    source="Lin, Hosu and Saupe: KADID-10k, a large-scale artificially distorted IQA database, "
    "QoMEX 2019",
    obtain="Download kadid10k.zip from https://database.mmsp-kn.de/kadid-10k-database.html and "
    "unpack it.",
    layout=("images/I01.png", "images/I01_01_01.png", "dmos.csv"),
    score="MOS",  # the release calls it dmos
    score_range=(1, 5),
    polarity="higher is better",
    types=numbered_types(_DISTORTIONS, levels=5),
    images=10_125,
    references=81,
)


def load(root: Path) -> ImageDataset:
    """Read KADID-10k in the order of `dmos.csv`.

    Raises:
        DatasetNotFoundError: `dmos.csv` or all images are missing.
        DataError: Names the rows that cannot be read.
    """
    layout = Layout(root, FACTS)
    columns = ("dist_img", "ref_img", "dmos")
    return layout.dataset(read_columns(layout.table("dmos.csv"), columns, partial(_image, layout)))


def _image(layout: Layout, row: list[str]) -> LabelledImage:
    name, reference, score = row[0], row[1], finite(row[2])
    form = re.fullmatch(r"(i\d+)_(\d\d)_(\d\d)\.png", name.casefold())
    if form is None or reference.casefold() != f"{form[1]}.png":
        raise ValueError(f"'{name}' of '{reference}' is no I01_TT_LL.png of its I01.png")
    return layout.numbered_image(
        f"images/{name}",
        form[1],
        int(form[2]),
        int(form[3]),
        score=score,
        reference=f"images/{reference}",
    )
