"""The queue: start runs, watch them, cancel, resume or retry. A worker process does the work."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.app.run_details import show_actions, show_progress, show_run, state_words
from workbench.app.run_form import show_form
from workbench.app.services import ACTIVE, Session, current_session
from workbench.app.widgets import escaped, heading, moment, show_errors
from workbench.domain.lineage import VersionSummary
from workbench.domain.number_format import count_text, duration_text
from workbench.domain.run import Run, RunFilter
from workbench.queue.processes import ensure_worker
from workbench.workflow.submission import EarlierRuns, time_left_s

TITLE = "Runs"
ICON = ":material/play_circle:"
ORDER = 40

POLL_S, IDLE_S = 2.0, 6.0  # while something is under way, and otherwise
SHOWN = 20  # on one page of the list; each is drawn anew at every poll
MOST_UNDER_WAY = 10_000  # queued and running runs whose time left is added up
_QUEUE, _NEW = "Queue", "New runs"
_UNDER_WAY = RunFilter(statuses=("queued", "running"))


def render() -> None:
    """Show the page: the list, the form for new runs, or the run that the URL names."""
    heading(TITLE, "A run tunes, regresses and evaluates one version; a worker process does it.")
    with show_errors():
        session = current_session()
        versions = session.store.versions.summaries()
        labels = {version.hash: version.label for version in versions}
        if wanted := st.query_params.get("run"):
            _one(session, wanted, labels)
        elif _view() == _NEW:
            if show_form(session, versions):
                _leave_form()
        else:
            _queue(session, versions, labels)


def _view() -> str:
    if "view" not in st.session_state and st.query_params.get("version"):
        st.session_state["view"] = _NEW  # a link to the form names the versions to run
    if comes := st.session_state.pop(_NEXT, None):
        st.session_state["view"] = comes
    return st.segmented_control(
        "View",
        (_QUEUE, _NEW),
        default=_QUEUE,
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )


_NEXT = "view that comes next"  # a widget's own value cannot be set once it is drawn


def _leave_form() -> None:
    st.session_state[_NEXT] = _QUEUE
    if "version" in st.query_params:
        del st.query_params["version"]
    st.rerun()


def _one(session: Session, wanted: str, labels: Mapping[str, str]) -> None:
    if st.button("All runs", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params["run"]
        st.rerun()
    if not wanted.isascii() or not wanted.isdecimal() or len(wanted) > _DIGITS:
        st.info("This link names no run.")
        return
    run = session.store.runs.get(int(wanted))
    active = run.status in ACTIVE
    st.fragment(_one_again, run_every=POLL_S if active else None)(session, run.id, labels, active)


_DIGITS = 9  # of the number of a run


def _one_again(session: Session, id: int, labels: Mapping[str, str], was_active: bool) -> None:
    with show_errors():
        run = session.store.runs.get(id)
        if (run.status in ACTIVE) != was_active:
            st.rerun()  # the whole page, which then polls no more, or again
        if run.status == "queued":
            _worker(session, waiting=True)
        show_run(session, run, labels.get(run.version, run.version[:10]))


def _queue(session: Session, versions: Sequence[VersionSummary], labels: Mapping[str, str]) -> None:
    wanted = _filter(session, versions)
    total = session.store.runs.count(wanted)
    if not total:
        _nothing(wanted)
        return
    offset = SHOWN * (_page(-(-total // SHOWN)) - 1)
    active = session.store.runs.count(_UNDER_WAY)
    draw = st.fragment(_list, run_every=POLL_S if active else IDLE_S)
    draw(session, wanted, offset, labels, [])


def _nothing(wanted: RunFilter) -> None:
    if wanted != RunFilter():
        st.info("No run is like that. Take a filter away to see others.")
        return
    st.info("Nothing has run yet.")
    if st.button("Choose what to run", type="primary"):
        st.session_state[_NEXT] = _NEW
        st.rerun()


def _filter(session: Session, versions: Sequence[VersionSummary]) -> RunFilter:
    """Let runs be filtered; what is chosen is in the URL."""
    names = session.store.runs.names()
    text, state, version, experiment, dataset = st.columns([3, 3, 3, 2, 2])
    words = text.text_input(
        "Search", type="search", key="find", bind="query-params", placeholder="words"
    )
    states = state.multiselect(
        "State",
        ("queued", "running", "done", "failed", "cancelled", "interrupted"),
        key="state",
        bind="query-params",
        placeholder="any",
    )
    by_label = {version.label: version.hash for version in versions}
    label = version.selectbox(
        "Version", list(by_label), index=None, key="of", bind="query-params", placeholder="any"
    )
    return RunFilter(
        text=words or "",
        statuses=tuple(states),
        version=by_label.get(label or "", ""),
        experiment=_any(experiment, "Experiment", names["experiment"], "experiment"),
        dataset=_any(dataset, "Images", names["dataset"], "images"),
    )


def _any(column: DeltaGenerator, label: str, names: Sequence[str], key: str) -> str:
    chosen = column.selectbox(
        label, names, index=None, key=key, bind="query-params", placeholder="any"
    )
    return chosen or ""


def _page(pages: int) -> int:
    if pages == 1:
        return 1
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages  # another filter has fewer
    return st.number_input(
        f"Page, of {pages}", 1, pages, key="page", bind="query-params", width=160
    )


def _list(
    session: Session,
    wanted: RunFilter,
    offset: int,
    labels: Mapping[str, str],
    earlier: list[EarlierRuns],
) -> None:
    """Draw the list alone: were the whole page drawn anew, a press at that moment could be lost."""
    with show_errors():
        active = session.store.runs.find(_UNDER_WAY, limit=MOST_UNDER_WAY)
        if active and not earlier:
            earlier.append(EarlierRuns(session.store, session.settings))  # read once
        st.caption(f"{count_text(session.store.runs.count(wanted), 'run')}, newest first.")
        with st.container():
            _head(session, active, earlier)
        for run in session.store.runs.find(wanted, limit=SHOWN, offset=offset):
            _row(session, run, labels.get(run.version, run.version[:10]))


def _head(session: Session, active: Sequence[Run], earlier: Sequence[EarlierRuns]) -> None:
    """Say how long the queue still takes, and who works on it."""
    if active:
        waiting = sum(run.status == "queued" for run in active)
        left = time_left_s(active, earlier[0])
        time = f"about {duration_text(left)} left" if left is not None else "time left unknown"
        st.markdown(f"**{len(active) - waiting} running, {waiting} queued; {time}.**")
    _worker(session, waiting=any(run.status == "queued" for run in active))


def _worker(session: Session, waiting: bool) -> None:
    names = session.store.runs.workers()
    if names:
        st.caption(escaped(f"Worker: {', '.join(names)}"))
    elif waiting:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("No worker is alive, so nothing moves.", width="content")
            if st.button("Start a worker", icon=":material/play_arrow:"):
                with show_errors():
                    ensure_worker(session.store, session.settings)
                    st.rerun()


def _row(session: Session, run: Run, label: str) -> None:
    with st.container(border=True):
        number, about, action = st.columns([1.3, 5.2, 4.5], vertical_alignment="center")
        if number.button(f"Run {run.id}", help="Progress, losses, log, figures"):
            st.query_params["run"] = str(run.id)
            st.rerun()
        name = escaped(f"{label} · {run.config.name} · seed {run.config.seed}")
        about.markdown(f"**{state_words(run)}** · {name} · {moment(run.created_at)}")
        with action, st.container(horizontal=True, horizontal_alignment="right"):
            show_actions(session, run)
        show_progress(run)
