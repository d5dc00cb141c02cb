import numpy as np
import pytest
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from workbench.evaluation.ridge import PENALTIES, fit_ridge


def clustered(images=48, features=10, photographs=6, seed=0):
    """Features and a noisy target; photographs have a level of their own in both."""
    rng = np.random.default_rng(seed)
    owner = np.arange(images) % photographs
    x = rng.normal(size=(images, features)) + rng.normal(size=(photographs, features))[owner]
    own = rng.normal(size=photographs)[owner]
    y = x @ rng.normal(size=features) + 3 * own + rng.normal(size=images)
    return x * rng.uniform(0.1, 10, features), y, [f"photo{p}" for p in owner]


@pytest.mark.parametrize("features", [4, 10, 80])
def test_the_penalty_is_the_best_of_refitting_without_each_photograph(features):
    x, y, photographs = clustered(features=features)
    scaled = (x - x.mean(0)) / x.std(0)
    errors = [
        np.mean((y - cross_val_predict(
            SklearnRidge(alpha=penalty * len(y)), scaled, y,
            groups=photographs, cv=LeaveOneGroupOut(),
        )) ** 2)
        for penalty in PENALTIES
    ]  # fmt: skip
    fit = fit_ridge(x, y, photographs)
    assert fit.penalty == PENALTIES[int(np.argmin(errors))]
    model = SklearnRidge(alpha=fit.penalty * len(y)).fit(scaled, y)
    np.testing.assert_allclose(fit.predict(x), model.predict(scaled), atol=1e-8)


def test_a_constant_feature_plays_no_part():
    x, y, photographs = clustered()
    constant = np.column_stack([x, np.full(len(x), 7.0)])
    fit = fit_ridge(constant, y, photographs)
    np.testing.assert_allclose(fit.predict(constant + 5 * (np.arange(11) == 10)),
                               fit_ridge(x, y, photographs).predict(x))  # fmt: skip


def test_one_photograph_is_left_out_image_by_image():
    x, y, _ = clustered()
    alone = fit_ridge(x, y, ["same"] * len(y))
    apart = fit_ridge(x, y, [str(row) for row in range(len(y))])
    assert alone.penalty == apart.penalty
