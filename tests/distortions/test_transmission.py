import re
from io import BytesIO

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import binary_dilation

from workbench.distortions.compression import jpeg_transmission_errors, with_bit_errors
from workbench.errors import DataError

COFFEE = skimage.data.coffee()  # 400 x 600
FLOATS = (COFFEE / 255).astype(np.float32)
ACROSS, DOWN = 38, 25  # blocks of 16 x 16 pixels
INTERVALS = -(-ACROSS * DOWN // 4)
SEEDS = range(6)


def sent(image):
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=90, restart_marker_blocks=4)
    return file.getvalue()


def interval_of_each_pixel():
    rows, columns = np.mgrid[:400, :600] // 16
    return (rows * ACROSS + columns) // 4


@pytest.mark.parametrize("share", [0.02, 0.05, 0.12, 0.3, 0.7])
def test_the_share_of_intervals_is_damaged_and_the_others_decode_bit_for_bit(share):
    plain = np.asarray(Image.open(BytesIO(sent(COFFEE))))
    intervals = interval_of_each_pixel()
    hits = damaged = 0
    for seed in SEEDS:
        arrived = np.rint(
            255 * jpeg_transmission_errors(FLOATS, share, np.random.default_rng(seed))
        )
        hit = np.random.default_rng(seed).random((2, INTERVALS))[0] < share
        differs = (arrived != plain).any(axis=2)
        # Colour is stored at half the resolution and smoothed, which reaches one pixel farther.
        assert not differs[~binary_dilation(hit[intervals], np.ones((3, 3)))].any()
        changed = np.bincount(intervals.ravel(), differs.ravel(), INTERVALS) > 0
        hits, damaged = hits + hit.sum(), damaged + (changed & hit).sum()
    expected = share * INTERVALS * len(SEEDS)
    assert abs(hits - expected) < 4 * np.sqrt(expected)
    assert damaged > 0.9 * hits


def test_without_errors_the_file_arrives_as_it_was_sent(rng):
    file = sent(COFFEE)
    assert with_bit_errors(file, 0, rng) == file


def test_every_interval_that_is_hit_loses_one_bit_and_all_markers_arrive(rng):
    def intervals(file):
        scan = file[re.search(rb"\xff\xda\x00\x0c", file).start() + 14 :]
        pieces = re.split(rb"\xff[\xd0-\xd9]", scan)
        return [piece.replace(b"\xff\x00", b"\xff") for piece in pieces]

    file = sent(COFFEE)
    before, after = intervals(file), intervals(with_bit_errors(file, 1, rng))
    assert len(before) == INTERVALS + 1  # nothing follows the end marker
    for clean, hit in zip(before[:-1], after[:-1], strict=True):
        flipped = np.frombuffer(clean, np.uint8) ^ np.frombuffer(hit, np.uint8)
        assert np.unpackbits(flipped).sum() == 1


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 70), st.integers(1, 70))
def test_no_error_keeps_the_image_from_being_decoded(seed, height, width):
    image = np.random.default_rng(seed).random((height, width, 3), np.float32)
    assert jpeg_transmission_errors(image, 1, np.random.default_rng(seed)).shape == image.shape


def test_the_decoder_says_nothing(capfd):
    for seed in range(50):
        jpeg_transmission_errors(FLOATS[:64, :96], 1, np.random.default_rng(seed))
    assert capfd.readouterr() == ("", "")


def test_what_jpeg_cannot_hold_is_refused(rng):
    with pytest.raises(DataError, match=r"at most 65,500 pixels a side, got 65501 x 1: scale"):
        jpeg_transmission_errors(np.zeros((1, 65_501, 3), np.float32), 0.1, rng)
