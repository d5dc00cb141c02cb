import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.datasets.splits.run_splits import locked_photographs
from workbench.errors import ConfigError

NAMES = st.lists(st.text("abcdefgh", min_size=1), min_size=3, max_size=40)


def locked_names(photographs, share):
    return {photographs[row] for row in locked_photographs(photographs, share)[1]}


@given(NAMES, st.floats(0, 0.3))
def test_each_photograph_is_open_or_locked_and_a_share_of_them_is_locked(photographs, share):
    photographs = [*photographs, "x", "y", "z", "w"]
    rows, locked = locked_photographs(photographs, share)
    assert sorted([*rows, *locked]) == list(range(len(photographs)))
    assert not {photographs[row] for row in rows} & {photographs[row] for row in locked}
    count = len(set(photographs))
    wanted = max(round(share * count), 1) if share else 0
    assert len({photographs[row] for row in locked}) == wanted


@given(st.permutations(range(12)))
def test_what_is_locked_hangs_on_names_alone_and_grows_with_the_share(order):
    photographs = [f"photo{number}" for number in range(12)]
    few = locked_names(photographs, 0.2)
    assert locked_names([photographs[place] for place in order], 0.2) == few
    assert few < locked_names(photographs, 0.5)


def test_a_share_that_leaves_too_few_is_refused():
    with pytest.raises(ConfigError, match=r"split.locked 0.5 would leave 1 of 2 photographs"):
        locked_photographs(["a", "b"], 0.5)
