"""One run in full: how far it is, its losses, its log, what it is run under, and its figures."""

from collections.abc import Iterable

import streamlit as st

from workbench.app.charts import loss_chart, show_chart
from workbench.app.identity import signed
from workbench.app.markup import html_table
from workbench.app.run_form import in_words
from workbench.app.services import ACTIVE, RESUMABLE, OpenedFigures, Session, log_tail, open_figures
from workbench.app.terms import term
from workbench.app.widgets import announce, escaped, moment, page_link, show_errors
from workbench.domain.data_table import Column, DataTable
from workbench.domain.number_format import duration_text, figure_text
from workbench.domain.run import LossPoint, Run, run_key
from workbench.experiment.config_files import experiment_text
from workbench.report.render import csv_table
from workbench.report.wording import access_sentences
from workbench.settings import TRACKED_AS, TRACKING, environment
from workbench.store.run_traces import LINES
from workbench.workflow.exchange import model_bytes
from workbench.workflow.runs import restart_run, track_runs

LOG_LINES = 15  # that the page shows
_OPENED = "figures of runs"  # where a session keeps the figures that it was shown
_KINDS = {"tuning": "Tuning", "validation": "Tuning", "regressor": "Regressor"}
STATES = {
    "queued": (":material/schedule:", "queued"),
    "running": (":material/play_circle:", "running"),
    "stopping": (":material/pending:", "stopping"),
    "done": (":material/check_circle:", "done"),
    "failed": (":material/error:", "failed"),
    "cancelled": (":material/cancel:", "cancelled"),
    "interrupted": (":material/pause_circle:", "interrupted"),
}


def state_words(run: Run) -> str:
    """Return a run's state, with its sign, as Markdown."""
    icon, words = STATES["stopping" if run.is_stopping else run.status]
    return f"{icon} {words}"


def show_progress(run: Run) -> None:
    """Show how far a running run is, and what stopped one that did not finish."""
    if run.is_stopping:
        st.progress(run.progress, text="stopping: the step under way is the last")
    elif run.status == "running":
        left = run.time_left_s()
        time = "" if left is None else f", about {duration_text(left)} left"
        st.progress(run.progress, text=escaped(f"{run.stage or 'starting'}{time}"))
    if run.error:
        st.error(escaped(run.error[:1].upper() + run.error[1:]))


def show_actions(session: Session, run: Run) -> None:
    """Offer what can be done to a run; what was done draws the whole page anew."""
    if (
        run.status in ACTIVE
        and not run.is_stopping
        and st.button(f"Cancel run {run.id}", icon=":material/stop:")
    ):
        signed(session, lambda named: _cancel(named, run.id))
    if run.status in RESUMABLE:
        if st.button(
            f"Resume run {run.id}",
            icon=":material/play_arrow:",
            help="What it has trained so far is kept, and its figures will be the same.",
        ):
            signed(session, lambda named: _restart(named, run.id, afresh=False))
        if st.button(
            f"Retry run {run.id}",
            icon=":material/restart_alt:",
            help="From the start: what it has trained so far is discarded.",
        ):
            signed(session, lambda named: _restart(named, run.id, afresh=True))
    if run.status == "done":
        _model(session, run)
        page_link("compare", "Compare", icon=":material/compare_arrows:", by="Runs", runs=run.id)


def _model(session: Session, run: Run) -> None:
    if not (session.settings.results / "models" / run_key(run.version, run.config.hash)).is_dir():
        return
    with st.popover("Save its model", icon=":material/download:"):
        onnx = st.checkbox("With model.onnx", help="For programs without torch; takes a while.")
        st.download_button(
            "Save the folder",
            lambda: model_bytes(session.store, session.settings, run.id, onnx=onnx),
            file_name=f"run-{run.id}.zip",
            mime="application/zip",
            on_click="ignore",
        )


def _cancel(session: Session, id: int) -> None:
    with show_errors():
        session.store.runs.cancel(id)
        announce(f"Run {id} was asked to stop.")
        st.rerun()


def _restart(session: Session, id: int, *, afresh: bool) -> None:
    with show_errors():
        restart_run(session.store, id, settings=session.settings, afresh=afresh)
        announce(f"Run {id} is in the queue again.")
        st.rerun()


