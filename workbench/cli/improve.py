"""Attributes improved with evidence, on the command line: the search, and deciding on proposals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.console import Author, Db, Json, emit, open_workbench, progress_bar, table
from workbench.domain.canonical import Progress, part
from workbench.domain.config import EncoderConfig
from workbench.domain.number_format import count_text
from workbench.domain.proposal import Proposal, ProposalState
from workbench.errors import ConfigError
from workbench.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table

    from workbench.drafting.templates import Messages
    from workbench.store import Store
    from workbench.workflow.improve import Improvement, ImproveOptions

Numbers = Annotated[list[int], typer.Argument(metavar="ID...", help="Numbers of proposals.")]
Note = Annotated[str, typer.Option(help="Why, kept beside the decision.")]


def improve(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Distortions to improve; default all of the draft."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Version to start from; restored unless the draft is from it."),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, max=50, help="Most questions about one distortion.")
    ] = 2,
    calls: Annotated[int | None, typer.Option(min=1, help="Most calls of the model.")] = None,
    cost: Annotated[float | None, typer.Option(min=0, help="Most US dollars to spend.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="No call is begun after these minutes.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    model: Annotated[str | None, typer.Option(help="Model to ask.")] = None,
    encoder: Annotated[str, typer.Option(help="Encoder that measures the sentences.")] = "auto",
    pretrained: Annotated[
        str | None, typer.Option(help="open_clip tag or checkpoint of that encoder.")
    ] = None,
    photographs: Annotated[
        str, typer.Option(help="'packaged', or a folder of photographs.")
    ] = "packaged",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the prompts.")] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Propose better sentences, measured on photographs; the draft stays until you decide.

    What was measured of each sentence goes to the language model, and its new sentences are
    measured at once. Sentences that nothing speaks against are left alone. Started again with the
    same seed, it asks nothing twice and ends in the same proposals.
    """
    from workbench.workflow.improve import ImproveOptions, draft_scope

    options = ImproveOptions(rounds=rounds, seed=seed, photographs=photographs)
    with open_workbench(db) as (settings, store):
        who = author or settings.author
        settings = settings.model_copy(update={"model": model or settings.model})
        if start is not None and store.draft.base() != store.versions.get(start).hash:
            if dry_run:
                raise ConfigError(
                    f"The draft is not from {start}, and --dry-run changes nothing. Restore it "
                    f"first: 'workbench versions restore {start}'."
                )
            store.draft.restore(start, author=who)
        draft_scope(store, ids or ())  # a fault ends it before anything is loaded
        config = EncoderConfig(name=encoder, pretrained=pretrained)
        with progress_bar("improve") as progress:
            if dry_run:
                prompts = _prompts(store, ids or (), settings, config, options, progress)
            else:
                limits = (calls, cost, minutes)
                result = _improve(
                    store, ids or (), settings, config, options, limits, who, progress
                )
    if dry_run:
        _show_prompts(prompts, json)
        return
    document = [_document(proposal) for proposal in result.proposals]
    emit(json, document, lambda: _text(result))


def _prompts(
    store: "Store",
    ids: Sequence[str],
    settings: Settings,
    config: EncoderConfig,
    options: "ImproveOptions",
    progress: Progress,
) -> "dict[str, Messages]":
    from workbench.encoders import load_encoder
    from workbench.encoders.protocol import computing_threads
    from workbench.workflow.improve import first_prompts

    encoder = load_encoder(config, settings, seed=0)
    with computing_threads(encoder.threads):
        return first_prompts(store, ids, encoder, options, cache=settings.cache, progress=progress)


def _improve(
    store: "Store",
    ids: Sequence[str],
    settings: Settings,
    config: EncoderConfig,
    options: "ImproveOptions",
    limits: tuple[int | None, float | None, float | None],
    author: str,
    progress: Progress,
) -> "Improvement":
    from workbench.drafting.improvement.budget import Budget
    from workbench.drafting.local_server import open_language_model
    from workbench.encoders import load_encoder
    from workbench.encoders.protocol import computing_threads
    from workbench.workflow.improve import improve_draft

    calls, cost, minutes = limits
    with open_language_model(settings, progress=part(progress, 0.0, 0.05)) as model:
        if cost is not None and model.price is None:
            raise ConfigError(
                f"What {model.name} costs is not known, so --cost cannot be kept to. State its "
                "price in prices.yaml, or limit --calls. Nobody was asked."
            )
        encoder = load_encoder(config, settings, seed=0)
        with computing_threads(encoder.threads):
            return improve_draft(
                store, ids, model, encoder, options, budget=Budget(calls, cost, minutes),
                cache=settings.cache, author=author, progress=part(progress, 0.05, 1.0),
            )  # fmt: skip


