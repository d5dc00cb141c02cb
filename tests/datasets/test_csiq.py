from itertools import pairwise

import pytest
from openpyxl import Workbook, load_workbook

from tests.datasets.layouts import CSIQ, picture
from workbench.datasets import csiq
from workbench.datasets.csiq import load as load_csiq
from workbench.datasets.labelled import Present
from workbench.errors import DataError


def test_the_sheet_by_image_gives_the_official_order_by_type(load):
    dataset = load("csiq")
    assert len(dataset.images) == 2 * 25 + 4 + 3
    assert list(dict.fromkeys(image.label for image in dataset.images)) == list(CSIQ.values())
    assert [image.group for image in dataset.images[:10]] == ["1600"] * 5 + ["swarm"] * 5
    contrast = [image for image in dataset.images if image.label == "contrast"]
    assert [image.present[0].level for image in contrast] == [1, 2, 3, 4, 1, 2, 3]
    assert contrast[0].present == (Present("contrast_change", 1, 4),)
    assert contrast[0].file == "dst_imgs/contrast/1600.contrast.1.png"
    assert dataset.images[5].reference == "src_imgs/swarm.png"


def test_underscores_do_not_count_in_the_official_order(tmp_path):
    names = ("sunset_sparrow", "swarm", "sunsetcolor")
    for name in names:
        picture(tmp_path / "dst_imgs" / "AWGN" / f"{name}.AWGN.1.png")
    lines = [f"{name}.AWGN.1.png 0.5\n" for name in names]
    (tmp_path / "csiq_label.txt").write_text("".join(lines))
    groups = [image.group for image in load_csiq(tmp_path).images]
    assert groups == ["sunsetcolor", "sunset_sparrow", "swarm"]


def test_quality_falls_with_dmos(load):
    noise = load("csiq").images[:5]
    assert [image.score for image in noise] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert all(one.quality > other.quality for one, other in pairwise(noise))


def test_the_text_table_gives_the_same_dataset_in_whatever_order(built):
    root = built("csiq")
    by_sheet = load_csiq(root)
    (root / "csiq.DMOS.xlsx").unlink()
    lines = [f"{image.file.rsplit('/', 1)[1]}\t{image.score}\n" for image in by_sheet.images]
    (root / "CSIQ_label.txt").write_text("".join(reversed(lines)))
    assert load_csiq(root) == by_sheet


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1600.AWGN.6.png 0.1", "level 6 of AWGN is not 1 to 5"),
        ("1600.contrast.5.png 0.1", "level 5 of contrast is not 1 to 4"),
        ("1600.rain.1.png 0.1", "'rain' is no type of CSIQ"),
        ("1600.AWGN.1.png", "'1600.AWGN.1.png' is not like '1600.AWGN.1.png 0.062'"),
        ("1600.AWGN.1.png inf", "score 'inf' is not finite"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(built, line, message):
    root = built("csiq")
    (root / "csiq.DMOS.xlsx").unlink()
    (root / "csiq_label.txt").write_text(line)
    with pytest.raises(DataError) as fault:
        load_csiq(root)
    assert f"line 1: {message}" in str(fault.value)


def test_a_row_of_the_sheet_without_an_image_is_named(built):
    root = built("csiq")
    book = load_workbook(root / "csiq.DMOS.xlsx")
    book["all_by_image"]["D6"] = None
    book.save(root / "csiq.DMOS.xlsx")
    with pytest.raises(DataError, match="line 6: no image is named"):
        load_csiq(root)


def test_a_spreadsheet_that_is_none_or_another_is_refused(built):
    root = built("csiq")
    (root / "csiq.DMOS.xlsx").write_bytes(b"PK and no more")
    with pytest.raises(DataError, match=r"xlsx has no readable sheet 'all_by_image'"):
        load_csiq(root)
    book = Workbook()
    book.save(root / "csiq.DMOS.xlsx")
    with pytest.raises(DataError, match=r"no readable sheet 'all_by_image' \(.*does not exist"):
        load_csiq(root)
    book.active.title = "all_by_image"
    book.active.append(["image", "score"])
    book.save(root / "csiq.DMOS.xlsx")
    with pytest.raises(DataError, match="has no header image, dst_type, dst_lev, dmos"):
        load_csiq(root)


def test_a_workbook_that_swells_is_refused_before_it_is_read(built, monkeypatch):
    monkeypatch.setattr(csiq, "MOST_UNPACKED", 1_000)
    with pytest.raises(DataError, match="when unpacked"):
        load_csiq(built("csiq"))
