import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.datasets.layouts import picture
from workbench.datasets.table_preview import preview
from workbench.errors import ConfigError, DataError, WorkbenchError


@pytest.fixture
def written(tmp_path):
    """Write a table beside the images a.png to e.png, as text or as bytes."""
    for name in "abcde":
        picture(tmp_path / f"{name}.png")

    def write(content):
        file = tmp_path / "mine.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


HEAD = "image,score,reference,distortion,level,levels\na.png,1,,,,\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x.png,2,,,,", "image 'x.png' is missing below"),
        ("../a.png,2,,,,", "image '../a.png' lies outside"),
        ("/etc/passwd,2,,,,", "image '/etc/passwd' lies outside"),
        ("b.png,2,x.png,,,", "reference 'x.png' is missing below"),
        ("b.png,good,,,,", "score 'good' is no number"),
        ('b.png,"2,5",,,,', "score '2,5' is no number; write a point for the decimals"),
        ("b.png,1_0,,,,", "score '1_0' is no number"),
        ("b.png,٣,,,,", "score '٣' is no number"),
        ('b.png,"1,234.5",,,,', "score '1,234.5' is no number"),
        ("b.png,0x10,,,,", "score '0x10' is no number"),
        ("b.png,−2,,,,", "score '−2' is no number"),
        ("b.png,1e400,,,,", "score '1e400' is not finite"),
        ("b\x1b[2J.png,2,,,,", "image 'b\\x1b[2J.png' has a control character in its name; rename"),
        ("b.png,nan,,,,", "score 'nan' is not finite"),
        ("b.png,-inf,,,,", "score '-inf' is not finite"),
        ("b.png,11,,,,", "score 11 is out of the stated range, 0 to 10"),
        (",2,,,,", "empty cell: image"),
        ("b.png,,,,,", "empty cell: score"),
        ("A.PNG,2,,,,", "image 'a.png' is already on line 2"),
        ("b.png,2,,,3,", "level without distortion"),
        ("b.png,2,,rain,0,", "level '0' is no whole number from 1"),
        ("b.png,2,,rain,1.5,", "level '1.5' is no whole number from 1"),
        ("b.png,2,,rain,high,", "level 'high' is no number"),
        ("b.png,2,,rain,6,5", "level 6 is not 1 to 5"),
        ("b.png,2,,rain,1,five", "levels 'five' is no number"),
        ("b.png,2", "2 cells, but the header has 6"),
        ("b.png,2,,,,,,", "8 cells, but the header has 6"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_reason(written, row, reason):
    seen = preview(written(f"{HEAD}{row}\nc.png,3,,,,\n"), low=0, high=10)
    assert [bad.line for bad in seen.bad] == [3]
    assert reason in seen.bad[0].reason
    assert (seen.rows, seen.images) == (3, 2)


def test_every_fault_of_every_row_is_named(written):
    seen = preview(written(f"{HEAD}x.png,good,,,,\nb.png,2,,,3,\nc.png,3,,,,\n"))
    assert [(bad.line, bad.reason.split("'")[0]) for bad in seen.bad] == [
        (3, "image "),
        (3, "score "),
        (4, "level without distortion"),
    ]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("b.png,2,,rain,1,\nc.png,3,,rain,,", "'rain' has no level here, unlike on line 3"),
        ("b.png,2,,rain,,\nc.png,3,,rain,1,", "'rain' has a level here, unlike on line 3"),
        ("b.png,2,,rain,1,5\nc.png,3,,rain,1,4", "'rain' has 4 levels here and 5 stated on line 3"),
    ],
)
def test_rows_that_disagree_on_levels_are_named(written, rows, reason):
    assert preview(written(f"{HEAD}{rows}\n")).problems == (f"line 4: {reason}",)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("image,scores", "unknown column 'scores'; did you mean 'score'?"),
        ("image,score,refernce", "unknown column 'refernce'; did you mean 'reference'?"),
        ("image,mos,score", "columns 'mos' and 'score' are both the score"),
        ("score", "no column 'image'; the columns are score"),
    ],
)
def test_a_header_that_cannot_be_understood_is_named(written, header, problem):
    seen = preview(written(f"{header}\na.png,1,2\n"))
    assert f"line 1: {problem}" in seen.problems
    assert seen.images == 0


