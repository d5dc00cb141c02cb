"""Every image is predicted by a model that never saw its photograph."""

import numpy as np
import pytest

from tests.experiment.small_run import configured, made_set, planned, silent
from workbench.datasets.image_set import ChosenImages
from workbench.datasets.splits.run_splits import run_splits
from workbench.experiment.cross_validation import cross_validate
from workbench.experiment.final_model import evaluate_locked, train_final_model
from workbench.inference.unlikeness import TrainingImages, picture_statistics
from workbench.training.regressor import fit_regressor

pytestmark = pytest.mark.slow

DATA = made_set()
CONFIG = configured(split={"folds": 3, "repeats": 2, "validation": 0.4}, tuning={"patience": 1})


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    plan = planned(tmp_path_factory.mktemp("run") / "kept", config=CONFIG)
    splits = run_splits(DATA, CONFIG.split)
    return plan, splits, cross_validate(plan, DATA, splits, silent)


def test_each_repeat_of_each_fold_has_its_figures(validated):
    _, splits, result = validated
    assert [figures.name for figures in result.splits] == [split.name for split in splits]
    assert len(result.splits) == 3 * 2
    assert sum(figures.images for figures in result.splits) == 2 * len(DATA)
    assert result.data.names == DATA.names


def test_an_image_is_predicted_by_the_first_split_that_held_it_out(validated):
    plan, splits, result = validated
    held = result.predictions
    assert held.fold_of.max() == 2
    for number, split in enumerate(splits[:3]):
        assert (held.fold_of[split.test] == number).all()
        model = plan.tune(
            f"split-{number}", DATA, split.train, split.validation, silent, seed=number
        )
        train, test = (
            model.features(ChosenImages(DATA.images, rows), CONFIG.regressor)
            for rows in (split.train, split.test)
        )
        seen, unseen = (features.inputs.reshape(-1, 2 * 5) for features in (train, test))
        regressor = fit_regressor(seen, DATA.quality[split.train], CONFIG.regressor, seed=number)
        assert (held.quality[split.test] == regressor.predict(unseen)).all()
        assert (held.strengths[split.test] == model.strengths(test.probabilities)).all()


def test_what_is_read_of_every_image_is_kept_validation_too(validated):
    _, splits, result = validated
    assert result.predictions.inputs.shape == (3, len(DATA), 2, 5)
    assert all(len(split.validation) for split in splits)
    assert np.abs(result.predictions.inputs).min() > 0


def test_an_image_lies_apart_from_the_training_part_that_it_was_held_out_of(validated):
    plan, splits, result = validated
    assert np.array_equal(result.statistics, [*map(picture_statistics, DATA.images)])
    for number, split in enumerate(splits[:3]):
        model = plan.tune(
            f"split-{number}", DATA, split.train, split.validation, silent, seed=number
        )
        embeddings = plan.features(model, DATA.images).embeddings
        known = TrainingImages.of(result.statistics[split.train], embeddings[split.train])
        expected = known.distances(result.statistics[split.test], embeddings[split.test])
        assert result.apart[split.test] == pytest.approx(expected, rel=1e-3)


def test_no_photograph_is_on_two_sides(validated):
    _, splits, _ = validated
    photograph = np.array(DATA.photograph)
    for split in splits:
        sides = [set(photograph[rows]) for rows in split.parts.values()]
        assert sum(map(len, sides)) == len(set().union(*sides))


@pytest.mark.parametrize("given", ["strengths", "embedding"])
def test_the_regressor_of_an_ablation_reads_something_else(tmp_path, given):
    config = configured()
    config = config.model_copy(
        update={"regressor": config.regressor.model_copy(update={"given": given})}
    )
    plan = planned(tmp_path / "kept", config=config)
    model = train_final_model(plan, DATA, silent)
    assert len(model.regressor.centre) == {"strengths": 2, "embedding": 16}[given]
    result = cross_validate(plan, DATA, run_splits(DATA, config.split), silent)
    assert np.isfinite(result.predictions.quality).all()


def read_of(model, data):
    """What the final model's regressor reads of images, (N, 10)."""
    features = model.tuned.features(data.images, model.plan.config.regressor)
    return features.inputs.reshape(len(data), -1)


def test_the_locked_part_is_scored_by_the_final_model(tmp_path):
    opened, locked = DATA.only(np.arange(20)), DATA.only(np.arange(20, 30))
    model = train_final_model(planned(tmp_path / "kept"), opened, silent)
    part = evaluate_locked(model, locked)
    expected = model.regressor.predict(read_of(model, locked))
    assert part.predictions.predicted == tuple(expected.tolist())
    assert evaluate_locked(model, DATA.only(np.arange(0))) is None


def test_absent_is_the_mean_over_the_clean_images(tmp_path):
    model = train_final_model(planned(tmp_path / "kept"), DATA, silent)
    clean = [row for row, distortion in enumerate(DATA.distortion) if not distortion]
    probabilities = model.tuned.probabilities(DATA.images)
    assert model.absent == pytest.approx(probabilities[clean].mean(0), abs=1e-6)
    read = read_of(model, DATA)[clean].mean(0)
    assert model.absent_inputs.ravel() == pytest.approx(read, abs=1e-6)
