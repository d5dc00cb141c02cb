import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from experiments.faithfulness import (
    area_under,
    faithfulness,
    mass_share,
    peak_inside,
    region_auc,
    replacement_curve,
)
from workbench.errors import ShapeError

CELL, SIDE = 2, 3
CELLS = SIDE * SIDE
BRIGHT = torch.full((3, SIDE * CELL, SIDE * CELL), 200, dtype=torch.uint8)
DARK = torch.full_like(BRIGHT, 50)


def mean_of(cell):
    """A score that is one cell's mean and nothing else."""
    top, left = CELL * (cell // SIDE), CELL * (cell % SIDE)
    return lambda images: images[:, :, top : top + CELL, left : left + CELL].float().mean((1, 2, 3))


@pytest.mark.parametrize("rank", [0, 4, 8])
def test_the_area_of_a_score_of_one_cell_follows_from_the_place_of_that_cell_in_the_order(rank):
    order = np.roll(np.arange(CELLS), rank - 5)  # cell 5 has this rank
    curve = replacement_curve(mean_of(5), BRIGHT, DARK, order, cell=CELL, steps=CELLS)
    assert curve.tolist() == [200.0] * (rank + 1) + [50.0] * (CELLS - rank)
    assert area_under(curve) == pytest.approx(50 + 150 * (rank + 0.5) / CELLS)


def test_a_map_that_knows_the_cell_gains_what_the_closed_form_says():
    cells = np.zeros((SIDE, SIDE))
    cells[1, 2] = 1  # cell 5
    maps = {"knows": cells, "wrong": -cells}
    results = faithfulness(
        mean_of(5), BRIGHT, DARK, maps, cell=CELL, steps=CELLS, orders=2000, seed=0
    )
    assert results["knows"].fall == 150
    assert results["knows"].deletion == pytest.approx(50 + 150 * 0.5 / CELLS)
    assert results["knows"].insertion == pytest.approx(200 - 150 * 0.5 / CELLS)
    assert results["knows"].random == pytest.approx(125, abs=3)  # the mean over all ranks
    assert results["knows"].deletion_gain == pytest.approx(150 * 4 / CELLS, abs=3)
    assert results["knows"].insertion_gain == pytest.approx(150 * 4 / CELLS, abs=3)
    assert results["wrong"].deletion_gain == pytest.approx(-150 * 4 / CELLS, abs=3)


@given(arrays(np.int8, CELLS, elements=st.integers(0, 9)), st.permutations(range(CELLS)))
def test_no_order_deletes_a_sum_of_cells_faster_than_by_weight(weights, order):
    def score(images):
        means = torch.nn.functional.avg_pool2d(images.float(), CELL).mean(1).flatten(1)
        return means @ torch.from_numpy(weights).float()

    best = np.argsort(-weights, kind="stable")
    areas = [
        area_under(replacement_curve(score, BRIGHT, DARK, np.array(o), cell=CELL, steps=CELLS))
        for o in (best, order)
    ]
    assert areas[0] <= areas[1] + 1e-3


@given(st.permutations(range(CELLS)), st.sampled_from([1, SIDE, CELLS]))
def test_inserting_is_deleting_in_the_reverse_order(order, steps):
    there, score = np.array(order), mean_of(3)
    deleted = replacement_curve(score, BRIGHT, DARK, there, cell=CELL, steps=steps)
    inserted = replacement_curve(score, DARK, BRIGHT, there[::-1], cell=CELL, steps=steps)
    assert deleted.tolist() == inserted[::-1].tolist()


REGION = np.array([[True, True], [False, False]])


@pytest.mark.parametrize(
    ("cells", "share", "peak", "auc"),
    [
        ([[1, 1], [1, 1]], 0.5, 0.5, 0.5),
        ([[3, 1], [-4, -9]], 1.0, 1.0, 1.0),
        ([[1, 0], [2, 1]], 0.25, 0.0, 0.125),
    ],
)
def test_where_a_map_points(cells, share, peak, auc):
    values = np.array(cells, float)
    assert mass_share(values, REGION) == share
    assert peak_inside(values, REGION) == peak
    assert region_auc(values, REGION) == auc


def test_what_has_no_answer_is_no_number():
    assert np.isnan(mass_share(-np.ones((2, 2)), REGION))
    assert np.isnan(region_auc(np.ones((2, 2)), np.ones((2, 2), bool)))


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ShapeError, match=r"map is \(4,\), the region \(2, 2\)"):
        mass_share(np.ones(4), REGION)
    with pytest.raises(ShapeError, match=r"\(3, 6, 6\) and \(3, 6, 6\) with an order of 4 cells"):
        replacement_curve(mean_of(0), BRIGHT, DARK, np.arange(4), cell=CELL, steps=2)
