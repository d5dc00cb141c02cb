import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from workbench.domain.metrics import Undefined
from workbench.errors import DataError, ShapeError
from workbench.evaluation.correlation import srcc
from workbench.evaluation.identification import (
    all_clean,
    average_precision,
    identification_metrics,
    strength_bins,
)


def single_distortion_set(types: int, levels: int, references: int = 3) -> np.ndarray:
    """Return strengths of a data set in which each image has one distortion, as KADID-10k's."""
    images = [(d, level) for d in range(types) for level in range(1, levels + 1)] * references
    strengths = np.zeros((len(images), types))
    for row, (d, level) in enumerate(images):
        strengths[row, d] = level / levels
    return strengths


@pytest.mark.parametrize(
    ("levels", "strength", "level"),
    [
        (5, 0.0, 0), (5, 0.0999, 0), (5, 0.1, 1), (5, 0.2999, 1), (5, 0.3, 2), (5, 0.5, 3),
        (5, 0.7, 4), (5, 0.8999, 4), (5, 0.9, 5), (5, 1.0, 5),
        (4, 0.1249, 0), (4, 0.125, 1), (4, 0.375, 2), (4, 0.625, 3), (4, 0.874, 3), (4, 0.875, 4),
        (1, 0.49, 0), (1, 0.5, 1),
    ],
)  # fmt: skip
def test_bins_have_the_edges_of_equation_10(levels, strength, level):
    assert strength_bins(strength, levels) == level


@pytest.mark.parametrize("levels", range(1, 12))
def test_every_level_falls_into_its_own_bin(levels):
    exact = np.arange(levels + 1) / levels
    assert strength_bins(exact, levels).tolist() == list(range(levels + 1))


@pytest.mark.parametrize(
    ("types", "levels", "references", "percent"),
    [(25, 5, 81, 96.0), (24, 5, 25, 95.8), (6, 5, 30, 83.3), (5, 4, 10, 80.0), (5, 5, 29, 80.0)],
)
def test_predicting_clean_everywhere_scores_what_the_method_page_says(
    types, levels, references, percent
):
    strengths = single_distortion_set(types, levels, references)
    figures = all_clean(strengths, [levels] * types)
    assert round(100 * figures.accuracy, 1) == percent
    assert figures.accuracy_present == 0.0
    assert figures.macro_f1 == 0.0
    assert figures.top1_type == 0.0
    assert figures.mean_average_precision == pytest.approx(1 / types)  # the share of positives
    assert figures.strength_srcc == Undefined(
        undefined=f"constant predictions for {types} of {types} distortions"
    )


def test_kadid_like_set_has_its_10125_images():
    assert single_distortion_set(25, 5, 81).shape == (10_125, 25)


def test_a_small_case_worked_by_hand():
    true = [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [0.0, 0.5], [0.0, 1.0]]
    told = [[0.1, 0.2], [0.3, 0.0], [0.7, 0.1], [0.6, 0.2], [0.0, 0.9]]
    figures = identification_metrics(true, told, levels=[2, 2])
    # Edges .25 and .75: wrong are the bins of .7 (1 for 2), of .6 (1 for 0) and of .2 (0 for 1).
    assert figures.accuracy == 7 / 10
    assert figures.accuracy_present == 2 / 4
    # First: called for images 1, 2, 3, there in 1, 2. Second: called for 4, there in 3, 4.
    assert figures.macro_f1 == pytest.approx((2 * 2 / 5 + 2 * 1 / 3) / 2)
    # First: ranked .7 hit, .6 miss, .3 hit. Second: .9 hit, then .2 (miss and hit together).
    assert figures.mean_average_precision == pytest.approx(((1 + 2 / 3) / 2 + (1 + 2 / 3) / 2) / 2)
    assert figures.top1_type == 3 / 4
    # With the clean image: (0, .5, 1) against (.1, .3, .7) and against (.2, .2, .9).
    assert figures.strength_srcc == pytest.approx((1 + srcc([0, 0.5, 1], [0.2, 0.2, 0.9])) / 2)
    squares = [0.01, 0.04, 0.04, 0, 0.09, 0.01, 0.36, 0.09, 0, 0.01]
    assert figures.rmse == pytest.approx(np.sqrt(sum(squares) / 10))


