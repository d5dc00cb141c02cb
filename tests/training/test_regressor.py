import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from workbench.domain.config import RegressorConfig
from workbench.errors import ShapeError, TrainingDivergedError, UnknownNameError
from workbench.training.crops import grid_crops, random_crops, whole_view
from workbench.training.prompt_pairs import sentence_pairs
from workbench.training.regressor import fit_regressor, warmup_cosine


def made_up(count=400, attributes=6, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.random((count, attributes), dtype=np.float32)
    quality = 1 - 0.5 * probabilities[:, 0] - 0.3 * probabilities[:, 1] ** 2
    return probabilities, quality.astype(np.float64)


def test_it_learns_a_known_function_and_orders_unseen_rows():
    regressor = fit_regressor(*made_up(), RegressorConfig(), seed=0)
    probabilities, quality = made_up(seed=1)
    assert spearmanr(regressor.predict(probabilities), quality).statistic > 0.95


def test_the_same_seed_gives_the_same_bits():
    first, again, other = (
        fit_regressor(*made_up(80), RegressorConfig(epochs=3), seed=s).predict(made_up(5)[0])
        for s in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_constant_probabilities_and_constant_quality_stay_finite():
    regressor = fit_regressor(
        np.full((20, 3), 0.5, np.float32), np.full(20, 0.7), RegressorConfig(epochs=2), seed=0
    )
    assert regressor.predict(np.full((2, 3), 0.5, np.float32)) == pytest.approx(
        [0.7, 0.7], abs=1e-4
    )


def test_another_number_of_inputs_is_refused():
    regressor = fit_regressor(*made_up(20), RegressorConfig(epochs=1), seed=0)
    with pytest.raises(ShapeError, match=r"fitted on 6 inputs an image, got inputs \(1, 4\)"):
        regressor.predict(np.zeros((1, 4), np.float32))


def test_divergence_is_named():
    probabilities, quality = made_up(20)
    quality[3] = np.nan
    with pytest.raises(TrainingDivergedError, match="regressor's loss became nan in epoch 1"):
        fit_regressor(probabilities, quality, RegressorConfig(epochs=1), seed=0)


def test_the_rate_rises_over_the_warm_up_and_falls_to_almost_zero():
    shares = [warmup_cosine(step, 100, 0.2) for step in range(100)]
    assert shares[:20] == sorted(shares[:20])
    assert shares[19] == shares[20] == 1
    assert shares[20:] == sorted(shares[20:], reverse=True)
    assert shares[-1] < 0.001


def test_a_wrong_polarity_says_which_one_was_meant():
    with pytest.raises(
        UnknownNameError, match=r"Unknown polarity 'pristin'. Did you mean 'pristine'"
    ):
        sentence_pairs(["x"], "pristin")


def test_grid_crops_cover_every_pixel_at_full_resolution():
    image = np.random.default_rng(0).integers(0, 255, (70, 100, 3), dtype=np.uint8)
    covered = np.zeros((70, 100), bool)
    for crop in grid_crops(image, 32).permute(0, 2, 3, 1).numpy():
        places = [
            (y, x)
            for y in range(39)
            for x in range(69)
            if (image[y : y + 32, x : x + 32] == crop).all()
        ]
        for y, x in places[:1]:
            covered[y : y + 32, x : x + 32] = True
    assert covered.all()


def test_the_whole_view_of_a_square_of_its_size_is_that_image():
    image = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    assert torch.equal(whole_view(image, 32), grid_crops(image, 32))


def test_the_whole_view_is_antialiased():
    stripes = np.zeros((320, 640, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than the view can show: their mean is what is left
    view = whole_view(stripes, 32).float()
    assert view.shape == (1, 3, 32, 32)
    assert (view - 127.5).abs().max() < 3


def test_random_crops_are_true_views_and_follow_their_generator():
    images = np.random.default_rng(0).integers(0, 255, (2, 40, 50, 3), dtype=np.uint8)
    crops = [
        random_crops(images, torch.tensor([0, 1, 1]), 24, torch.Generator().manual_seed(3))
        for _ in range(2)
    ]
    assert torch.equal(*crops)
    for source, crop in zip((0, 1, 1), crops[0].permute(0, 2, 3, 1).numpy(), strict=True):
        views = [images[source, y : y + 24, x : x + 24] for y in range(17) for x in range(27)]
        assert any((view == crop).all() or (view[:, ::-1] == crop).all() for view in views)
