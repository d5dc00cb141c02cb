import pytest

from tests.evaluation.comparison_factory import make_attributes, make_run
from workbench.domain.comparison import AccessCount, Choice, QuotedRow, labels_of
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.report.comparison_tables import pairs_table, quality_table
from workbench.report.content import report_content
from workbench.report.evidence_tables import evidence_tables, quoted_table, subset_tables
from workbench.report.page import report_html
from workbench.report.render import json_table

pytestmark = pytest.mark.slow

RUNS = tuple(make_run(n, word=f"w{n}", noise=0.1 * n, seed=n) for n in (1, 2, 3))
LABELS = ("one", "two", "three")
COMPARISON = compare_runs(ComparedRuns.of(RUNS, LABELS), resamples=500)
QUOTED = QuotedRow(
    method="=BRISQUE",
    source="A paper, Table 1",
    dataset="KADID-10k",
    protocol="80/20, ten splits",
    differences=("another data set", "another split"),
    srcc=0.61,
)
LOOKED = COMPARISON.model_copy(
    update={
        "quoted": (QUOTED,),
        "looks": AccessCount(
            test_hash="a" * 64,
            looks=7,
            versions=3,
            choice=Choice(candidates=3, chosen=1, srcc=0.9, corrected=0.88, ci=(0.8, 0.95)),
        ),
        "pairs": tuple(p.model_copy(update={"p_looked": 0.5}) for p in COMPARISON.pairs),
    }
)


def rows_of(table) -> list[dict]:
    return json_table(table)["rows"]


def test_every_part_has_its_figures_and_differences():
    figures, differences = subset_tables(COMPARISON)
    parts = COMPARISON.subsets
    assert [row["srcc"] for row in rows_of(figures)] == [r.srcc for p in parts for r in p.rows]
    assert [row["p_holm"] for row in rows_of(differences)] == [
        pair.p_holm for part in parts for pair in part.pairs
    ]
    assert figures.folded
    assert differences.folded
    assert subset_tables(COMPARISON.model_copy(update={"subsets": ()})) == ()


def test_the_win_matrix_has_a_cell_for_every_ordered_pair():
    matrix, counts = evidence_tables(COMPARISON)
    label = labels_of(COMPARISON)
    for cell in COMPARISON.wins.cells:
        (row,) = [row for row in rows_of(matrix) if row["version"] == label[cell.b]]
        assert row[label[cell.a]] == cell.resamples
        assert row[label[cell.b]] is None
    assert [row["higher"] for row in rows_of(counts)] == [c.higher for c in COMPARISON.wins.cells]


def test_accesses_and_what_the_choice_is_worth_are_listed():
    (looks,) = rows_of(evidence_tables(LOOKED)[-1])
    assert (looks["looks"], looks["versions"], looks["corrected"]) == (7, 3, 0.88)
    assert [row["p_looked"] for row in rows_of(pairs_table(LOOKED))] == [0.5] * 3
    assert "p_looked" not in json_table(pairs_table(COMPARISON))["columns"]


def test_quoted_figures_stand_aside_with_their_source():
    results = [run.result for run in RUNS]
    last = rows_of(quality_table(LOOKED, results))[-1]
    assert (last["label"], last["kind"], last["srcc"], last["krcc"]) == (
        *("=BRISQUE", "quoted", 0.61),
        None,
    )
    (row,) = rows_of(quoted_table(LOOKED))
    assert row["differences"] == "another data set; another split"
    assert quoted_table(COMPARISON) is None


@pytest.mark.parametrize("name", ["subsets", "subset-pairs", "wins", "looks", "quoted"])
def test_a_report_shows_the_table(page, name):
    assert page.count(f'<table id="{name}">') == 1


@pytest.fixture(scope="module")
def page() -> str:
    sets = {label: make_attributes(label) for label in LABELS}
    return report_html(report_content(LOOKED, ComparedRuns.of(RUNS, LABELS), sets))
