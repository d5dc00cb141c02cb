"""The log of LLM calls on the command line: what is in it, and in and out of files."""

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import (
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
from workbench.domain.llm_call import LLMCall

if TYPE_CHECKING:
    from workbench.workflow.template_figures import Estimate

calls = typer.Typer(help="The log of LLM calls.", no_args_is_help=True, add_completion=False)

Distortion = Annotated[str | None, typer.Option(help="Only calls about this distortion.")]


@calls.command("list")
def list_calls(
    distortion: Distortion = None,
    limit: Annotated[int, typer.Option(min=1, help="Most calls to list.")] = 100,
    json: Json = False,
    db: Db = None,
) -> None:
    """List the latest calls, newest first, with the total usage of each model."""
    with open_workbench(db) as (_, store):
        calls = store.calls.list(distortion=distortion, limit=limit)
        usage = store.calls.usage()
    rows = [(c.id, c.distortion, c.request.template, *_summary(c)) for c in calls]
    columns = ("id", "distortion", "template", "model", "tokens", "cost_usd", "error")
    document = {
        "calls": [call.model_dump(mode="json") for call in calls],
        "usage": [total.model_dump(mode="json") for total in usage],
    }
    emit(json, document, lambda: table(columns, rows))


@calls.command("show")
def show_call(
    id: Annotated[int, typer.Argument(help="Number of a call.")], json: Json = False, db: Db = None
) -> None:
    """Show one call in full: the request and the reply."""
    with open_workbench(db) as (_, store):
        call = store.calls.get(id)
    emit(json, call.model_dump(mode="json"), lambda: _text(call))


@calls.command("templates")
def compare_templates(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Distortions; default all.")
    ] = None,
    against: Annotated[
        str, typer.Option(help="Template that the others are compared with.")
    ] = "few_shot",
    encoder: MeasuringEncoder = "auto",
    pretrained: Pretrained = None,
    photographs: Photographs = "packaged",
    json: Json = False,
    db: Db = None,
) -> None:
    """Compare prompt templates and models by the sentences that the log holds; nobody is asked.

    Each sentence is measured on photographs as `improve` measures it. Figures are means over
    distortions, with their 95 % interval.
    """
    from workbench.domain.config import EncoderConfig
    from workbench.drafting.templates import load_template
    from workbench.encoders import load_encoder
    from workbench.encoders.protocol import computing_threads
    from workbench.workflow.improve import ImproveOptions
    from workbench.workflow.template_figures import FIGURES, template_figures

    load_template(against)
    with open_workbench(db) as (settings, store), progress_bar("templates") as progress:
        tower = load_encoder(EncoderConfig(name=encoder, pretrained=pretrained), settings, seed=0)
        with computing_threads(tower.threads):
            found = template_figures(
                store, ids or (), tower, ImproveOptions(photographs=photographs),
                against=against, cache=settings.cache, progress=progress,
            )  # fmt: skip
    columns = ("template", "model", "types", "sentences", *FIGURES, f"score less {against}")
    rows = [
        [
            each.template, each.model, each.types, each.sentences,
            *(_interval(each.figures[name]) for name in FIGURES),
            "" if each.ahead is None else f"{_interval(each.ahead, '+.2f')}, {each.common} types",
        ]
        for each in found
    ]  # fmt: skip
    document = [
        each._asdict()
        | {
            "figures": {name: own._asdict() for name, own in each.figures.items()},
            "ahead": each.ahead and each.ahead._asdict(),
            "against": against,
        }
        for each in found
    ]
    emit(json, document, lambda: table(columns, rows))


@calls.command("export")
def export_calls(
    path: Annotated[Path, typer.Argument(help="A .jsonl file.")],
    distortion: Distortion = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Write the log to a file, one JSON line for each call, oldest first."""
    from workbench.store.call_log import write_log

    with open_workbench(db) as (_, store):
        count = write_log(path, reversed(store.calls.list(distortion=distortion, limit=None)))
    emit(json, {"file": str(path), "calls": count}, lambda: f"{count} calls in {path}")


@calls.command("import")
def import_calls(
    path: Annotated[Path, typer.Argument(help="A log in JSON lines.")],
    json: Json = False,
    db: Db = None,
) -> None:
    """Add the calls of a file to the log; calls already in the log are left unchanged.

    A fault anywhere refuses the whole, and every one is named.
    """
    from workbench.store.call_log import read_log
    from workbench.workflow.exchange import take_calls

    read = read_log(path)
    with open_workbench(db) as (_, store):
        new = take_calls(store, read)
    document = {"calls": len(read), "new": new}
    emit(json, document, lambda: f"{len(read)} calls read, {new} of them new")


def _interval(own: "Estimate", form: str = ".2f") -> str:
    return f"{own.mean:{form}} [{own.low:{form}}, {own.high:{form}}]"


def _summary(call: LLMCall) -> tuple[object, ...]:
    counts = [count for count in (call.prompt_tokens, call.completion_tokens) if count is not None]
    tokens = sum(counts) if counts else None
    return call.request.model, tokens, call.cost_usd, call.error


def _text(call: LLMCall) -> str:
    asked = [f"[{message['role']}]\n{message['content']}" for message in call.request.messages]
    cost = "unknown" if call.cost_usd is None else f"{call.cost_usd} USD"
    head = (
        f"call {call.id} of {call.created_at:%Y-%m-%d %H:%M:%S} UTC about {call.distortion}\n"
        f"template {call.request.template}, sample {call.request.sample}, "
        f"seed {call.request.seed}\n"
        f"model {call.request.model}, answered {call.model_answered or 'nothing'}\n"
        f"{call.latency_s:.2f} s, cost {cost}"
    )
    asked += [f"[sent]\n{dumps(call.sent)}"] if call.sent else []
    asked += [f"[reasoning]\n{call.reasoning}"] if call.reasoning else []
    came = f"[error]\n{call.error}" if call.error is not None else f"[reply]\n{call.reply}"
    return "\n\n".join([head, *asked, came])
