"""What every registered distortion keeps to; a new one is found by itself."""

from itertools import pairwise

import numpy as np
import pytest
import skimage.data

from workbench.distortions import Operator, apply_distortion, as_rgb, effective_strength, operators

pytestmark = pytest.mark.slow

EVERY = pytest.mark.parametrize("operator", operators().values(), ids=list(operators()))

# Their level is no measure of strength, |parameter - neutral| is.
UNORDERED = {"mean_shift", "contrast_change"}
WITHOUT_NEUTRAL = {
    "color_diffusion",
    "color_quantization",
    "color_quantization_dither",
    "jpeg",
    "jpeg2000",
    "jpeg_transmission_errors",
    "pixelate",
    "quantization",
    "repeated_compression",
    "sensor_grain",
}
IDENTITY_AT_LEVEL_1 = {"gaussian_blur", "motion_blur", "color_saturation_2"}


@pytest.fixture(scope="module")
def photographs() -> list[np.ndarray]:
    pictures = (skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea())
    return [np.ascontiguousarray(picture[20:212, 80:336]) for picture in pictures]


def distort(image: np.ndarray, operator: Operator, level: int, seed: int = 0) -> np.ndarray:
    return apply_distortion(image, operator.spec.id, level, seed=seed)


def strongest(operator: Operator) -> int:
    return len(operator.spec.levels)


def levels(operator: Operator) -> range:
    return range(1, strongest(operator) + 1)


def test_operators_were_found():
    assert len(operators()) >= 48


@EVERY
def test_same_seed_same_bytes(operator, photographs):
    for level in levels(operator):
        first, second = (distort(photographs[0], operator, level, seed=3) for _ in range(2))
        assert np.array_equal(first, second)


@EVERY
def test_the_seed_matters_only_to_what_calls_itself_stochastic(operator, photographs):
    one, two = (
        distort(photographs[0], operator, strongest(operator), seed=seed) for seed in (1, 2)
    )
    assert np.array_equal(one, two) != operator.spec.stochastic


@EVERY
def test_shape_type_range_and_input_are_kept(operator, photographs):
    floats = photographs[1].astype(np.float32) / 255
    before = floats.copy()
    floats.setflags(write=False)
    for value in operator.spec.levels:
        result = operator.function(floats, value, np.random.default_rng(0))
        assert result.shape == floats.shape
        assert result.dtype == np.float32
        assert result.min() >= 0
        assert result.max() <= 1
        assert not np.shares_memory(result, floats)
    assert np.array_equal(floats, before)


def error(operator: Operator, level: int, photographs: list[np.ndarray]) -> float:
    """Return the root mean squared error in bytes, over photographs and seeds."""
    seeds = range(6 if operator.spec.stochastic else 1)
    squares = [
        np.square(distort(image, operator, level, seed).astype(float) - image).mean()
        for image in photographs
        for seed in seeds
    ]
    return float(np.sqrt(np.mean(squares)))


@EVERY
def test_the_error_grows_with_the_effective_strength(operator, photographs):
    measured = sorted(
        (effective_strength(operator.spec, level), error(operator, level, photographs))
        for level in levels(operator)
    )
    for (weak, small), (strong, large) in pairwise(measured):
        if strong > weak + 1e-9:
            assert large > small, (operator.spec.id, measured)
    assert measured[-1][1] > 5


@EVERY
def test_the_error_grows_with_the_level_unless_levels_are_unordered(operator, photographs):
    errors = [error(operator, level, photographs) for level in levels(operator)]
    assert (errors == sorted(errors)) != (operator.spec.id in UNORDERED)


@EVERY
def test_only_some_first_levels_change_next_to_nothing(operator, photographs):
    changed = error(operator, 1, photographs)
    assert (changed < 1) == (operator.spec.id in IDENTITY_AT_LEVEL_1)


@EVERY
def test_the_neutral_parameter_changes_nothing(operator, photographs):
    if operator.spec.neutral is None:
        assert operator.spec.id in WITHOUT_NEUTRAL
        return
    floats = photographs[2].astype(np.float32) / 255
    result = operator.function(floats, operator.spec.neutral, np.random.default_rng(0))
    assert np.abs(result - floats).max() < 0.5 / 255


@EVERY
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (17, 13)])
def test_the_smallest_images_work(operator, photographs, shape):
    image = photographs[0][: shape[0], : shape[1]]
    for level in levels(operator):
        assert distort(image, operator, level).shape == (*shape, 3)


@EVERY
def test_flat_images_work(operator):
    for grey in (0, 128, 255):
        flat = np.full((24, 40, 3), grey, np.uint8)
        assert distort(flat, operator, strongest(operator)).shape == flat.shape


@EVERY
def test_grey_images_work_as_rgb(operator, photographs):
    grey = photographs[0][..., 1]
    for level in levels(operator):
        assert distort(as_rgb(grey), operator, level).shape == (*grey.shape, 3)


@EVERY
def test_levels_and_the_neutral_parameter_lie_within_the_limits(operator):
    low, high = operator.spec.limits
    values = [*operator.spec.levels]
    if operator.spec.neutral is not None:
        values.append(operator.spec.neutral)
    assert low is None or low <= min(values)
    assert high is None or high >= max(values)


@EVERY
def test_the_operator_works_at_its_limits(operator, photographs):
    floats = photographs[0][100:117, 90:103].astype(np.float32) / 255
    for limit in operator.spec.limits:
        if limit is not None:
            result = operator.function(floats, limit, np.random.default_rng(0))
            assert result.shape == floats.shape
            assert result.dtype == np.float32
            assert result.min() >= 0
            assert result.max() <= 1


@EVERY
@pytest.mark.parametrize("shape", [(8, 33_000), (33_000, 8)])
def test_images_longer_than_16_bits_can_count_work(operator, photographs, shape):
    strip = np.resize(photographs[2], (*shape, 3))
    assert distort(strip, operator, strongest(operator)).shape == strip.shape


@pytest.mark.slow
@EVERY
def test_twelve_megapixels_work(operator, photographs):
    rows, columns = -(-3000 // 192), -(-4000 // 256)
    large = np.ascontiguousarray(np.tile(photographs[0], (rows, columns, 1))[:3000, :4000])
    assert distort(large, operator, 3).shape == (3000, 4000, 3)
