import pytest

from workbench.datasets.labelled import Present
from workbench.datasets.tid2013 import load as load_tid2013
from workbench.errors import DataError


def test_names_of_either_case_are_found(load):
    dataset = load("tid2013")
    first, last = dataset.images[0], dataset.images[-1]
    assert len(dataset.images) == 2 * 24 * 5
    assert (first.file, first.reference, first.group) == (
        "distorted_images/i01_01_1.bmp",
        "reference_images/I01.BMP",
        "i01",
    )
    assert (last.reference, last.label) == ("reference_images/i25.bmp", "24")
    assert last.present == (Present("sparse_sampling", 5, 5),)
    assert (last.score, last.quality) == (0.75, pytest.approx(0.75 / 9))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("5.5 I01_25_1.bmp", "'I01_25_1.bmp' is of no type 1 to 24 at a level 1 to 5"),
        ("5.5 I01_01_0.bmp", "'I01_01_0.bmp' is of no type 1 to 24 at a level 1 to 5"),
        ("5.5 lake.bmp", "'lake.bmp' is no iRR_TT_L.bmp"),
        ("5.5", "'5.5' is not a score and a name"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(built, line, message):
    root = built("tid2013")
    (root / "mos_with_names.txt").write_text(f"5.5 I01_01_1.bmp\n\n{line}\n")
    with pytest.raises(DataError) as fault:
        load_tid2013(root)
    assert f"mos_with_names.txt has 1 row that cannot be read: line 3: {message}" in str(
        fault.value
    )
