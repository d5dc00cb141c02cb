"""What each attribute, and each edit between two versions, contributed to quality.

Nothing is tuned here: the regressor alone is refitted, fold by fold, on inputs that the runs left
behind, and SRCC before and after is compared on the same draws of photographs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from workbench.domain.canonical import Progress
from workbench.domain.edit_effects import (
    AttributeWorth,
    Attribution,
    DistortionEffect,
    EditEffect,
    Effect,
    RefitName,
)
from workbench.domain.metrics import Metric, Undefined
from workbench.errors import ConfigError
from workbench.evaluation.bootstrap import Floats
from workbench.evaluation.correlation import srcc
from workbench.evaluation.edits import Edit, Name, edited_columns, edits_between, srcc_effects
from workbench.evaluation.refit import Columns, Pool, Refit

FEWEST_PERMUTATIONS = 2  # one has no standard error


@dataclass(frozen=True)
class Side:
    """One version of a pair.

    Attributes:
        version: Its hash.
        label: What people call it.
        names: (distortion, phrase) of its attributes.
        run_srcc: What its own run reached.
    """

    version: str
    label: str
    names: tuple[Name, ...]
    run_srcc: Metric


@dataclass(frozen=True)
class Terms:
    """How contributions are judged.

    Attributes:
        refit: From columns of the pool to held-out quality, (N,).
        name: What the refit is, for the record.
        resamples: Bootstrap draws R of photographs.
        seed: Of the draws and of the orders behind Shapley values.
        permutations: Number of those orders; 0 leaves Shapley values out.
    """

    refit: Refit
    name: RefitName = "ridge"
    resamples: int = 2_000
    seed: int = 0
    permutations: int = 0

    def effects(
        self, pool: Pool, choices: Sequence[Columns], pairs: Sequence[tuple[int, int]]
    ) -> tuple[Effect, ...]:
        """Return the change of SRCC between refits to pairs of choices of columns."""
        predicted: list[Floats] = [self.refit(columns) for columns in choices]
        return srcc_effects(pool, predicted, pairs, resamples=self.resamples, seed=self.seed)

    def srcc(self, pool: Pool, columns: Columns) -> Metric:
        """Return the SRCC that a refit to these columns reaches."""
        return srcc(self.refit(columns), pool.target)


def side_by_side(a: Pool, b: Pool) -> Pool:
    """Return the attributes of two runs as one pool, those of b after those of a.

    Raises:
        ConfigError: The runs differ in folds, targets or photographs, so that one regressor
            cannot take attributes of both.
    """
    for field in ("fold_of", "target", "photograph"):
        if not np.array_equal(getattr(a, field), getattr(b, field)):
            raise ConfigError(
                f"The two runs differ in the {field.replace('_', ' ')} of their images; "
                "run both versions under one configuration."
            )
    return replace(a, inputs=np.concatenate([a.inputs, b.inputs], axis=3))


def attribute_edits(
    pool: Pool,
    a: Side,
    b: Side,
    terms: Terms,
    *,
    progress: Progress = lambda _share, _text: None,
) -> Attribution:
    """Return what each edit from version a to version b contributed.

    Args:
        pool: Attributes of both versions, each as its own run tuned them; see `side_by_side`.
        a: The version that was edited.
        b: What became of it.
        terms: Regressor, draws, seed and Shapley budget.
        progress: Called with the share done.

    Raises:
        ConfigError: Both have the same attributes.
    """
    edits = edits_between(a.names, b.names)
    if not edits:
        raise ConfigError(
            f"{a.label} and {b.label} have the same attributes for the distortions of these runs; "
            "name two versions that differ."
        )
    before, after = edited_columns(a.names, b.names, ()), edited_columns(a.names, b.names, edits)
    columns_of_b = len(a.names) + np.arange(len(b.names))
    progress(0.0, "single edits")
    single = _edits_together(pool, a, b, [[edit] for edit in edits], terms)
    by_distortion = _by_distortion(pool, a, b, edits, terms)
    progress(0.3, "attributes left out")
    together, retuned = terms.effects(pool, [before, after, columns_of_b], [(0, 1), (1, 2)])
    attributes = attribute_worth(pool, columns_of_b, b.names, terms)
    progress(0.6, "edits in random orders")
    shares = _shares(pool, a, b, edits, terms) if terms.permutations else None
    progress(1.0, "done")
    return Attribution(
        a=a.version,
        b=b.version,
        a_label=a.label,
        b_label=b.label,
        refit=terms.name,
        images=len(pool.target),
        photographs=int(pool.photograph.max()) + 1,
        resamples=terms.resamples,
        run_srcc=(a.run_srcc, b.run_srcc),
        srcc=(terms.srcc(pool, before), terms.srcc(pool, columns_of_b)),
        edits=_edit_effects(edits, single, shares),
        by_distortion=by_distortion,
        together=together,
        retuned=retuned,
        attributes=attributes,
        permutations=terms.permutations,
        notes=_notes(terms, a.label, b.label),
    )


def attribute_worth(
    pool: Pool, columns: Columns, names: Sequence[Name], terms: Terms
) -> tuple[AttributeWorth, ...]:
    """Return what a version loses without each of its attributes, strongest first.

    An attribute that another one stands in for loses nothing, however useful the two are.
    `columns` are those of the version's attributes in the pool, (C,), in the order of `names`.
    """
    numbers = range(len(columns))
    choices = [columns, *(np.delete(columns, number) for number in numbers)]
    effects = terms.effects(pool, choices, [(1 + number, 0) for number in numbers])
    worths = [
        AttributeWorth(distortion=distortion, phrase=phrase, effect=effect)
        for (distortion, phrase), effect in zip(names, effects, strict=True)
    ]
    return tuple(sorted(worths, key=_strongest_first))


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
        >>> shapley_values(lambda players: 2.0 * (0 in players), 2, permutations=4, seed=0).values
        array([2., 0.])
    """
    if permutations < FEWEST_PERMUTATIONS:
        raise ConfigError(
            f"Shapley values need at least {FEWEST_PERMUTATIONS} permutations, not {permutations}."
        )
    cached_worth = cache(worth)
    gains = np.empty((permutations, players))
    generator = np.random.default_rng(seed)
    for drawn in gains:
        joined: frozenset[int] = frozenset()
        for player in generator.permutation(players).tolist():
            drawn[player] = cached_worth(joined | {player}) - cached_worth(joined)
            joined |= {player}
    return Shapley(gains.mean(axis=0), gains.std(axis=0, ddof=1) / np.sqrt(permutations))


