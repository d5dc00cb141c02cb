"""TID2013: 25 references, 24 distortions at 5 levels, 3,000 images."""

import re
from functools import partial
from pathlib import Path

from workbench.datasets.labelled import DatasetFacts, ImageDataset, LabelledImage, numbered_types
from workbench.datasets.layout import Layout
from workbench.datasets.text_tables import finite, read_words

# In the release's order.
_DISTORTIONS = (
    "white_noise", "white_noise_color_component", "spatially_correlated_noise",
    "masked_noise", "high_frequency_noise", "impulse_noise", "quantization",
    "gaussian_blur", "denoise", "jpeg", "jpeg2000", "jpeg_transmission_errors",
    "jpeg2000_transmission_errors", "non_eccentricity_patch", "color_block", "mean_shift",
    "contrast_change", "color_saturation_1", "multiplicative_noise", "comfort_noise",
    "lossy_compression_of_noisy_images", "color_quantization_dither",
    "chromatic_aberration", "sparse_sampling",
)  # fmt: skip

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
    types=numbered_types(_DISTORTIONS, levels=5),
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
    return layout.dataset(read_words(table, partial(_image, layout)))


def _image(layout: Layout, row: list[str]) -> LabelledImage:
    if len(row) != 2:
        raise ValueError(f"'{' '.join(row)}' is not a score and a name")
    score, name = finite(row[0]), row[1]
    form = re.fullmatch(r"(i\d\d)_(\d\d)_(\d)\.bmp", name.casefold())
    if form is None:
        raise ValueError(f"'{name}' is no iRR_TT_L.bmp")
    return layout.numbered_image(
        f"distorted_images/{name}",
        form[1],
        int(form[2]),
        int(form[3]),
        score=score,
        reference=f"reference_images/{form[1]}.bmp",
    )
