"""Figures within parts of the images, against plain NumPy and SciPy."""

import numpy as np
import pytest
from scipy import stats

from workbench.domain.metrics import Undefined
from workbench.errors import UnknownNameError
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.evaluation.subsets import FEWEST, column_named, subsets_of
from workbench.report.terminal import difference_sentences, subsets_text

from .comparison_factory import DISTORTIONS, LEVELS, make_run

RUNS = (make_run(1, word="draft", noise=0.3), make_run(2, word="curated", noise=0.05, seed=5))
GROUPS = {"gaussian_blur": "blur", "jpeg": "compression", "white_noise": "noise", "darken": "noise"}
KINDS = ("distortion", "level", "group", "photograph")
COMPARISON = compare_runs(
    ComparedRuns.of(RUNS, ["draft", "curated"]), resamples=500, groups=GROUPS, kinds=KINDS
)
SUBSETS = {(one.kind, one.name): one for one in COMPARISON.subsets}


def rows_of(kind, name):
    """The places of a part's images, by the definition of the part."""
    some = RUNS[0].result.predictions
    column = {
        "distortion": some.distortion,
        "level": [str(level) for level in some.level],
        "group": [GROUPS.get(distortion) for distortion in some.distortion],
        "photograph": some.photograph,
    }[kind]
    return np.flatnonzero(np.array(column) == name)


def test_every_image_but_the_clean_ones_is_in_one_part_of_each_kind():
    images = COMPARISON.protocol.images
    count = {kind: sum(s.images for s in COMPARISON.subsets if s.kind == kind) for kind in KINDS}
    clean = COMPARISON.protocol.photographs
    assert count == dict.fromkeys(KINDS[:3], images - clean) | {"photograph": images}
    assert [s.name for s in COMPARISON.subsets if s.kind == "distortion"] == list(DISTORTIONS)
    levels = [str(level + 1) for level in range(LEVELS)]
    assert [s.name for s in COMPARISON.subsets if s.kind == "level"] == levels


@pytest.mark.parametrize("part", SUBSETS, ids=" ".join)
def test_the_figures_of_a_part_are_scipys(part):
    rows, subset = rows_of(*part), SUBSETS[part]
    expected = []
    for run in RUNS:
        found = run.result.predictions
        target, predicted = np.array(found.target)[rows], np.array(found.predicted)[rows]
        expected.append(stats.spearmanr(predicted, target).statistic)
    assert [row.srcc for row in subset.rows] == pytest.approx(expected)
    assert subset.pairs[0].delta_srcc == pytest.approx(expected[1] - expected[0])
    assert subset.photographs == len({RUNS[0].result.predictions.photograph[r] for r in rows})
    for row in subset.rows:
        assert part[0] == "photograph" or row.srcc_ci[0] < row.srcc < row.srcc_ci[1]


def test_a_part_of_one_photograph_has_figures_and_no_interval():
    subset = SUBSETS["photograph", "photo0"]
    assert all(row.srcc_ci is None for row in subset.rows)
    assert isinstance(subset.pairs[0].p, Undefined)
    assert subset.pairs[0].verdict == "not distinguishable"
    assert subset.pairs[0].reason.startswith("No interval: ")


@pytest.mark.parametrize("kind", KINDS[:3])
def test_holm_is_over_all_parts_of_a_kind(kind):
    pairs = [pair for one in COMPARISON.subsets if one.kind == kind for pair in one.pairs]
    order = np.argsort([pair.p for pair in pairs])
    steps = [pairs[place].p * (len(pairs) - rank) for rank, place in enumerate(order)]
    expected = np.minimum(np.maximum.accumulate(steps), 1)
    assert [pairs[place].p_holm for place in order] == pytest.approx(list(expected))
    for pair in pairs:
        clear = "better" if pair.delta_srcc > 0 else "worse"
        assert pair.verdict == (clear if pair.p_holm < 0.05 else "not distinguishable")


def test_the_same_seed_gives_the_same_figures_and_no_more_resamples_than_are_asked_for():
    found = [run.result.predictions for run in RUNS]
    one, same, more = (
        subsets_of(found, ["a", "b"], groups={}, kinds=["level"], resamples=resamples)
        for resamples in (FEWEST, 10 * FEWEST, 200)
    )
    assert one == same  # five tests need no more than the fewest
    assert one != more


def test_a_distortion_outside_of_every_group_is_in_none():
    found = [run.result.predictions for run in RUNS]
    some = subsets_of(found, ["a", "b"], groups={"jpeg": "x"}, kinds=["group"], resamples=200)
    assert [(one.name, one.images) for one in some] == [("x", 60)]


def test_an_unknown_column_says_which_was_meant():
    assert column_named("level") == "level"
    with pytest.raises(UnknownNameError, match="distortion"):
        column_named("distorsion")


def test_the_table_names_the_parts_and_the_differences_that_hold():
    text = subsets_text(COMPARISON, ["level"])
    assert "SRCC within each level" in text
    assert all(f"│ {level + 1} " in text for level in range(LEVELS))
    assert "within each group" not in text
    assert "curated lies above draft in" in text
    levels = [one for one in COMPARISON.subsets if one.kind == "level"]
    labels = {row.version: row.label for row in COMPARISON.rows}
    clear = [p for one in levels for p in one.pairs if p.verdict != "not distinguishable"]
    lines = difference_sentences(levels, labels)
    assert len(lines) == len(clear) > 0
    assert "curated is better than draft: ΔSRCC +" in lines[0]
    none = levels[0].model_copy(update={"pairs": ()})
    assert difference_sentences([none], labels) == ()
