"""Telling pictures unlike the training: statistics, distances and threshold against known truth."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import kurtosis

from workbench.errors import CheckpointMismatchError
from workbench.inference.unlikeness import (
    DEVIATIONS,
    MOST_REFERENCES,
    NEIGHBOURS,
    STATISTICS,
    Familiarity,
    TrainingImages,
    familiarity_of,
    picture_statistics,
)

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (256, 320, 3), dtype=np.uint8)
WIDTH = 6  # of the embeddings here


def told(image):
    return dict(zip(STATISTICS, picture_statistics(image).tolist(), strict=True))


def test_one_colour_is_equal_flat_and_without_contrast():
    values = told(np.full((64, 96, 3), 90, np.uint8))
    assert (values["equal"], values["flat"], values["commonest"]) == (1, 1, 1)
    assert (values["entropy"], values["grain"], values["fall"], values["end"]) == (0, 0, 0, 0)
    assert values["steps"] == pytest.approx(np.log(0.3))


def test_white_noise_loses_an_octave_of_contrast_in_each_halving():
    values = told(np.repeat(NOISE[..., :1], 3, axis=2))
    assert values["grain"] == pytest.approx(1, abs=0.02)
    assert values["fall"] == pytest.approx(5, abs=0.3)  # 80 blocks are left, so chance counts
    assert (values["equal"] < 0.001, values["flat"]) == (True, 0)


def test_wide_stripes_of_two_colours_keep_their_contrast():
    stripes = np.where(np.arange(256)[None] // 64 % 2, 200, 20).repeat(128, axis=0)
    values = told(stripes[..., None].repeat(3, axis=2).astype(np.uint8))
    assert (values["commonest"], values["entropy"]) == (0.5, 1)
    assert values["fall"] == pytest.approx(0, abs=1e-6)
    assert values["equal"] == pytest.approx(252 / 255)  # three edges in 255 steps


def test_steps_and_outliers_are_those_of_the_brightness():
    values = told(NOISE)
    step = np.diff(NOISE @ np.array([0.299, 0.587, 0.114]), axis=1).ravel()
    assert values["steps"] == pytest.approx(np.log(np.abs(step).mean() + 0.3), abs=1e-4)
    # SciPy's counts from the mean, which is next to 0 here
    assert values["outliers"] == pytest.approx(np.log(kurtosis(step, fisher=False) + 1), abs=1e-3)


@pytest.mark.parametrize("shape", [(2, 2), (3, 700), (15, 16), (36, 40)])
def test_a_small_or_narrow_picture_has_finite_statistics(shape):
    assert np.isfinite(picture_statistics(NOISE[: shape[0]].repeat(3, 1)[:, : shape[1]])).all()


def images(count=40):
    statistics = RNG.normal(3, [1, 2, 3, 4, 5, 6, 7, 8, 9], (count, len(STATISTICS)))
    return statistics, RNG.normal(size=(count, WIDTH)).astype(np.float32)


def test_distances_are_the_mean_to_the_nearest_training_images():
    statistics, embeddings = images()
    others = images(5)
    standard = [(s - statistics.mean(0)) / statistics.std(0) for s in (others[0], statistics)]
    unit = [e / np.linalg.norm(e, axis=1, keepdims=True) for e in (others[1], embeddings)]
    expected = [np.sort(cdist(*pair), axis=1)[:, :NEIGHBOURS].mean(1) for pair in (standard, unit)]
    apart = TrainingImages.of(statistics, embeddings).distances(*others)
    assert apart == pytest.approx(np.stack(expected, axis=1), rel=2e-3)  # stored in half precision


def test_of_many_training_images_evenly_spaced_ones_are_stored():
    statistics, embeddings = images(MOST_REFERENCES + 500)
    stored = TrainingImages.of(statistics, embeddings)
    assert len(stored.statistics) == len(stored.embeddings) == MOST_REFERENCES
    assert stored.centre == pytest.approx(statistics.mean(0))


def log_normal(count, spread):
    """Held-out distances, both the same, whose logarithms are normal."""
    return np.exp(np.random.default_rng(3).normal(1.5, spread, count))[:, None].repeat(2, axis=1)


def test_the_threshold_is_three_deviations_above_the_median_whatever_a_tenth_is():
    held_out = log_normal(20_000, 0.3)
    known = TrainingImages.of(*images())
    clean = Familiarity.of(known, held_out)
    assert clean.threshold == pytest.approx(np.exp(DEVIATIONS * 0.3), rel=0.03)
    assert clean.typical == pytest.approx([np.exp(1.5)] * 2, rel=0.01)
    held_out[:2000] *= 1000
    assert Familiarity.of(known, held_out).threshold == pytest.approx(clean.threshold, rel=0.25)


def test_percentile_is_the_share_of_held_out_images_that_were_nearer():
    statistics, embeddings = images()
    known = TrainingImages.of(statistics, embeddings)
    image = NOISE[:64, :64]
    (apart,) = known.distances(picture_statistics(image)[None], embeddings[:1])
    factors = np.repeat([0.5, 2.0], [30, 10])[:, None]
    familiarity = Familiarity.of(known, apart * factors)
    unlike = familiarity.judged(image, embeddings[0])
    assert unlike.percentile == pytest.approx(75, abs=2.6)  # a step of one in forty
    assert unlike.distance == pytest.approx(2)  # the median is half as far
    assert unlike.flagged == (unlike.distance > unlike.threshold)
    assert bool(unlike.words) == unlike.flagged


@pytest.mark.parametrize("held_out", [np.ones((3, 2)), np.zeros((50, 2))])
def test_too_few_or_too_equal_held_out_images_give_no_threshold(held_out):
    assert Familiarity.of(TrainingImages.of(*images()), held_out) is None


@pytest.fixture
def state():
    return Familiarity.of(TrainingImages.of(*images()), log_normal(100, 0.3)).state()


def test_what_is_stored_judges_as_before(state):
    tensors = {f"familiar.{name}": values for name, values in state.items()}
    restored = familiarity_of(tensors, width=WIDTH)
    before = Familiarity.restored(state, width=WIDTH)
    embedding = np.ones(WIDTH, np.float32)
    assert restored.judged(NOISE, embedding) == before.judged(NOISE, embedding)
    assert "is flagged as unlike them" in restored.words()
    assert familiarity_of({"pairs": torch.ones(1)}, width=WIDTH) is None


@pytest.mark.parametrize(
    ("name", "values", "line"),
    [
        ("spread", None, "familiar.spread is missing"),
        ("embeddings", torch.ones(40, WIDTH + 1), r"familiar.embeddings is \(40, 7\), not"),
        ("statistics", torch.ones(0, len(STATISTICS)), "familiar.statistics is"),
        ("centre", torch.full((len(STATISTICS),), torch.nan), "holds numbers that cannot be"),
        ("held_out", torch.full((1001,), torch.inf), "holds numbers that cannot be"),
        ("threshold", torch.zeros(1), "holds numbers that cannot be"),
    ],
)
def test_what_is_damaged_is_refused(state, name, values, line):
    damaged = {**state, name: values}
    if values is None:
        del damaged[name]
    with pytest.raises(CheckpointMismatchError, match=line):
        Familiarity.restored(damaged, width=WIDTH)
