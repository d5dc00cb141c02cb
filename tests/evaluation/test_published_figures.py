"""Published figures stand beside a comparison and are never tested against."""

import pytest

from workbench.errors import ConfigError, InvalidConfigError, UnknownNameError
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.evaluation.published_figures import quotable, quoted_rows
from workbench.report.terminal import comparison_text

from .comparison_factory import make_run

RUNS = (make_run(1, word="draft"), make_run(2, word="curated", seed=5))
PROTOCOL = RUNS[0].result.protocol
NUMERALS = {"2": "II", "3": "III", "4": "IV", "5": "V"}
TABLE = """
source: A paper, Table 1
protocol: 80/20, ten splits
target: MOS
rows:
  - {method: "[best]", dataset: LIVE, srcc: 0.9, remark: own runs}
"""


@pytest.mark.parametrize(
    ("name", "method", "trained_on", "figures"),
    [  # as printed in the paper
        ("exiqa-table-2:LIVE", "ExIQA", None, {"accuracy": 0.9342, "identification_rmse": 0.0697}),
        ("exiqa-table-3:KADID-10k", "NIQE", None, {"plcc": 0.428, "srcc": 0.374}),
        ("exiqa-table-3:LIVE", "BRISQUE", None, {"plcc": 0.935, "srcc": 0.939}),
        ("exiqa-table-3:CSIQ", "ExIQA", None, {"plcc": 0.961, "srcc": 0.965}),
        ("exiqa-table-3:TID2013", "HyperIQA", None, {"plcc": 0.858, "srcc": 0.840}),
        ("exiqa-table-4:LIVE", "ExIQA", "ExIQA-100k",
         {"accuracy": 0.7144, "identification_rmse": 0.1933}),
        ("exiqa-table-5:LIVE", "ExIQA", "KADID-10k", {"srcc": 0.883}),
    ],
)  # fmt: skip
def test_the_tables_hold_what_the_paper_prints(name, method, trained_on, figures):
    (row,) = [
        row
        for row in quoted_rows(name, PROTOCOL)
        if (row.method, row.trained_on) == (method, trained_on)
    ]
    held = ("srcc", "plcc", "accuracy", "identification_rmse")
    assert {field: getattr(row, field) for field in held} == dict.fromkeys(held) | figures


@pytest.mark.parametrize("name", quotable())
def test_every_table_that_ships_can_be_quoted(name):
    for row in quoted_rows(name, PROTOCOL):
        assert row.source.endswith(f", Table {NUMERALS[name[-1]]}")
        assert f"other split than {PROTOCOL.split}" in row.differences


def test_a_quoted_row_is_in_no_pair_and_changes_no_figure():
    quoted = quoted_rows("exiqa-table-3:exiqa", PROTOCOL)
    plain, beside = (
        compare_runs(ComparedRuns.of(RUNS, ["draft", "curated"]), resamples=500, quoted=some)
        for some in ((), quoted)
    )
    assert beside.quoted == quoted
    assert beside.model_copy(update={"quoted": ()}) == plain
    text = " ".join(comparison_text(beside).split())
    assert "ExIQA on LIVE, quoted" in text
    assert "Not tested against: " in text
    assert "other data set (LIVE)" in text.partition("Not tested against: ")[2]


def test_a_file_of_ones_own_can_be_quoted(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(TABLE, encoding="utf-8")
    (row,) = quoted_rows(f"{file}:[BEST]", PROTOCOL)
    assert (row.source, row.srcc, row.remark) == ("A paper, Table 1", 0.9, "own runs")
    table = comparison_text(
        compare_runs(ComparedRuns.of(RUNS, ["a", "b"]), resamples=500, quoted=[row])
    )
    assert "[best] on LIVE, quoted" in " ".join(table.split())


def test_the_data_set_of_the_comparison_is_no_difference():
    here = PROTOCOL.model_copy(update={"dataset": "KADID-10k, 81 references", "target": "MOS"})
    (row,) = [row for row in quoted_rows("exiqa-table-3:exiqa", here) if row.dataset == "KADID-10k"]
    assert row.differences == (f"other split than {here.split}",)


def test_an_unknown_table_says_which_was_meant():
    with pytest.raises(UnknownNameError, match="exiqa-table-3"):
        quoted_rows("exiqa-tabel-3", PROTOCOL)


def test_an_unknown_row_says_which_there_are():
    with pytest.raises(ConfigError, match=r"no row of 'FLIVE'; it has .*KADID-10k"):
        quoted_rows("exiqa-table-3:FLIVE", PROTOCOL)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (None, ConfigError, "Cannot read the published figures .*: No such file"),
        ("rows: [", ConfigError, "is not valid YAML"),
        (TABLE.replace("0.9", "9"), InvalidConfigError, "srcc"),
        (TABLE.replace("rows:", "rows: []\nmore:"), InvalidConfigError, "2 faults"),
    ],
)
def test_a_broken_table_is_refused_with_the_reason(tmp_path, text, error, words):
    file = tmp_path / "mine.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=words):
        quoted_rows(str(file), PROTOCOL)
