"""Draft with a model: ask about many types at once, and decide on each answer as it comes.

A question is a row in the store, answered by a process of its own; candidates come from the log of
calls. So nothing of it is lost with a session, and two people may decide side by side.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from workbench.app.candidates import candidates_by_type, decide
from workbench.app.identity import signed
from workbench.app.services import Session, current_session
from workbench.app.undoing import undo_and_redo
from workbench.app.widgets import announce, escaped, heading, moment, show_errors
from workbench.domain.number_format import count_text, duration_text
from workbench.domain.question import Asked, Question
from workbench.drafting.templates import load_template, template_names

if TYPE_CHECKING:
    from workbench.workflow.questions import Estimate, ModelChoice

TITLE = "Draft with a model"
ICON = ":material/forum:"
ORDER = 25

POLL_S = 1.0  # while something is being asked
IDLE_S = 4.0  # otherwise: somebody else may decide, or ask
_TYPES, _PENDING = "types", "findings are pending"
_SHOWN_QUESTIONS = 3
# Lint and `workbench improve` have these answered; in a draft they'd be wrong.
_NOT_FOR_DRAFTS = ("improve", "opposite")


def render() -> None:
    """Show the page."""
    heading(TITLE, "Ask a language model what one sees, and take what holds.")
    with show_errors():
        session = current_session()
        names = {id: spec.name for id, spec in session.store.recipes.catalogue().items()}
        # What comes and goes has a container: the list below would be another one after it.
        with st.container():
            chosen = _form(session, names)
        busy = bool(session.store.questions.asking()) or st.session_state.get(_PENDING, False)
        st.fragment(_answers, run_every=POLL_S if busy else IDLE_S)(session, names, chosen, busy)


def _form(session: Session, names: Mapping[str, str]) -> tuple[str, ...]:
    """Let a question be put together and asked; return the types that it is about."""
    from workbench.drafting.client import HOW_TO_GET_A_MODEL
    from workbench.workflow.questions import model_choices

    st.header("Ask", anchor=False)
    chosen = _types(session, names)
    choices = model_choices(session.settings)
    if not choices:
        st.info(escaped(f"There is no language model. {HOW_TO_GET_A_MODEL}."))
        return chosen
    template, model, k, samples = _how(choices)
    if not chosen:
        st.caption("Choose the types that you want described.")
        return chosen
    asked = Asked(
        distortions=chosen,
        template=template,
        k=k,
        samples=samples,
        model=model.name,
        local=model.local,
    )
    _prompt(session, names, asked)
    st.caption(escaped(_estimate_words(_estimated(session, asked))))
    if st.button("Ask", type="primary"):
        signed(session, lambda named: _ask(named, asked))
    return chosen


def _types(session: Session, names: Mapping[str, str]) -> tuple[str, ...]:
    described = session.store.overview.described()
    without = [id for id in names if id not in described]
    left, right = st.columns([5, 2.2], vertical_alignment="bottom")
    chosen = left.multiselect(
        "Types",
        list(names),
        format_func=names.__getitem__,
        key=_TYPES,
        placeholder="Choose types, or type to search",
        select_all=False,
        bind="query-params",
    )
    right.button(
        f"Those without attributes ({len(without)})",
        disabled=not without,
        on_click=lambda: st.session_state.update({_TYPES: without}),
        width="stretch",
    )
    return tuple(chosen)


def _how(choices: "tuple[ModelChoice, ...]") -> "tuple[str, ModelChoice, int, int]":
    templates = [name for name in template_names() if name not in _NOT_FOR_DRAFTS]
    a, b, c, d = st.columns([2, 3, 1, 1])
    template = a.selectbox(
        "Template",
        templates,
        index=templates.index("few_shot"),
        key="template",
        bind="query-params",
    )
    model = b.selectbox(
        "Model",
        choices,
        format_func=lambda choice: choice.name + " (on this machine)" * choice.local,
        key="model",
    )
    k = c.number_input("Attributes", 1, 20, 5, help="How many each answer holds.")
    samples = d.number_input(
        "Samples", 1, 20, 3, help="How often each type is asked about; answers are pooled."
    )
    st.caption(escaped(load_template(template).purpose))
    return template, model, int(k), int(samples)


def _prompt(session: Session, names: Mapping[str, str], asked: Asked) -> None:
    from workbench.drafting.draft_attributes import DraftOptions
    from workbench.workflow.drafting import rendered_prompts

    with st.expander("The prompt, as it will be sent"):
        shown = asked.distortions[0]
        if len(asked.distortions) > 1:
            shown = st.selectbox("Prompt about", asked.distortions, format_func=names.__getitem__)
        options = DraftOptions(template=asked.template, k=asked.k)
        for message in rendered_prompts(session.store, [shown], options)[shown]:
            st.caption(escaped(message["role"].capitalize()))
            st.code(message["content"], language=None, wrap_lines=True)
        st.caption("The first sample is the most likely answer; the others are drawn at random.")


def _estimated(session: Session, asked: Asked) -> "Estimate":
    store = session.store
    state = (store.url, store.record.digest(), store.calls.count())
    return _kept_estimate(session, asked.model_dump_json(), state)


@st.cache_data(show_spinner=False, max_entries=64)
def _kept_estimate(
    _session: Session, asked: str, state_of_store: tuple[str, str, int]
) -> "Estimate":
    from workbench.workflow.questions import estimate

    del state_of_store  # it says when an estimate is out of date
    return estimate(_session.store, Asked.model_validate_json(asked), settings=_session.settings)


def _estimate_words(estimate: "Estimate") -> str:
    """Say what a question would take."""
    known = (
        f" {estimate.recalled} {'answer is' if estimate.recalled == 1 else 'answers are'} in the "
        "log already and not asked for again."
        if estimate.recalled
        else ""
    )
    if not estimate.calls:
        return f"Nothing is left to ask: every answer is in the log.{known}"
    calls = count_text(estimate.calls, "request")
    tokens = f"about {estimate.prompt_tokens + estimate.completion_tokens:,} tokens"
    if estimate.seconds is None:
        takes = "how long it takes is known once the model has answered"
    else:
        takes = f"about {duration_text(estimate.seconds)}"
    costs = "no price is set" if estimate.cost_usd is None else _dollars(estimate.cost_usd)
    return f"{calls}, {tokens}, {takes}, {costs}.{known}"


def _dollars(cost: float) -> str:
    return f"${cost:.4f}" if cost else "free of charge"


def _ask(session: Session, asked: Asked) -> None:
    from workbench.workflow.questions import start_question

    question, is_new = start_question(
        session.store, asked, settings=session.settings, author=session.author
    )
    if is_new:
        announce(f"Question {question.id} is being asked.")
    else:
        announce(f"Question {question.id} asks just this already.", "info")
    st.rerun()


def _answers(
    session: Session, names: Mapping[str, str], chosen: tuple[str, ...], was_busy: bool
) -> None:
    """Show questions and candidates; drawn anew alone while something is being asked."""
    from workbench.workflow.questions import notice_dead

    with show_errors():
        notice_dead(session.store)
        questions = session.store.questions.list(_SHOWN_QUESTIONS)
        with st.container():
            for question in reversed(questions):
                _show_question(session, names, question)
        st.header("Candidates", anchor=False)
        decide(session)
        types = chosen or _asked_about(session, questions)
        count, pending = candidates_by_type(session, types, names, questions)
        if not count:
            st.caption(_nothing_words(chosen, session.store.calls.newest()))
        undo_and_redo(session)
        st.session_state[_PENDING] = pending
        if was_busy != (pending or bool(session.store.questions.asking())):
            st.rerun()  # the whole page, which then polls more or less often


def _nothing_words(chosen: tuple[str, ...], answered: Mapping[str, int]) -> str:
    """Say why there is no candidate."""
    if any(id in answered for id in chosen or answered):
        return "Nothing is left to decide: every answer is taken or rejected."
    return "No model has answered yet" + (" about these types." if chosen else ".")


def _asked_about(session: Session, questions: list[Question]) -> tuple[str, ...]:
    """Return the types of the last questions, or those of all logged calls."""
    asked = dict.fromkeys(id for question in questions for id in question.asked.distortions)
    return tuple(asked) or tuple(sorted(session.store.calls.newest()))


def _show_question(session: Session, names: Mapping[str, str], question: Question) -> None:
    if question.status == "done" and not question.errors:
        return
    asked = question.asked
    samples = len(asked.distortions) * asked.samples
    done = sum(each.samples for each in question.answers.values())
    title = (
        f"Question {question.id} of {question.author}, {moment(question.created_at)}: "
        f"{asked.template}, {asked.model}"
    )
    with st.container(border=True):
        words, button, away = st.columns([6, 1.3, 1.2], vertical_alignment="center")
        words.markdown(escaped(title))
        if question.status == "asking":
            if button.button("Cancel", key=f"cancel-{question.id}", width="stretch"):
                with show_errors():
                    session.store.questions.end(question.id, "cancelled")
                    st.rerun()
            st.progress(done / samples, escaped(_progress_words(names, question, done, samples)))
        else:
            if button.button("Try again", key=f"again-{question.id}", width="stretch"):
                signed(session, lambda named: _again(named, question.id))
            if away.button(
                "Dismiss",
                key=f"away-{question.id}",
                width="stretch",
                help="Take it out of the list, for everybody; what was answered stays.",
            ):
                with show_errors():
                    session.store.questions.forget(question.id)
                    st.rerun(scope="fragment")
            st.caption(escaped(_end_words(question, done, samples)))
        if question.error:
            st.error(escaped(question.error))
        for id, error in question.errors.items():
            if error != question.error:
                st.error(escaped(f"{names.get(id, id)}: {error}"))
            _last_reply(session, question, names, id)


def _last_reply(session: Session, question: Question, names: Mapping[str, str], id: str) -> None:
    """Show what the model wrote last about a type, if that could not be used."""
    calls = session.store.calls.list(distortion=id, since=question.created_at, limit=1)
    if calls and calls[0].error and calls[0].reply:
        with st.expander(escaped(f"The last reply about {names.get(id, id)}")):
            st.code(calls[0].reply, language=None, wrap_lines=True)


def _progress_words(names: Mapping[str, str], question: Question, done: int, samples: int) -> str:
    each = ", ".join(
        f"{names.get(id, id)} {answers.samples} of {question.asked.samples}"
        for id, answers in question.answers.items()
        if answers.samples
    )
    return f"{done} of {samples} answers. {each or 'The model is being started.'}"


def _end_words(question: Question, done: int, samples: int) -> str:
    why = {
        "interrupted": "The process that asked has ended before it was done",
        "cancelled": "Cancelled",
        "failed": "It could not be asked",
        "done": "Some types could not be asked about",
    }[question.status]
    return f"{why}; {done} of {samples} answers are there."


def _again(session: Session, id: int) -> None:
    from workbench.workflow.questions import ask_again

    ask_again(session.store, id, settings=session.settings)
    st.rerun()