def _edits_together(
    pool: Pool, a: Side, b: Side, groups: Sequence[Sequence[Edit]], terms: Terms
) -> tuple[Effect, ...]:
    """Return the effect of each group of edits; the groups are one family for Holm."""
    choices = [edited_columns(a.names, b.names, edits) for edits in ([], *groups)]
    return terms.effects(pool, choices, [(0, 1 + number) for number in range(len(groups))])


def _by_distortion(
    pool: Pool, a: Side, b: Side, edits: Sequence[Edit], terms: Terms
) -> tuple[DistortionEffect, ...]:
    groups: dict[str, list[Edit]] = {}
    for edit in edits:
        groups.setdefault(edit.distortion, []).append(edit)
    together = _edits_together(pool, a, b, list(groups.values()), terms)
    effects = [
        DistortionEffect(distortion=distortion, edits=len(group), effect=effect)
        for (distortion, group), effect in zip(groups.items(), together, strict=True)
    ]
    return tuple(sorted(effects, key=_strongest_first))


def _shares(pool: Pool, a: Side, b: Side, edits: Sequence[Edit], terms: Terms) -> Shapley:
    def worth(players: frozenset[int]) -> float:
        columns = edited_columns(a.names, b.names, [edits[player] for player in players])
        figure = terms.srcc(pool, columns)
        return 0.0 if isinstance(figure, Undefined) else figure  # constant: no order at all

    return shapley_values(worth, len(edits), permutations=terms.permutations, seed=terms.seed)


def _edit_effects(
    edits: Sequence[Edit], effects: Sequence[Effect], shares: Shapley | None
) -> tuple[EditEffect, ...]:
    values: list[float | None] = shares.values.tolist() if shares else [None] * len(edits)
    errors: list[float | None] = shares.errors.tolist() if shares else [None] * len(edits)
    described = [
        EditEffect(
            distortion=edit.distortion,
            kind=edit.kind,
            before=edit.before,
            after=edit.after,
            effect=effect,
            shapley=value,
            shapley_error=error,
        )
        for edit, effect, value, error in zip(edits, effects, values, errors, strict=True)
    ]
    return tuple(sorted(described, key=_strongest_first))


def _strongest_first(described: AttributeWorth | DistortionEffect | EditEffect) -> float:
    delta = described.effect.delta_srcc
    return 1.0 if isinstance(delta, Undefined) else -abs(delta)


def _notes(terms: Terms, a: str, b: str) -> tuple[str, ...]:
    notes = [
        f"Nothing was tuned: the regressor alone ({terms.name}) was refitted on inputs that both "
        "runs kept, while in a run an attribute also shapes how the image tower is tuned.",
        f"Unchanged and removed attributes are read from {a}'s tuned tower, added and reworded "
        f"ones from {b}'s; what {b}'s tuning did to the unchanged ones is a row of its own.",
        "Intervals say what other photographs might have given to judge on, not what another "
        "tuning seed, or a refit to other photographs, would have: an attribute that means nothing "
        "is fitted to chance and tends to show a slight harm.",
        "Left out alone, an attribute that another stands in for shows no effect.",
    ]
    if terms.permutations:
        notes.append(
            f"Shares are Shapley values from {terms.permutations} random orders of the edits, with "
            "their standard errors; they add up to all edits together."
        )
    return tuple(notes)
