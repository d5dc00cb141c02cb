"""TID2013: 25 references, 24 distortions at 5 levels, 3,000 images."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from workbench.datasets.labelled import (
    DatasetFacts,
    ImageDataset,
    LabelledImage,
    Present,
    numbered_type,
    numbered_types,
    quality_of,
)
from workbench.datasets.layout import Layout
from workbench.datasets.text_tables import finite, parse_rows, read_words

_DISTORTIONS = (
    "white_noise",
    "white_noise_color_component",
    "spatially_correlated_noise",
    "masked_noise",
    "high_frequency_noise",
    "impulse_noise",
    "quantization",
    "gaussian_blur",
    "denoise",
    "jpeg",
    "jpeg2000",
    "jpeg_transmission_errors",
    "jpeg2000_transmission_errors",
    "non_eccentricity_patch",
    "color_block",
    "mean_shift",
    "contrast_change",
    "color_saturation_1",
    "multiplicative_noise",
    "comfort_noise",
    "lossy_compression_of_noisy_images",
    "color_quantization_dither",
    "chromatic_aberration",
    "sparse_sampling",
)
TYPES = numbered_types(_DISTORTIONS, levels=5)

FACTS = DatasetFacts(
    name="tid2013",
    title="TID2013",
    kind="synthetic",
    source="Ponomarenko et al.: Image database TID2013, Signal Processing: Image Communication 30, "
    "2015",
    obtain="Download tid2013.rar from https://www.ponomarenko.info/tid2013.htm and unpack it.",
    layout=("distorted_images/i01_01_1.bmp", "reference_images/I01.BMP", "mos_with_names.txt"),
    score="MOS",
    score_range=(0, 9),
    polarity="higher is better",
    types=TYPES,
    images=3_000,
    references=25,
)


def load(root: Path) -> ImageDataset:
    """Read TID2013 in the order of `mos_with_names.txt`.

    Raises:
        DatasetNotFoundError: `mos_with_names.txt` or all images are missing.
        DataError: Names the rows that cannot be read.
    """
    layout = Layout(root, FACTS)
    table = layout.table("mos_with_names.txt")
    return layout.dataset(parse_rows(table, read_words(table), partial(_image, layout)))


def _image(layout: Layout, row: Sequence[str]) -> LabelledImage:
    if len(row) != 2:
        raise ValueError(f"'{' '.join(row)}' is not a score and a name")
    score, name = finite(row[0]), row[1]
    form = re.fullmatch(r"(i\d\d)_(\d\d)_(\d)\.bmp", name.casefold())
    if form is None:
        raise ValueError(f"'{name}' is no iRR_TT_L.bmp")
    level = int(form[3])
    kind = numbered_type(TYPES, int(form[2]), level, name)
    return LabelledImage(
        file=layout.name(f"distorted_images/{name}"),
        group=form[1],
        reference=layout.name(f"reference_images/{form[1]}.bmp"),
        present=(Present(kind.distortion, level, kind.levels),),
        label=kind.label,
        score=score,
        quality=quality_of(score, FACTS),
    )
