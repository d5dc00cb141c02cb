"""Which prompt template writes the better sentences, by which model: the log's calls, measured."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.domain.attributes import AttributeSet
from workbench.domain.canonical import Progress
from workbench.domain.llm_call import LLMCall
from workbench.drafting.candidates import asked_for
from workbench.drafting.improvement import Bench
from workbench.drafting.improvement.measuring import faults_of
from workbench.drafting.lint.statistics import interval_of_mean
from workbench.drafting.parse import parse_attributes
from workbench.encoders import Encoder
from workbench.errors import ConfigError, DraftParseError
from workbench.store import Store
from workbench.workflow.improve import Benches, ImproveOptions

OPPOSITE = "opposite"  # does not draft
FIGURES = ("score", "auc", "srcc", "specificity", "faultless")

Cell = tuple[str, str]  # template and model
Replies = dict[Cell, dict[str, list[tuple[str, ...]]]]  # … to type to the sentences of each reply


class Estimate(NamedTuple):
    """A mean over types with its 95 % interval; both ends are the mean where there is one type."""

    mean: float
    low: float
    high: float


class TemplateFigures(NamedTuple):
    """What one template had one model write.

    Attributes:
        template, model: Which.
        types: How many types the log has usable replies about.
        replies: How many different ones.
        sentences: How many sentences these hold.
        figures: Score, AUC, SRCC, specificity and the share of sentences without a fault, by name:
            the mean of each type's replies, then of the types.
        ahead: By how much the score exceeds that of the reference with the same model, on the types
            that both were asked about; None for the reference itself, or without such types.
        common: How many types these are.
    """

    template: str
    model: str
    types: int
    replies: int
    sentences: int
    figures: dict[str, Estimate]
    ahead: Estimate | None
    common: int


def template_figures(
    store: Store,
    distortions: Sequence[str],
    encoder: Encoder,
    options: ImproveOptions,
    *,
    against: str,
    cache: Path,
    progress: Progress,
) -> list[TemplateFigures]:
    """Measure the sentences of all usable replies in the log, by template; nobody is asked.

    They are measured on the search part of the photographs, each beside its reply's other ones.

    Args:
        store: The open store.
        distortions: Types; all that the log has replies about and that can be measured, if none.
        encoder: What sentences are measured by.
        options: Names the photographs and the objective.
        against: The template that the others are compared with.
        cache: `Settings.cache`.
        progress: Told the share done and what is being done.

    Returns:
        The highest score first.

    Raises:
        ConfigError: The log has no such reply.
        UnknownNameError: A type does not exist.
    """
    known = store.recipes.catalogue()
    for id in distortions:
        known[id]
    calls = store.calls.list(distortion=None, limit=None)
    replies = _replies(
        call
        for call in reversed(calls)
        if call.distortion in known
        and known[call.distortion].has_operator
        and (not distortions or call.distortion in distortions)
    )
    if not replies:
        raise ConfigError(
            "The log has no replies that can be measured. Ask first: "
            "'workbench draft jpeg --template contrastive --log-only'."
        )
    types = {d: own[0] for by_type in replies.values() for d, own in by_type.items()}
    benches = Benches(store, encoder, AttributeSet.from_phrases(types), options, cache=cache)
    bench = benches.search(progress)
    tables = {cell: _measured(bench, by_type) for cell, by_type in replies.items()}
    found = [_figures(cell, replies[cell], tables, against) for cell in tables]
    return sorted(found, key=lambda each: -each.figures["score"].mean)


def _replies(calls: Iterable[LLMCall]) -> Replies:
    """Return the sentences of all different replies that hold as many as were asked for."""
    replies: Replies = {}
    for call in calls:
        if call.error is None and call.request.template != OPPOSITE:
            with suppress(DraftParseError):
                phrases = parse_attributes(call.text, asked_for(call), cut=call.cut)
                cell = call.request.template, call.request.model
                own = replies.setdefault(cell, {}).setdefault(call.distortion, [])
                if phrases not in own:  # a greedy answer is the same for every seed
                    own.append(phrases)
    return replies


def _measured(
    bench: Bench, by_type: Mapping[str, Sequence[tuple[str, ...]]]
) -> dict[str, NDArray[np.float64]]:
    """Return the figures of each type, in the order of FIGURES, mean over its replies."""
    return {
        d: np.mean([_reply_figures(bench, d, phrases) for phrases in replies], axis=0)
        for d, replies in by_type.items()
    }


def _reply_figures(bench: Bench, distortion: str, phrases: Sequence[str]) -> list[float]:
    evidence = bench.evidence(distortion, phrases)
    good = [not faults_of(evidence, i, bench.catalogue) for i in range(len(evidence))]
    means = [float(np.mean([getattr(each, name) for each in evidence])) for name in FIGURES[1:4]]
    return [bench.score(evidence), *means, float(np.mean(good))]


def _figures(
    cell: Cell,
    by_type: Mapping[str, Sequence[tuple[str, ...]]],
    tables: Mapping[Cell, Mapping[str, NDArray[np.float64]]],
    against: str,
) -> TemplateFigures:
    template, model = cell
    own, reference = tables[cell], tables.get((against, model), {})
    common = [d for d in own if d in reference] if template != against else []
    ahead = [own[d][:1] - reference[d][:1] for d in common]
    return TemplateFigures(
        template=template,
        model=model,
        types=len(by_type),
        replies=sum(map(len, by_type.values())),
        sentences=sum(len(phrases) for replies in by_type.values() for phrases in replies),
        figures=dict(zip(FIGURES, _estimates(list(own.values())), strict=True)),
        ahead=_estimates(ahead)[0] if ahead else None,
        common=len(common),
    )


def _estimates(rows: Sequence[NDArray[np.float64]]) -> list[Estimate]:
    """Return the estimate of each column; one row for each type."""
    table = np.stack(rows)
    low, high = interval_of_mean(table)
    return [
        Estimate(*(round(float(value), 4) for value in values))
        for values in zip(table.mean(0), low, high, strict=True)
    ]
