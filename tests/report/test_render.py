"""One table, four renderers: every value stands in each, and no text is markup or a formula."""

import csv
import json
from html.parser import HTMLParser
from io import StringIO

import pytest
from markupsafe import Markup

from workbench.domain.data_table import Column, DataTable
from workbench.domain.metrics import Undefined
from workbench.report.render import csv_table, html_table, json_table, terminal_text

TABLE = DataTable(
    "t",
    "Of [b]two[/b] <rows>",
    (
        Column("name", "name", "text"),
        Column("srcc", "SRCC"),
        Column("ci", "95 %", "interval", below=True),
        Column("delta", "ΔSRCC", "signed", digits=2),
        Column("images", "images", "count"),
    ),
    (
        ("a [red] <b> & c", 0.25, (0.1, 0.4), 0.5, 1234),
        ("y", Undefined(undefined="flat"), None, -0.5, None),
    ),
    aside=frozenset({1}),
)
TEXTS = ("a [red] <b> & c", "0.250", "0.100 to 0.400", "+0.50", "1,234", "undefined", "−0.50", "—")


class Cells(HTMLParser):
    """Every cell's text, tag and attributes, and the rows' own attributes."""

    def __init__(self, document):
        super().__init__()
        self.cells, self.rows, self.caption = [], [], ""
        self.feed(document)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append(dict(attributes))
        elif tag in ("td", "th"):
            self.cells.append(["", tag, dict(attributes)])
        self._tag = tag

    def handle_data(self, data):
        if self._tag == "caption":
            self.caption += data
        elif self.cells:
            self.cells[-1][0] += f" {data}"


def test_the_terminal_shows_every_value_and_takes_no_text_for_markup():
    text = terminal_text([TABLE, "a [line]"])
    assert all(value in text for value in (*TEXTS, TABLE.title, "a [line]"))
    figures = [line for line in text.splitlines() if "0.250" in line or "undefined" in line]
    assert [line.index("│", 30) for line in figures] == [figures[0].index("│", 30)] * 2


def test_a_page_shows_every_value_with_heads_of_rows_and_columns():
    read = Cells(html_table(TABLE, name="t"))
    assert read.caption == TABLE.title
    assert [text.strip() for text, *_ in read.cells] == [
        *("name", "SRCC", "ΔSRCC", "images"),
        *("a [red] <b> & c", "0.250 0.100 to 0.400", "+0.50", "1,234"),
        *("y", "undefined", "−0.50", "—"),
    ]
    assert [cell[2].get("scope") for cell in read.cells if cell[1] == "th"] == [
        *["col"] * 4,
        *["row"] * 2,
    ]
    numbers = [cell[2].get("class") for cell in read.cells]
    assert numbers == [None, "figure", "figure", "figure"] * 3
    assert read.rows == [{}, {}, {"class": "aside"}]


def test_a_page_shows_as_many_rows_as_are_asked_for_and_own_markup_as_it_is():
    assert "undefined" not in html_table(TABLE, most=1)
    bar = DataTable("b", "", (Column("bar", "", "text"),), ((Markup("<i></i>"),), ("<i></i>",)))
    assert html_table(bar).count("<i></i>") == html_table(bar).count("&lt;i&gt;") == 1


def test_json_holds_exact_values_and_why_one_is_undefined():
    first, second = json.loads(json.dumps(json_table(TABLE)))["rows"]
    assert (first["srcc"], first["ci"], first["images"]) == (0.25, [0.1, 0.4], 1234)
    assert (second["srcc"], second["ci"]) == ({"undefined": "flat"}, None)


def test_csv_holds_exact_values_and_why_one_is_undefined():
    assert csv_table(TABLE) == (
        "name,srcc,ci_low,ci_high,delta,images\n"
        "a [red] <b> & c,0.25,0.1,0.4,0.5,1234\ny,undefined: flat,,,-0.5,\n"
    )


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2", "@cmd", "\tx", " =1"])
def test_no_text_of_a_csv_is_a_formula(text):
    table = DataTable("t", "T", (Column(text, text, "text"), Column("n", "N")), ((text, -1.0),))
    assert list(csv.reader(StringIO(csv_table(table), newline=""))) == [
        [f"'{text}", "n"],
        [f"'{text}", "-1.0"],
    ]


def test_a_carriage_return_does_not_break_a_row():
    table = DataTable("t", "T", (Column("a", "A", "text"),), (("x\r=1",), ("\r=1",)))
    assert csv_table(table) == "a\nx =1\n' =1\n"
