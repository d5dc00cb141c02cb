from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from tests.evaluation.planted import planted_pool
from workbench.errors import ShapeError
from workbench.evaluation import refit
from workbench.evaluation.refit import PARTS, PENALTIES, Pool, fold_refit, ridge_refit
from workbench.training import regressor

COLUMNS = np.array([0, 3, 7])
NONE = np.array([], dtype=np.intp)


def slow_ridge(pool, columns):
    """The same regression by scikit-learn, every fit from the images."""
    quality = np.zeros(len(pool.target))
    for fold in range(pool.folds):
        train = pool.fold_of != fold
        given = pool.inputs[fold].astype(float)
        given = (given - given[train].mean(0)) / given[train].std(0)
        given = np.concatenate([view[:, columns] for view in given.transpose(1, 0, 2)], axis=1)
        mean = pool.target[train].mean()
        rank = np.unique(pool.photograph[train], return_inverse=True)[1] % PARTS
        x, y, errors = given[train], pool.target[train] - mean, []

        def fitted(rows, penalty, x=x, y=y):
            return Ridge(penalty * len(x), fit_intercept=False).fit(x[rows], y[rows])

        for penalty in PENALTIES:
            misses = [
                y[rank == p] - fitted(rank != p, penalty).predict(x[rank == p])
                for p in range(PARTS)
            ]
            errors.append(sum((miss**2).sum() for miss in misses))
        best = PENALTIES[np.argmin(errors)]
        quality[~train] = fitted(slice(None), best).predict(given[~train]) + mean
    return quality


def in_two_views(pool):
    """The pool with another look at every attribute."""
    second = pool.inputs + np.random.default_rng(9).normal(0, 0.2, pool.inputs.shape)
    return replace(pool, inputs=np.concatenate([pool.inputs, second.astype(np.float32)], axis=2))


@pytest.mark.parametrize("views", [lambda pool: pool, in_two_views])
def test_the_ridge_of_sums_is_the_ridge_of_images(views):
    pool = views(planted_pool(0, photographs=15))
    np.testing.assert_allclose(ridge_refit(pool)(COLUMNS), slow_ridge(pool, COLUMNS), atol=1e-9)


def test_a_fold_is_predicted_from_its_own_tower_and_never_fitted_on_its_own_images():
    pool, calls = in_two_views(planted_pool(1, photographs=10)), []

    def fit(seen, quality, fold):
        calls.append((seen, quality, fold))
        return lambda unseen: np.full(len(unseen), float(fold))

    quality = fold_refit(pool, fit)(COLUMNS)
    assert (quality == pool.fold_of).all()
    for seen, target, fold in calls:
        train = pool.fold_of != fold
        views = [pool.inputs[fold, train, view][:, COLUMNS] for view in (0, 1)]
        assert (seen == np.concatenate(views, axis=1)).all()  # as a run's regressor reads them
        assert (target == pool.target[train]).all()


@pytest.mark.parametrize("make", [ridge_refit, lambda pool: fold_refit(pool, None)])
def test_without_attributes_nothing_is_told_apart(make):
    assert np.ptp(make(planted_pool(0, photographs=10))(NONE)) == 0


def test_an_attribute_that_never_varies_changes_nothing():
    pool = planted_pool(0, photographs=10)
    pool.inputs[..., 9] = 0.5
    with_it, without = (ridge_refit(pool)(np.array(some)) for some in ([0, 9], [0]))
    np.testing.assert_allclose(with_it, without, atol=1e-12)


def test_columns_of_another_length_are_refused_with_all_shapes():
    with pytest.raises(
        ShapeError, match=r"do not fit: \(2, 5, 1, 3\) and \(5,\), \(4,\), \(5,\)\."
    ):
        Pool(np.zeros((2, 5, 1, 3), np.float32), np.zeros(5, int), np.zeros(4), np.zeros(5, int))


def test_the_spread_below_which_an_attribute_is_silent_is_the_regressors_own():
    assert refit.SMALLEST_SPREAD == regressor.SMALLEST_SPREAD
