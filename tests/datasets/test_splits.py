from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.datasets.labelled import DatasetFacts, ImageDataset, LabelledImage
from workbench.datasets.splits.grouped import grouped_splits, official_split, photograph_folds
from workbench.datasets.splits.leakage import (
    check_leakage,
    check_split,
    merge_near_duplicates,
    references_of,
)
from workbench.datasets.splits.near_duplicates import NearDuplicate
from workbench.datasets.splits.split import make_split
from workbench.errors import ConfigError, SplitLeakageError

GROUPS = st.lists(st.sampled_from("abcdefghijklmnop"), min_size=3, max_size=60).filter(
    lambda groups: len(set(groups)) >= 3
)


def dataset_of(*images):
    facts = DatasetFacts(
        name="tiny", title="Tiny", kind="authentic", source="", obtain="", layout=()
    )
    return ImageDataset(facts=facts, root=Path("tiny"), images=images)


def official(*parts, groups=None):
    return dataset_of(
        *(
            LabelledImage(file=f"{row}.png", group=(groups or range(99))[row], official=part)
            for row, part in enumerate(parts)
        )
    )


def part_of_each_group(groups, split):
    return {groups[row]: part for part, rows in split.parts.items() for row in rows}


@given(GROUPS, st.integers(0, 99))
def test_parts_are_disjoint_complete_and_never_empty_and_keep_groups_whole(groups, seed):
    (split,) = grouped_splits(groups, seeds=[seed])
    rows = np.concatenate(list(split.parts.values()))
    assert sorted(rows.tolist()) == list(range(len(groups)))
    assert all(len(part) for part in split.parts.values())
    check_split(groups, split)


@given(GROUPS, st.integers(0, 99), st.randoms(use_true_random=False))
def test_a_seed_gives_a_group_its_part_in_whatever_order_the_images_come(groups, seed, random):
    shuffled = random.sample(groups, len(groups))
    (one,), (other,) = (grouped_splits(some, seeds=[seed]) for some in (groups, shuffled))
    assert part_of_each_group(groups, one) == part_of_each_group(shuffled, other)


@given(st.integers(10, 300))
def test_shares_are_counted_in_groups_and_miss_by_less_than_one(count):
    (split,) = grouped_splits([str(n) for n in range(count)], seeds=[0])
    for rows, tenths in zip(split.parts.values(), (7, 1, 2), strict=True):
        assert abs(len(rows) - Fraction(tenths * count, 10)) < 1


@pytest.mark.parametrize(
    ("references", "sizes"), [(81, [57, 8, 16]), (25, [18, 2, 5]), (30, [21, 3, 6])]
)
def test_the_sizes_are_those_of_the_splits_that_are_published(references, sizes):
    (split,) = grouped_splits([str(n) for n in range(references)], seeds=[0])
    assert [len(rows) for rows in split.parts.values()] == sizes


def test_ten_seeds_give_ten_different_splits_that_say_how_they_were_made():
    splits = grouped_splits([str(n) for n in range(30)])
    assert [split.name for split in splits] == [f"seed {n}" for n in range(10)]
    assert len({tuple(split.test) for split in splits}) == 10
    assert splits[3].seed == 3
    assert splits[3].rule == "70/10/20 by group, 30 groups"


@pytest.mark.parametrize("groups", [[], ["a", "a"], ["a", "b"]])
def test_fewer_than_three_groups_are_refused(groups):
    with pytest.raises(ConfigError, match=f"at least 3 groups; there are {len(set(groups))}"):
        grouped_splits(groups)


@pytest.mark.parametrize("shares", [(0.7, 0.1, 0.1), (0.8, 0.0, 0.2), (1.2, -0.4, 0.2)])
def test_shares_that_cannot_be_are_refused(shares):
    with pytest.raises(ConfigError, match="must be above 0 and add up to 1, got"):
        grouped_splits(["a", "b", "c"], shares=shares)


