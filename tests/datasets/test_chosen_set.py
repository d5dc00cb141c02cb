import numpy as np
import pytest
from PIL import Image

from workbench.datasets.dataset_images import chosen_set
from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.run_splits import run_splits
from workbench.domain.config import DatasetConfig, SplitConfig
from workbench.errors import ConfigError, DataError, UnknownNameError


@pytest.fixture
def choose(built, tmp_path):
    """Build a layout and choose of it."""

    def chosen(name, *distortions, told=None, **more):
        root = tmp_path / name if (tmp_path / name).exists() else built(name)
        config = DatasetConfig(dataset=name, root=str(root), distortions=distortions, **more)
        told = [] if told is None else told
        return chosen_set(
            config,
            home=tmp_path,
            cache=tmp_path / "cache",
            progress=lambda _, text: told.append(text),
        )

    return chosen


def test_only_the_chosen_distortions_stand_and_each_at_its_strength(choose):
    found = choose("kadid10k", "jpeg2000", "gaussian_blur")
    assert found.distortions == ("gaussian_blur", "jpeg2000")
    assert set(found.distortion) == {"gaussian_blur", "jpeg2000"}
    assert found.levels == (5, 5)
    for row, (name, level) in enumerate(zip(found.distortion, found.level, strict=True)):
        column = found.distortions.index(name)
        assert found.strengths()[row, column] == pytest.approx(level / 5)
        assert found.strengths()[row].sum() == pytest.approx(level / 5)


def test_pixels_are_those_of_the_files_and_are_decoded_once(choose, tmp_path):
    first = choose("kadid10k", "jpeg2000")
    for row in (0, len(first) - 1):
        with Image.open(tmp_path / "kadid10k" / first.names[row]) as file:
            assert (first.images[row] == np.asarray(file.convert("RGB"))).all()
    told = []
    second = choose("kadid10k", "jpeg2000", told=told)
    assert "decoding images" not in told
    assert second.hash == first.hash


def test_a_changed_file_is_another_set(choose, tmp_path):
    first = choose("kadid10k", "jpeg2000")
    Image.new("RGB", (64, 64)).save(tmp_path / "kadid10k" / first.names[0])
    second = choose("kadid10k", "jpeg2000")
    assert second.hash != first.hash
    assert second.images[0].max() == 0


def test_a_limit_takes_whole_groups(choose):
    every = choose("tid2013", "jpeg")
    groups = len(set(every.photograph))
    fewer = choose("tid2013", "jpeg", images=len(every) * 2 // groups)
    assert len(set(fewer.photograph)) == 2
    for group in set(fewer.photograph):
        assert fewer.photograph.count(group) == every.photograph.count(group)


def test_some_rows_of_a_set_keep_their_own_labels_and_pixels(choose):
    every = choose("kadid10k", "jpeg2000", "gaussian_blur")
    rows = np.array([7, 2])
    some = every.only(rows)
    assert some.names == (every.names[7], every.names[2])
    assert (some.images[0] == every.images[7]).all()
    assert (some.strengths() == every.strengths()[rows]).all()


def test_levels_of_live_are_told_by_the_training_part_alone(choose):
    found = choose("live", "white_noise")
    low = np.arange(len(found) // 2)
    by_all, by_low = found.strengths(), found.strengths(low)
    assert sorted(set(by_all[:, 0].tolist())) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert (by_low[len(low) :, 0] == 1).all()  # the fixture's parameters rise
    half = found.only(low)
    assert (half.strengths() == by_low[low]).all()


def test_photographs_of_unknown_distortions_have_quality_and_subsets(choose):
    found = choose("biq2021")
    assert found.distortions == ()
    assert found.strengths().shape == (len(found), 0)
    assert set(found.subset) >= {"ss01"}


@pytest.mark.parametrize(
    ("name", "distortions", "error", "message"),
    [
        ("kadid10k", ["fog"], DataError, r"KADID-10k in .* shows no fog; it has contrast_change, "),
        ("biq2021", ["jpeg"], DataError, "shows no jpeg; it has no known distortions"),
        ("kadid10k", [], DataError, "leaves no image: of 30, 30 have a score, and of those none"),
        ("kadis700k", [], DataError, "0 have a score"),
        ("kadid", [], UnknownNameError, "Did you mean 'kadid10k'"),
    ],
)
def test_what_cannot_be_chosen_is_one_plain_line(
    choose, name, distortions, error, message, tmp_path
):
    with pytest.raises(error, match=message):
        choose(name, *distortions) if name != "kadid" else chosen_set(
            DatasetConfig(dataset=name, root="."),
            home=tmp_path,
            cache=tmp_path,
            progress=lambda *_: None,
        )


def unnamed(photographs):
    count = len(photographs)
    return ImageSet(
        images=[], names=photographs, photograph=photographs, distortion=("",) * count,
        level=(0,) * count, quality=np.zeros(count), truth=np.zeros((count, 0), np.float32),
        distortions=(), levels=(), hash="", dataset="", target="",
    )  # fmt: skip


def test_five_folds_twice_with_validation_are_ten_splits_of_70_10_20():
    photographs = tuple(f"{number:02}" for number in range(40))
    splits = run_splits(unnamed(photographs), SplitConfig(validation=0.125, repeats=2))
    assert len(splits) == 10
    for split in splits:
        assert [len(rows) for rows in split.parts.values()] == [28, 4, 8]
        assert len(set(np.concatenate(list(split.parts.values())).tolist())) == 40
    assert [split.name for split in splits[4:6]] == [
        "repeat 1, fold 5 of 5",
        "repeat 2, fold 1 of 5",
    ]


def test_published_splits_count_by_the_official_list(choose, tmp_path):
    every = choose("kadid10k", "jpeg2000")
    dataset, _ = every.origin
    groups = sorted({image.group for image in dataset.images})
    folder = tmp_path / "splits"
    folder.mkdir()
    own = {
        "train": [r for r, image in enumerate(dataset.images) if image.group == groups[0]],
        "val": [],
        "test": [r for r, image in enumerate(dataset.images) if image.group == groups[1]],
    }
    for part, some in own.items():
        np.save(folder / f"{part}.npy", np.array([some], dtype=np.int64))
    (split,) = run_splits(every, SplitConfig(published=str(folder)))
    assert {every.photograph[row] for row in split.train} == {groups[0]}
    assert {every.photograph[row] for row in split.test} == {groups[1]}


def test_published_splits_of_own_photographs_are_refused():
    with pytest.raises(ConfigError, match=r"split\.published divides a dataset in files"):
        run_splits(unnamed(("a", "b")), SplitConfig(published="splits"))
