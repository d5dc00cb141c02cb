import csv
import re
from dataclasses import replace
from io import StringIO
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.evaluation.comparison_factory import make_run, with_result
from workbench.domain.metrics import StrengthTables, Undefined
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.report.figures.calibration import calibration_error, calibration_figure
from workbench.report.figures.confusion import confusion_figures
from workbench.report.figures.critical_difference import critical_difference_figure
from workbench.report.figures.dose import dose_figure
from workbench.report.figures.figure import Column, DataTable, value_text
from workbench.report.figures.per_distortion import per_distortion_figure, quality_by_distortion
from workbench.report.figures.style import short

pytestmark = pytest.mark.slow

RUNS = (make_run(1, noise=0.3), make_run(2, word="curated", seed=5))
LABELS = ("draft", "curated")
FOUND = quality_by_distortion(compare_runs(ComparedRuns.of(RUNS, LABELS), resamples=500))


def figures_of(runs, labels) -> list:
    found = quality_by_distortion(compare_runs(ComparedRuns.of(runs, labels), resamples=200))
    return [
        per_distortion_figure(found),
        critical_difference_figure(found),
        dose_figure(runs, labels),
        calibration_figure(runs, labels),
        *confusion_figures(runs, labels),
    ]


def test_quality_within_a_distortion_is_spearmans_over_its_images():
    for one in FOUND:
        held_out = RUNS[one.place].result.predictions
        rows = [i for i, name in enumerate(held_out.distortion) if name == one.distortion]
        columns = np.array([held_out.target, held_out.predicted])[:, rows]
        assert one.srcc == pytest.approx(spearmanr(*columns).statistic)
        assert one.ci[0] < one.srcc < one.ci[1]
        assert one.images == 60
    assert len(FOUND) == 8


@pytest.mark.parametrize("kind", range(6))
def test_a_figure_is_xml_that_says_what_it_shows(kind):
    figure = figures_of(RUNS, LABELS)[kind]
    root = ElementTree.fromstring(figure.svg)
    assert root[0].text == figure.title
    assert re.search(r"\d", figure.about)
    assert figure.table.rows


def test_bars_that_are_undefined_say_so_and_have_no_rank():
    hole = Undefined(undefined="constant predictions")
    holes = [replace(one, srcc=hole, ci=None) if one.place == 0 else one for one in FOUND]
    assert per_distortion_figure(holes).svg.count(">undefined</text>") == 4
    ranks = critical_difference_figure(holes)
    assert ranks.svg == ""
    assert ranks.missing.startswith("There are no ranks: 0 distortions have a figure")


def test_nothing_to_draw_is_said_in_words():
    empty = StrengthTables(types=("",), confusion=((0,),), dose=(), calibration=())
    runs = [with_result(run, strength_tables=empty) for run in RUNS]
    assert dose_figure(runs, LABELS).missing == "No distortion was tested."
    assert calibration_figure(runs, LABELS).missing == "There is no strength to judge."
    assert confusion_figures(runs, LABELS)[0].about == "0 of 0 images are given their own type."
    assert per_distortion_figure([]).missing.startswith("This comparison holds no")


def test_labels_of_any_kind_are_drawn_as_they_are():
    for figure in figures_of(RUNS, ["a <b> & $x_$", "_图像\t\x01$"]):
        ElementTree.fromstring(figure.svg)
        assert figure.name.startswith("confusion") or "a &lt;b&gt; &amp; $x_$" in figure.svg


def test_many_distortions_and_versions_keep_names_apart():
    names = tuple(f"a_rather_long_type_{i}" for i in range(39))
    labels = [f"drafted by a large model, round {i}" for i in range(5)]
    runs = [
        make_run(i + 1, word=f"w{i}", seed=i, distortions=names, photographs=2) for i in range(5)
    ]
    shown = {short(label) for label in labels}
    assert len(shown) == 5
    bars = per_distortion_figure(
        quality_by_distortion(compare_runs(ComparedRuns.of(runs, labels), resamples=200))
    )
    dose, calibration = dose_figure(runs, labels), calibration_figure(runs, labels)
    for figure in (bars, dose, calibration):
        assert all(name in figure.svg for name in {short(label, 30) for label in labels} & shown)
    texts = ElementTree.fromstring(bars.svg).iter("{http://www.w3.org/2000/svg}text")
    ticks = [node for node in texts if (node.text or "").startswith("a rather")]
    heights = sorted(
        float(re.search(r"translate\(\S+ ([\d.]+)", node.get("transform")).group(1))
        if "translate" in (node.get("transform") or "") else float(node.get("y"))
        for node in ticks
    )  # fmt: skip
    assert len(heights) == 39
    assert min(np.diff(heights)) > 9  # points: the height of a line of this size


def test_calibration_error_weighs_by_counts():
    bins = RUNS[0].result.strength_tables.calibration
    gaps = [abs(one.mean_true - one.mean_predicted) for one in bins]
    assert calibration_error(bins) == pytest.approx(
        np.average(gaps, weights=[one.count for one in bins])
    )


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "figure", "—"),
        (1234, "count", "1,234"),
        (Undefined(undefined="why"), "p", "undefined"),
        ((0.1, 0.2), "signed interval", "+0.100 to +0.200"),
        (0.0001, "p", "< .001"),
        ("=a", "text", "=a"),
    ],
)
def test_values_are_spelled_in_one_way(value, kind, text):
    assert value_text(value, kind) == text


def test_csv_says_why_a_figure_is_undefined():
    table = DataTable(
        "t", "T", (Column("a", "A", "text"), Column("b", "B"), Column("c", "C", "interval")),
        (("x", Undefined(undefined="flat"), None), ("y", -0.5, (0.0, 1.0))),
    )  # fmt: skip
    assert table.csv() == "a,b,c_low,c_high\nx,undefined: flat,,\ny,-0.5,0.0,1.0\n"


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2", "@cmd", "\tx", " =1"])
def test_no_text_of_a_csv_is_a_formula(text):
    table = DataTable("t", "T", (Column(text, text, "text"), Column("n", "N")), ((text, -1.0),))
    assert list(csv.reader(StringIO(table.csv(), newline=""))) == [
        [f"'{text}", "n"],
        [f"'{text}", "-1.0"],
    ]


def test_a_carriage_return_does_not_break_a_row():
    table = DataTable("t", "T", (Column("a", "A", "text"),), (("x\r=1",), ("\r=1",)))
    assert table.csv() == "a\nx =1\n' =1\n"
