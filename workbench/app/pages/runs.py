"""The queue: start a run, watch it, cancel or resume it. A worker process does the work itself."""

import streamlit as st

from workbench.app.services import (
    ACTIVE,
    RESUMABLE,
    SeenFigures,
    Workplace,
    configuration_words,
    experiments,
    log_tail,
    look_at_figures,
    resume_run,
    start_run,
    workplace,
)
from workbench.app.widgets import announce, escaped, faults_shown, heading, moment, named
from workbench.domain.number_format import figure_text
from workbench.domain.run import Run
from workbench.experiment.config_files import load_experiment
from workbench.queue.processes import ensure_worker
from workbench.report.wording import looked_sentences

TITLE = "Runs"
ICON = ":material/play_circle:"
ORDER = 40

POLL_S = 1.0
_SEEN = "runs-seen"  # where a session keeps the figures that it was shown
SHOWN = 20  # the newest runs; each is drawn anew at every poll


def render() -> None:
    """Show the page."""
    heading(TITLE, "A run tunes, regresses and evaluates one version; a worker process does it.")
    with faults_shown():
        place = workplace()
        _start(place)
        active = any(run.status in ACTIVE for run in place.store.runs.list())
        st.fragment(_queue, run_every=POLL_S if active else None)(place, active)


def _start(place: Workplace) -> None:
    versions, files = place.store.versions.summaries(), experiments(place.settings)
    if not versions:
        st.info("Nothing is frozen yet. Freeze the draft at the bottom of the page Draft.")
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
    with faults_shown():
        config = load_experiment(files[name])
        right.caption(escaped(configuration_words(config)))
    again = left.checkbox("Run it even if its result is there already", key="runs-again")
    if st.button("Start run", type="primary"):
        with faults_shown():
            run = start_run(place, version, files[name], again=again)
            there = f"Run {run.id} gave this result already; see the page Compare."
            announce(there if run.status == "done" else f"Run {run.id} is in the queue.")
            st.rerun()


def _queue(place: Workplace, was_active: bool) -> None:
    with faults_shown():
        runs = place.store.runs.list()
        active = any(run.status in ACTIVE for run in runs)
        if was_active and not active:
            st.rerun()  # the whole page, which then polls no more
        st.subheader("Queue")
        _worker(place, any(run.status == "queued" for run in runs))
        labels = {version.hash: version.label for version in place.store.versions.summaries()}
        for run in runs[:SHOWN]:
            _run(place, run, labels[run.version])
        if len(runs) > SHOWN:
            st.caption(f"{len(runs) - SHOWN} older ones: workbench runs list")


def _worker(place: Workplace, waiting: bool) -> None:
    names = place.store.runs.workers()
    if names:
        st.caption(escaped(f"Worker: {', '.join(names)}"))
        return
    st.caption("No worker is alive; one is started with the next run.")
    if waiting and st.button("Start a worker"):
        with faults_shown():
            ensure_worker(place.store, place.settings)
            st.rerun()


def _run(place: Workplace, run: Run, label: str) -> None:
    with st.container(border=True):
        about, action = st.columns([8, 2], vertical_alignment="center")
        name = escaped(f"{label} · {run.config.name}")
        about.markdown(f"**Run {run.id}: {run.status}** · {name} · {moment(run.created_at)}")
        with action:
            _action(place, run)
        if run.status == "running":
            st.progress(run.progress, text=escaped(run.stage or "starting"))
        if run.error:
            st.error(escaped(run.error))
        if run.status == "done":
            with faults_shown():
                _figures(place, run.id)
        if run.status != "queued":
            with st.expander(f"Log of run {run.id}"):
                st.code(log_tail(place.settings, run.id) or "no log yet", language=None)


def _action(place: Workplace, run: Run) -> None:
    """Offer what can be done to a run; the whole page is drawn anew, and polls while it must."""
    if run.status in ACTIVE and st.button(f"Cancel run {run.id}", width="stretch"):
        with faults_shown():
            place.store.runs.cancel(run.id)
            announce(f"Run {run.id} was asked to stop.")
            st.rerun()
    if run.status in RESUMABLE and st.button(
        f"Resume run {run.id}", width="stretch", help="What it has trained so far is not lost."
    ):
        with faults_shown():
            resume_run(place, run.id)
            announce(f"Run {run.id} is in the queue again.")
            st.rerun()


def _figures(place: Workplace, run: int) -> None:
    """Show figures once they are asked for: a look is recorded once for a session and a run."""
    seen: dict[int, SeenFigures] = st.session_state.setdefault(_SEEN, {})
    slot = st.empty()
    if run not in seen:
        label = f"Show figures of run {run}"
        if not slot.button(label, help="Counts as a look at its test part."):
            return
        seen[run] = look_at_figures(place, run)
    found = seen[run]
    figures = (
        f"SRCC {figure_text(found.quality.srcc)}, PLCC {figure_text(found.quality.plcc)} on "
        f"held-out photographs, against {found.target}."
    )
    slot.caption("  \n".join(escaped(line) for line in (figures, *looked_sentences(found.looks))))
