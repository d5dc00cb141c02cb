"""What a tuned model makes of images of any size, in either precision."""

import numpy as np
import pytest
import torch

from tests.training.small_encoder import grainy, tuned
from workbench.errors import ShapeError
from workbench.training.crops import grid_crops

SIZES = [(32, 32), (40, 48), (64, 100), (33, 70), (32, 32), (300, 500), (450, 450)]


@pytest.fixture(scope="module")
def mixed():
    """Return images of different sizes, the last two with more crops than are scored at once."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]


@pytest.mark.parametrize("mode", ["shallow", "deep", "whole", "none"])
def test_images_of_many_sizes_together_are_as_one_by_one(small, mixed, mode):
    model = tuned(small, mode=mode)
    together, alone = model.features(mixed), [model.features([image]) for image in mixed]
    for name, width in (("probabilities", 5), ("embeddings", 16)):
        values = getattr(together, name)
        assert values.shape == (len(mixed), width)
        assert values.dtype == np.float32
        each = np.concatenate([getattr(features, name) for features in alone])
        assert values == pytest.approx(each, abs=1e-6)


def test_probabilities_are_the_mean_over_the_grid_of_crops(small, mixed):
    model, image = tuned(small), mixed[3]
    embeddings = model.tower(small.normalise(grid_crops(image, 32))).detach().double().numpy()
    embeddings /= np.linalg.norm(embeddings, axis=-1, keepdims=True)
    pairs = model.pairs.double().numpy()
    logits = 10.0 * embeddings @ (pairs[:, 0] - pairs[:, 1]).T
    expected = (1 / (1 + np.exp(-logits))).mean(0)
    assert len(embeddings) == 6
    assert model.probabilities([image])[0] == pytest.approx(expected, abs=1e-5)


def test_no_images_give_no_rows(small):
    features = tuned(small).features([])
    assert (features.probabilities.shape, features.embeddings.shape) == ((0, 5), (0, 16))


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
        tuned(small).features([*mixed, np.zeros((40, 31, 3), np.uint8)])


@pytest.mark.parametrize("mode", ["shallow", "whole"])
def test_bf16_gives_almost_the_probabilities_of_fp32(small, mixed, mode):
    fields = {"mode": mode, "learning_rate": 1e-3}
    exact, rough = (tuned(small, precision=kind, **fields) for kind in ("fp32", "bf16"))
    assert rough.precision == "bf16"
    assert rough.state().keys() == exact.state().keys()
    assert all(values.dtype == torch.float32 for values in rough.state().values())
    ours, theirs = rough.features(mixed), exact.features(mixed)
    assert ours.probabilities.dtype == np.float32
    assert ours.probabilities == pytest.approx(theirs.probabilities, abs=0.06)
    assert (ours.probabilities != theirs.probabilities).any()


def test_bf16_learns_what_fp32_learns(small):
    images, _ = grainy()
    for kind in ("fp32", "bf16"):
        model = tuned(small, mode="whole", precision=kind, epochs=20, learning_rate=2e-3)
        strengths = model.strengths(model.probabilities(images))
        assert strengths[1::2, 1].min() > strengths[::2, 1].max() + 0.4, kind
