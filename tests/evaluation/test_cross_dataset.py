"""Runs by what they were trained and tested on, and the paper's figures beside."""

import statistics

import pytest

from workbench.domain.metrics import Undefined
from workbench.errors import ConfigError
from workbench.evaluation.cross_dataset import transfer_matrix
from workbench.evaluation.published_figures import published_pairs
from workbench.report.transfer_tables import (
    matrix_notes,
    matrix_panels,
    published_notes,
    published_table,
)

from .comparison_factory import make_run, with_result
from .matrix_runs import on_dataset, paper_runs, tried_on, with_splits

RUNS = paper_runs()
LABELS = ("on KADID", "on TID")
MATRIX = transfer_matrix(RUNS, LABELS)
QUOTED = transfer_matrix(RUNS, LABELS, quote=True)
TRIED = [(run, one) for run in RUNS for one in run.result.transfers]


def test_images_that_two_runs_met_are_one_column():
    assert [one.label for one in MATRIX.tested_on] == ["KADID-10k", "TID2013", "CSIQ", "LVQ"]
    assert len(MATRIX.cells) == 6


def test_a_runs_own_held_out_figures_stand_on_the_diagonal():
    for run, name in zip(RUNS, ("KADID-10k", "TID2013"), strict=True):
        cell = MATRIX.cell(run.id, name)
        assert cell.held_out
        assert (cell.identification, cell.types) == (run.result.identification, 4)
        assert cell.frozen == cell.zero_shot == run.result.quality


@pytest.mark.parametrize(("run", "other"), TRIED)
def test_a_cell_holds_what_the_transfer_found(run, other):
    cell = MATRIX.cell(run.id, other.protocol.dataset)
    assert (cell.frozen, cell.zero_shot) == (other.frozen, other.zero_shot)
    assert cell.types == len(other.protocol.distortions)
    assert not cell.held_out


def test_no_type_in_common_is_undefined_with_its_reason():
    cell = MATRIX.cell(4, "LVQ")
    assert cell.identification == Undefined(undefined="no distortion is known to both")
    assert "on TID on LVQ: no distortion is known to both" in matrix_notes(MATRIX)
    assert matrix_panels(MATRIX)[0].entries[1][3].lines[1] == "no type in common"


def test_images_under_one_name_that_differ_are_two_columns():
    run = tried_on(make_run(1), "CSIQ", "c", noise=0.2)
    found = transfer_matrix([tried_on(run, "CSIQ", "e", noise=0.2)], ["own"])
    assert [one.label for one in found.tested_on][1:] == ["CSIQ (cccccccc)", "CSIQ (eeeeeeee)"]


def test_rows_of_another_encoder_say_so_and_are_not_refused():
    other = RUNS[1].result.encoder.model_copy(update={"name": "ViT-B-32"})
    found = transfer_matrix([RUNS[0], with_result(RUNS[1], encoder=other)], LABELS)
    assert [row.differences for row in found.trained_on] == [
        *((), ("encoder: ViT-B-32 (random), not offline (random)",)),
    ]
    assert "Differs from the first row in encoder: ViT-B-32" in matrix_notes(found)[1]


def test_accuracy_never_stands_without_the_all_clean_baseline():
    identification, frozen, zero_shot = matrix_panels(MATRIX)
    for row, run in enumerate(RUNS):
        clean = f"always clean {run.result.all_clean.accuracy:.3f}"
        assert identification.entries[row][row].lines[1] == clean
    assert identification.entries[0][0].shade > 0 > identification.entries[0][1].shade
    assert frozen.entries[0][3] is zero_shot.entries[0][3] is None


def test_quoted_rows_stand_below_in_the_columns_of_their_data_sets():
    identification, frozen, zero_shot = matrix_panels(QUOTED)
    assert identification.columns == ("KADID-10k", "TID2013", "CSIQ", "LVQ", "LIVE")
    assert frozen.rows[2:] == tuple(
        f"ExIQA on {name}, quoted" for name in ("KADID-10k", "TID2013", "ExIQA-100k")
    )
    assert frozen.entries[2][1].lines == ("0.817", "quoted")
    assert all(entry.shade is None for entry in frozen.entries[2] if entry)
    assert zero_shot.rows == LABELS
    assert any("probably .1449" in note for note in matrix_notes(QUOTED))