def test_perfect_strengths_score_one_everywhere():
    strengths = np.vstack([single_distortion_set(4, 5), np.zeros((2, 4))])
    figures = identification_metrics(strengths, strengths, levels=[5] * 4)
    assert figures.model_dump() == pytest.approx(
        dict.fromkeys(figures.model_dump(), 1.0) | {"rmse": 0}
    )


def test_presence_equals_scikit_learn_with_ties():
    generator = np.random.default_rng(0)
    true = generator.integers(0, 4, (80, 6)) / 3 * (generator.random((80, 6)) < 0.5)
    told = np.round(generator.random((80, 6)), 1)
    figures = identification_metrics(true, told, levels=[3] * 6)
    columns = [average_precision_score(true[:, d] > 0, told[:, d]) for d in range(6)]
    assert figures.mean_average_precision == pytest.approx(np.mean(columns), abs=1e-12)
    expected = f1_score(true > 0, told >= 1 / 6, average="macro")
    assert figures.macro_f1 == pytest.approx(expected, abs=1e-12)


def test_levels_may_differ_from_one_distortion_to_the_next():
    figures = identification_metrics([[0.2, 0.25]], [[0.11, 0.11]], levels=[5, 4])
    assert figures.accuracy == 0.5  # .11 is level 1 of 5, but nothing of 4


def test_equal_strongest_predictions_share_the_credit():
    figures = identification_metrics([[1.0, 0.0]], [[0.8, 0.8]], levels=[5, 5])
    assert figures.top1_type == 0.5


def test_several_distortions_in_one_image():
    true = [[1.0, 0.4, 0.0], [0.6, 0.6, 0.0]]
    figures = identification_metrics(true, [[0.4, 0.9, 0.0], [0.1, 0.7, 0.0]], levels=[5] * 3)
    assert figures.top1_type == 0.5  # wrong for the first, and either is right for the second


def test_clean_images_only_leave_most_figures_undefined():
    figures = identification_metrics(np.zeros((4, 2)), np.full((4, 2), 0.05), levels=[5, 5])
    nothing = Undefined(undefined="no distortion is present")
    assert figures.accuracy == 1.0
    assert figures.accuracy_present == figures.macro_f1 == figures.top1_type == nothing
    assert figures.strength_srcc == Undefined(undefined="no distortion occurs in two strengths")


def test_one_constant_distortion_is_not_averaged_away():
    true = [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [0.0, 0.5], [0.0, 1.0]]
    told = [[0.1, 0.3], [0.4, 0.3], [0.9, 0.3], [0.1, 0.3], [0.1, 0.3]]
    figures = identification_metrics(true, told, levels=[2, 2])
    assert figures.strength_srcc == Undefined(
        undefined="constant predictions for 1 of 2 distortions"
    )


def test_no_images_at_all():
    figures = identification_metrics(np.zeros((0, 3)), np.zeros((0, 3)), levels=[5] * 3)
    assert all(figure == Undefined(undefined="no images") for _, figure in figures)


def test_wrong_input_is_refused_with_what_was_found():
    with pytest.raises(ShapeError, match=r"not \(2, 3\), \(2, 2\) and \(3,\)"):
        identification_metrics(np.zeros((2, 3)), np.zeros((2, 2)), levels=[5] * 3)
    with pytest.raises(ShapeError, match=r"and \(2,\)"):
        identification_metrics(np.zeros((2, 3)), np.zeros((2, 3)), levels=[5] * 2)
    with pytest.raises(
        DataError, match=r"Predicted strengths must lie in \[0, 1\]; 1 do not, as 1.2"
    ):
        identification_metrics([[0.0]], [[1.2]], levels=[5])
    with pytest.raises(DataError, match=r"Predicted strengths .* as nan"):
        identification_metrics([[0.0]], [[float("nan")]], levels=[5])
    with pytest.raises(DataError, match="at least one level, not 0"):
        identification_metrics([[0.0]], [[0.0]], levels=[0])


def test_average_precision_of_a_perfect_order_is_one():
    assert average_precision([True, True, False], [0.9, 0.8, 0.1]) == 1.0
