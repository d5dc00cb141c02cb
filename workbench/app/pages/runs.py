"""The queue: start a run, watch it, cancel or resume it. A worker process does the work itself."""

import streamlit as st

from workbench.app.services import (
    ACTIVE,
    RESUMABLE,
    OpenedFigures,
    Session,
    configuration_words,
    current_session,
    experiments,
    log_tail,
    open_figures,
    resume_run,
    start_run,
)
from workbench.app.widgets import announce, escaped, heading, moment, named, show_errors
from workbench.domain.number_format import figure_text
from workbench.domain.run import Run
from workbench.experiment.config_files import load_experiment
from workbench.queue.processes import ensure_worker
from workbench.report.wording import access_sentences

TITLE = "Runs"
ICON = ":material/play_circle:"
ORDER = 40

POLL_S = 1.0
_OPENED = "runs-seen"  # where a session keeps the figures that it was shown
SHOWN = 20  # the newest runs; each is drawn anew at every poll


def render() -> None:
    """Show the page."""
    heading(TITLE, "A run tunes, regresses and evaluates one version; a worker process does it.")
    with show_errors():
        session = current_session()
        _start(session)
        active = any(run.status in ACTIVE for run in session.store.runs.list())
        st.fragment(_queue, run_every=POLL_S if active else None)(session, active)


def _start(session: Session) -> None:
    versions, files = session.store.versions.summaries(), experiments(session.settings)
    if not versions:
        st.info("Nothing is frozen yet. Freeze the draft on the page Curate.")
        return
    if not files:
        st.info("There is no experiment file; put one into experiments/.")
        return
    left, right = st.columns(2)
    version = left.selectbox(
        "Version to run",
        [version.hash for version in versions],
        format_func=named(versions),
        key="runs-version",
    )
    name = right.selectbox("Experiment", list(files), key="runs-experiment")
    with show_errors():
        config = load_experiment(files[name])
        right.caption(escaped(configuration_words(config)))
    again = left.checkbox("Run it even if its result is there already", key="runs-again")
    if st.button("Start run", type="primary"):
        with show_errors():
            run = start_run(session, version, files[name], again=again)
            there = f"Run {run.id} gave this result already; see the page Compare."
            announce(there if run.status == "done" else f"Run {run.id} is in the queue.")
            st.rerun()


def _queue(session: Session, was_active: bool) -> None:
    with show_errors():
        runs = session.store.runs.list()
        active = any(run.status in ACTIVE for run in runs)
        if was_active and not active:
            st.rerun()  # the whole page, which then polls no more
        st.subheader("Queue")
        _worker(session, any(run.status == "queued" for run in runs))
        labels = {version.hash: version.label for version in session.store.versions.summaries()}
        for run in runs[:SHOWN]:
            _run(session, run, labels[run.version])
        if len(runs) > SHOWN:
            st.caption(f"{len(runs) - SHOWN} older ones: workbench runs list")


def _worker(session: Session, waiting: bool) -> None:
    names = session.store.runs.workers()
    if names:
        st.caption(escaped(f"Worker: {', '.join(names)}"))
        return
    st.caption("No worker is alive; one is started with the next run.")
    if waiting and st.button("Start a worker"):
        with show_errors():
            ensure_worker(session.store, session.settings)
            st.rerun()


def _run(session: Session, run: Run, label: str) -> None:
    with st.container(border=True):
        about, action = st.columns([8, 2], vertical_alignment="center")
        name = escaped(f"{label} · {run.config.name}")
        about.markdown(f"**Run {run.id}: {run.status}** · {name} · {moment(run.created_at)}")
        with action:
            _action(session, run)
        if run.status == "running":
            st.progress(run.progress, text=escaped(run.stage or "starting"))
        if run.error:
            st.error(escaped(run.error))
        if run.status == "done":
            with show_errors():
                _figures(session, run.id)
        if run.status != "queued":
            with st.expander(f"Log of run {run.id}"):
                st.code(log_tail(session.settings, run.id) or "no log yet", language=None)


def _action(session: Session, run: Run) -> None:
    """Offer what can be done to a run; the whole page is drawn anew, and polls while it must."""
    if run.status in ACTIVE and st.button(f"Cancel run {run.id}", width="stretch"):
        with show_errors():
            session.store.runs.cancel(run.id)
            announce(f"Run {run.id} was asked to stop.")
            st.rerun()
    if run.status in RESUMABLE and st.button(
        f"Resume run {run.id}", width="stretch", help="What it has trained so far is not lost."
    ):
        with show_errors():
            resume_run(session, run.id)
            announce(f"Run {run.id} is in the queue again.")
            st.rerun()


def _figures(session: Session, run: int) -> None:
    """Show figures once they are asked for: an access is recorded once for each session and run."""
    opened: dict[int, OpenedFigures] = st.session_state.setdefault(_OPENED, {})
    slot = st.empty()
    if run not in opened:
        label = f"Show figures of run {run}"
        if not slot.button(label, help="Recorded as a test-set access."):
            return
        opened[run] = open_figures(session, run)
    quality, target, looks = opened[run]
    figures = (
        f"SRCC {figure_text(quality.srcc)}, PLCC {figure_text(quality.plcc)} on "
        f"held-out photographs, against {target}."
    )
    slot.caption("  \n".join(escaped(line) for line in (figures, *access_sentences(looks))))
