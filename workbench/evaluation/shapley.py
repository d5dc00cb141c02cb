"""A fair share of a joint gain for each of several edits that may overlap or need each other."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from workbench.errors import ConfigError
from workbench.evaluation.resampled import Floats

FEWEST_PERMUTATIONS = 2  # one has no standard error


@dataclass(frozen=True)
class Shapley:
    """Shapley values of P players, estimated from random orders.

    Attributes:
        values: (P,); they sum to what all players gain together, however few the orders.
        errors: Standard error of each over the orders, (P,).
    """

    values: Floats
    errors: Floats


def shapley_values(
    worth: Callable[[frozenset[int]], float], players: int, *, permutations: int, seed: int
) -> Shapley:
    """Return each player's gain on joining, averaged over random orders of joining.

    Args:
        worth: What a set of players, numbered from 0, is worth; each set is asked for once.
        players: Number of players P.
        permutations: The budget: orders to draw, so at most `permutations`·P sets.
        seed: Same seed, same orders.

    Raises:
        ConfigError: Fewer than two permutations.

    Source: Castro, Gómez and Tejada, "Polynomial calculation of the Shapley value based on
        sampling", Computers & Operations Research 2009.

    Example:
        >>> shapley_values(lambda some: 2.0 * (0 in some), 2, permutations=4, seed=0).values
        array([2., 0.])
    """
    if permutations < FEWEST_PERMUTATIONS:
        raise ConfigError(
            f"Shapley values need at least {FEWEST_PERMUTATIONS} permutations, not {permutations}."
        )
    once = cache(worth)
    gains = np.empty((permutations, players))
    generator = np.random.default_rng(seed)
    for drawn in gains:
        joined: frozenset[int] = frozenset()
        for player in generator.permutation(players).tolist():
            drawn[player] = once(joined | {player}) - once(joined)
            joined |= {player}
    return Shapley(gains.mean(axis=0), gains.std(axis=0, ddof=1) / np.sqrt(permutations))
