import numpy as np
import pytest
from PIL import Image

from tests.datasets.layouts import write_csv
from workbench.datasets.adapters import adapters, dataset_adapter
from workbench.datasets.check import check as check_adapter
from workbench.errors import UnknownNameError


def check(name, root, **more):
    return check_adapter(adapters()[name], root, **more)


def problems(name, root, **more):
    return "\n".join(check(name, root, **more).problems)


def test_a_small_layout_is_whole_but_for_its_official_counts(built):
    report = check("tid2013", built("tid2013"), deep=True)
    assert (report.images, report.references, len(report.distortions)) == (240, 2, 24)
    assert report.score_range == (0.75, 5.75)
    assert report.polarity == "higher is better"
    assert [problem.split(". ")[0] for problem in report.problems] == [
        "240 images instead of 3,000",
        "2 references instead of 25",
    ]


@pytest.mark.parametrize("name", ["kadid10k", "csiq", "live", "lvq", "biq2021", "kadis700k"])
def test_nothing_but_counts_is_wrong_with_any_small_layout(built, name):
    found = check(name, built(name), deep=name != "live").problems
    assert all(" instead of " in problem for problem in found), found


def test_a_whole_table_has_no_problem(built):
    assert check("table", built("table"), deep=True).problems == ()


def test_missing_images_and_references_are_counted_and_named(built):
    root = built("kadid10k")
    for name in ("I01_01_01", "I01_01_02", "I02"):
        (root / "Images" / f"{name}.png").unlink()
    said = problems("kadid10k", root)
    assert "2 images are missing: images/I01_01_01.png, images/I01_01_02.png. Download" in said
    assert "1 reference is missing: images/I02.png. Download" in said


def test_more_than_a_few_missing_images_are_counted(built):
    root = built("kadid10k")
    for file in (root / "Images").glob("I02_*"):
        file.unlink()
    assert "15 images are missing: images/I02_01_01.png," in problems("kadid10k", root)
    assert "I02_01_05.png and 10 more." in problems("kadid10k", root)


def test_truncated_images_and_text_are_found_by_a_deep_check_only(built):
    root = built("kadid10k")
    images = root / "Images"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(images / "I01_01_01.png")
    whole = (images / "I01_01_01.png").read_bytes()
    (images / "I01_01_01.png").write_bytes(whole[: len(whole) // 2])
    (images / "I02.png").write_text("no picture")
    assert "unreadable" not in problems("kadid10k", root)
    said = problems("kadid10k", root, deep=True)
    assert "2 files are unreadable: Images/I01_01_01.png, Images/I02.png. Replace them." in said


def test_a_video_that_breaks_off_is_found_by_a_deep_check(built, capfd):
    root = built("lvq")
    file = root / "smoke" / "video1_2.avi"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert "smoke/video1_2.avi" in problems("lvq", root, deep=True)


def test_scores_out_of_range_are_named_with_their_value(built):
    root = built("kadid10k")
    rows = [line.split(",") for line in (root / "dmos.csv").read_text().splitlines()]
    rows[1][2], rows[2][2] = "0.5", "57"
    write_csv(root / "dmos.csv", *rows)
    said = problems("kadid10k", root)
    assert (
        "2 scores are out of 1 to 5: Images/I01_01_01.png (0.5), Images/I01_01_02.png (57)." in said
    )


def test_an_image_twice_in_the_table_is_named(built):
    root = built("kadid10k")
    rows = (root / "dmos.csv").read_text()
    (root / "dmos.csv").write_text(rows + rows.splitlines()[1] + "\n")
    assert "1 image is more than once in the tables: Images/I01_01_01.png." in problems(
        "kadid10k", root
    )


def test_missing_scores_and_parameters_are_problems(built):
    lvq, live = built("lvq"), built("live")
    (lvq / "lvq_scores.csv").unlink()
    (live / "wn" / "info.txt").unlink()
    assert "200 images are without a score: awgn/video1_1.avi" in problems("lvq", lvq)
    assert "140 images are without a parameter (wn/info.txt), so 'wn' has no levels" in problems(
        "live", live
    )


def test_subsets_are_counted(built):
    assert check("biq2021", built("biq2021")).subsets == {"ss02": 2, "ss03": 2, "ss01": 2}


def test_a_broken_table_is_a_problem_and_no_error(built):
    root = built("csiq")
    (root / "csiq.DMOS.xlsx").write_text("no spreadsheet")
    report = check("csiq", root)
    assert "has no readable sheet" in report.problems[0]
    assert (report.images, report.score_range) == (0, None)


def test_an_unknown_dataset_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'kadid10k'"):
        dataset_adapter("KADID-10k", tmp_path)
