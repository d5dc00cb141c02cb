"""Questions that language models are asked in the background, on the command line."""

import os
import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.console import Author, Db, Json, emit, open_workbench, table
from workbench.domain.question import Asked, Question

if TYPE_CHECKING:
    from workbench.settings import Settings

questions = typer.Typer(
    help="Ask language models in the background.", no_args_is_help=True, add_completion=False
)

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Distortions to ask about.")]
Attributes = Annotated[int, typer.Option("--k", min=1, max=20, help="Attributes per answer.")]
Samples = Annotated[int, typer.Option(min=1, max=20, help="How often to ask about each.")]
Template = Annotated[str, typer.Option(help="Prompt template.")]
Model = Annotated[str | None, typer.Option(help="Model to ask; default that of the settings.")]
Local = Annotated[bool, typer.Option("--local", help="Ask the local model.")]
Seed = Annotated[int, typer.Option(min=0, help="Random seed.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the question.")]
Type = Annotated[str, typer.Argument(metavar="DISTORTION", help="Id of the distortion.")]
Phrase = Annotated[str, typer.Argument(help="The candidate, to the letter.")]


@questions.command("ask")
def ask(
    ids: Ids,
    k: Attributes = 5,
    samples: Samples = 3,
    template: Template = "few_shot",
    model: Model = None,
    local: Local = False,
    seed: Seed = 0,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Ask about some distortions in the background; the answers come into the log of calls."""
    from workbench.workflow.questions import start_question

    with open_workbench(db) as (settings, store):
        asked = _asked(settings, ids, k, samples, template, model, local, seed)
        question, is_new = start_question(
            store, asked, settings=settings, author=author or settings.author
        )
    begun = "is being asked" if is_new else "was being asked already"
    emit(json, _document(question) | {"new": is_new}, lambda: f"question {question.id} {begun}")


@questions.command("estimate")
def estimate_question(
    ids: Ids,
    k: Attributes = 5,
    samples: Samples = 3,
    template: Template = "few_shot",
    model: Model = None,
    local: Local = False,
    seed: Seed = 0,
    json: Json = False,
    db: Db = None,
) -> None:
    """Say how many calls, tokens, seconds and dollars a question would take; nothing is asked."""
    from workbench.workflow.questions import estimate

    with open_workbench(db) as (settings, store):
        asked = _asked(settings, ids, k, samples, template, model, local, seed)
        would_take = estimate(store, asked, settings=settings)._asdict()
    emit(json, would_take, lambda: table(("what", "estimate"), list(would_take.items())))


@questions.command("list")
def list_questions(json: Json = False, db: Db = None) -> None:
    """List the newest questions and how far they have come."""
    from workbench.workflow.questions import notice_dead

    with open_workbench(db) as (_, store):
        notice_dead(store)
        listed = store.questions.list()
    rows = [
        (q.id, q.status, q.author, q.asked.model, ", ".join(q.asked.distortions), q.error)
        for q in listed
    ]
    columns = ("question", "status", "author", "model", "distortions", "error")
    emit(json, [_document(question) for question in listed], lambda: table(columns, rows))


@questions.command("show")
def show_question(number: Number, json: Json = False, db: Db = None) -> None:
    """Show how far a question has come with each distortion."""
    from workbench.workflow.questions import notice_dead

    with open_workbench(db) as (_, store):
        notice_dead(store)
        question = store.questions.get(number)
    rows = [
        (id, f"{each.samples} of {question.asked.samples}", each.error)
        for id, each in question.answers.items()
    ]
    emit(json, _document(question), lambda: table(("distortion", question.status, "error"), rows))


@questions.command("cancel")
def cancel_question(number: Number, json: Json = False, db: Db = None) -> None:
    """Cancel a question; what was answered stays in the log."""
    with open_workbench(db) as (_, store):
        was_asking = store.questions.end(number, "cancelled")
        question = store.questions.get(number)
    done = "is cancelled" if was_asking else f"had ended already ({question.status})"
    emit(json, _document(question), lambda: f"question {number} {done}")


@questions.command("resume")
def resume_question(number: Number, json: Json = False, db: Db = None) -> None:
    """Ask a question again that has ended; what was answered is not asked again."""
    from workbench.workflow.questions import ask_again

    with open_workbench(db) as (settings, store):
        question = ask_again(store, number, settings=settings)
    emit(json, _document(question), lambda: f"question {number} is being asked")


@questions.command("forget")
def forget_question(number: Number, json: Json = False, db: Db = None) -> None:
    """Take a question that has ended out of the list; what was answered stays in the log."""
    with open_workbench(db) as (_, store):
        question = store.questions.get(number)
        store.questions.forget(number)
    emit(json, _document(question), lambda: f"question {number} is forgotten")


@questions.command("answer")
def answer(number: Number, json: Json = False, db: Db = None) -> None:
    """Answer a question in this process, as the background does; it ends when it is cancelled."""
    from workbench.workflow.questions import answer_question

    with open_workbench(db) as (settings, store):
        question = answer_question(
            store,
            number,
            settings=settings,
            on_end=lambda: os.kill(os.getpid(), signal.SIGINT),  # breaks off what it waits for
        )
    emit(json, _document(question), lambda: f"question {number} is {question.status}")


@questions.command("candidates")
def list_candidates(distortion: Type, json: Json = False, db: Db = None) -> None:
    """List what models have answered about a distortion and the draft does not hold."""
    from workbench.workflow.drafting import logged_candidates

    with open_workbench(db) as (_, store):
        held = store.draft.attribute_set().phrases().get(distortion, ())
        found = logged_candidates(store, distortion, besides=held)
    rows = [
        {
            "distortion": distortion,
            "phrase": each.attribute.phrase,
            "call_id": each.attribute.call_id,
            "support": f"{each.support} of {each.samples}",
            "twins": list(each.twins),
        }
        for each in found
    ]
    columns = ("support", "phrase", "call_id")
    emit(json, rows, lambda: table(columns, [[row[name] for name in columns] for row in rows]))


@questions.command("take")
def take(
    distortion: Type,
    phrase: Phrase,
    words: Annotated[str | None, typer.Option("--as", help="Take it in these words.")] = None,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Take a candidate into the draft as accepted; `attributes undo` takes it out again."""
    _decide(distortion, phrase, words, False, author, json, db)


@questions.command("reject")
def reject(
    distortion: Type, phrase: Phrase, author: Author = None, json: Json = False, db: Db = None
) -> None:
    """Reject a candidate: it stays in the draft as rejected and is not offered again."""
    _decide(distortion, phrase, None, True, author, json, db)


def _decide(
    distortion: str,
    phrase: str,
    words: str | None,
    reject: bool,
    author: str | None,
    json: bool,
    db: str | None,
) -> None:
    from workbench.cli.editing import row_document
    from workbench.workflow.drafting import decide_candidate

    with open_workbench(db) as (settings, store):
        who = author or settings.author
        row = decide_candidate(store, distortion, phrase, author=who, words=words, reject=reject)
    shown = f"{row.distortion}: {row.attribute.phrase} ({row.attribute.status})"
    emit(json, row_document(row, 0), lambda: shown)


def _asked(
    settings: "Settings",
    ids: list[str],
    k: int,
    samples: int,
    template: str,
    model: str | None,
    local: bool,
    seed: int,
) -> Asked:
    from workbench.drafting.client import HOW_TO_GET_A_MODEL
    from workbench.errors import LLMRequestError
    from workbench.workflow.questions import model_choices

    choices = [each for each in model_choices(settings) if each.local or not local]
    named = next((each for each in choices if model in (None, each.name)), None)
    if named is None and model is None:
        raise LLMRequestError(f"There is no language model. {HOW_TO_GET_A_MODEL}.")
    return Asked(
        distortions=tuple(dict.fromkeys(ids)),
        template=template,
        k=k,
        samples=samples,
        seed=seed,
        model=named.name if named else model or "",
        local=local or (named.local if named else False),
    )


def _document(question: Question) -> dict[str, Any]:
    return question.model_dump(mode="json")
