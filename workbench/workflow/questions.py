"""Ask a language model in the background: what it would take, and who asks, noticed if it dies.

A question is a row in the store. A process of its own answers it, so that no page waits, and a
page that is closed, or a server that is restarted, takes nothing with it.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import NamedTuple

from workbench.domain.question import Asked, Question, QuestionStatus, TypeAnswers
from workbench.drafting.client import CONCURRENCY
from workbench.drafting.draft_attributes import ATTEMPTS, DraftOptions, build_request
from workbench.drafting.local_server import named_model, open_language_model
from workbench.errors import DraftError, RunCancelledError, WorkbenchError
from workbench.queue.processes import start_command
from workbench.settings import DEFAULT_MODEL, Settings
from workbench.store import Store
from workbench.store.workers import may_be_alive, worker_name
from workbench.workflow.drafting import draft_candidates, prompt_subjects

BEAT_S = 0.5  # between two looks at whether the question is still wanted
_MEASURED = 200  # newest calls that an estimate is taken from
_CHARACTERS_PER_TOKEN = 4.0  # of English prompts, where the log does not say
_TOKENS_PER_ATTRIBUTE = 14  # a phrase of nine words, with what JSON puts around it


class ModelChoice(NamedTuple):
    """A model that can be asked, and whether it is the local one."""

    name: str
    local: bool


def model_choices(settings: Settings) -> tuple[ModelChoice, ...]:
    """Return the models that are set up, the first being what is asked without a choice.

    Of a service: the model of the settings, and those with prices or options of their own. The
    local one comes last, or first where there is no service.

    Raises:
        LLMRequestError: WORKBENCH_GGUF names a file that cannot be read.
    """
    names: dict[str, None] = {}
    if settings.api_key or settings.base_url:
        names[settings.model or DEFAULT_MODEL] = None
        names |= dict.fromkeys([*settings.prices, *settings.model_options.get("models", {})])
    choices = [ModelChoice(name, local=False) for name in names]
    if find_spec("xllamacpp") is not None:
        choices.append(ModelChoice(named_model(_local(settings)).name, local=True))
    return tuple(choices)


def start_question(
    store: Store, asked: Asked, *, settings: Settings, author: str
) -> tuple[Question, bool]:
    """Ask in the background, unless the very same is being asked; say whether it is new.

    Raises:
        UnknownNameError: There is no such type or template.
        RunError: The process cannot be started.
    """
    notice_dead(store)
    prompt_subjects(store, asked.distortions, _options(asked))  # raises for what there is not
    question, is_new = store.questions.ask(asked, author=author)
    return (_started(store, question, settings) if is_new else question), is_new


def ask_again(store: Store, id: int, *, settings: Settings) -> Question:
    """Ask a question again that failed, was cancelled or interrupted; what is there is recalled.

    Raises:
        StoreError: There is no such question, or it is being asked.
        RunError: The process cannot be started.
    """
    notice_dead(store)
    return _started(store, store.questions.again(id), settings)


def notice_dead(store: Store) -> None:
    """Mark the questions whose process has died, at once where that can be seen from here.

    A viewer's look marks none; whoever may change something does.
    """
    if not store.actor.may("editor"):
        return
    silent = {question.id for question in store.questions.silent()}
    for question in store.questions.asking():
        gone = question.worker is not None and not may_be_alive(question.worker)
        if gone or question.id in silent:
            store.questions.end(question.id, "interrupted", worker=question.worker)


def answer_question(
    store: Store, id: int, *, settings: Settings, on_end: Callable[[], None]
) -> Question:
    """Answer a question in this process, and keep how far it has come.

    Args:
        store: The open store.
        id: Number of the question.
        settings: Surroundings; which model is asked is the question's.
        on_end: Called from another thread as soon as the question is cancelled.

    Raises:
        RunCancelledError: It has ended before it began.
        LLMRequestError: No model can be had; the question has failed then.
    """
    worker = worker_name()
    asked = store.questions.take(id, worker).asked
    answers = {distortion: TypeAnswers() for distortion in asked.distortions}

    def answered(distortion: str) -> None:
        samples = answers[distortion].samples + 1
        answers[distortion] = TypeAnswers(samples=samples)
        store.questions.report(id, worker, answers)

    def end(status: QuestionStatus, error: str | None = None) -> None:
        over.set()
        store.questions.end(id, status, worker=worker, error=error)

    with _beating(store, id, worker, on_end) as over:
        try:
            _await_turn(store, id, asked)
            with open_language_model(_settings_for(settings, asked)) as model:
                for distortion, outcome in draft_candidates(
                    store, asked.distortions, model, _options(asked), answered=answered
                ):
                    if isinstance(outcome, WorkbenchError):
                        failed = answers[distortion].model_copy(update={"error": str(outcome)})
                        answers[distortion] = failed
                        store.questions.report(id, worker, answers)
            if all(each.error for each in answers.values()):
                raise DraftError(next(iter(answers.values())).error or "")
            end("done")
        except WorkbenchError as fault:
            end("failed", str(fault))
            raise
        except BaseException:
            end("interrupted")
            raise
    return store.questions.get(id)


class Estimate(NamedTuple):
    """What a question would take.

    Attributes:
        calls: Requests that would be sent.
        recalled: Answers that the log has already.
        prompt_tokens, completion_tokens: Of all those requests.
        seconds: How long they would take; None if the model has never answered here.
        cost_usd: What they would cost; None if no price is known.
        measured: How many logged calls of the model this rests on.
    """

    calls: int
    recalled: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float | None
    cost_usd: float | None
    measured: int


def estimate(store: Store, asked: Asked, *, settings: Settings) -> Estimate:
    """Return what a question would take, from what the same model took before; nothing is sent."""
    model = named_model(_settings_for(settings, asked))
    keys, characters = dict[tuple[str, int], list[str]](), dict[str, int]()
    for spec, context in prompt_subjects(store, asked.distortions, _options(asked)):
        request = build_request(spec, model, _options(asked), context=context)
        characters[spec.id] = sum(len(message["content"]) for message in request.messages)
        for sample in range(asked.samples):
            keys[spec.id, sample] = [
                build_request(
                    spec, model, _options(asked), sample=sample, attempt=attempt, context=context
                ).key
                for attempt in range(ATTEMPTS)
            ]
    known = store.calls.known([key for each in keys.values() for key in each])
    missing = [id for (id, _), each in keys.items() if known.isdisjoint(each)]
    calls = [
        call
        for call in store.calls.list(limit=_MEASURED, with_errors=False)
        if call.request.model == model.name and call.prompt_tokens and call.completion_tokens
    ]
    sent = sum(len(m["content"]) for call in calls for m in call.request.messages)
    counted = sum(call.prompt_tokens or 0 for call in calls)
    per_character = counted / sent if sent else 1 / _CHARACTERS_PER_TOKEN
    answer = sum(c.completion_tokens or 0 for c in calls) / len(calls) if calls else None
    prompt = round(sum(characters[id] for id in missing) * per_character)
    completion = round(len(missing) * (answer or _TOKENS_PER_ATTRIBUTE * asked.k))
    price = (0.0, 0.0) if asked.local else settings.prices.get(asked.model)
    latency = sum(call.latency_s for call in calls) / len(calls) if calls else None
    at_once = 1 if asked.local else CONCURRENCY
    return Estimate(
        calls=len(missing),
        recalled=len(keys) - len(missing),
        prompt_tokens=prompt,
        completion_tokens=completion,
        seconds=None if latency is None else latency * -(-len(missing) // at_once),
        cost_usd=price and (price[0] * prompt + price[1] * completion) / 1e6,
        measured=len(calls),
    )


_processes: list[subprocess.Popen[bytes]] = []  # started here, kept so that they can be reaped


def _started(store: Store, question: Question, settings: Settings) -> Question:
    _processes[:] = [process for process in _processes if process.poll() is None]
    log = settings.results / "questions.log"
    try:
        process = start_command(["questions", "answer", str(question.id)], store.url, settings, log)
    except WorkbenchError as fault:
        store.questions.end(question.id, "failed", error=str(fault))
        raise
    _processes.append(process)
    # Named before its imports are done, so that its death is seen from the first moment on.
    return store.questions.take(question.id, worker_name(process.pid))


@contextmanager
def _beating(
    store: Store, id: int, worker: str, on_end: Callable[[], None]
) -> Iterator[threading.Event]:
    """Show that the question is being answered, until the block ends or the event is set."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S):
            if not store.questions.beat(id, worker):
                if not over.is_set():
                    on_end()
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield over
    finally:
        over.set()
        thread.join()


def _await_turn(store: Store, id: int, asked: Asked) -> None:
    """Wait until no earlier question has the local model: two of them would halve the processor."""
    while asked.local and any(
        other.id < id and other.asked.local for other in store.questions.asking()
    ):
        time.sleep(BEAT_S)
        notice_dead(store)
        if store.questions.get(id).status != "asking":
            raise RunCancelledError(f"Question {id} was cancelled.")


def _options(asked: Asked) -> DraftOptions:
    return DraftOptions(template=asked.template, k=asked.k, samples=asked.samples, seed=asked.seed)


def _settings_for(settings: Settings, asked: Asked) -> Settings:
    if asked.local:
        return _local(settings)
    return settings.model_copy(update={"model": asked.model})


def _local(settings: Settings) -> Settings:
    """Return the settings without their service."""
    return settings.model_copy(update={"api_key": None, "base_url": None, "model": None})
