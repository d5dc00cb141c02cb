"""Controls read other sentences from the images of a run, and change nothing about it."""

import numpy as np
import pytest

from workbench.datasets.splits.run_splits import run_splits
from workbench.distortions import catalogue
from workbench.domain.attributes import AttributeSet
from workbench.domain.config import RunConfig
from workbench.domain.distortion import are_near
from workbench.evaluation.identification import unpacked
from workbench.experiment.controls import NONSENSE, Controls, nonsense_set, shuffled_set
from workbench.experiment.cross_validation import cross_validate
from workbench.experiment.result import controls_of
from workbench.training.modules import attribute_probabilities
from workbench.training.prompt_pairs import encode_attributes

from .small_run import ATTRIBUTES, configured, made_set, planned, silent


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    def run(name, **fields):
        plan = planned(tmp_path_factory.mktemp(name), config=configured(**fields))
        data = made_set()
        return cross_validate(plan, data, run_splits(data, plan.config.split), silent)

    return {
        "with": run("with"),
        "without": run("without", controls=False),
    }


def test_nonsense_is_many_distinct_phrases_and_none_of_a_photograph():
    assert len(set(NONSENSE)) == len(NONSENSE) >= 60
    words = {word for phrase in NONSENSE for word in phrase.split()}
    seen = {"blur", "noise", "colour", "edge", "edges", "sharp", "dark", "bright", "light", "photo"}
    assert not words & seen


def test_a_set_of_nonsense_has_as_many_phrases_for_each_type_and_each_draw_others():
    first, again, second = (nonsense_set(ATTRIBUTES, seed=seed).phrases() for seed in (0, 0, 1))
    assert first == again != second
    assert {d: len(p) for d, p in first.items()} == {
        d: len(p) for d, p in ATTRIBUTES.phrases().items()
    }
    many = AttributeSet.from_phrases(
        {name: [f"{name} {k}" for k in range(5)] for name in list(catalogue())}
    )
    assert nonsense_set(many, seed=0).size == many.size > len(NONSENSE)


def test_shuffled_phrases_stand_under_no_type_of_their_own_and_no_near_one():
    known = catalogue()
    names = ["lens_blur", "missed_focus", "gaussian_blur", "jpeg", "white_noise", "sensor_grain"]
    assert any(are_near(known[a], known[b]) for a in names for b in names)
    phrases = AttributeSet.from_phrases({name: [f"seen in {name}"] for name in names})
    for name, (phrase,) in shuffled_set(phrases, known).phrases().items():
        other = phrase.removeprefix("seen in ")
        assert other != name
        assert not are_near(known[name], known[other])


def test_controls_do_not_change_the_run(validated):
    ours, bare = validated["with"].predictions, validated["without"].predictions
    np.testing.assert_allclose(ours.quality, bare.quality, atol=1e-6)
    np.testing.assert_allclose(ours.strengths, bare.strengths, atol=1e-6)
    assert ours.inputs.shape == bare.inputs.shape
    assert not validated["without"].controls


def test_every_control_predicts_every_image_and_is_kept(validated):
    kept = controls_of(validated["with"])
    assert [(one.name, one.draw) for one in kept] == [
        ("nonsense", 0), ("nonsense", 1), ("nonsense", 2), ("shuffled", 0), ("names", 0),
    ]  # fmt: skip
    for one in kept:
        held_out = validated["with"].controls[one.name, one.draw]
        np.testing.assert_allclose(unpacked(one.predicted, types=1)[:, 0], held_out.quality)
        np.testing.assert_allclose(
            unpacked(one.strengths, types=2), held_out.strengths, rtol=1e-3, atol=1e-6
        )


def test_a_regressor_cannot_tell_shuffled_phrases_from_the_sets_own(validated):
    shuffled = validated["with"].controls["shuffled", 0]
    assert (shuffled.quality == validated["with"].predictions.quality).all()
    assert not np.allclose(shuffled.strengths, validated["with"].predictions.strengths)


def test_strengths_of_a_control_are_the_mean_probabilities_of_its_own_sentences(tmp_path):
    """By hand: the tuned tower's embeddings of crops, and the sentences of one control alone."""
    plan, data = planned(tmp_path), made_set()
    (split, *_) = run_splits(data, plan.config.split)
    model = plan.tune("split-0", data, split.train, split.validation, silent, seed=0)
    controls = Controls.of(plan)
    beside = controls.beside(model)
    read = [
        plan.features(beside, [data.images[row] for row in rows])
        for rows in (split.train, split.test)
    ]
    told = controls.predict(
        model, *read, data.quality[split.train], np.zeros(len(split.test)), seed=0
    )
    alone = encode_attributes(plan.encoder, controls.sets["nonsense", 1])
    from workbench.training.crops import grid_crops

    for row, strengths in zip(split.test, told["nonsense", 1].strengths, strict=True):
        crops = grid_crops(data.images[row], plan.encoder.tower.image_size)
        probabilities = attribute_probabilities(
            model._embeddings(crops).detach(), alone.pairs, scale=model.scale
        ).mean(0)
        expected = [float(probabilities[alone.groups == d].mean()) for d in range(2)]
        assert strengths == pytest.approx(expected, abs=1e-5)


def test_the_switch_is_left_out_of_the_hash_while_it_is_on():
    config = configured()
    assert "controls" not in config.model_dump(mode="json")
    assert configured(controls=False).hash != config.hash
    assert RunConfig.model_validate(configured(controls=False).model_dump(mode="json")) == (
        configured(controls=False)
    )


def test_a_regressor_given_embeddings_has_no_controls(tmp_path):
    config = configured()
    given = config.model_copy(
        update={"regressor": config.regressor.model_copy(update={"given": "embedding"})}
    )
    assert not Controls.of(planned(tmp_path, config=given)).sets
