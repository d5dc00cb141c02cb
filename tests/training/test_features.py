"""What a tuned model makes of images of any size, in either precision."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.small_encoder import grainy, tuned
from workbench.domain.config import RegressorConfig
from workbench.errors import ShapeError
from workbench.training.crops import grid_crops
from workbench.training.tuned_model import CERTAIN

BOTH = RegressorConfig()
PAPER = RegressorConfig(readout="probabilities", views="crops")
SIZES = [(32, 32), (40, 48), (64, 100), (33, 70), (32, 32), (300, 500), (450, 450)]


@pytest.fixture(scope="module")
def mixed():
    """Return images of different sizes, the last two with more crops than are scored at once."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]


@pytest.mark.parametrize("mode", ["shallow", "deep", "whole", "none"])
def test_images_of_many_sizes_together_are_as_one_by_one(small, mixed, mode):
    model = tuned(small, mode=mode)
    together = model.features(mixed, BOTH)
    alone = [model.features([image], BOTH) for image in mixed]
    for name, shape in (("probabilities", (5,)), ("embeddings", (16,)), ("inputs", (2, 5))):
        values = getattr(together, name)
        assert values.shape == (len(mixed), *shape)
        assert values.dtype == np.float32
        each = np.concatenate([getattr(features, name) for features in alone])
        assert values == pytest.approx(each, abs=1e-5)


def by_hand(model, crops):
    """Return s (t⁺ − t⁻)ᵀ v of crops, (B, A), in float64."""
    embeddings = model.tower(model.encoder.normalise(crops)).detach().double().numpy()
    embeddings /= np.linalg.norm(embeddings, axis=-1, keepdims=True)
    pairs = model.pairs.double().numpy()
    return model.scale * embeddings @ (pairs[:, 0] - pairs[:, 1]).T


def test_probabilities_are_the_mean_over_the_grid_of_crops(small, mixed):
    model, image = tuned(small), mixed[3]
    logits = by_hand(model, grid_crops(image, 32))
    expected = (1 / (1 + np.exp(-logits))).mean(0)
    assert len(logits) == 6
    assert model.probabilities([image])[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("scale", [10.0, 60.0])  # clipping nothing, and much
def test_log_odds_are_clipped_in_each_view_and_averaged_over_the_crops(small, mixed, scale):
    model, image = tuned(small, logit_scale=scale), mixed[3]
    squashed = Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC)
    whole = torch.from_numpy(np.array(squashed)).permute(2, 0, 1)[None]
    crops, whole = (by_hand(model, views) for views in (grid_crops(image, 32), whole))
    assert (np.abs([*crops, *whole]).max() > CERTAIN) == (scale == 60.0)
    expected = [values.clip(-12, 12).mean(0) for values in (crops, whole)]
    assert model.features([image], BOTH).inputs[0] == pytest.approx(np.stack(expected), abs=1e-4)


def test_what_is_read_of_the_crops_goes_by_no_other_view(small, mixed):
    model = tuned(small)
    for readout in ("log_odds", "probabilities"):
        both, crops = (
            model.features(mixed, RegressorConfig(readout=readout, views=views))
            for views in ("crops_and_whole", "crops")
        )
        assert crops.inputs.shape == (len(mixed), 1, 5)
        assert both.inputs[:, :1] == pytest.approx(crops.inputs, abs=1e-5)
        assert both.probabilities == pytest.approx(crops.probabilities, abs=1e-6)
        assert both.embeddings == pytest.approx(crops.embeddings, abs=1e-6)


def test_the_papers_regressor_reads_the_mean_probabilities(small, mixed):
    model = tuned(small)
    features = model.features(mixed, PAPER)
    assert (model.regressor_inputs(features, PAPER) == features.probabilities).all()
    assert (features.probabilities == model.probabilities(mixed)).all()


def test_columns_are_those_of_the_crops_then_those_of_the_whole_image(small, mixed):
    model = tuned(small)
    features = model.features(mixed, BOTH)
    columns = model.regressor_inputs(features, BOTH)
    assert (columns == np.concatenate([features.inputs[:, 0], features.inputs[:, 1]], 1)).all()


@pytest.mark.parametrize(("given", "width"), [("strengths", 2), ("embedding", 16)])
def test_what_reads_no_attributes_has_no_readout_and_no_second_view(small, mixed, given, width):
    model = tuned(small)
    config = RegressorConfig(given=given)
    features, paper = model.features(mixed, config), model.features(mixed, PAPER)
    assert model.regressor_inputs(features, config).shape == (len(mixed), width)
    assert (features.inputs == paper.inputs).all()


def test_no_images_give_no_rows(small):
    features = tuned(small).features([], BOTH)
    assert (features.probabilities.shape, features.embeddings.shape) == ((0, 5), (0, 16))
    assert features.inputs.shape == (0, 2, 5)


def test_images_of_different_sizes_are_tuned_on(small, mixed):
    strengths = np.linspace(0, 1, 2 * len(mixed)).reshape(-1, 2).astype(np.float32)
    shares = []
    model = tuned(
        small, examples=(mixed, strengths), progress=lambda share, _: shares.append(share)
    )
    assert shares[-1] == 1
    assert np.isfinite(model.probabilities(mixed)).all()


def test_one_image_that_is_too_small_is_refused_with_its_size(small, mixed):
    with pytest.raises(ShapeError, match="31x40 px are smaller than the encoder's 32x32 px view"):
        tuned(small).features([*mixed, np.zeros((40, 31, 3), np.uint8)], BOTH)


@pytest.mark.parametrize("mode", ["shallow", "whole"])
def test_bf16_gives_almost_the_probabilities_of_fp32(small, mixed, mode):
    fields = {"mode": mode, "learning_rate": 1e-3}
    exact, rough = (tuned(small, precision=kind, **fields) for kind in ("fp32", "bf16"))
    assert rough.precision == "bf16"
    assert rough.state().keys() == exact.state().keys()
    assert all(values.dtype == torch.float32 for values in rough.state().values())
    ours, theirs = (model.features(mixed, PAPER) for model in (rough, exact))
    assert ours.probabilities.dtype == np.float32
    assert ours.probabilities == pytest.approx(theirs.probabilities, abs=0.06)
    assert (ours.probabilities != theirs.probabilities).any()


def test_bf16_learns_what_fp32_learns(small):
    images, _ = grainy()
    for kind in ("fp32", "bf16"):
        model = tuned(small, mode="whole", precision=kind, epochs=20, learning_rate=2e-3)
        strengths = model.strengths(model.probabilities(images))
        assert strengths[1::2, 1].min() > strengths[::2, 1].max() + 0.4, kind
