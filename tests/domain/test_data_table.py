import pytest

from workbench.domain.data_table import Column, DataTable
from workbench.domain.metrics import Undefined


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "figure", "—"),
        (1234, "count", "1,234"),
        (Undefined(undefined="why"), "p", "undefined"),
        ((0.1, 0.2), "signed interval", "+0.100 to +0.200"),
        (0.0001, "p", "< .001"),
        ("=a", "text", "=a"),
        (3, "text", "3"),
        (1, "figure", "1.000"),
    ],
)
def test_values_are_spelled_in_one_way(value, kind, text):
    assert Column("key", "heading", kind).text(value) == text


def test_records_fill_the_columns_that_they_have_a_value_for():
    columns = (Column("a", "A", "text"), Column("b", "B"))
    table = DataTable.of("t", "T", columns, [{"b": 0.5, "a": "x", "c": 1}, {"a": "y"}], aside=[1])
    assert table.rows == (("x", 0.5), ("y", None))
    assert table.aside == {1}


def test_what_stands_below_a_value_is_in_its_cell():
    columns = (Column("a", "A", "text"), Column("b", "B"), Column("ci", "", "interval", below=True))
    table = DataTable("t", "T", columns, (("x", 0.5, (0.0, 1.0)), ("y", 0.5, None)))
    assert list(table.stacked_texts()) == [
        [["x"], ["0.500", "0.000 to 1.000"]],
        [["y"], ["0.500"]],
    ]


def test_numbers_are_aligned_to_the_right_unless_the_column_says_otherwise():
    columns = (Column("a", "A"), Column("a", "A", "text"), Column("a", "A", "text", align="right"))
    assert [column.to_the_right for column in columns] == [True, False, True]
