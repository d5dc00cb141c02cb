from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ConfigError
from workbench.evaluation.edit_attribution import shapley_values


def table_of(seed, players):
    worths = np.random.default_rng(seed).normal(size=2**players)
    return lambda some: float(worths[sum(2**player for player in some)])


@given(seed=st.integers(0, 10**6), players=st.integers(1, 6), orders=st.integers(2, 9))
def test_shares_add_up_to_the_joint_gain_however_few_orders(seed, players, orders):
    worth = table_of(seed, players)
    found = shapley_values(worth, players, permutations=orders, seed=seed)
    gain = worth(frozenset(range(players))) - worth(frozenset())
    assert found.values.sum() == pytest.approx(gain, abs=1e-9)


def test_the_exact_values_lie_within_a_few_standard_errors():
    worth, players = table_of(3, 4), 4
    exact = np.zeros(players)
    for order in permutations(range(players)):
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            exact[player] += (worth(before | {player}) - worth(before)) / 24
    found = shapley_values(worth, players, permutations=2000, seed=0)
    assert (np.abs(found.values - exact) < 4 * found.errors).all()
    assert found.errors.max() < 0.1


def test_the_same_seed_gives_the_same_shares_and_each_set_is_asked_for_once():
    asked, worth = [], table_of(0, 4)

    def counted(some):
        asked.append(some)
        return worth(some)

    first = shapley_values(counted, 4, permutations=50, seed=5)
    assert len(asked) == len(set(asked)) <= 16
    assert (first.values == shapley_values(worth, 4, permutations=50, seed=5).values).all()


def test_one_order_is_refused():
    with pytest.raises(ConfigError, match="at least 2 permutations, not 1"):
        shapley_values(table_of(0, 2), 2, permutations=1, seed=0)
