import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from workbench.datasets.splits.grouped import photograph_folds
from workbench.domain.config import EncoderConfig, RegressorConfig
from workbench.domain.metrics import Undefined
from workbench.domain.run import BASELINE_TITLES, EMBEDDING
from workbench.encoders import load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.errors import ConfigError, RunCancelledError, ShapeError, SplitLeakageError
from workbench.evaluation.baselines import (
    CONSTANT,
    baselines,
    encoder_features,
    fit_support_vectors,
    held_out_ridge,
)
from workbench.evaluation.refit import FoldedData
from workbench.settings import read_settings
from workbench.training.crops import grid_crops, whole_view
from workbench.training.regressor import fit_regressor

pytestmark = pytest.mark.slow

SIZE, LEVELS = 224, 4
PHOTOGRAPHS = tuple(f"photo{p}" for p in range(6) for _ in range(LEVELS))


def blurred_textures():
    """Six textures of their own colour, each ever more blurred, and their quality."""
    rng = np.random.default_rng(0)
    images = np.empty((len(PHOTOGRAPHS), SIZE, SIZE, 3), np.uint8)
    for row in range(len(images)):
        if row % LEVELS == 0:
            texture = rng.integers(0, 120, (SIZE, SIZE, 3)) + rng.integers(0, 130, 3)
        images[row] = cv2.GaussianBlur(texture.astype(np.uint8), (0, 0), 0.5 + row % LEVELS)
    return images, 1 - np.arange(len(images)) % LEVELS / LEVELS


def folds(count=3, seed=0):
    return photograph_folds(PHOTOGRAPHS, folds=count, seed=seed)


def whole(image, size):
    return torch.from_numpy(image).permute(2, 0, 1)[None]


def regress(seen, quality, seed):
    return fit_regressor(seen, quality, RegressorConfig(epochs=5), seed=seed).predict


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with computing_threads(1):
        yield


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)


@pytest.fixture(scope="module")
def data():
    return FoldedData(*blurred_textures(), PHOTOGRAPHS, folds())


def measured(encoder, data, **fields):
    words = {"crops": whole, "regress": regress, "seed": 0,
             "progress": lambda share, text: None}  # fmt: skip
    return baselines(encoder, data, ["Gaussian blur", "white noise"], **{**words, **fields})


@pytest.fixture(scope="module")
def results(encoder, data):
    return measured(encoder, data, further={"sharpness": lambda image: float(image.std())})


def test_every_method_predicts_every_image(results):
    assert list(results) == [*BASELINE_TITLES, "sharpness"]
    for name, result in results.items():
        assert result.predicted.shape == (len(PHOTOGRAPHS),), name
        assert np.isfinite(result.predicted).all(), name


@pytest.mark.parametrize("name", ["embedding_ridge", "stem_ridge", "nss_svr"])
def test_a_trained_method_ranks_blur_on_unseen_photographs(results, name):
    assert results[name].quality.srcc > 0.8
    assert results[name].quality.rmse < results[CONSTANT].quality.rmse


def test_the_embedding_is_read_in_the_whole_image_too_where_the_run_reads_it(encoder, data):
    some = data.images[:3]
    features = encoder_features(encoder, some, grid_crops, lambda *_: None, whole=whole_view)
    alone = encoder_features(encoder, some, grid_crops, lambda *_: None)
    views = torch.cat([whole_view(image, encoder.tower.image_size) for image in some])
    direct = F.normalize(encoder.tower(encoder.tower.prepare(encoder.normalise(views))), dim=-1)
    width = direct.shape[1]
    assert features.embedding()[:, -width:] == pytest.approx(direct.detach().numpy(), abs=1e-5)
    assert features.embedding()[:, :-width] == pytest.approx(alone.embedding(), abs=1e-5)
    assert features.stem == pytest.approx(alone.stem, abs=1e-5)


def test_the_constant_has_an_error_and_no_ranks(results, data):
    constant = results[CONSTANT]
    for train, test in data.folds:
        np.testing.assert_allclose(constant.predicted[test], data.quality[train].mean())
    assert constant.quality.srcc == Undefined(undefined="a constant ranks nothing")
    assert constant.quality.rmse == pytest.approx(data.quality.std())


