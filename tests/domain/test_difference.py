import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.edited_sets import attribute, edited, sets
from workbench.domain.attributes import AttributeSet
from workbench.domain.difference import Move, difference, out_of_order, word_changes

WORDS = st.lists(st.sampled_from(["blocky", "dark", "edges", "of", "tiles"]), max_size=7).map(
    " ".join
)


def jpeg(*phrases):
    return AttributeSet.from_phrases({"jpeg": phrases})


@given(WORDS, WORDS)
def test_words_that_stay_and_go_are_before_and_words_that_stay_and_come_are_after(before, after):
    changes = word_changes(before, after)
    for other, whole in (("removed", before), ("added", after)):
        assert " ".join(words for kind, words in changes if kind in ("same", other)) == whole


def test_an_attribute_is_found_again_by_its_identity_whatever_its_words_became():
    old = AttributeSet(by_distortion={"jpeg": (attribute("blocky edges"), attribute("ringing"))})
    haze = attribute("a veil of haze", born_as="blocky edges")
    change = difference(old, AttributeSet(by_distortion={"jpeg": (haze, attribute("ringing"))}))
    assert change["jpeg"].reworded == (("blocky edges", "veil of haze"),)
    assert (change["jpeg"].added, change["jpeg"].removed) == ((), ())


def test_likeness_pairs_unknown_attributes_so_that_all_of_them_fit_best():
    old = jpeg("dark blocky edges", "dark blocky edge tiles")
    new = jpeg("dark blocky edges tile", "dark blocky edge tiles here")
    # By order of appearance the first would take what reads like the second just as well.
    assert difference(old, new)["jpeg"].reworded == (
        ("dark blocky edges", "dark blocky edges tile"),
        ("dark blocky edge tiles", "dark blocky edge tiles here"),
    )


def test_a_moved_attribute_is_removed_there_and_added_here_and_known_as_one():
    old = AttributeSet(by_distortion={"blur": (attribute("haze"),)})
    new = AttributeSet(by_distortion={"jpeg": (attribute("thin haze", born_as="haze"),)})
    changes = difference(old, new)
    assert changes["blur"].removed == ("haze",)
    assert changes["jpeg"].added == ("thin haze",)
    assert changes["jpeg"].moved == (Move(source="blur", before="haze", after="thin haze"),)


def test_one_attribute_that_went_to_the_end_is_all_that_is_reordered():
    change = difference(
        jpeg("tiles", "rings", "specks", "haze"), jpeg("rings", "specks", "haze", "tiles")
    )
    assert change["jpeg"].reordered == ("tiles",)


@given(st.permutations("abcdef"))
def test_no_fewer_items_could_have_moved(order):
    fewest = len(out_of_order("abcdef", order))
    stay = max(
        size
        for size in range(7)
        for some in itertools.combinations(order, size)
        if list(some) == sorted(some)
    )
    assert fewest == 6 - stay


@settings(deadline=None)
@given(sets(), st.data())
def test_a_difference_turns_the_old_phrases_into_the_new_ones(old, data):
    new = data.draw(edited(old))
    changes = difference(old, new)
    assert (changes == {}) == (old.hash == new.hash)
    for distortion in {*old.by_distortion, *new.by_distortion}:
        before, after = (set(some.phrases().get(distortion, ())) for some in (old, new))
        if distortion not in changes:
            assert before == after
            continue
        change = changes[distortion]
        before -= {*change.removed, *(was for was, _ in change.reworded)}
        assert before | {*change.added, *(now for _, now in change.reworded)} == after


def test_what_was_reworded_is_found_among_ten_thousand():
    old = AttributeSet.from_phrases(
        {f"d{d}": [f"mark {d} {n} of many" for n in range(400)] for d in range(25)}
    )
    phrases = {name: list(some) for name, some in old.phrases().items()}
    for name in phrases:
        phrases[name][7] += " more"
    new = AttributeSet.from_phrases(phrases)
    changes = difference(old, new)
    assert {name: change.reworded for name, change in changes.items()} == {
        f"d{d}": ((f"mark {d} 7 of many", f"mark {d} 7 of many more"),) for d in range(25)
    }


@pytest.mark.parametrize("size", [10, 200])
def test_likeness_costs_no_more_than_its_bound(size):
    old, new = (jpeg(*(f"{word} {n:03} there" for n in range(size))) for word in ("tile", "tiles"))
    change = difference(old, new)["jpeg"]
    assert len(change.reworded) == (size if size**2 <= 2_500 else 0)
