"""Attributes improved with evidence, on the command line: the search, and deciding on proposals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from workbench.cli.console import (
    Author,
    Db,
    Json,
    MeasuringEncoder,
    Photographs,
    Pretrained,
    emit,
    open_workbench,
    progress_bar,
    table,
)
from workbench.domain.canonical import Progress, part
from workbench.domain.config import EncoderConfig, QualityMetricName
from workbench.domain.number_format import count_text
from workbench.domain.proposal import Proposal, ProposalState
from workbench.errors import ConfigError, UnknownNameError
from workbench.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table

    from workbench.store import Store
    from workbench.workflow.improve import FirstPrompts, Improvement, ImproveOptions

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
    encoder: MeasuringEncoder = "auto",
    pretrained: Pretrained = None,
    photographs: Photographs = "packaged",
    weights: Annotated[
        str,
        typer.Option(
            help="What counts, such as identification=1,specificity=.5: of identification, "
            "strength, specificity, quality, redundancy and dead; the others as usual."
        ),
    ] = "",
    scores: Annotated[
        str | None,
        typer.Option(
            help="Quality scores of the images: haarpsi, vsi or fsim; without, quality is left out."
        ),
    ] = None,
    template: Annotated[
        str, typer.Option(help="Prompt template that takes turns with the evidence.")
    ] = "few_shot",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what is maximised, and the prompts.")
    ] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Propose better sentences, measured on photographs; the draft stays until you decide.

    The language model is asked to draft anew and, in turn, told what was measured of each
    sentence. Its new sentences are measured at once; sentences that nothing speaks against are
    left alone. Started again with the same seed, it asks nothing twice and ends in the same
    proposals.
    """
    from workbench.domain.objective import objective_of
    from workbench.drafting.templates import load_template
    from workbench.workflow.improve import ImproveOptions, draft_scope

    load_template(template)  # a fault ends it before anything is loaded
    options = ImproveOptions(
        rounds=rounds, seed=seed, photographs=photographs, template=template,
        scores=_metric(scores), objective=objective_of(weights, scored=scores is not None),
    )  # fmt: skip
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
        draft_scope(store, ids or ())
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
        _show_prompts(prompts, options.objective.said(), json)
        return
    document = [_document(proposal) for proposal in result.proposals]
    emit(json, document, lambda: _text(result))


def _metric(name: str | None) -> str:
    if name is not None and name not in get_args(QualityMetricName):
        raise UnknownNameError("full-reference metric", name, get_args(QualityMetricName))
    return name or ""


def _prompts(
    store: "Store",
    ids: Sequence[str],
    settings: Settings,
    config: EncoderConfig,
    options: "ImproveOptions",
    progress: Progress,
) -> "dict[str, FirstPrompts]":
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
    from workbench.drafting.improvement.search import Budget
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


@proposals.command("show")
def show_proposal(
    id: Annotated[int, typer.Argument(metavar="ID", help="Number of a proposal.")],
    json: Json = False,
    db: Db = None,
) -> None:
    """Show one proposal beside the other sentences that could be taken instead.

    None of them is as good as another one in every figure: which of them serves is yours to say.
    """
    with open_workbench(db) as (_, store):
        proposal = store.proposals.get(id)
    emit(json, _document(proposal), lambda: _front(proposal))


@proposals.command("take")
def take_proposals(
    ids: Numbers,
    words: Annotated[
        str | None, typer.Option(help="Put these words in instead; for a single proposal.")
    ] = None,
    other: Annotated[
        int | None,
        typer.Option(min=1, help="Take this one of its other sentences, see `show`; for a single."),
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
        rows = store.proposals.take(numbers, author=who, words=words, other=other, note=note)
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


def _front(proposal: Proposal) -> object:
    from rich.console import Group

    columns = ("", "sentence", "score", "AUC", "SRCC", "specificity", "quality", "redundancy")
    candidates = [
        ("now", proposal.old, proposal.before),
        ("proposed", proposal.new, proposal.after),
        *((str(n), each.new, each.figures) for n, each in enumerate(proposal.others, start=1)),
    ]
    rows = [
        [
            label, words, f"{own.score:.2f}", f"{own.auc:.2f}", f"{own.srcc:.2f}",
            f"{own.specificity:.2f}", "" if own.quality is None else f"{own.quality:.3f}",
            f"{own.redundancy:.2f}",
        ]
        for label, words, own in candidates
    ]  # fmt: skip
    about = f"{proposal.distortion}, {proposal.state}. {proposal.reason}"
    return Group(about, table(columns, rows), f"Maximised: {proposal.facts.objective}.")


def _row(proposal: Proposal) -> list[object]:
    def both(name: str) -> str:
        before, after = (getattr(each, name) for each in (proposal.before, proposal.after))
        return f"{before:.2f} -> {after:.2f}"

    words = [proposal.id, proposal.distortion, proposal.old, proposal.new, proposal.reason]
    return [*words, *map(both, ("score", "auc", "srcc", "specificity"))]


def _show_prompts(prompts: "dict[str, FirstPrompts]", objective: str, json: bool) -> None:
    document = [
        {
            "distortion": id,
            "objective": objective,
            "drafting": list(each.drafting),
            "messages": list(each.evidence),
        }
        for id, each in prompts.items()
    ]
    texts = [m["content"] for each in prompts.values() for m in (*each.drafting, *each.evidence)]
    said = f"Maximised: {objective}."
    emit(
        json,
        document,
        lambda: "\n\n".join([said, *(texts or ["Nothing speaks against any sentence."])]),
    )
