"""Headers of published tables are known; which way a score goes is known, stated or asked."""

import pytest

from tests.datasets.layouts import picture
from workbench.datasets.table import read_table
from workbench.datasets.table_header import read_header
from workbench.datasets.table_preview import preview
from workbench.errors import DataError


@pytest.fixture
def table(tmp_path):
    """Write a table of a header and rows, and a picture for each cell that names one."""

    def write(header, *rows, name="mine.csv"):
        for row in rows:
            for cell in row.split(","):
                if "." in cell and not cell.replace(".", "").isdigit():
                    picture(tmp_path / cell)
        file = tmp_path / name
        file.write_text("\n".join([header, *rows, ""]))
        return file

    return write


@pytest.mark.parametrize(
    ("header", "image", "score", "reference"),
    [
        ("image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,MOS_zscore", 0, 7, None),  # KonIQ-10k
        ("image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set", 0, 7, None),
        ("img_name,mos,std,split,c1,c2,c3,c4,c5,c_total", 0, 1, None),  # pyiqa: KonIQ-10k
        ("img_name,mos,std", 0, 1, None),  # pyiqa: LIVE in the Wild
        ("img_name/patch_name,mos,split", 0, 1, None),  # pyiqa: FLIVE
        ("ref_name,dist_name,mos,std", 1, 2, 0),  # pyiqa: TID2013
        ("hq_name,dist_name,elo_score", 1, 2, 0),  # pyiqa: PIPAL
        ("Image name,MOS,Brightness,Colorfulness,Contrast,Noisiness,Sharpness", 0, 1, None),  # SPAQ
        ("dist_img,ref_img,dmos,var", 0, 2, 1),  # KADID-10k
        ("width,height,top,left,bottom,right,name,mos,zscores", 6, 7, None),  # PaQ-2-PiQ
        ("name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align", 0, 5, None),
        ("IMAGE PATH,JOD,JOD STD,CI LOW,CI HIGH,CI RANGE,QUALITY LEVEL,SCENE", 0, 1, None),  # PIQ23
        ("image_name,quality_mos", 0, 1, None),  # UHD-IQA
    ],
)
def test_headers_of_published_tables_are_known(header, image, score, reference):
    columns = read_header(header.split(","))
    assert columns.faults == ()
    known = {"image": image, "score": score, "reference": reference}
    assert columns.index == {field: at for field, at in known.items() if at is not None}


def test_a_name_is_the_image_only_where_no_other_column_is():
    assert read_header(["name", "image", "score"]).index == {"image": 1, "score": 2}


def test_a_column_called_like_a_field_that_is_there_is_no_slip():
    assert read_header(["image", "score", "scores"]).faults == ()
    assert read_header(["image", "score", "groups"]).faults != ()


def test_what_the_user_says_of_a_column_comes_first():
    columns = read_header(["photo", "MOS", "MOS_zscore"], {"image": "Photo", "score": "mos-zscore"})
    assert columns.index == {"image": 0, "score": 2}
    assert columns.notes == ("Column 'MOS' is not known and is ignored.",)
    twice = read_header(["photo", "photo", "score"], {"image": "photo", "level": "grade"})
    assert twice.faults == (
        "there is 2 columns 'photo' to take as image: photo, photo, score",
        "there is no column 'grade' to take as level: photo, photo, score",
    )


def test_columns_that_are_not_known_are_asked_for_with_the_first_rows(table):
    file = table("who,photo,rating", "ann,a.png,3.5", "bob,b.png,4")
    assert preview(file).problems[-1] == (
        "line 1: say which columns they are, for example --column image='photo' --column "
        "score='rating'; the first rows are ann | a.png | 3.5; bob | b.png | 4"
    )
    with pytest.raises(DataError, match=r"first rows are ann \| a\.png \| 3\.5"):
        read_table(file)
    assert len(read_table(file, columns={"image": "photo", "score": "rating"}).images) == 2


def test_a_list_without_a_header_is_said_to_be_one(table):
    assert preview(table("a.png,3", "b.png,4")).problems[-1] == (
        "line 1: the first line is a row, no header; put a line such as image,score above it"
    )
    own = table("5.5 I01_01_1.bmp", "4.4 I01_01_2.bmp", name="mos_with_names.txt")
    assert (
        preview(own)
        .problems[-1]
        .endswith("or read TID2013 as it is: workbench datasets check tid2013 FOLDER")
    )


def test_a_pair_has_its_reference_as_group(table):
    file = table("ref_name,dist_name,mos,std", "a.png,b.png,3,1", "a.png,c.png,4,1")
    assert [image.group for image in read_table(file).images] == ["a.png", "a.png"]


@pytest.mark.parametrize(
    ("header", "row", "polarity"),
    [
        # KADID-10k's dmos rises, in the release's table and in pyiqa's
        ("dist_img,ref_img,dmos,var", "b.png,a.png,{},1", "higher is better"),
        ("ref_name,dist_name,dmos,std", "I01.png,I01_02_0{}.png,{},1", "higher is better"),
        ("ref_name,dist_name,dmos", "1600.png,1600.AWGN.{}.png,{}", "lower is better"),  # CSIQ
        ("ref_name,dist_name,dmos", "a.bmp,Part 1/blurjpeg/a_{}.bmp,{}", "lower is better"),
        ("image,mos", "c{}.png,{}", "higher is better"),
    ],
)
def test_the_direction_of_known_scores_is_known(table, header, row, polarity):
    rows = [row.format(n, n) if row.count("{}") == 2 else row.format(n) for n in (1, 2)]
    if header.startswith("dist_img"):
        rows[1] = rows[1].replace("b.png", "c.png")
    seen = preview(table(header, *rows))
    assert (seen.problems, seen.polarity) == ((), polarity)


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        ("image,dmos", "c{}.png,{}", "DMOS falls with quality in some tables and rises in others"),
        # pyiqa's table of LIVE calls its DMOS mos
        (
            "ref_name,dist_name,mos",
            "refimgs/a.bmp,jp2k/img{}.bmp,{}",
            "LIVE's scores fall with quality, but the column is called 'mos'",
        ),
    ],
)
def test_a_direction_that_is_not_certain_is_asked_for(table, header, row, reason):
    file = table(header, row.format(1, 1), row.format(2, 2))
    seen = preview(file)
    asked = f"line 1: {reason}; state --lower-is-better or --higher-is-better"
    assert (seen.problems, seen.polarity) == ((asked,), None)
    for polarity in ("lower is better", "higher is better"):
        stated = preview(file, polarity=polarity)
        assert (stated.problems, stated.polarity) == ((), polarity)


def test_a_direction_that_is_stated_against_what_is_known_is_noted(table):
    file = table("image,dmos", "I01_01_01.png,1", "I01_01_02.png,2")
    assert preview(file, polarity="lower is better").notes[0] == (
        "KADID-10k's scores rise with quality; they are read as stated, lower is better."
    )