def test_a_metric_from_outside_is_ranked_and_its_error_is_undefined(results, data):
    sharpness = results["sharpness"]
    assert sharpness.predicted.tolist() == [float(image.std()) for image in data.images]
    assert isinstance(sharpness.quality.srcc, float)
    assert sharpness.quality.rmse == Undefined(undefined="sharpness scores on a scale of its own")


def test_the_antonym_pair_is_a_softmax_over_two_similarities(encoder, data, results):
    with torch.no_grad():
        given = encoder.normalise(whole(data.images[3], SIZE))
        image = torch.nn.functional.normalize(encoder.tower(encoder.tower.prepare(given)).float())
        good, bad = (image @ encoder.encode_texts(["Good photo.", "Bad photo."]).T)[0].tolist()
    expected = 1 / (1 + np.exp(encoder.logit_scale * (bad - good)))
    assert results["antonym_pair"].predicted[3] == pytest.approx(expected, abs=1e-5)


def test_training_quality_decides_only_what_is_trained(encoder, data, results):
    flipped = FoldedData(data.images, 1 - data.quality, PHOTOGRAPHS, data.folds)
    again = measured(encoder, flipped)
    assert np.array_equal(again["antonym_pair"].predicted, results["antonym_pair"].predicted)
    assert again[EMBEDDING].quality.srcc > 0.8  # it follows the quality it is shown


def test_the_same_call_gives_the_same_bits(encoder, data, results):
    again = measured(encoder, data)
    for name, result in again.items():
        assert np.array_equal(result.predicted, results[name].predicted), name


def test_the_quality_of_a_held_out_photograph_is_never_used(encoder, data, results):
    _, test = data.folds[0]
    changed = data.quality.copy()
    changed[test] = changed[test][::-1] / 2
    again = measured(encoder, FoldedData(data.images, changed, PHOTOGRAPHS, data.folds))
    for name, result in again.items():
        assert np.array_equal(result.predicted[test], results[name].predicted[test]), name


def machine(data, features):
    return data.predict(features, fit_support_vectors)


@pytest.mark.parametrize("predict", [held_out_ridge, machine])
def test_knowing_the_photograph_gains_nothing_on_unseen_photographs(predict):
    own = np.random.default_rng(0).uniform(0, 1, 20).repeat(4)  # quality is the photograph's alone
    identity = np.eye(20).repeat(4, axis=0)

    def error(photographs):
        folds = photograph_folds(photographs, folds=5, seed=0)
        data = FoldedData(np.zeros((80, 1, 1, 3), np.uint8), own, photographs, folds)
        return np.sqrt(np.mean((predict(data, identity) - own) ** 2))

    assert error([f"photo{row // 4}" for row in range(80)]) > 0.95 * own.std()
    assert error([f"image{row}" for row in range(80)]) < 0.5 * own.std()  # folds that leak


def test_progress_rises_to_the_end_and_may_cancel(encoder, data):
    told = []
    measured(encoder, data, progress=lambda share, text: told.append(share))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)

    def cancel(share, text):
        raise RunCancelledError("The run was cancelled.")

    with pytest.raises(RunCancelledError):
        measured(encoder, data, progress=cancel)


def test_a_metric_may_not_take_the_name_of_a_baseline(encoder, data):
    with pytest.raises(ConfigError, match="'nss_svr' names a baseline already"):
        measured(encoder, data, further={"nss_svr": lambda image: 0.0})


def test_folds_that_share_a_photograph_are_refused():
    rows = np.arange(len(PHOTOGRAPHS))
    leaky = [(rows[rows % 2 != side], rows[rows % 2 == side]) for side in (0, 1)]
    with pytest.raises(SplitLeakageError, match="photo0"):
        FoldedData(*blurred_textures(), PHOTOGRAPHS, leaky)


@pytest.mark.parametrize(
    ("kept", "message"),
    [(slice(1, None), "hold out 16 of 24 images"), (slice(None), "24 of 24 images, 32 in all")],
)
def test_an_image_held_out_never_or_twice_is_refused(kept, message):
    chosen = folds()[kept] + ([folds()[0]] if kept == slice(None) else [])
    with pytest.raises(ConfigError, match=message):
        FoldedData(*blurred_textures(), PHOTOGRAPHS, chosen)


def test_columns_of_different_lengths_are_refused():
    images, quality = blurred_textures()
    with pytest.raises(ShapeError, match="of one length, not 24, 23 and 24"):
        FoldedData(images, quality[1:], PHOTOGRAPHS, folds())
