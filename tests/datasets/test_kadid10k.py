import pytest

from workbench.datasets.kadid10k import load as load_kadid10k
from workbench.datasets.labelled import Present
from workbench.errors import DataError


def test_order_type_level_and_score_are_those_of_the_table(load):
    dataset = load("kadid10k")
    assert len(dataset.images) == 2 * 3 * 5
    image = dataset.images[7]
    assert image.file == "Images/I01_09_03.PNG"
    assert image.present == (Present("jpeg2000", 3, 5),)
    assert (image.label, image.score, image.quality) == ("9", 2.75, 0.4375)
    assert (image.reference, image.group) == ("Images/I01.png", "i01")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("I01_26_01.png,I01.png,3,1", "line 2: 'I01_26_01.png' is of no type 1 to 25 at a level"),
        ("I01_01_06.png,I01.png,3,1", "line 2: 'I01_01_06.png' is of no type 1 to 25 at a level"),
        ("I01_01_01.png,I02.png,3,1", "line 2: 'I01_01_01.png' of 'I02.png' is no I01_TT_LL.png"),
        ("I01_01_01.png,I01.png,nan,1", "line 2: score 'nan' is not finite"),
        ("I01_01_01.png,I01.png,good,1", "line 2: score 'good' is no number"),
        ("I01_01_01.png,I01.png,1_0,1", "line 2: score '1_0' is no number"),
        ("I01_01_01.png", "line 2: 1 cells are too few"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(built, row, message):
    root = built("kadid10k")
    (root / "dmos.csv").write_text(f"dist_img,ref_img,dmos,var\n{row}\n")
    with pytest.raises(DataError, match=r"dmos\.csv") as fault:
        load_kadid10k(root)
    assert message in str(fault.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_that_a_spreadsheet_saved_again_is_the_same(built, encoding):
    root = built("kadid10k")
    before = load_kadid10k(root).images
    text = (
        (root / "dmos.csv").read_text().replace(",", ";").replace(".", ",").replace(",png", ".png")
    )
    (root / "dmos.csv").write_bytes(f"sep=;\r\n{text}; ;;\r\n".encode(encoding))
    assert load_kadid10k(root).images == before


def test_a_table_that_is_no_csv_is_named(built):
    root = built("kadid10k")
    (root / "dmos.csv").write_text('dist_img,ref_img,dmos\n"I01_01_01.png,I01.png,3\n')
    with pytest.raises(DataError, match=r"dmos\.csv, line 2: unexpected end of data"):
        load_kadid10k(root)


def test_a_missing_column_is_named(built):
    root = built("kadid10k")
    (root / "dmos.csv").write_text("dist_img,ref_img,mos\n")
    with pytest.raises(DataError, match="has no column dmos; its columns are dist_img, ref_img"):
        load_kadid10k(root)