def test_the_official_split_is_the_datasets_own_and_has_no_validation_part_unless_asked():
    split = official_split(official("train", "test", "train"))
    assert [rows.tolist() for rows in split.parts.values()] == [[0, 2], [], [1]]
    assert (split.rule, split.seed) == ("official split of Tiny", None)


def test_validation_is_set_apart_from_training_by_group_and_never_from_test():
    data = official(*["train"] * 20, "test", groups=[str(row // 2) for row in range(21)])
    split = official_split(data, validation=0.2, seed=4)
    assert len(split.validation) == 4
    assert split.test.tolist() == [20]
    assert split.rule.endswith("2 training groups set apart for validation")
    assert split.seed == 4


def test_an_official_validation_part_is_kept():
    split = official_split(official("train", "validation", "test", "train"), validation=0.5)
    assert split.validation.tolist() == [1]


def test_a_dataset_without_an_official_split_says_so():
    with pytest.raises(ConfigError, match="Tiny has no official split"):
        official_split(official("", ""))
    with pytest.raises(ConfigError, match=r"which part 1 images belong, 2\.png among them"):
        official_split(official("train", "test", ""))


def test_an_official_split_that_divides_a_group_fails():
    with pytest.raises(SplitLeakageError, match="in training and test alike: scene"):
        official_split(official("train", "test", groups=["scene", "scene"]))


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


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("train", "validation", "training and validation"),
        ("train", "test", "training and test"),
        ("validation", "test", "validation and test"),
    ],
)
def test_a_group_on_any_two_sides_fails(one, other, words):
    split = make_split("bad", {one: [0], other: [1]}, rule="by hand")
    with pytest.raises(SplitLeakageError, match=f"are in {words} alike: coffee"):
        check_split(["coffee", "coffee"], split)


def test_a_split_of_a_longer_list_fails():
    split = make_split("other", {"train": [0], "test": [7]}, rule="by hand")
    with pytest.raises(ConfigError, match="counts image 8, but there are 2 images"):
        check_split(["a", "b"], split)


def test_divided_near_duplicates_are_named_and_merging_them_keeps_them_together():
    groups = [f"{n:02}" for n in range(12)]
    pairs = [NearDuplicate("03", "07", 0.99), NearDuplicate("07", "11", 0.95)]
    divided = make_split("mine", {"train": [3], "validation": [11], "test": [7]}, rule="by hand")
    with pytest.raises(SplitLeakageError) as caught:
        check_split(groups, divided, duplicates=pairs)
    assert "2 pairs of photographs that show the same picture" in str(caught.value)
    assert "03 (training) and 07 (test); 07 (test) and 11 (validation)" in str(caught.value)
    merged = merge_near_duplicates(groups, pairs)
    assert merged[3] == merged[7] == merged[11] == "03"
    assert len(set(merged)) == 10
    for split in grouped_splits(merged):
        check_split(groups, split, duplicates=pairs)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=9))
def test_merging_joins_what_a_chain_of_pairs_connects_and_nothing_else(links):
    merged = dict(
        zip(
            "abcdefgh",
            merge_near_duplicates("abcdefgh", [NearDuplicate(*link, 1.0) for link in links]),
            strict=True,
        )
    )
    reached = {name: {name} for name in "abcdefgh"}
    for _ in "abcdefgh":
        for one, other in links:
            union = reached[one] | reached[other]
            reached |= dict.fromkeys(union, union)
    assert merged == {name: min(reached[name]) for name in "abcdefgh"}


def test_a_group_is_seen_by_its_reference_or_its_first_image_and_never_by_a_frame():
    data = dataset_of(
        LabelledImage(file="d/1.png", group="r", reference="r/1.png"),
        LabelledImage(file="d/2.png", group="r", reference="r/1.png"),
        LabelledImage(file="own.jpg", group="own"),
        LabelledImage(file="film.avi", group="film", frame=3),
    )
    assert references_of(data) == {"r": Path("tiny/r/1.png"), "own": Path("tiny/own.jpg")}
