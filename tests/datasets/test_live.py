import numpy as np
import pytest
from scipy.io import savemat

from tests.datasets.layouts import COPY, LIVE
from workbench.datasets.labelled import Present
from workbench.datasets.live import load as load_live
from workbench.datasets.live import with_levels
from workbench.errors import DataError, DatasetNotFoundError

pytestmark = pytest.mark.slow


def test_copies_of_references_are_left_out_and_the_folders_follow_each_other(load):
    dataset = load("live")
    assert len(dataset.images) == 982 - sum(count // COPY for count in LIVE.values())
    assert list(dict.fromkeys(image.label for image in dataset.images)) == list(LIVE)
    files = [image.file for image in dataset.images]
    assert files[:5] == [f"jp2k/img{n}.bmp" for n in (1, 2, 3, 4, 6)]
    assert "jpeg/img5.bmp" not in files


def test_each_image_has_its_score_parameter_and_reference(load):
    dataset = load("live")
    scores = dict(zip([f.file for f in dataset.images], dataset.images, strict=True))
    image = scores["wn/img4.bmp"]
    assert image.score == pytest.approx(np.linspace(-2, 105, 982)[227 + 233 + 3])
    assert (image.parameter, image.reference, image.group) == (
        0.04,
        "refimgs/bikes.bmp",
        "bikes.bmp",
    )
    assert image.present == (Present("white_noise", None, 0),)
    assert (dataset.images[0].quality, dataset.images[-1].quality) == (1, 0)


def test_the_realigned_scores_are_taken_where_they_are_there(load, tmp_path):
    assert load("live").facts.score == "DMOS realigned (dmos_realigned.mat)"
    (tmp_path / "live" / "dmos_realigned.mat").unlink()
    plain = load_live(tmp_path / "live")
    assert plain.facts.score == "DMOS not realigned (dmos.mat)"
    assert plain.images[-1].score == pytest.approx(0.8 * 105)


def test_levels_are_quantiles_of_the_training_part_and_rise_with_the_distortion(load):
    dataset = load("live")
    train = range(0, len(dataset.images), 2)
    levelled = with_levels(dataset, train)
    assert {kind.levels for kind in levelled.facts.types} == {5}
    for label, rising in {"jp2k": False, "jpeg": False, "wn": True, "fastfading": False}.items():
        own = [image for image in levelled.images if image.label == label]
        levels = [image.present[0].level for image in own]
        assert sorted(levels, reverse=not rising) == levels  # the fixture's parameters rise
        assert set(levels) == {1, 2, 3, 4, 5}
    assert with_levels(dataset, train) == levelled
    assert [image.score for image in levelled.images] == [image.score for image in dataset.images]


def test_without_info_there_are_no_parameters_and_no_levels(built):
    root = built("live")
    (root / "wn" / "info.txt").unlink()
    dataset = load_live(root)
    assert {image.parameter for image in dataset.images if image.label == "wn"} == {None}
    with pytest.raises(DataError, match="140 of 140 images have no finite parameter"):
        with_levels(dataset, range(len(dataset.images)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"dmos_new": np.zeros(981), "orgs": np.zeros(982)}, "'dmos_new' has 981 entries; 982"),
        ({"dmos_new": np.full(982, np.nan), "orgs": np.zeros(982)}, "numbers that are not finite"),
        ({"dmos": np.zeros(982)}, "has no array 'dmos_new'; it has dmos"),
    ],
)
def test_scores_of_another_release_are_refused(built, content, message):
    root = built("live")
    savemat(root / "dmos_realigned.mat", content)
    with pytest.raises(DataError, match=r"dmos_realigned\.mat") as fault:
        load_live(root)
    assert message in str(fault.value)


@pytest.mark.parametrize("content", [b"", b"this is text, no MATLAB file at all" * 20])
def test_a_file_that_is_no_matlab_file_is_refused(built, content):
    root = built("live")
    (root / "refnames_all.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"refnames_all\.mat is no readable MATLAB file"):
        load_live(root)


def test_missing_names_of_references_say_how_to_obtain_them(built):
    root = built("live")
    (root / "refnames_all.mat").unlink()
    with pytest.raises(
        DatasetNotFoundError, match=r"no 'refnames_all\.mat' in .* databaserelease2"
    ):
        load_live(root)


def test_a_broken_line_of_info_is_named(built):
    root = built("live")
    (root / "jpeg" / "info.txt").write_text("bikes.bmp img1.bmp 0.2\nbikes.bmp img2.bmp\n")
    with pytest.raises(DataError, match=r"info\.txt has 1 row .* line 2: 'bikes\.bmp img2\.bmp'"):
        load_live(root)
