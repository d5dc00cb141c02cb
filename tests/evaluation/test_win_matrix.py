"""Who beats whom how often, counted anew by hand."""

import numpy as np
import pytest

from workbench.domain.comparison import Wins
from workbench.domain.metrics import Undefined
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.evaluation.rankings import win_matrix, wins_sentence

from .comparison_factory import make_run

RUNS = tuple(make_run(n, word=f"w{n}", noise=0.08 * n, seed=n) for n in (1, 2, 4))
COMPARISON = compare_runs(ComparedRuns.of(RUNS, ["one", "two", "four"]), resamples=500)
CELLS = {(cell.a, cell.b): cell for cell in COMPARISON.wins.cells}
COUNTS = {"higher": 3, "lower": 1, "tied": 0, "better": 2, "worse": 0, "undefined": 0}


def test_every_ordered_pair_has_a_cell():
    keys = COMPARISON.wins.keys
    assert keys == tuple(row.version for row in COMPARISON.rows)
    assert set(CELLS) == {(a, b) for a in keys for b in keys if a != b}


def test_both_directions_of_a_pair_say_the_same():
    for (a, b), cell in CELLS.items():
        back = CELLS[b, a]
        assert cell.resamples + back.resamples == pytest.approx(1)
        turned = (back.lower, back.higher, back.tied, back.worse, back.better)
        assert (cell.higher, cell.lower, cell.tied, cell.better, cell.worse) == turned
        assert cell.higher + cell.lower + cell.tied + cell.undefined == 4


def test_the_cells_count_what_the_distortions_say():
    parts = [part for part in COMPARISON.subsets if part.kind == "distortion"]
    for place, pair in enumerate(COMPARISON.pairs):
        found = [part.pairs[place] for part in parts]
        cell = CELLS[pair.a, pair.b]
        assert cell.higher == sum(one.delta_srcc > 0 for one in found)
        assert cell.worse == sum(one.verdict == "worse" for one in found)


def test_resamples_are_counted_with_ties_as_half_and_without_the_undefined():
    srcc = np.array([[0.1, 0.5, 0.5, 0.9, np.nan], [0.2, 0.5, 0.4, 1.0, 0.3]])
    there, back = win_matrix(srcc, ["a", "b"], []).cells
    assert (there.a, there.b, there.resamples) == ("a", "b", 2.5 / 4)
    assert (back.a, back.b, back.resamples) == ("b", "a", 1.5 / 4)
    (nothing, _) = win_matrix(srcc[:, 4:], ["a", "b"], []).cells
    assert isinstance(nothing.resamples, Undefined)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "b lies above a in 97 % of resamples and in 3 of 4 distortions"),
        ({"resamples": 0.9999}, "in > 99 % of resamples"),
        ({"resamples": 0.0001}, "in < 1 % of resamples"),
        ({"tied": 1, "undefined": 2}, "3 of 7 distortions (better in 2, worse in 0, tied in 1, un"),
        (dict.fromkeys(COUNTS, 0), "b lies above a in 97 % of resamples."),
        ({"resamples": Undefined(undefined="all equal")}, "unknown share of resamples (all equal)"),
    ],
)
def test_a_cell_reads_as_a_sentence(changes, words):
    wins = Wins(**{"a": "x", "b": "y", "resamples": 0.97, **COUNTS, **changes})
    assert words in wins_sentence(wins, {"x": "a", "y": "b"})


def test_a_single_version_beats_nobody():
    assert compare_runs(ComparedRuns.of(RUNS[:1], ["one"]), resamples=500).wins is None
