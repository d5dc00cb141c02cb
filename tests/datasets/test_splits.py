import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.datasets.splits import check_leakage, photograph_folds
from workbench.errors import ConfigError, SplitLeakageError


@given(st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=60), st.integers(0, 99))
def test_every_image_is_held_out_once_and_no_photograph_is_divided(photographs, seed):
    folds = min(3, len(set(photographs)))
    if folds < 2:
        return
    pairs = photograph_folds(photographs, folds=folds, seed=seed)
    assert sorted(np.concatenate([test for _, test in pairs]).tolist()) == list(
        range(len(photographs))
    )
    for train, test in pairs:
        assert not {photographs[i] for i in train} & {photographs[i] for i in test}
        assert len(train) + len(test) == len(photographs)


def test_more_folds_than_photographs_are_refused():
    with pytest.raises(ConfigError, match="5 folds need at least as many photographs; there are 2"):
        photograph_folds(["a", "b"], folds=5, seed=0)


def test_leakage_names_the_photograph():
    with pytest.raises(SplitLeakageError, match="training and test alike: coffee"):
        check_leakage(["coffee", "coffee", "cat"], np.array([0, 2]), np.array([1]))
