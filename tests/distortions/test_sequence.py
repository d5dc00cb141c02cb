import numpy as np
import pytest

from workbench.distortions import apply_sequence, apply_to_floats
from workbench.errors import ConfigError, DataError, ShapeError

STEPS = [("gaussian_blur", 4), ("white_noise", 3), ("darken", 2)]


def test_steps_follow_one_another_and_are_rounded_once(photograph, floats):
    image = floats
    for distortion, level in STEPS:
        image = apply_to_floats(image, distortion, level, seed=5)
    assert np.array_equal(apply_sequence(photograph, STEPS, seed=5), np.rint(255 * image))


def test_the_order_of_steps_matters(photograph):
    there, back = (apply_sequence(photograph, steps, seed=5) for steps in (STEPS, STEPS[::-1]))
    assert not np.array_equal(there, back)


def test_the_range_is_stretched_before_the_first_and_after_the_last_step_alone():
    dull = np.linspace(80, 160, 48, dtype=np.uint8).reshape(4, 4, 3)
    whole = (dull.astype(np.float32) - 80) / 80
    for distortion, level in (steps := [("contrast_change", 4), ("mean_shift", 2)]):
        whole = apply_to_floats(whole, distortion, level, seed=0)
    expected = 255 * (whole - whole.min()) / (whole.max() - whole.min())
    stretched = apply_sequence(dull, steps, seed=0, stretch=True)
    assert np.abs(stretched - expected).max() <= 0.5 + 1e-3
    assert (stretched.min(), stretched.max()) == (0, 255)


def test_without_steps_it_is_a_copy(photograph):
    copy = apply_sequence(photograph, [], seed=0)
    assert np.array_equal(copy, photograph)
    assert not np.shares_memory(copy, photograph)


@pytest.mark.parametrize(
    ("image", "steps", "error", "message"),
    [
        (np.zeros((2, 2, 3), np.uint8), [("jpg", 1)], ConfigError, "Did you mean 'jpeg'"),
        (np.zeros((2, 2, 3), np.uint8), [("jpeg", 9)], ConfigError, "JPEG has levels 1 to 5"),
        (np.zeros((2, 2), np.uint8), [], ShapeError, r"\(H, W, 3\)"),
        (np.zeros((2, 2, 3)), [], DataError, "type uint8, got float64"),
    ],
)
def test_wrong_input_is_named(image, steps, error, message):
    with pytest.raises(error, match=message):
        apply_sequence(image, steps, seed=0)
