import re
from xml.etree import ElementTree

import pytest

from tests.evaluation.comparison_factory import make_run
from workbench.domain.number_format import figure_text, interval_text
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.report.figures.identification import identification_figure
from workbench.report.figures.intervals import intervals_figure
from workbench.report.figures.scatter import scatter_figure

pytestmark = pytest.mark.slow

RUNS = (make_run(1, word="draft", noise=0.3), make_run(2, word="curated", seed=5))
LABELS = ("draft", "curated")
COMPARISON = compare_runs(ComparedRuns.of(RUNS, LABELS), resamples=500)
SVG = "{http://www.w3.org/2000/svg}"


def draw(name: str, comparison=COMPARISON) -> str:
    figures = {"intervals": intervals_figure, "identification": identification_figure}
    return figures[name](comparison).svg if name in figures else scatter(RUNS[0])


def scatter(run) -> str:
    return scatter_figure(run.id, "draft", run.result).svg


PLOTS = pytest.mark.parametrize("name", ["intervals", "identification", "scatter"])


@PLOTS
def test_is_xml_with_a_title_and_a_description(name):
    root = ElementTree.fromstring(draw(name))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    first, second = root[0], root[1]
    assert (first.tag, second.tag) == (f"{SVG}title", f"{SVG}desc")
    assert root.get("aria-labelledby") == f"{first.get('id')} {second.get('id')}"
    assert re.search(r"\d\.\d{3}", second.text)


@PLOTS
def test_same_input_same_bytes(name):
    assert draw(name) == draw(name)


@PLOTS
def test_ink_and_ground_follow_a_page_that_sets_them(name):
    drawing = draw(name)
    assert "fill: var(--ground, #ffffff)" in drawing
    assert re.search(r'<svg [^>]*style="fill: var\(--ink, #000000\)', drawing)
    assert not re.search(r"(fill|stroke): #(000000|ffffff)", drawing)


@PLOTS
def test_text_is_text_and_nothing_is_loaded(name):
    drawing = draw(name)
    root = ElementTree.fromstring(drawing)
    assert [node for node in root.iter(f"{SVG}text") if node.text]
    assert "sans-serif" in drawing
    targets = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', drawing)
    assert all((one or other).startswith("#") for one, other in targets)
    assert "matplotlib.org" not in drawing


def test_ids_do_not_clash_between_plots():
    found = [set(re.findall(r'\bid="([^"]+)"', draw(n))) for n in ("intervals", "identification")]
    assert not found[0] & found[1]


def test_every_reference_has_its_definition():
    for name in ("intervals", "identification", "scatter"):
        drawing = draw(name)
        ids = set(re.findall(r'\bid="([^"]+)"', drawing))
        used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', drawing))
        assert {one or other for one, other in used} <= ids


def test_interval_plot_names_versions_verdict_and_numbers():
    drawing = draw("intervals")
    for row in COMPARISON.rows:
        assert f"{row.label}: {figure_text(row.srcc)}" in drawing
        assert interval_text(row.srcc_ci) in drawing
    assert "better" in drawing


def test_scatter_marks_every_image_and_names_every_distortion():
    drawing = draw("scatter")
    for word in ("clean", "gaussian blur", "jpeg", "white noise", "darken"):
        assert f">{word}</text>" in drawing
    marks = [line for line in drawing.splitlines() if "<use" in line and "opacity: 0.8" in line]
    distorted = [name for name in RUNS[0].result.predictions.distortion if name]
    assert len(marks) == len(distorted) + 4  # and four in the legend


def test_labels_that_look_like_markup_or_formulae_are_drawn_as_they_are():
    odd = compare_runs(ComparedRuns.of(RUNS, ["a <b> & $x_$", "_hidden$"]), resamples=500)
    for name in ("intervals", "identification"):
        drawing = draw(name, odd)
        ElementTree.fromstring(drawing)
        assert "a &lt;b&gt; &amp; $x_$" in drawing
        assert "_hidden$" in drawing


def test_two_photographs_and_a_single_version_can_be_drawn():
    pair = [make_run(n, word=w, photographs=2, seed=n) for n, w in enumerate(LABELS, start=1)]
    few = compare_runs(ComparedRuns.of(pair, LABELS), resamples=500)
    alone = compare_runs(ComparedRuns.of(RUNS[:1], LABELS[:1]), resamples=500)
    for comparison in (few, alone):
        for name in ("intervals", "identification"):
            ElementTree.fromstring(draw(name, comparison))


def test_25_distortions_get_25_different_marks():
    names = tuple(f"type_{chr(97 + i)}" for i in range(25))
    drawing = scatter(make_run(1, distortions=names, photographs=1))
    legend = re.findall(r'<use xlink:href="#([^"]+)"[^>]*style="([^"]*)"', drawing)
    assert len({mark for mark in legend if "opacity: 0.8" in mark[1]}) == 25
