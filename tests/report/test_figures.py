import re
from dataclasses import replace
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
from workbench.report.figures.per_distortion import per_distortion_figure, quality_by_distortion
from workbench.report.figures.style import short

pytestmark = pytest.mark.slow

RUNS = (make_run(1, noise=0.3), make_run(2, word="curated", seed=5))
LABELS = ("draft", "curated")
QUALITIES = quality_by_distortion(compare_runs(ComparedRuns.of(RUNS, LABELS), resamples=500))


def figures_of(runs, labels) -> list:
    qualities = quality_by_distortion(compare_runs(ComparedRuns.of(runs, labels), resamples=200))
    return [
        per_distortion_figure(qualities),
        critical_difference_figure(qualities),
        *tables_of(runs, labels),
    ]


def tables_of(runs, labels) -> list:
    """The figures of the runs' strength tables: doses, calibration, confusions."""
    compared = ComparedRuns.of(runs, labels)
    return [dose_figure(compared), calibration_figure(compared), *confusion_figures(compared)]


def test_quality_within_a_distortion_is_spearmans_over_its_images():
    for quality in QUALITIES:
        held_out = RUNS[quality.version].result.predictions
        rows = [i for i, name in enumerate(held_out.distortion) if name == quality.distortion]
        columns = np.array([held_out.target, held_out.predicted])[:, rows]
        assert quality.srcc == pytest.approx(spearmanr(*columns).statistic)
        assert quality.ci[0] < quality.srcc < quality.ci[1]
        assert quality.images == 60
    assert len(QUALITIES) == 8


@pytest.mark.parametrize("kind", range(6))
def test_a_figure_is_xml_that_says_what_it_shows(kind):
    figure = figures_of(RUNS, LABELS)[kind]
    root = ElementTree.fromstring(figure.svg)
    assert root[0].text == figure.title
    assert re.search(r"\d", figure.about)
    assert figure.table.rows


def test_bars_that_are_undefined_say_so_and_have_no_rank():
    hole = Undefined(undefined="constant predictions")
    holes = [replace(q, srcc=hole, ci=None) if q.version == 0 else q for q in QUALITIES]
    assert per_distortion_figure(holes).svg.count(">undefined</text>") == 4
    ranks = critical_difference_figure(holes)
    assert ranks.svg == ""
    assert ranks.missing.startswith("There are no ranks: 0 distortions have a figure")


def test_nothing_to_draw_is_said_in_words():
    empty = StrengthTables(types=("",), confusion=((0,),), dose=(), calibration=())
    runs = [with_result(run, strength_tables=empty) for run in RUNS]
    dose, calibration, confusion, _ = tables_of(runs, LABELS)
    assert dose.missing == "No distortion was tested."
    assert calibration.missing == "There is no strength to judge."
    assert confusion.about == "0 of 0 images are given their own type."
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
    dose, calibration, *_ = tables_of(runs, labels)
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
    gaps = [abs(bin.mean_true - bin.mean_predicted) for bin in bins]
    assert calibration_error(bins) == pytest.approx(
        np.average(gaps, weights=[bin.count for bin in bins])
    )
