"""What each attribute, and each edit between two versions, contributed to quality.

Nothing is tuned here: the regressor alone is refitted, fold by fold, on probabilities that the
runs left behind, and SRCC before and after is compared on the same resamples of photographs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

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


Told = Callable[[float, str], None]


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
        resamples: Bootstrap resamples R of photographs.
        seed: Of the resamples and of the orders behind Shapley values.
        permutations: Number of those orders; 0 leaves Shapley values out.
    """

    refit: Refit
    name: RefitName = "ridge"
    resamples: int = 2_000
    seed: int = 0
    permutations: int = 0


def side_by_side(a: Pool, b: Pool) -> Pool:
    """Return the attributes of two runs as one pool, those of b after those of a.

    Raises:
        ConfigError: The runs differ in folds, targets or photographs, so that one regressor
            cannot see attributes of both.
    """
    for field in ("fold_of", "target", "photograph"):
        if not np.array_equal(getattr(a, field), getattr(b, field)):
            raise ConfigError(
                f"The two runs differ in the {field.replace('_', ' ')} of their images; "
                "run both versions under one configuration."
            )
    return replace(a, probabilities=np.concatenate([a.probabilities, b.probabilities], axis=2))


def attribute_worth(
    pool: Pool, columns: Columns, names: Sequence[Name], terms: Terms
) -> tuple[AttributeWorth, ...]:
    """Return what a version loses without each of its attributes, strongest first.

    An attribute that another one stands in for loses nothing, however useful the two are.

    Args:
        pool: The probabilities.
        columns: Columns of the version's C attributes, (C,).
        names: (distortion, phrase) of each.
        terms: Regressor, resamples and seed.
    """
    choices = [columns, *(np.delete(columns, place) for place in range(len(columns)))]
    effects = _effects(pool, terms, choices, [(1 + place, 0) for place in range(len(columns))])
    found = [
        AttributeWorth(distortion=distortion, phrase=phrase, effect=effect)
        for (distortion, phrase), effect in zip(names, effects, strict=True)
    ]
    return tuple(sorted(found, key=lambda some: _strongest_first(some.effect)))


def attribute_edits(
    pool: Pool, a: Side, b: Side, terms: Terms, *, told: Told = lambda _share, _text: None
) -> Attribution:
    """Return what each edit from version a to version b contributed.

    Args:
        pool: Probabilities of both versions, each as its own run tuned them; see `side_by_side`.
        a: The version that was edited.
        b: What became of it.
        terms: Regressor, resamples, seed and Shapley budget.
        told: Is told the share done.

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
    own = len(a.names) + np.arange(len(b.names))
    told(0.0, "single edits")
    alone, by_distortion = _edits_alone(pool, a, b, edits, terms)
    told(0.3, "attributes left out")
    together, retuned = _effects(pool, terms, [before, after, own], [(0, 1), (1, 2)])
    attributes = attribute_worth(pool, own, b.names, terms)
    told(0.6, "edits in random orders")
    shares = _shares(pool, a, b, edits, terms) if terms.permutations else None
    told(1.0, "done")
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
        srcc=(_srcc(pool, terms, before), _srcc(pool, terms, own)),
        edits=_edit_effects(edits, alone, shares),
        by_distortion=by_distortion,
        together=together,
        retuned=retuned,
        attributes=attributes,
        permutations=terms.permutations,
        notes=_notes(terms, a.label, b.label),
    )


def _edits_alone(
    pool: Pool, a: Side, b: Side, edits: Sequence[Edit], terms: Terms
) -> tuple[tuple[Effect, ...], tuple[DistortionEffect, ...]]:
    """Return the effect of each edit alone, and of each distortion's edits together."""
    grouped: dict[str, list[Edit]] = {}
    for edit in edits:
        grouped.setdefault(edit.distortion, []).append(edit)
    alone = [[edit] for edit in edits]
    families = []
    for family in (alone, list(grouped.values())):  # each corrected by Holm on its own
        choices = [edited_columns(a.names, b.names, some) for some in ([], *family)]
        pairs = [(0, place + 1) for place in range(len(family))]
        families.append(_effects(pool, terms, choices, pairs))
    together = [
        DistortionEffect(distortion=distortion, edits=len(some), effect=effect)
        for (distortion, some), effect in zip(grouped.items(), families[1], strict=True)
    ]
    return families[0], tuple(sorted(together, key=lambda some: _strongest_first(some.effect)))


def _shares(pool: Pool, a: Side, b: Side, edits: Sequence[Edit], terms: Terms) -> Shapley:
    def worth(some: frozenset[int]) -> float:
        chosen = edited_columns(a.names, b.names, [edits[place] for place in some])
        figure = _srcc(pool, terms, chosen)
        return 0.0 if isinstance(figure, Undefined) else figure  # no order at all is told

    return shapley_values(worth, len(edits), permutations=terms.permutations, seed=terms.seed)


def _edit_effects(
    edits: Sequence[Edit], effects: Sequence[Effect], shares: Shapley | None
) -> tuple[EditEffect, ...]:
    found = [
        EditEffect(
            distortion=edit.distortion,
            kind=edit.kind,
            before=edit.before,
            after=edit.after,
            effect=effect,
            shapley=None if shares is None else float(shares.values[place]),
            shapley_error=None if shares is None else float(shares.errors[place]),
        )
        for place, (edit, effect) in enumerate(zip(edits, effects, strict=True))
    ]
    return tuple(sorted(found, key=lambda some: _strongest_first(some.effect)))


def _effects(
    pool: Pool, terms: Terms, choices: Sequence[Columns], pairs: Sequence[tuple[int, int]]
) -> tuple[Effect, ...]:
    predicted: list[Floats] = [terms.refit(columns) for columns in choices]
    return srcc_effects(pool, predicted, pairs, resamples=terms.resamples, seed=terms.seed)


def _srcc(pool: Pool, terms: Terms, columns: Columns) -> Metric:
    return srcc(terms.refit(columns), pool.target)


def _strongest_first(effect: Effect) -> float:
    return 1.0 if isinstance(effect.delta_srcc, Undefined) else -abs(effect.delta_srcc)


def _notes(terms: Terms, a: str, b: str) -> tuple[str, ...]:
    notes = [
        f"Nothing was tuned: the regressor alone ({terms.name}) was refitted on probabilities that "
        "both runs kept, while in a run an attribute also shapes how the image tower is tuned.",
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