def test_a_quoted_row_differs_from_the_figures_that_a_run_has_on_its_data():
    row = next(r for r in QUOTED.quoted if (r.trained_on, r.dataset) == ("KADID-10k", "TID2013"))
    assert not any(reason.startswith("other data set") for reason in row.differences)


def test_ours_is_the_median_over_splits_and_keeps_every_value():
    pair = next(p for p in QUOTED.published if (p.table, p.figure) == ("exiqa-table-3", "SRCC"))
    assert pair.values == (0.9, 0.95, 0.91, 0.94)
    assert (pair.ours, pair.theirs) == (statistics.median(pair.values), 0.939)
    assert (pair.images, pair.seeds) == (252, "training seed 0, split seed 0")


def test_each_row_of_the_papers_tables_stands_beside_the_run_that_reproduces_it():
    found = {(p.table[-1], p.figure, p.trained_on, p.tested_on): p for p in QUOTED.published}
    assert len(found) == len(QUOTED.published) == 18
    transfer = RUNS[0].result.transfers[0]
    assert found["4", "accuracy", "KADID-10k", "TID2013"].ours == transfer.identification.accuracy
    assert found["5", "SRCC", "KADID-10k", "TID2013"].ours == transfer.frozen.srcc
    assert found["5", "SRCC", "TID2013", "LVQ"].theirs == 0.9562
    assert ("4", "accuracy", "TID2013", "LVQ") not in found  # no type in common
    assert [row[:3] for row in published_table(QUOTED).rows][:2] == [
        *(("II", "accuracy", "KADID-10k"), ("II", "RMSE", "KADID-10k")),
    ]


def test_both_protocols_are_told_in_words():
    words = " ".join(published_notes(QUOTED))
    assert "ours, run 3 on TID2013: 252 images, 12 groups; by photograph, 5 folds, seed 0" in words
    assert "Table III: trained and tested on one data set; split and backbone not stated." in words
    assert "Not tested against: other split than by photograph, 5 folds, seed 0" in words


def test_a_median_of_an_undefined_figure_is_undefined():
    flat = Undefined(undefined="constant predictions")
    run = on_dataset(with_splits(make_run(), [0.9, flat, 0.8]), "LIVE release 2")
    pair = next(pair for pair in published_pairs([run]) if pair.figure == "SRCC")
    assert pair.ours == Undefined(undefined="in 1 of 3 splits: constant predictions")
    assert pair.values[1] == flat


def test_own_photographs_reproduce_nothing_of_the_paper():
    found = transfer_matrix([make_run()], ["demo"], quote=True)
    assert found.published == ()
    assert published_notes(found)[0].startswith("No figure of the paper stands beside")


def test_a_generated_set_stands_for_the_papers_own():
    run = on_dataset(make_run(), "A generated multi-distortion set, 500 of 900 images")
    found = published_pairs([tried_on(run, "LVQ", "e", noise=0.2)])
    assert {(pair.table[-1], pair.trained_on, pair.tested_on) for pair in found} == {
        *(("2", "ExIQA-100k", "ExIQA-100k"), ("4", "ExIQA-100k", "LVQ")),
        ("5", "ExIQA-100k", "LVQ"),
    }
    assert "other data set (ExIQA-100k)" in found[0].differences


@pytest.mark.parametrize(
    ("runs", "labels", "words"),
    [
        ([], [], "A matrix needs at least one finished run"),
        ([RUNS[0], RUNS[0]], LABELS, "Run 3 is named twice"),
        (RUNS, ["a", "a"], "2 runs need as many distinct labels"),
        ([RUNS[0].model_copy(update={"status": "running"})], ["a"], "Run 3 is still running"),
    ],
)
def test_a_matrix_of_what_is_not_there_is_refused(runs, labels, words):
    with pytest.raises(ConfigError, match=words):
        transfer_matrix(runs, labels)
