import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest

from workbench.distortions import apply_distortion, apply_to_floats, as_rgb
from workbench.errors import ConfigError, DataError, ShapeError, UnknownNameError

PIXEL = np.zeros((1, 1, 3), np.uint8)


def test_level_0_is_a_copy(photograph):
    clean = apply_distortion(photograph, "jpeg", 0, seed=0, stretch=True)
    assert np.array_equal(clean, photograph)
    clean[:] = 0
    assert photograph.any()


def test_another_seed_gives_another_image(photograph):
    one, two = (apply_distortion(photograph, "white_noise", 3, seed=seed) for seed in (1, 2))
    assert not np.array_equal(one, two)


def test_levels_and_distortions_do_not_share_their_noise(photograph):
    def noise(name, level):
        distorted = apply_distortion(photograph, name, level, seed=0)
        return (distorted.astype(float) - photograph).ravel()

    weak, strong, other = (
        noise("white_noise", 1),
        noise("white_noise", 2),
        noise("multiplicative_noise", 2),
    )
    assert abs(np.corrcoef(weak, strong)[0, 1]) < 0.05
    assert abs(np.corrcoef(strong, other)[0, 1]) < 0.05


@pytest.mark.process
def test_the_result_does_not_depend_on_process_or_order(photograph, tmp_path):
    names = ["jitter", "white_noise", "color_block", "motion_blur"]
    np.save(tmp_path / "photograph.npy", photograph)
    script = (
        "import sys, numpy as np; from hashlib import sha256\n"
        "from workbench.distortions import apply_distortion\n"
        f"image = np.load({str(tmp_path / 'photograph.npy')!r})\n"
        f"for name in {names[::-1]}:\n"
        "    distorted = apply_distortion(image, name, 4, seed=7)\n"
        "    print(name, sha256(distorted.tobytes()).hexdigest())\n"
    )
    lines = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    here = {
        name: sha256(apply_distortion(photograph, name, 4, seed=7).tobytes()).hexdigest()
        for name in names
    }
    assert dict(line.split() for line in lines) == here


def test_stretching_uses_the_whole_range_before_and_after():
    dull = np.linspace(80, 160, 48, dtype=np.uint8).reshape(4, 4, 3)
    stretched = apply_distortion(dull, "mean_shift", 3, seed=0, stretch=True)
    assert np.ptp(stretched) == 255
    expected = (dull.astype(float) - 80) / 80 * 255
    assert np.abs(stretched - expected).max() <= 0.5 + 1e-3
    assert apply_distortion(PIXEL, "mean_shift", 1, seed=0, stretch=True).tolist() == [[[38] * 3]]


def test_floats_are_not_rounded_and_draw_the_same_noise(photograph, floats):
    exact = apply_to_floats(floats, "white_noise", 2, seed=5)
    rounded = apply_distortion(photograph, "white_noise", 2, seed=5)
    assert np.array_equal(np.rint(255 * exact), rounded)
    assert len(np.unique(exact)) > 256


def test_views_of_any_layout_are_taken(photograph):
    mirrored = photograph[:, ::-1]
    expected = apply_distortion(mirrored.copy(), "gaussian_blur", 4, seed=0)
    assert np.array_equal(apply_distortion(mirrored, "gaussian_blur", 4, seed=0), expected)
    fortran = np.asfortranarray(photograph)
    assert apply_distortion(fortran, "jitter", 2, seed=0).flags.c_contiguous


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((PIXEL, "gausian_blur", 1, 0), UnknownNameError, "Did you mean 'gaussian_blur'"),
        ((PIXEL, "jpeg", 6, 0), ConfigError, "JPEG has levels 1 to 5 .*, got level 6"),
        ((PIXEL, "jpeg", -1, 0), ConfigError, "JPEG has levels 1 to 5 .*, got level -1"),
        ((PIXEL, "jpeg", 1.5, 0), ConfigError, "level must be a whole number, got 1.5"),
        ((PIXEL, "jpeg", True, 0), ConfigError, "level must be a whole number, got True"),
        ((PIXEL, "jpeg", 1, -1), ConfigError, "seed must be a whole number of 0 or more, got -1"),
        ((PIXEL[..., 0], "jpeg", 1, 0), ShapeError, r"\(H, W, 3\).*got shape \(1, 1\); as_rgb"),
        ((PIXEL[:0], "jpeg", 1, 0), ShapeError, "at least one pixel"),
        ((PIXEL / 1.0, "jpeg", 1, 0), DataError, "type uint8, got float64"),
        ((PIXEL.astype(np.uint16), "jpeg", 1, 0), DataError, "got 16: scale the range in use"),
        (("photo.png", "jpeg", 1, 0), DataError, "NumPy array of type uint8, got str"),
    ],
)
def test_wrong_input_is_named(arguments, error, message):
    image, distortion, level, seed = arguments
    with pytest.raises(error, match=message):
        apply_distortion(image, distortion, level, seed=seed)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_floats_outside_the_range_are_refused(value):
    with pytest.raises(DataError, match=r"values in \[0, 1\].*divide 8-bit values by 255"):
        apply_to_floats(np.full((2, 2, 3), value), "jpeg", 1, seed=0)


def test_bytes_are_no_floats():
    with pytest.raises(DataError, match="float32 or float64, got uint8"):
        apply_to_floats(PIXEL, "jpeg", 1, seed=0)


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1)])
def test_grey_becomes_rgb(shape):
    grey = np.arange(20, dtype=np.uint8).reshape(shape)
    rgb = as_rgb(grey)
    assert rgb.shape == (5, 4, 3)
    assert all(np.array_equal(rgb[..., channel], grey.reshape(5, 4)) for channel in range(3))


def test_as_rgb_copies_rgb(photograph):
    copy = as_rgb(photograph)
    assert np.array_equal(copy, photograph)
    assert not np.shares_memory(copy, photograph)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((2, 2, 4), np.uint8), DataError, "RGBA image has no single look: composite"),
        (np.zeros((2, 2), np.uint16), DataError, "8 bits per channel, got 16"),
        (np.zeros((2, 2)), DataError, "type uint8, got float64"),
        (np.zeros((2, 2, 2), np.uint8), ShapeError, r"got shape \(2, 2, 2\)"),
        (np.zeros(4, np.uint8), ShapeError, r"got shape \(4,\)"),
    ],
)
def test_as_rgb_refuses_what_it_would_have_to_guess(image, error, message):
    with pytest.raises(error, match=message):
        as_rgb(image)
