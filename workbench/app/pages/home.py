"""Where things stand and what to do next; everything on it is a way into another page."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from markupsafe import Markup

from workbench.app.identity import signed
from workbench.app.markup import html_table
from workbench.app.services import Session, board_of, curated_set, current_session
from workbench.app.terms import term
from workbench.app.widgets import announce, escaped, heading, moment, page_link, show_errors
from workbench.domain.audit_events import STARTED
from workbench.domain.number_format import count_text, figure_text
from workbench.workflow.curation import LINT_SHARE, DraftBoard
from workbench.workflow.overview import Overview, overview

TITLE = "Home"
ICON = ":material/home:"
ORDER = 0

POLL_S = 3.0  # while a run is under way
CHECK_S = 0.25  # of each second, while attributes are to be judged


def render() -> None:
    """Show the page."""
    heading(TITLE, "Where things stand, and what to do next.")
    with show_errors():
        session = current_session()
        stands = overview(session.store)
        if not stands.runs.get("done"):
            _first_steps(session, stands)
        if stands.is_empty:
            return
        _next(session, stands)
        _numbers(stands)
        if stands.best:
            _best(stands)
        if stands.ended:
            _ended(stands)


def _first_steps(session: Session, stands: Overview) -> None:
    """Show the way to the first figures: draft, freeze, run."""
    st.header("Three steps to the first figures")
    drafted, frozen = bool(stands.attributes), bool(stands.versions)
    with _step(1, "Say what one sees of each distortion", drafted):
        st.write("Take the attributes that ship with the workbench, have a model draft, or write.")
        if not drafted:
            with st.container(horizontal=True):
                if st.button("Take the curated set", type="primary", icon=":material/library_add:"):
                    with show_errors():
                        signed(session, _take_curated)
                page_link("model", "Draft with a model", icon=":material/forum:")
                page_link("curate", "Write your own", icon=":material/edit:")
    with _step(2, "Freeze a version", frozen):
        st.write("A version never changes; so figures stay true of it.")
        if drafted and not frozen:
            page_link("curate", "Freeze the draft", icon=":material/lock:")
    with _step(3, "Run it", False):
        st.write("A run trains on distorted photographs and says how well the words predict.")
        if frozen:
            page_link("runs", "Start a run", icon=":material/play_circle:", version=stands.newest)


def _step(number: int, title: str, done: bool) -> Any:
    box = st.container(border=True)
    box.subheader(f"{number}. {title}{' – done' if done else ''}")
    return box


def _take_curated(session: Session) -> None:
    curated = curated_set()
    session.store.draft.replace(curated, author=session.author, action=STARTED)
    announce(
        f"{count_text(curated.size, 'attribute')} of "
        f"{count_text(len(curated.distortions), 'distortion')} are in the draft."
    )
    st.rerun()


def _next(session: Session, stands: Overview) -> None:
    st.header("What to do next")
    active = stands.runs.get("running", 0) + stands.runs.get("queued", 0)
    with st.container(gap="small"):
        if active:
            st.fragment(_under_way, run_every=POLL_S)(session, stands)
        _lines(stands)
        _findings_line(session, stands)


def _lines(stands: Overview) -> None:
    """Offer what is open, the nearest to figures first."""
    proposed, mended = (stands.attributes.get(s, 0) for s in ("proposed", "needs work"))
    lacking, broken = len(stands.without_attributes), _broken(stands)
    if broken:
        _line(
            f"{count_text(broken, 'run')} ended without figures.",
            lambda: page_link("runs", "See why", icon=":material/error:"),
        )
    if stands.changed:
        base = stands.labels.get(stands.base or "")
        against = f"version {base} lacks" if base else "no version holds"
        _line(
            f"The draft has changes that {against}.",
            lambda: page_link(
                "versions", "See what changed", icon=":material/difference:",
                version="draft", against=stands.base,
            ),
            lambda: page_link("curate", "Freeze", icon=":material/lock:"),
        )  # fmt: skip
    if proposed:
        _line(
            f"{count_text(proposed, 'attribute')} {_wait(proposed)} to be judged.",
            lambda: page_link("curate", "Judge", icon=":material/checklist:", status="proposed"),
        )
    if mended:
        _line(
            f"{count_text(mended, 'attribute')} {_need(mended)} work.",
            lambda: page_link("curate", "Mend", icon=":material/build:", status="needs work"),
        )
    if lacking:
        _line(
            f"{count_text(lacking, 'type')} of {stands.types} {_have(lacking)} no attributes.",
            lambda: page_link("model", "Draft with a model", icon=":material/forum:"),
            lambda: page_link("distortions", "See the types", icon=":material/view_module:"),
        )
    if stands.runs.get("done", 0) > 1 and stands.versions > 1:
        _line(
            "Several versions have figures.",
            lambda: page_link("compare", "Compare", icon=":material/compare_arrows:"),
        )


def _line(text: str, *links: Callable[[], None]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(escaped(text), width="content")
        for link in links:
            link()


def _broken(stands: Overview) -> int:
    """Return how many of the newest runs ended without figures and wait for somebody."""
    return sum(run.status in ("failed", "interrupted") for run in stands.ended)


def _under_way(session: Session, before: Overview) -> None:
    """Show the runs under way; when one ends, the whole page is drawn anew."""
    active = session.store.overview.runs(("running", "queued"), limit=len(before.active) or 1)
    if {run.id for run in active} != {run.id for run in before.active}:
        st.rerun()
    for run in active:
        name = before.labels.get(run.version, run.version[:10])
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            if run.status == "queued":
                st.markdown(escaped(f"Run {run.id} of {name} waits in the queue."), width="content")
            else:
                stage = run.stage or "starting"
                st.progress(run.progress, text=escaped(f"Run {run.id} of {name}: {stage}"))
            page_link("runs", "Watch", icon=":material/play_circle:", run=run.id)


def _findings_line(session: Session, stands: Overview) -> None:
    """Say how many findings there are, once every attribute is judged: after the page is drawn."""
    if not stands.attributes:
        return
    board = board_of(session.store, session.store.url)
    board.refresh()
    counts, pending = board.finding_counts()
    if pending:
        st.fragment(_judge, run_every=1.0)(board, time.monotonic())
    else:
        _say_findings(counts)


def _judge(board: DraftBoard, drawn_at: float) -> None:
    """Judge some attributes at each turn; the board is shared with the page Curate."""
    if time.monotonic() - drawn_at > CHECK_S:  # the first turn is while the page is drawn
        board.check(CHECK_S, share=LINT_SHARE)
    _, pending = board.finding_counts()
    if not pending:
        st.rerun()
    st.caption(f"The words of the draft are being checked: {pending:,} to go…")


def _say_findings(counts: Mapping[str, int]) -> None:
    total = sum(counts.values())
    if not total:
        return
    worst = " and ".join(
        count_text(counts[name], name) for name in ("fault", "doubt", "hint") if counts.get(name)
    )
    _line(
        f"{count_text(total, 'finding')} on the words of the draft ({worst}).",
        lambda: page_link("curate", "See them", icon=":material/rule:", findings="any"),
    )


def _numbers(stands: Overview) -> None:
    st.header("Where things stand")
    attributes = sum(stands.attributes.values())
    accepted = stands.attributes.get("accepted", 0)
    figures = (
        ("Types drafted", f"{stands.types - len(stands.without_attributes)} of "
         f"{stands.types}", "distortion"),
        ("Attributes", f"{attributes:,}", "attribute"),
        ("Accepted", f"{accepted:,}", "review status"),
        ("Versions", f"{stands.versions:,}", "version"),
        ("Runs done", f"{stands.runs.get('done', 0):,}", "run"),
        ("Test-set accesses", f"{stands.accesses:,}", "test-set access"),
    )  # fmt: skip
    for column, (label, value, of) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(label, value, help=term(of))


def _best(stands: Overview) -> None:
    st.header("Best version on each dataset")
    rows = [
        (
            figure.protocol.dataset,
            _link("versions", stands.labels.get(figure.version, ""), version=figure.version[:12]),
            figure_text(figure.srcc),
            _link("runs", f"run {figure.run}", run=figure.run),
            figure.protocol.target,
        )
        for figure in stands.best
    ]
    columns = ("Dataset", "Version", "SRCC", "Run", "Target")
    st.html(html_table("Of the figures that were opened before", columns, rows, figures=(2,)))


def _ended(stands: Overview) -> None:
    st.header("Runs that ended last")
    rows = [
        (
            _link("runs", f"run {run.id}", run=run.id),
            _link("versions", stands.labels.get(run.version, ""), version=run.version[:12]),
            run.status,
            moment(run.finished_at),
        )
        for run in stands.ended
    ]
    st.html(html_table("Newest first", ("Run", "Version", "Status", "Ended"), rows))


def _link(page: str, text: str, **query: object) -> Markup:
    """Return a link within a table; the browser opens the page anew."""
    from urllib.parse import urlencode

    return Markup('<a href="./{}?{}" target="_self">{}</a>').format(page, urlencode(query), text)


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _need(count: int) -> str:
    return "needs" if count == 1 else "need"
