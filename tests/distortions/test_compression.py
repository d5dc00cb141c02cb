from io import BytesIO

import numpy as np
import pytest
import skimage.data
from PIL import Image

from workbench.distortions.compression import jpeg, jpeg2000, jpeg2000_round_trip


@pytest.mark.parametrize("quality", [43, 36, 24, 7, 4])
def test_jpeg_is_what_pillow_decodes(photograph, floats, quality):
    file = BytesIO()
    Image.fromarray(photograph).save(file, "JPEG", quality=quality)
    expected = np.asarray(Image.open(file))
    assert np.array_equal(np.rint(255 * jpeg(floats, quality)), expected)


@pytest.mark.parametrize("ratio", [16, 32, 45, 120, 400])
def test_jpeg2000_reaches_the_ratio(ratio):
    photograph = skimage.data.coffee()  # 400 x 600: large enough for headers not to count
    decoded, size = jpeg2000_round_trip(photograph, ratio)
    assert photograph.size / size == pytest.approx(ratio, rel=0.03)
    assert decoded.shape == photograph.shape


def test_jpeg2000_near_no_compression_is_near_the_original(floats):
    assert np.abs(jpeg2000(floats, 2) - floats).max() < 12 / 255


def test_jpeg2000_gets_worse_with_the_ratio(floats):
    errors = [float(((jpeg2000(floats, ratio) - floats) ** 2).mean()) for ratio in (16, 45, 400)]
    assert errors == sorted(errors)