proposals = typer.Typer(
    help="Proposed sentences, to take or reject.", no_args_is_help=True, add_completion=False
)


@proposals.command("list")
def list_proposals(
    state: Annotated[
        str, typer.Option(help="Only those that are open, taken or rejected; or all.")
    ] = "open",
    json: Json = False,
    db: Db = None,
) -> None:
    """List proposals, oldest first."""
    states: dict[str, ProposalState | None] = {
        "open": "open", "taken": "taken", "rejected": "rejected", "all": None,
    }  # fmt: skip
    if state not in states:
        raise typer.BadParameter(f"'{state}' is none of {', '.join(states)}")
    with open_workbench(db) as (_, store):
        found = store.proposals.list(states[state])
    emit(json, [_document(each) for each in found], lambda: _table(found))


@proposals.command("take")
def take_proposals(
    ids: Numbers,
    words: Annotated[
        str | None, typer.Option(help="Put these words in instead; for a single proposal.")
    ] = None,
    note: Note = "",
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Put proposed sentences into the draft, all or none; `attributes undo` takes it back.

    A sentence that was changed since it was measured is not replaced.
    """
    with open_workbench(db) as (settings, store):
        numbers, who = list(dict.fromkeys(ids)), author or settings.author
        rows = store.proposals.take(numbers, author=who, words=words, note=note)
    from workbench.cli.editing import row_document

    emit(
        json,
        [row_document(row, 0) for row in rows],
        lambda: "\n".join(f"{row.distortion}: {row.attribute.phrase}" for row in rows),
    )


@proposals.command("reject")
def reject_proposals(
    ids: Numbers, note: Note = "", author: Author = None, json: Json = False, db: Db = None
) -> None:
    """Decide against proposals, all or none; the draft stays as it is."""
    with open_workbench(db) as (settings, store):
        numbers, who = list(dict.fromkeys(ids)), author or settings.author
        found = store.proposals.reject(numbers, author=who, note=note)
    emit(
        json,
        [_document(each) for each in found],
        lambda: f"{count_text(len(found), 'proposal')} rejected",
    )


def _document(proposal: Proposal) -> dict[str, Any]:
    return proposal.model_dump(mode="json")


def _text(result: "Improvement") -> object:
    from rich.console import Group

    kept = f", {result.unconfirmed} not confirmed" if result.unconfirmed else ""
    counts = (
        f"{count_text(result.tried, 'sentence')} tried in {count_text(result.calls, 'call')}"
        f"{kept}. Maximised: {result.objective}."
    )
    if not result.proposals:
        return f"No better sentence found; nothing was changed. {counts}"
    advice = "Decide with 'workbench proposals take ID...' or 'workbench proposals reject ID...'."
    return Group(_table(result.proposals), counts, advice)


def _table(found: Sequence[Proposal]) -> "Table | str":
    if not found:
        return "No such proposals."
    columns = ("id", "distortion", "now", "proposed", "why", "score", "AUC", "SRCC", "specificity")
    return table(columns, [_row(proposal) for proposal in found])


def _row(proposal: Proposal) -> list[object]:
    def both(name: str) -> str:
        before, after = (getattr(each, name) for each in (proposal.before, proposal.after))
        return f"{before:.2f} -> {after:.2f}"

    words = [proposal.id, proposal.distortion, proposal.old, proposal.new, proposal.reason]
    return [*words, *map(both, ("score", "auc", "srcc", "specificity"))]


def _show_prompts(prompts: "dict[str, Messages]", json: bool) -> None:
    document = [{"distortion": id, "messages": list(messages)} for id, messages in prompts.items()]
    texts = [message["content"] for messages in prompts.values() for message in messages]
    emit(json, document, lambda: "\n\n".join(texts) or "Nothing speaks against any sentence.")