def show_run(session: Session, run: Run, label: str) -> None:
    """Show one run; drawn again and again while it moves."""
    st.header(f"Run {run.id}")
    st.markdown(f"{state_words(run)} · {escaped(f'{label} · {run.config.name}')}")
    show_progress(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        show_actions(session, run)
        page_link("versions", "Its version", icon=":material/history:", version=run.version[:12])
    st.caption("  \n".join(escaped(line) for line in _facts(run)))
    if run.status == "done":
        with show_errors():
            _figures(session, run.id)
    _losses(session.store.traces.losses(run.id), run.id)
    if run.status != "queued":
        _log(session, run)
    with st.expander("Settings"):
        st.code(experiment_text(run.config), language="yaml")
    if run.status in ("done", "failed", "cancelled"):
        _track(session, run.id)


def _track(session: Session, run: int) -> None:
    """Offer to send a run to an MLflow server: to any for an admin, else to the one that is set."""
    server = environment(TRACKING).get(TRACKING, "")
    box = st.expander("Send it to an MLflow server", key=f"track-{run}", on_change="rerun")
    if not box.open:
        return
    with box:
        if session.settings.role == "admin":
            server = st.text_input("Address", server, placeholder="http://127.0.0.1:5000").strip()
        elif not server:
            st.info("No server is set. An admin of this workbench can set one, or send the run.")
            return
        experiment = st.text_input("Experiment", TRACKED_AS, help="Made there if there is none.")
        help = f"Recorded as a test-set access if it has figures. {term('test-set access')}"
        if st.button(f"Send run {run}", help=help, disabled=not (server and experiment.strip())):
            signed(session, lambda named: _send(named, run, server, experiment.strip()))


def _send(session: Session, run: int, server: str, experiment: str) -> None:
    with show_errors(), st.spinner("Sending…"):
        ((sent, _),) = track_runs(
            session.store,
            [run],
            uri=server,
            experiment=experiment,
            settings=session.settings,
            author=session.settings.author,
        )
        st.success(escaped(f"Run {run} is there ({sent.state}): {sent.url}"))


def _log(session: Session, run: Run) -> None:
    st.subheader("Log")
    lines = session.store.traces.lines(run.id, LOG_LINES)
    text = "\n".join(lines) or log_tail(session.settings, run.id, LOG_LINES)
    none = "Nothing yet." if run.status in ACTIVE else "It left no log."
    st.code(text or none, language=None, wrap_lines=True)
    if len(lines) == LOG_LINES:
        st.download_button(
            f"Download the newest {LINES:,} lines",
            lambda: "\n".join(session.store.traces.lines(run.id)),
            f"run-{run.id}.log",
            on_click="ignore",
        )


def _facts(run: Run) -> Iterable[str]:
    yield f"{in_words(run.config)}; seed {run.config.seed}."
    yield f"Queued {moment(run.created_at)}." + (
        f" Started {moment(run.started_at)} by {run.worker}." if run.started_at else ""
    )
    if run.started_at and run.finished_at:
        took = duration_text((run.finished_at - run.started_at).total_seconds())
        yield f"Ended {moment(run.finished_at)}, after {took}."
    if run.deaths:
        times = "once" if run.deaths == 1 else f"{run.deaths} times"
        yield f"Its worker has died {times}."


def _figures(session: Session, run: int) -> None:
    """Show figures once they are asked for: an access is recorded once for each session and run."""
    opened: dict[int, OpenedFigures] = st.session_state.setdefault(_OPENED, {})
    if run not in opened:
        label = f"Show figures of run {run}"
        if st.button(label, help=f"Recorded as a test-set access. {term('SRCC')}"):
            signed(session, lambda named: _open(named, run))
        return
    quality, target, looks = opened[run]
    figures = (
        f"SRCC {figure_text(quality.srcc)}, PLCC {figure_text(quality.plcc)} on "
        f"held-out photographs, against {target}."
    )
    st.markdown("  \n".join(escaped(line) for line in (figures, *access_sentences(looks))))


def _open(session: Session, run: int) -> None:
    with show_errors():
        st.session_state.setdefault(_OPENED, {})[run] = open_figures(session, run)
        st.rerun()


def _losses(points: list[LossPoint], run: int) -> None:
    if not points:
        return
    st.subheader("Losses")
    panels: dict[str, list[LossPoint]] = {title: [] for title in _KINDS.values()}
    for point in points:
        kind = point.stage.partition(", ")[2]
        panels[_KINDS.get(kind, "Tuning")].append(point)
    panels = {title: told for title, told in panels.items() if told}
    for column, (title, told) in zip(st.columns(len(panels)), panels.items(), strict=True):
        with column:
            show_chart(loss_chart(told, title=title), None, about=f"{title}: loss by step")
    with st.expander("The same as a table"):
        by_stage: dict[str, list[LossPoint]] = {}
        for point in points:
            by_stage.setdefault(point.stage, []).append(point)
        rows = [
            (stage, f"{told[-1].step:,}", f"{told[0].loss:.4g}", f"{told[-1].loss:.4g}",
             f"{min(point.loss for point in told):.4g}")
            for stage, told in by_stage.items()
        ]  # fmt: skip
        columns = ("stage", "steps", "first loss", "last loss", "lowest loss")
        st.html(html_table(f"Losses of run {run}", columns, rows, figures=range(1, 5)))
        st.download_button(
            "Download all as CSV",
            _csv(points),
            f"run-{run}-losses.csv",
            "text/csv",
            on_click="ignore",
        )


def _csv(points: list[LossPoint]) -> str:
    columns = (Column("stage", "Stage", "text"), Column("step", "Step"), Column("loss", "Loss"))
    rows = tuple((point.stage, point.step, point.loss) for point in points)
    return csv_table(DataTable("losses", "Losses", columns, rows))
