from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.planted import names, planted_pool
from workbench.domain.metrics import Undefined
from workbench.errors import ConfigError
from workbench.evaluation.correlation import srcc
from workbench.evaluation.edit_attribution import (
    Side,
    Terms,
    attribute_edits,
    attribute_worth,
    side_by_side,
)
from workbench.evaluation.edits import edited_columns, edits_between
from workbench.evaluation.refit import ridge_refit

pytestmark = pytest.mark.slow

A = (("blur", "soft edges"), ("jpeg", "flat tiles"), ("jpeg", "ringing near edges"))
B = (("blur", "soft edges"), ("jpeg", "ringing near the edges"), ("noise", "grain"))
NAMES = names(10)


def terms(pool, **more):
    return Terms(ridge_refit(pool), resamples=300, **more)


def worth(pool, count=10):
    return attribute_worth(pool, np.arange(count), names(count), terms(pool))


def attribution(a_columns, b_columns, *, seed=0, **more):
    """Attribute the edits from A to B, which take these columns of one planted pool."""
    pool = planted_pool(seed)
    parts = [replace(pool, inputs=pool.inputs[..., some]) for some in (a_columns, b_columns)]
    both = side_by_side(*parts)
    a, b = Side("a" * 64, "draft", A, 0.5), Side("b" * 64, "curated", B, 0.6)
    return attribute_edits(both, a, b, terms(both, **more)), both


def test_planted_attributes_rank_above_random_ones_in_19_of_20_sets():
    useful = {phrase for _, phrase in NAMES[:5]}
    hits = 0
    for seed in range(20):
        ranked = sorted(worth(planted_pool(seed)), key=lambda some: -some.effect.delta_srcc)
        hits += {some.phrase for some in ranked[:5]} == useful
    assert hits >= 19


@pytest.mark.parametrize(("photographs", "least"), [(20, 0.93), (40, 0.87)])
def test_a_useless_attribute_is_rarely_said_to_matter(photographs, least):
    """Its interval misses 0 on the harmful side, where a column fitted to chance is."""
    useless = {phrase for _, phrase in NAMES[5:]}
    effects = [
        some.effect
        for seed in range(40)
        for some in worth(planted_pool(seed, photographs=photographs))
        if some.phrase in useless
    ]
    held = [effect.ci is None or effect.ci[0] <= 0 <= effect.ci[1] for effect in effects]
    assert np.mean(held) >= least
    assert np.mean([effect.ci is not None and effect.ci[0] > 0 for effect in effects]) <= 0.025
    assert np.mean([effect.verdict == "hurts" for effect in effects]) <= 0.05


def test_of_twins_neither_is_missed_alone_yet_they_share_the_credit():
    pool = planted_pool(0, useless=1, twins=1)
    by_phrase = {some.phrase: some.effect.delta_srcc for some in worth(pool, 7)}
    assert abs(by_phrase["trace 0"]) < 1e-3
    assert abs(by_phrase["trace 6"]) < 1e-3
    assert by_phrase["trace 1"] > 0.02

    both = side_by_side(replace(pool, inputs=pool.inputs[..., 1:6]), pool)
    a, b = (Side(v * 64, v, names(7)[s], 0.5) for v, s in (("a", slice(1, 6)), ("b", slice(7))))
    edits = attribute_edits(both, a, b, terms(both, permutations=60)).edits
    first, second = (edit.shapley for edit in edits)
    assert first == pytest.approx(second, abs=3 * (edits[0].shapley_error + 1e-4))
    assert min(first, second) > 0.01


def test_every_edit_alone_is_the_difference_of_two_refits():
    found, both = attribution([0, 1, 5], [0, 2, 3])
    refit = ridge_refit(both)
    start = srcc(refit(np.array([0, 1, 2])), both.target)
    columns = {"added": [0, 1, 2, 5], "removed": [0, 2], "reworded": [0, 1, 4]}
    assert {edit.kind for edit in found.edits} == set(columns)
    for edit in found.edits:
        after = srcc(refit(np.array(columns[edit.kind])), both.target)
        assert edit.effect.delta_srcc == pytest.approx(after - start, abs=1e-12)
        low, high = edit.effect.ci
        assert low < high
    assert [abs(edit.effect.delta_srcc) for edit in found.edits] == sorted(
        (abs(edit.effect.delta_srcc) for edit in found.edits), reverse=True
    )


def test_edits_and_retuning_add_up_to_the_whole_difference_and_shares_to_the_edits():
    found, _ = attribution([0, 1, 5], [4, 2, 3], permutations=5)
    whole = found.srcc[1] - found.srcc[0]
    parts = found.together.delta_srcc + found.retuned.delta_srcc
    assert parts == pytest.approx(whole, abs=1e-12)
    shares = sum(edit.shapley for edit in found.edits)
    assert shares == pytest.approx(found.together.delta_srcc, abs=1e-12)
    assert "5 random orders" in found.notes[-1]


def test_the_edits_of_a_distortion_are_made_together():
    found, both = attribution([0, 1, 5], [0, 2, 3])
    jpeg = next(some for some in found.by_distortion if some.distortion == "jpeg")
    refit = ridge_refit(both)
    before, after = (srcc(refit(np.array(c)), both.target) for c in ([0, 1, 2], [0, 4]))
    assert jpeg.edits == 2
    assert jpeg.effect.delta_srcc == pytest.approx(after - before, abs=1e-12)


def test_a_good_attribute_helps_and_its_loss_hurts():
    found, _ = attribution([0, 4, 5], [0, 6, 3])
    verdicts = {edit.kind: edit.effect.verdict for edit in found.edits}
    assert verdicts == {"added": "helps", "removed": "hurts", "reworded": "not distinguishable"}


def test_the_last_attribute_left_out_leaves_an_undefined_figure_with_its_reason():
    pool = planted_pool(0)
    effect = attribute_worth(pool, np.array([0]), NAMES[:1], terms(pool))[0].effect
    assert effect.delta_srcc == Undefined(undefined="the first argument is constant")
    assert (effect.ci, effect.verdict) == (None, "not distinguishable")


def test_all_edits_make_the_other_version():
    edits = edits_between(A, B)
    assert edited_columns(A, B, ()).tolist() == [0, 1, 2]
    assert edited_columns(A, B, edits).tolist() == [0, 4, 5]  # "soft edges" stays version a's


def test_versions_without_an_edit_are_refused():
    pool = planted_pool(0)
    both, side = side_by_side(pool, pool), Side("a" * 64, "draft", NAMES, 0.5)
    with pytest.raises(ConfigError, match="draft and draft have the same attributes"):
        attribute_edits(both, side, side, terms(both))


@pytest.mark.parametrize("field", ["fold_of", "target", "photograph"])
def test_runs_of_other_images_are_refused(field):
    pool = planted_pool(0)
    other = replace(pool, **{field: getattr(pool, field) + 1})
    with pytest.raises(ConfigError, match=f"differ in the {field.replace('_', ' ')} of their"):
        side_by_side(pool, other)
