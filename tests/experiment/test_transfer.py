"""A run's model on other data: what is frozen, what is untouched, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.experiment.small_run import (
    ATTRIBUTES,
    configured,
    made_set,
    planned,
    scored_photographs,
    silent,
)
from workbench.datasets.splits.grouped import photograph_folds
from workbench.domain.run import Transfer
from workbench.evaluation.correlation import quality_metrics, srcc
from workbench.evaluation.identification import all_clean, identification_metrics
from workbench.experiment.final_model import train_final_model
from workbench.experiment.transfer import transfer, transfers
from workbench.training.regressor import fit_regressor

pytestmark = pytest.mark.slow

CONFIG = configured(split={"repeats": 2, "validation": 0.2, "locked": 0.2})


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    plan = planned(tmp_path_factory.mktemp("run") / "kept", config=CONFIG)
    return train_final_model(plan, made_set(), silent)


@pytest.fixture(scope="module")
def tried(model):
    """Return other data, of which the run knows one type, and what the model does on them."""
    other = made_set(name="other", types=("jpeg", "white_noise"), seed=1)
    return other, transfer(model, other, silent)


def read_of(model, data):
    """What the regressor reads of images: log-odds in crops and in the whole image, (N, 10)."""
    return model.tuned.features(data.images, CONFIG.regressor).inputs.reshape(len(data), -1)


def test_zero_shot_is_the_runs_own_regressor(model, tried):
    other, result = tried
    expected = model.regressor.predict(read_of(model, other))
    assert result.zero_shot == quality_metrics(other.quality.tolist(), expected.tolist())


def test_frozen_features_get_a_regressor_of_the_other_datas_folds(model, tried):
    other, result = tried
    read, expected = read_of(model, other), np.zeros(len(other))
    for fold, (train, test) in enumerate(photograph_folds(other.photograph, folds=2, seed=0)):
        regressor = fit_regressor(read[train], other.quality[train], CONFIG.regressor, seed=fold)
        expected[test] = regressor.predict(read[test])
    assert result.predictions.predicted == tuple(expected.tolist())
    assert result.frozen == quality_metrics(other.quality.tolist(), expected.tolist())
    assert result.frozen != result.zero_shot


def test_types_that_both_have_are_identified_where_nothing_else_shows(model, tried):
    other, result = tried
    rows = [row for row, distortion in enumerate(other.distortion) if distortion != "jpeg"]
    strengths = model.tuned.strengths(model.tuned.probabilities(other.images))
    column = ATTRIBUTES.distortions.index("white_noise")
    true, levels = other.truth[rows][:, [1]], (other.levels[1],)
    assert result.identification == identification_metrics(
        true, strengths[rows][:, [column]], levels=levels
    )
    assert result.all_clean == all_clean(true, levels=levels)
    assert result.protocol.distortions == ("white_noise",)
    assert result.identified == len(rows) < len(other)


def test_the_terms_are_those_of_the_other_datas_folds(tried):
    _, result = tried
    assert result.protocol.dataset == "other"
    assert result.protocol.split == (
        "2 folds by photograph, each held out once, split seed 0, training seed 0"
    )


def test_data_that_share_no_type_are_scored_only(model):
    other = made_set(name="other", types=("jpeg",), seed=1)
    result = transfer(model, other, silent)
    assert (result.identification, result.all_clean) == (None, None)
    assert result.protocol.distortions == ()
    assert len(result.predictions.predicted) == len(other)


def test_photographs_with_scores_only_are_scored_with_their_subsets(model, settings, tmp_path):
    root = scored_photographs(tmp_path)
    config = configured(transfer=[{"dataset": "table", "root": str(root)}])
    other = replace(model, plan=replace(model.plan, config=config, settings=settings))
    shares = []
    (result,) = transfers(other, made_set(), lambda share, _: shares.append(share))
    assert result.identification is None
    assert shares == sorted(shares)
    targets, predicted = (
        np.array(one) for one in (result.predictions.target, result.predictions.predicted)
    )
    assert targets == pytest.approx(np.array([0, 2, 4, 1, 3, 0]) / 4)
    assert result.subsets == {
        "ss00": srcc(predicted[::2], targets[::2]), "ss01": srcc(predicted[1::2], targets[1::2]),
    }  # fmt: skip
    assert Transfer.model_validate_json(result.model_dump_json()) == result
