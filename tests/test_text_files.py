"""One reader of encodings, lines, CSV and numbers, against the csv module and plain arithmetic."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import text_files
from workbench.errors import InvalidConfigError, WorkbenchError
from workbench.text_files import (
    MOST_YAML,
    TextFault,
    decoded,
    encoding_of,
    lines,
    name_key,
    number,
    printable,
    read_csv,
    read_file,
    read_json,
    read_yaml,
    with_decimal_point,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
CELLS = st.text(st.sampled_from('ab,;\t"\r\n \x0b\x0c\x1c\x85\u2028é'), max_size=8)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@given(text=TEXT)
def test_a_text_in_an_encoding_that_it_names_is_read_as_written(encoding, text):
    text = f"text {text}"
    data = text.encode(encoding)
    assert (decoded(data), encoding_of(data)) == (text, encoding)


def test_big_endian_text_and_a_second_mark_are_read():
    assert decoded(b"\xfe\xff" + "é".encode("utf-16-be")) == "é"
    assert decoded("\ufeffé".encode("utf-8-sig")) == "é"


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"a\r\nb\rcaf\xe9", 3, "is not UTF-8 from character 4 on; a spreadsheet saves it as"),
        ("é\n\xe9".encode()[:-1], 2, "is not UTF-8 from character 1 on"),
        ("\ufeffa".encode() + b"\xff", 1, "is not UTF-8 from character 2 on"),
        ("text".encode("utf-16-be"), 0, "is UTF-16 or binary; save it as UTF-8 text"),
        ("text".encode("utf-16")[:-1], 0, "is cut off, or no UTF-16; save it as UTF-8"),
        (b"PK\x03\x04\x14\0", 0, "is a workbook or an archive, no text; a spreadsheet saves it as"),
        (b"\x89PNG\r\n\x1a\n\0", 0, "is binary, no text"),
    ],
)
def test_what_is_no_text_is_refused_where_it_ends(data, line, words):
    with pytest.raises(TextFault) as refused:
        decoded(data)
    assert refused.value.line == line
    assert str(refused.value).startswith(words)


@given(TEXT)
def test_lines_are_those_of_a_file_opened_as_text(text):
    opened = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")  # universal newlines
    assert lines(text) == [line.removesuffix("\n") for line in opened]


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_rows_are_those_that_the_csv_module_writes(rows, delimiter, end):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["one", "two"], *rows])
    table = read_csv(out.getvalue())
    assert table.delimiter == delimiter
    assert [cells for _, cells in table.rows] == [r for r in rows if any(c.strip() for c in r)]


def test_a_row_has_the_line_on_which_it_begins():
    text = 'one,two\r\n\r\n"a\nb\r\nc",1\r\n"\u2028",2\rd,3\n'
    assert [line for line, _ in read_csv(text).rows] == [3, 6, 7]
    assert [line for line, _ in read_csv(f"sep=,\r\n{text}").rows] == [4, 7, 8]
    assert read_csv(f"\n\n{text}").header[0] == 3


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        ("a,b,,\n1,2,,\n3,4\n", ["a", "b"], [["1", "2"], ["3", "4"]]),
        ("a,,b\n1,,2\n", ["a", "b"], [["1", "2"]]),
        ("a,,b\n1,x,2\n", ["a", "", "b"], [["1", "x", "2"]]),
        ("a,b\n1,2,\n", ["a", "b"], [["1", "2", ""]]),
        (" \n\n,,\na,b\n", ["a", "b"], []),
        ("", [], []),
        ("sep=;", [], []),
        ("sep=,\na;b,c\n", ["a;b", "c"], []),
        ('"a,b,c";d\n', ["a,b,c", "d"], []),
        ('"a\nb";c\n', ["a\nb", "c"], []),
    ],
)
def test_blank_rows_and_columns_without_name_and_text_are_not_there(text, header, rows):
    table = read_csv(text)
    assert (table.header[1], [cells for _, cells in table.rows]) == (header, rows)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('a,b\n"1,2\n3,4\n', 2, "unexpected end of data (a quotation mark is left open)"),
        ('sep=;\na;b\n"1"x;2\n', 3, "';' expected after"),
        ("a\n" + "x" * 140_000, 2, "field larger than field limit (131072) (a quotation mark"),
    ],
)
def test_what_is_no_csv_is_refused_with_its_line(text, line, words):
    with pytest.raises(TextFault) as refused:
        read_csv(text)
    assert refused.value.line == line
    assert str(refused.value).startswith(words)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-1e9, max_value=1e9))
def test_a_number_in_decimal_notation_is_that_number(value):
    assert number(f"{value:f}") == float(value)
    assert number(f"{value:e}") == float(Decimal(f"{value:e}"))
    comma = f"{value:f}".replace(".", ",")
    assert number(with_decimal_point(comma)) == float(value)


@pytest.mark.parametrize(
    "text",
    ["1_0", "０１", "٣", "1,234.5", "1 000", "nan", "-inf", "Infinity", "0x10", "1e", "", " 1",
     "1\n", "−1", "1.2.3", "½", "1d5", "+-1", "."],
)  # fmt: skip
def test_what_a_person_would_not_write_for_a_number_is_none(text):
    with pytest.raises(ValueError, match="is no number"):
        number(text)


@pytest.mark.parametrize("text", ["1.234,5", "1,234,5", "a,b", ",", "1,", "1_0,5", "3,1_0"])
def test_only_a_single_decimal_comma_becomes_a_point(text):
    assert with_decimal_point(text) == text


@given(TEXT)
def test_what_is_printed_is_one_line_of_visible_characters(text):
    shown = printable(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u00e9.JPG", "e\u0301.jpg"),
        ("\u212bngström", "\u00e5NGSTRO\u0308M"),
        ("STRASSE", "straße"),
    ],
)
def test_spellings_of_one_name_have_one_key(one, other):
    assert name_key(one) == name_key(other)


# Nine lines that stand for 9 to the power of 9 values.
BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


def test_an_alias_is_read_as_what_it_stands_for():
    assert read_yaml("a: &sizes [1, 2]\nb: *sizes\nc: '*'") == {"a": [1, 2], "b": [1, 2], "c": "*"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1, 2\nb: 3", "line 2, column 2: "),
        ("a: " + "[" * 3000, "nested too deeply"),
        ("a: 2026-13-45", "month must be in 1..12"),
        ("a: \x00", "unacceptable character"),
        ("? {c: d}\n: e", "line 1, column 3: found unhashable key"),
        ("a: !!python/object:os.system {}", "could not determine a constructor"),
        (BOMB, "its aliases stand for far more than it says"),
        ("a: &a [*a]", "its aliases stand for far more than it says"),
    ],
)
def test_what_is_no_yaml_says_why_on_one_line(text, words):
    with pytest.raises(TextFault) as caught:
        read_yaml(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: !!timestamp x", "a value is not what its tag says"),
        ("a: 0x" + "f" * 5000, "holds a number of thousands of digits"),
        ("a: 1" + ":59" * 3000, "holds a number of thousands of digits"),
        ("a: " + "9" * 5000, "holds a number of thousands of digits"),
        ('"\\ud800": 1', "holds half a character"),
        ("# " + "x" * MOST_YAML, "has more than 1,000,000 characters"),
    ],
)
def test_values_that_nobody_could_write_again_are_refused(text, words):
    with pytest.raises(TextFault, match=words):
        read_yaml(text)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"a": [1,\n2}', "line 2, column 2: "),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "holds a number of thousands of digits"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"\\ud800": 1}', "holds half a character"),
        (b'["\\udc00x"]', "holds half a character"),
        (b'{"a": "\xff"}', "codec can't decode"),
    ],
)
def test_what_is_no_json_says_why_on_one_line(data, words):
    with pytest.raises(TextFault) as caught:
        read_json(data)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_more_of_a_file_is_read_than_it_may_have(tmp_path):
    file = tmp_path / "large"
    file.write_bytes(b"x" * 1_000_001)
    assert read_file(file, 1_000_001) == b"x" * 1_000_001
    with pytest.raises(TextFault, match="is larger than the 1 MB that are read"):
        read_file(file, 1_000_000)


def test_a_csv_of_too_many_rows_is_refused(monkeypatch):
    monkeypatch.setattr(text_files, "MOST_ROWS", 2)
    assert len(read_csv("a\n1\n2\n").rows) == 2
    with pytest.raises(TextFault, match="more than 2 rows"):
        read_csv("a\n1\n2\n3\n")


def test_a_message_is_bounded_whatever_it_quotes():
    said = str(WorkbenchError(f"begin {'x' * 100_000} end: do this."))
    assert len(said) < 4100
    assert said.startswith("begin")
    assert said.endswith("do this.")
    many = InvalidConfigError("it", [f"a{n}: is missing" for n in range(3000)])
    assert str(many).startswith("it has 3000 faults: a0: is missing;")
    assert many.faults[-1] == "and 2950 more"
