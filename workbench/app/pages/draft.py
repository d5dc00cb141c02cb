"""Ask a language model what a type looks like, and take from its answers into the draft."""

import subprocess

import streamlit as st

from workbench.app.services import Session, current_session
from workbench.app.undoing import undo_and_redo
from workbench.app.widgets import announce, escaped, heading, show_errors
from workbench.drafting.candidates import Candidate, candidates_from_calls
from workbench.drafting.templates import load_template, template_names
from workbench.queue.processes import start_command

TITLE = "Draft with a model"
ICON = ":material/edit_note:"
ORDER = 25


def render() -> None:
    """Show the page."""
    heading(TITLE, "Ask what a distortion looks like, and take what is true into the draft.")
    with show_errors():
        session = current_session()
        distortion, _ = _chosen(session)
        undo_and_redo(session)
        ask_model(session, distortion)


def _chosen(session: Session) -> tuple[str, str]:
    """Let one distortion be chosen, and return its id and name.

    What the draft has for unknown ones can be seen and removed.
    """
    known = session.store.recipes.catalogue()
    drafted = session.store.draft.attribute_set().distortions
    names = {id: spec.name for id, spec in known.items()}
    names |= {id: id for id in drafted if id not in known}
    chosen = st.selectbox(
        "Distortion", names, format_func=lambda id: names[id], key="draft-distortion"
    )
    st.caption(escaped(known[chosen].explanation if chosen in known else "Not in the catalogue."))
    return chosen, names[chosen]


POLL_S = 2.0
MOST_CALLS = 1_000  # of the log's newest
_ASKING = "command that asks"


def ask_model(session: Session, distortion: str) -> None:
    """Offer to ask about a distortion, and what the log holds of answers.

    Args:
        session: Settings and store.
        distortion: Id of the distortion.
    """
    with st.expander("Ask a language model"), show_errors():
        _question(session, distortion)
        running = st.session_state.get(_ASKING)
        alive = running is not None and running.poll() is None
        st.fragment(_answers, run_every=POLL_S if alive else None)(session, distortion, alive)


def _question(session: Session, distortion: str) -> None:
    names = template_names()
    left, middle, right = st.columns([4, 1, 1])
    template = left.selectbox("Template", names, index=names.index("few_shot"))
    k = middle.number_input("Attributes", 1, 20, 5)
    samples = right.number_input("Samples", 1, 20, 3)
    st.caption(escaped(load_template(template).purpose))
    if st.button("Ask"):
        log = session.settings.results / "draft.log"
        arguments = ["draft", distortion, "--log-only", "--template", template]
        arguments += ["--k", str(k), "--samples", str(samples)]
        st.session_state[_ASKING] = start_command(
            arguments, session.settings.database_url, session.settings, log
        )
        st.rerun()


def _answers(session: Session, distortion: str, was_alive: bool) -> None:
    running: subprocess.Popen[bytes] | None = st.session_state.get(_ASKING)
    alive = running is not None and running.poll() is None
    if was_alive and not alive:
        st.rerun()  # the whole page, which then polls no more
    calls = session.store.calls.list(distortion=distortion, limit=MOST_CALLS)
    if alive:
        st.info(f"The model is being asked; {len(calls)} answers about this distortion so far.")
    elif running is not None and running.returncode:
        log = session.settings.results / "draft.log"
        st.error(escaped(_last_line(log.read_text(encoding="utf-8", errors="replace"))))
    held = session.store.draft.attribute_set().phrases().get(distortion, ())
    offered = candidates_from_calls(reversed(calls), besides=held)
    if not offered:
        st.caption("The log has no answer that the draft has not taken in.")
        return
    _offer(session, distortion, offered)


def _offer(session: Session, distortion: str, offered: tuple[Candidate, ...]) -> None:
    turn = st.session_state.setdefault("candidates taken", 0)
    with st.form(f"candidates-{distortion}-{turn}", border=False):
        st.caption("All that models have answered about it so far, the most supported first.")
        chosen = [
            candidate
            for rank, candidate in enumerate(offered, start=1)
            if st.checkbox(
                escaped(
                    f"{candidate.attribute.phrase} "
                    f"({candidate.support} of {candidate.samples} answers)"
                ),
                key=f"candidate-{distortion}-{rank}-{turn}",
            )
        ]
        wanted = st.form_submit_button("Add the chosen")
    if wanted and not chosen:
        st.info("Nothing is chosen; tick what is to come into the draft.")
    if wanted and chosen:
        for candidate in chosen:
            session.store.draft.add(distortion, candidate.attribute, author=session.settings.author)
        st.session_state["candidates taken"] = turn + 1
        count = len(chosen)
        announce(f"{count} attribute{'s' * (count > 1)} came into the draft.")
        st.rerun()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("workbench:")]
    return lines[-1].removeprefix("workbench: ") if lines else "The model could not be asked."