def test_an_unknown_column_is_ignored_and_said_to_be(written):
    seen = preview(written("Image Name,MOS,std\na.png,1,.1\nb.png,2,.1\n"))
    assert seen.problems == ()
    assert seen.columns == {"Image Name": "image", "MOS": "score", "std": ""}
    assert seen.notes == ("Column 'std' is not known and is ignored.",)
    assert seen.first[0] == {"Image Name": "a.png", "MOS": "1", "std": ".1"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_and_encoding_are_found_out(written, delimiter, encoding):
    text = "image,score\r\na.png,1\r\n\r\nb.png,2\r\n".replace(",", delimiter)
    seen = preview(written(text.encode(encoding)))
    assert (seen.delimiter, seen.encoding, seen.images) == (delimiter, encoding, 2)


def test_lines_that_are_no_utf8_are_named(written):
    seen = preview(
        written("image,score,group\na.png,1,x\nb.png,2,Café\nc.png,3,é\n".encode("cp1252"))
    )
    assert seen.problems == tuple(
        f"line {line}: column 'group' is not UTF-8; save the file as 'CSV UTF-8'" for line in (3, 4)
    )


def test_a_header_that_is_no_utf8_is_not_guessed_at(written):
    seen = preview(written("image,score,gruppé\na.png,1,x\nb.png,2,x\n".encode("cp1252")))
    assert seen.problems == ("line 1: the header is not UTF-8; save the file as 'CSV UTF-8'",)


@pytest.mark.parametrize("separator", "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e")
def test_only_a_line_break_ends_a_row(written, separator):
    seen = preview(written(f"image,score,subset\na.png,1,x{separator}y\nb.png,bad,x\nc.png,2,x\n"))
    assert seen.first[0]["subset"] == f"x{separator}y"
    assert seen.problems == ("line 3: score 'bad' is no number",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_an_editor_does(written, end):
    text = "image,score\na.png,1\n\n , \nb.png,bad\nc.png,2\n".replace("\n", end)
    assert preview(written(text)).problems == ("line 5: score 'bad' is no number",)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nimage;score\na.png;3,5\nb.png;4,25\n",
        '"sep=;"\nimage;score\na.png;3,5\nb.png;4,25\n',
        "SEP=|\nimage|score\na.png|3,5\nb.png|4,25\n",
        "image;score;;\na.png;3,5;;\nb.png;4,25\n",
        "image\tscore\na.png\t3,5\nb.png\t4,25\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_is_read_as_spreadsheets_of_many_countries_write_it(written, text, encoding):
    seen = preview(written(text.replace("\n", "\r\n").encode(encoding)))
    assert (seen.problems, seen.score_range) == ((), (3.5, 4.25))
    assert seen.notes == ("Scores have a decimal comma: '3,5' is 3.5.",)


def test_two_decimal_marks_in_one_table_are_not_guessed_at(written):
    seen = preview(written("image;score\na.png;1.234\nb.png;4,25\nc.png;5\n"))
    assert seen.problems == (
        "line 3: score '4,25' has another decimal mark than '1.234' on line 2; write one of them "
        "everywhere",
    )


def test_columns_without_a_name_are_ignored(written):
    seen = preview(written(",image,score\n0,a.png,3\n1,b.png,4\n"))  # the index that pandas writes
    assert (seen.problems, seen.images) == ((), 2)
    assert seen.notes == ("A column without a name is ignored.",)


def test_a_file_in_a_folder_that_the_table_leaves_out_is_pointed_at(written, tmp_path):
    picture(tmp_path / "1024x768" / "f.png")
    (problem,) = preview(written("image,score\na.png,1\nb.png,2\nf.png,3\n")).problems
    assert problem.endswith("; it lies in 1024x768: name that folder in the table, or with --root")


def test_a_name_is_found_whichever_normal_form_the_disk_has(written, tmp_path):
    picture(tmp_path / "Cafe\u0301" / "e\u0301.png")
    picture(tmp_path / "\u00e9.png")
    text = "image,score,group\nCaf\u00e9/\u00e9.png,1,\u00e9\ne\u0301.png,2,e\u0301\n"
    seen = preview(written(text))
    assert [row.image for row in seen.usable] == ["Cafe\u0301/e\u0301.png", "\u00e9.png"]
    assert {row.group for row in seen.usable} == {"\u00e9"}
    twice = preview(written(f"{text}\u00e9.png,3,\n"))
    assert twice.problems == ("line 4: image '\u00e9.png' is already on line 3",)


def test_a_table_whose_name_is_no_utf8_is_refused(written, tmp_path):
    file = written("image,score\na.png,1\nb.png,2\n")
    file = file.rename(tmp_path / "caf\udce9.csv")
    with pytest.raises(DataError, match=r"caf\\udce9\.csv has a name that is not UTF-8"):
        preview(file)


@pytest.mark.parametrize("ends", [{"low": float("nan")}, {"high": float("inf")}])
def test_a_range_without_end_is_refused(written, ends):
    with pytest.raises(ConfigError, match="must have finite ends"):
        preview(written("image,score\na.png,1\nb.png,2\n"), **ends)


def test_a_quoted_line_break_does_not_shift_the_numbers_of_lines(written):
    seen = preview(written('image,score,group\na.png,1,"x\ny"\nb.png,bad,x\nc.png,2,x\n'))
    assert [bad.line for bad in seen.bad] == [4]


def test_the_range_is_that_of_the_file_unless_stated(written):
    file = written("image,score\na.png,1.5\nb.png,4\n")
    assert (preview(file).score_range, preview(file).stated) == ((1.5, 4), False)
    stated = preview(file, low=0, high=5)
    assert (stated.score_range, stated.stated) == ((0, 5), True)


def test_equal_scores_need_a_stated_range(written):
    file = written("image,score\na.png,3\nb.png,3\n")
    assert preview(file).problems == ("line 1: all scores are equal; state --low and --high",)
    assert preview(file, low=1, high=5).problems == ()


def test_what_one_may_want_to_know_is_noted(written):
    text = "image,mos,distortion,level\na.png,1,jpgg,2\nb.png,2,mist,1\n"
    notes = preview(written(text), known=["jpeg", "smoke"]).notes
    assert notes == (
        "Levels by the largest found: jpgg 2, mist 1. A column 'levels' can say more.",
        "2 distorted images have neither reference nor group, so a split treats each as a picture "
        "of its own.",
        "Distortion 'jpgg' is not in the catalogue; did you mean 'jpeg'?",
        "Distortion 'mist' is not in the catalogue; it is taken as a type of your own.",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. Its first line must name the columns"),
        (b"\n \n", "is empty"),
        (
            b"PK\x03\x04\0\0",
            "is a workbook or an archive, no text; a spreadsheet saves it as 'CSV UT",
        ),
        (b"image,score\r1\r\0", "a binary file (a NUL character in line 3). Save a spreadsheet"),
        (
            "image,score\n".encode("utf-16-le"),
            "is UTF-16 or binary; save it as UTF-8 text. N",
        ),
        ("image,score\n".encode("utf-16")[:-1], "is cut off, or no UTF-16; save it as UTF-8. N"),
        (b"image,score\n" + b"x" * 140_000, "line 2: field larger than field limit"),
        (
            b'image,score\n"a.png,1\n',
            "line 2: unexpected end of data (a quotation mark is left open)",
        ),
        (
            b'image,score\n"a"b.png,1\n',
            "line 2: ',' expected after '\"' (double the quotation marks",
        ),
        (b"sep=;\n", "is empty"),
    ],
)
def test_what_is_no_table_is_refused(written, content, message):
    with pytest.raises(DataError) as fault:
        preview(written(content))
    assert message in str(fault.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv cannot be read: No such file"):
        preview(tmp_path / "none.csv")


def test_a_header_alone_is_a_problem(written):
    assert preview(written("image,score\n")).problems == (
        "line 1: there is no row below the header",
    )


CELLS = st.text(st.sampled_from('ab.png,;\t"\n\r012-e é\0\x85'), max_size=40)


@settings(suppress_health_check=list(HealthCheck), max_examples=150)
@given(st.one_of(st.binary(max_size=60), CELLS.map(lambda text: f"image,score\n{text}")))
def test_whatever_the_file_holds_it_is_read_or_refused_in_plain_words(written, content):
    try:
        seen = preview(written(content))
    except WorkbenchError:
        return
    assert seen.images == seen.rows or seen.bad
