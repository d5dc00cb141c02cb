import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import ShapeError
from workbench.evaluation.bootstrap import (
    draw_photographs,
    leave_one_out,
    paired_bootstrap,
    photograph_index,
    weighted_plcc,
    weighted_srcc,
)


def by_hand(target, predicted, images, copies, correlate):
    """Resample for real: repeat the images, then let SciPy correlate them."""
    repeated = np.repeat(np.arange(len(target)), copies[images])
    return correlate(target[repeated], predicted[repeated]).statistic


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(2, 9),
    st.integers(1, 3000),
    st.sampled_from([None, 0, 1, 2]),
)
def test_equals_scipy_on_really_repeated_images(seed, photographs, size, digits):
    generator = np.random.default_rng(seed)
    images = np.sort(generator.integers(0, photographs, size % 150 + photographs + 3))
    images[:photographs] = np.arange(photographs)
    target = generator.normal(size=len(images))
    predicted = target + generator.normal(size=(2, len(images)))
    if digits is not None:  # rounding makes ties between different images
        target, predicted = np.round(target, digits), np.round(predicted, digits)
    copies = draw_photographs(photographs, 4, seed)
    for mine, scipys in ((weighted_srcc, stats.spearmanr), (weighted_plcc, stats.pearsonr)):
        found = mine(target, predicted, images, copies)
        for r in range(4):
            repeated = np.repeat(np.arange(len(target)), copies[r][images])
            for v in range(2):
                if np.ptp(target[repeated]) == 0 or np.ptp(predicted[v][repeated]) == 0:
                    assert np.isnan(found[v, r])
                else:
                    expected = by_hand(target, predicted[v], images, copies[r], scipys)
                    assert found[v, r] == pytest.approx(expected, abs=1e-6)


def test_equals_scipy_where_many_batches_and_blocks_are_needed():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 60, 5003)
    target = generator.normal(size=5003)
    predicted = np.round(target + generator.normal(size=(3, 5003)), 1)
    copies = draw_photographs(60, 300, seed=1)
    found = weighted_srcc(target, predicted, images, copies)
    for r in (0, 150, 299):
        for v in range(3):
            expected = by_hand(target, predicted[v], images, copies[r], stats.spearmanr)
            assert found[v, r] == pytest.approx(expected, abs=1e-6)


def test_a_resample_without_variety_is_nan():
    found = weighted_srcc([1, 2, 3], [[3, 3, 1]], [0, 0, 1], [[2, 0], [1, 1], [0, 2]])
    assert np.isnan(found[0]).tolist() == [True, False, True]


def test_resamples_draw_as_many_photographs_as_there_are():
    copies = draw_photographs(7, 5000, seed=3)
    assert (copies.sum(axis=1) == 7).all()
    assert np.allclose(copies.mean(axis=0), 1, atol=0.05)
    # A photograph's copies are binomial: 7 draws at 1/7 each, so a variance of 6/7.
    assert np.allclose(copies.var(axis=0), 6 / 7, atol=0.05)


def test_resamples_do_not_depend_on_how_many_are_drawn_at_once():
    # All hundred of nine photographs are drawn at once, but five of 1.5 million two by two.
    for count, resamples in ((9, 100), (1_500_000, 5)):
        one_by_one = np.random.default_rng(4)
        expected = [
            np.bincount(one_by_one.integers(0, count, count), minlength=count)
            for _ in range(resamples)
        ]
        assert (draw_photographs(count, resamples, seed=4) == expected).all()


def test_another_seed_draws_others():
    assert (draw_photographs(9, 100, seed=4) != draw_photographs(9, 100, seed=5)).any()


def test_leaving_out_equals_computing_without():
    generator = np.random.default_rng(5)
    images = np.repeat(np.arange(10), 6)
    target = generator.normal(size=60)
    predicted = target + generator.normal(size=(1, 60))
    found = leave_one_out(
        lambda copies: weighted_srcc(target, predicted, images, copies), 10, rows=3
    )
    for g in range(10):
        kept = images != g
        expected = stats.spearmanr(target[kept], predicted[0, kept]).statistic
        assert found[0, g] == pytest.approx(expected, abs=1e-6)


def test_every_version_is_judged_on_the_same_resamples():
    generator = np.random.default_rng(6)
    target, some = generator.normal(size=(2, 40))
    names = [f"p{i // 4}" for i in range(40)]
    found = paired_bootstrap(target, [some, some], names, resamples=50, seed=0)
    assert (found.srcc[0] == found.srcc[1]).all()
    assert (found.plcc[0] == found.plcc[1]).all()
    assert found.photographs == 10


def test_photographs_are_numbered_as_they_appear():
    assert photograph_index(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]


def test_shapes_that_do_not_fit_are_stated():
    with pytest.raises(ShapeError, match=r"\(3,\), \(1, 2\) and \(3,\)"):
        weighted_srcc([1, 2, 3], [[1, 2]], [0, 1, 2], [[1, 1, 1]])
    with pytest.raises(ShapeError, match=r"\(R, 3\), one column per photograph: \(1, 2\)"):
        weighted_plcc([1, 2, 3], [[1, 2, 3]], [0, 1, 2], [[1, 1]])
