import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.lineage import common_ancestor, common_ancestors

#   root - a1 - a2 -.
#      `-- b1 ------- m - c      island
PARENTS = {
    "root": (None, None),
    "a1": ("root", None),
    "a2": ("a1", None),
    "b1": ("root", None),
    "m": ("a2", "b1"),
    "c": ("m", None),
    "island": (None, None),
}


@pytest.mark.parametrize(
    ("a", "b", "nearest"),
    [
        ("a2", "b1", "root"),
        ("a2", "a1", "a1"),
        ("m", "m", "m"),
        ("c", "b1", "b1"),
        ("c", "a1", "a1"),
        ("c", "island", None),
    ],
)
def test_the_nearest_common_ancestor_is_found_from_either_side(a, b, nearest):
    assert common_ancestor(PARENTS, a, b) == common_ancestor(PARENTS, b, a) == nearest


def test_lines_merged_both_ways_have_two_of_which_the_first_by_hash_counts():
    crossed = PARENTS | {"x": ("a2", "b1"), "y": ("b1", "a2")}
    assert common_ancestors(crossed, "x", "y") == ("a2", "b1")
    assert common_ancestor(crossed, "y", "x") == "a2"


@given(st.data())
def test_every_common_ancestor_stands_above_a_nearest_one(data):
    parents = {}
    for n in range(data.draw(st.integers(2, 9))):
        above = st.sampled_from([None, *parents])
        parents[str(n)] = (data.draw(above), data.draw(above))

    def ancestors(name):
        return {name}.union(*(ancestors(one) for one in parents[name] if one))

    a, b = (data.draw(st.sampled_from(sorted(parents))) for _ in range(2))
    nearest = common_ancestors(parents, a, b)
    assert set().union(*(ancestors(one) for one in nearest)) == ancestors(a) & ancestors(b)
    assert not any(one in ancestors(other) for one in nearest for other in nearest if one != other)
