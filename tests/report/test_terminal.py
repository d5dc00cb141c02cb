from tests.evaluation.comparison_factory import make_run
from workbench.domain.number_format import figure_text, interval_text, p_text, signed_text
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.report.terminal import comparison_text
from workbench.report.wording import IDENTIFICATION_FIGURES, QUALITY_FIGURES

RUNS = (make_run(1, word="draft", noise=0.3), make_run(2, word="curated", seed=5))
COMPARISON = compare_runs(
    ComparedRuns.of(RUNS, ["a draft [by a machine]", "curated"]), resamples=500
)
TABLE = comparison_text(COMPARISON)


def test_the_table_fits_a_hundred_columns():
    assert max(map(len, TABLE.splitlines())) <= 100
    assert "\x1b" not in TABLE


def test_the_table_holds_every_figure():
    for row in COMPARISON.rows:
        for name in QUALITY_FIGURES:
            assert figure_text(getattr(row, name)) in TABLE
        assert interval_text(row.srcc_ci) in TABLE
        assert interval_text(row.plcc_ci) in TABLE
    for figures in (*(row.identification for row in COMPARISON.rows), COMPARISON.all_clean):
        for name in IDENTIFICATION_FIGURES:
            assert figure_text(getattr(figures, name)) in TABLE


def test_the_table_says_the_verdict_the_baseline_and_why_a_figure_is_missing():
    flowing = " ".join(TABLE.split())
    assert "curated is better than a draft [by a machine]: ΔSRCC +" in flowing
    assert "always “clean”" in TABLE
    assert "strength SRCC: constant predictions for 4 of 4 distortions" in flowing
    assert "random weights" in flowing


def test_numbers_have_one_spelling():
    assert figure_text(-0.0001) == "0.000"
    assert figure_text(-0.25) == "−0.250"
    assert signed_text(-0.25) == "−0.250"
    assert interval_text(None) == "—"
    assert p_text(1.0) == "1"
    assert p_text(0.05) == ".050"
