"""Attributes written by a language model, on the command line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.console import Db, Json, emit, open_workbench, progress_bar, table
from workbench.domain.canonical import Progress, part
from workbench.errors import ConfigError, DraftError, WorkbenchError
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.drafting.candidates import Candidate, Candidates
    from workbench.drafting.client import NamedModel
    from workbench.drafting.templates import Messages
    from workbench.store import Store


def draft(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Distortions to ask about.")],
    k: Annotated[int, typer.Option(min=1, max=20, help="Attributes per distortion.")] = 5,
    samples: Annotated[
        int, typer.Option(min=1, max=20, help="How often to ask; answers are pooled and ranked.")
    ] = 1,
    pick: Annotated[
        str | None, typer.Option(help="Ranks to take instead of the best K, such as 1,4,6.")
    ] = None,
    template: Annotated[str, typer.Option(help="Prompt template.")] = "few_shot",
    model: Annotated[str | None, typer.Option(help="Model to ask.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    neighbour: Annotated[
        list[str] | None,
        typer.Option(help="Contrast it with this one, repeatable; default all of its group."),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=32,
            help="Simultaneous requests; default 4, or 1 for the local model.",
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nobody; use logged answers only.")
    ] = False,
    log_only: Annotated[
        bool, typer.Option("--log-only", help="Ask and log, but leave the draft unchanged.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the prompts.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Ask a language model for attributes and put them into the working draft.

    They replace what no person has touched. What was asked before is recalled, not asked again;
    each distortion is stored when it is complete, so a break keeps what arrived.
    """
    from workbench.drafting.draft_attributes import DraftOptions
    from workbench.workflow.drafting import draft_candidates, rendered_prompts

    ranks, ids = _ranks(pick), list(dict.fromkeys(ids))
    _check_neighbours(neighbour, template)
    options = DraftOptions(
        template=template,
        k=k,
        samples=samples,
        seed=seed,
        neighbours=tuple(neighbour) if neighbour else None,
        concurrency=concurrency,
    )
    rows: dict[str, list[dict[str, Any]]] = {}
    faults: dict[str, WorkbenchError] = {}
    with open_workbench(db) as (settings, store):
        prompts = rendered_prompts(store, ids, options)  # a fault ends it before it asks
        if dry_run:
            _show_prompts(prompts, json)
            return
        settings = settings.model_copy(update={"model": model or settings.model})
        author = None if log_only else settings.author
        with (
            progress_bar("draft") as progress,
            _model(settings, offline, part(progress, 0.0, 0.1)) as llm,
        ):
            for done, (id, candidates) in enumerate(
                draft_candidates(store, ids, llm, options), start=1
            ):
                try:
                    rows[id] = _take(store, id, candidates, ranks or range(1, k + 1), author)
                except WorkbenchError as fault:
                    faults[id] = fault
                progress(0.1 + 0.9 * done / len(ids), id)
    columns = ("distortion", "rank", "support", "phrase")
    listed = [row for id in ids for row in rows.get(id, ())]
    emit(json, listed, lambda: table(columns, [[row[name] for name in columns] for row in listed]))
    if faults:
        _report(faults, len(ids))


@contextmanager
def _model(settings: Settings, offline: bool, progress: Progress) -> "Iterator[NamedModel]":
    from workbench.drafting.local_server import named_model, open_language_model

    if offline:
        yield named_model(settings)
        return
    with open_language_model(settings, progress=progress) as llm:
        yield llm


def _take(
    store: "Store",
    id: str,
    candidates: "Candidates | WorkbenchError",
    ranks: Sequence[int],
    author: str | None,
) -> list[dict[str, Any]]:
    """Put the chosen candidates into the draft, and return their rows; without author all rows."""
    from workbench.workflow.drafting import take_candidates

    if isinstance(candidates, WorkbenchError):
        raise candidates
    chosen = _choose(id, candidates, ranks)
    if author is None:
        return [_row(store, id, candidates, candidate) for candidate in candidates]
    take_candidates(store, id, [candidate.attribute for candidate in chosen], author=author)
    return [_row(store, id, candidates, candidate) for candidate in chosen]


def _choose(id: str, candidates: "Candidates", ranks: Sequence[int]) -> "list[Candidate]":
    beyond = [rank for rank in ranks if rank > len(candidates)]
    if beyond and not isinstance(ranks, range):
        raise ConfigError(
            f"There are {len(candidates)} candidates of {id}, so rank {beyond[0]} cannot be "
            "picked. Nothing of it was put into the draft."
        )
    return [candidates[rank - 1] for rank in ranks if rank <= len(candidates)]


def _row(
    store: "Store", id: str, candidates: "Candidates", candidate: "Candidate"
) -> dict[str, Any]:
    call = candidate.attribute.call_id
    return {
        "distortion": id,
        "phrase": candidate.attribute.phrase,
        "call_id": call,
        "cost_usd": None if call is None else store.calls.get(call).cost_usd,
        "rank": candidates.index(candidate) + 1,
        "support": f"{candidate.support} of {candidate.samples}",
        "twins": list(candidate.twins),
    }


def _ranks(pick: str | None) -> list[int]:
    if pick is None:
        return []
    ranks = [text.strip() for text in pick.split(",")]
    if not all(text.isdecimal() and int(text) > 0 for text in ranks):
        raise ConfigError(f"--pick takes ranks such as 1,4,6, not '{pick}'. Nothing was asked.")
    return list(dict.fromkeys(int(text) for text in ranks))


def _check_neighbours(neighbours: list[str] | None, template: str) -> None:
    from workbench.drafting.templates import load_template

    if neighbours and "neighbours" not in load_template(template).variables:
        raise ConfigError(
            f"Template '{template}' shows no neighbours, so --neighbour would change nothing. "
            "Use --template contrastive."
        )


def _show_prompts(prompts: "dict[str, Messages]", json: bool) -> None:
    document = [{"distortion": id, "messages": list(messages)} for id, messages in prompts.items()]
    emit(
        json,
        document,
        lambda: "\n\n".join(m["content"] for messages in prompts.values() for m in messages),
    )


def _report(faults: dict[str, WorkbenchError], asked: int) -> None:
    if len(faults) == asked == 1:
        raise next(iter(faults.values()))
    reasons = "; ".join(f"{id}: {fault}" for id, fault in faults.items())
    raise DraftError(
        f"{len(faults)} of {asked} distortions could not be drafted; the others are kept. {reasons}"
    )
