"""Whether a saliency map tells what the model goes by: where it points, and what deletion does.

Deletion and insertion are those of Petsiuk et al. (2018, RISE). What a cell is deleted *by* decides
what they mean: for a distortion the clean pixels, where they are known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.errors import ShapeError

Score = Callable[[Tensor], Tensor]  # (B, 3, S, S) uint8 to (B,)
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the curves of one map, in the score's unit.

    Attributes:
        deletion: Cells replaced, the most relevant first; low if the map is faithful.
        insertion: Cells put back into the replaced image, likewise; high if it is.
        random: Mean over random orders. It serves both, since inserting in one order is deleting
            in the reverse of it.
        fall: How far the score falls when all is replaced.
    """

    deletion: float
    insertion: float
    random: float
    fall: float

    @property
    def deletion_gain(self) -> float:
        """How far below random order the deletion lies; above 0 is faithful."""
        return self.random - self.deletion

    @property
    def insertion_gain(self) -> float:
        """How far above random order the insertion lies; above 0 is faithful."""
        return self.insertion - self.random


def mass_share(cells: Floats, region: NDArray[np.bool_]) -> float:
    """Return the share of a map's mass above 0 that lies in a region; NaN for an empty map.

    Beside it belongs the region's share of the area, which a map that says nothing gives.

    Args:
        cells: Any shape.
        region: Same shape.

    Raises:
        ShapeError: The shapes differ.

    Example:
        >>> mass_share(np.array([3.0, 1.0, -5.0]), np.array([True, False, False]))
        0.75
    """
    _require_same(cells, region)
    mass = np.maximum(cells, 0)
    return float(mass[region].sum() / mass.sum()) if mass.any() else float("nan")


def peak_inside(cells: Floats, region: NDArray[np.bool_]) -> float:
    """Return the pointing game: 1 if the map's peak lies in a region, 0 if not.

    Of several equal peaks, the share that does. Raises what `mass_share` does.

    Example:
        >>> peak_inside(np.array([2.0, 2.0, 1.0]), np.array([True, False, False]))
        0.5
    """
    _require_same(cells, region)
    return float(region[cells == cells.max()].mean())


def region_auc(cells: Floats, region: NDArray[np.bool_]) -> float:
    """Return how often a cell of a region has more than one outside; .5 says nothing.

    Ties count half; NaN if all cells are on one side. Raises what `mass_share` does.

    Example:
        >>> region_auc(np.array([3.0, 1.0, 2.0]), np.array([True, True, False]))
        0.5
    """
    _require_same(cells, region)
    inside, outside = cells[region][:, None], cells[~region][None]
    if not inside.size or not outside.size:
        return float("nan")
    return float((inside > outside).mean() + (inside == outside).mean() / 2)


def replacement_curve(
    score: Score, start: Tensor, end: Tensor, order: NDArray[np.int64], *, cell: int, steps: int
) -> NDArray[np.float64]:
    """Return the scores as one image turns into another, cell by cell.

    Args:
        score: Of a batch of images.
        start: (3, S, S), uint8.
        end: Likewise.
        order: Every cell once, row by row from 0, (S²/cell²,).
        cell: Side of a cell in pixels.
        steps: In how many parts; cells are divided as evenly as they go.

    Returns:
        (steps+1,), float64, from the score of `start` to that of `end`.

    Raises:
        ShapeError: The images differ in shape, or the order is not one of their cells.
    """
    columns = start.shape[-1] // cell
    if start.shape != end.shape or len(order) != columns * (start.shape[-2] // cell):
        raise ShapeError(
            f"Images of {tuple(start.shape)} and {tuple(end.shape)} with an order of {len(order)} "
            f"cells of {cell} px do not fit."
        )
    image, stages = start.clone(), [start]
    for part in np.array_split(order, steps):
        for index in part.tolist():
            top, left = cell * (index // columns), cell * (index % columns)
            window = (slice(None), slice(top, top + cell), slice(left, left + cell))
            image[window] = end[window]
        stages.append(image.clone())
    return score(torch.stack(stages)).double().cpu().numpy()


def area_under(curve: NDArray[np.float64]) -> float:
    """Return the area under a curve over [0, 1], by trapezoids.

    Example:
        >>> area_under(np.array([1.0, 1.0, 0.0]))
        0.75
    """
    return float(((curve[1:] + curve[:-1]) / 2).mean())


def faithfulness(
    score: Score,
    image: Tensor,
    replacement: Tensor,
    maps: Mapping[str, Floats],
    *,
    cell: int,
    steps: int,
    orders: int = 20,
    seed: int,
) -> dict[str, Faithfulness]:
    """Return deletion and insertion of several maps of one image, against the same random orders.

    Args:
        score: The target that the maps are of.
        image: (3, S, S), uint8.
        replacement: What deleted cells show, (3, S, S), uint8: the clean image, or a blurred one.
        maps: Name to the relevance of each cell, (S/cell, S/cell).
        cell: Side of a cell in pixels.
        steps: Parts of a curve.
        orders: Number of random orders.
        seed: Decides them.

    Raises:
        ShapeError: See `replacement_curve`.
    """
    count = (image.shape[-1] // cell) * (image.shape[-2] // cell)

    def area(start: Tensor, end: Tensor, order: NDArray[np.int64]) -> float:
        return area_under(replacement_curve(score, start, end, order, cell=cell, steps=steps))

    rng = np.random.default_rng(seed)
    random = float(
        np.mean([area(image, replacement, rng.permutation(count)) for _ in range(orders)])
    )
    first, last = score(torch.stack([image, replacement])).tolist()
    results = {}
    for name, cells in maps.items():
        order = np.argsort(-cells.ravel(), kind="stable")
        results[name] = Faithfulness(
            deletion=area(image, replacement, order),
            insertion=area(replacement, image, order),
            random=random,
            fall=first - last,
        )
    return results


def _require_same(cells: Floats, region: NDArray[np.bool_]) -> None:
    if cells.shape != region.shape:
        raise ShapeError(f"The map is {cells.shape}, the region {region.shape}; give both alike.")
