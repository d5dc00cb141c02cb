"""What is known of one attribute, beside the table: lint, photographs, comments, where it is from.

Photographs need torch and an encoder, which are read when somebody asks for them. Preparing those
of a type takes some seconds and is done by a process of its own.
"""

import subprocess
import time
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from markupsafe import Markup

from workbench.app.charts import CurvePoint, curves_chart, show_chart
from workbench.app.markup import html_table, picture_of_pixels
from workbench.app.services import Session
from workbench.app.widgets import escaped, moment, page_link, show_errors
from workbench.domain.attributes import DraftRow
from workbench.domain.finding import Finding
from workbench.domain.number_format import count_text, figure_text
from workbench.queue.processes import start_command
from workbench.workflow.curation import DraftBoard

if TYPE_CHECKING:
    from workbench.workflow.evidence import Evidence, Examiner, Shot

MEASURE_S = 0.3  # of each poll, for the rows that are seen
SIGNS = {"fault": "✗", "doubt": "?", "hint": "·"}
_WRITTEN = ("llm", "improved")  # origins of words that stand as a model wrote them
_MAP = "curate: the picture that a map is wanted of"


def show_evidence(session: Session, board: DraftBoard, id: int | None, seen: list[int]) -> None:
    """Show what is known of a row.

    Args:
        session: Settings and store.
        board: The board that the row is on.
        id: Its number; None while no row is chosen.
        seen: Rows that are on the screen: they are measured, too, while photographs are shown.
    """
    row = None if id is None else board.row(id)
    if row is None:
        st.caption("Choose an attribute; what is known of it is shown here.")
        return
    name = board.type_names().get(row.distortion, row.distortion)
    st.html(_headed(row, name))
    st.html(_findings(board.findings(row.id)))
    _proposed(session, row, name)
    if st.toggle("Photographs", key="curate-photographs", help=_ABOUT_PHOTOGRAPHS):
        with show_errors():
            _photographs(session, board, row, name, seen)
    if st.toggle("Comments and history", value=True, key="curate-history"):
        _comments_and_history(session, row)
    if st.toggle("Where it is from", key="curate-origin"):
        _origin(session, row)


_ABOUT_PHOTOGRAPHS = (
    "How likely the untuned encoder finds the sentence on photographs, by strength of distortion."
)


def _headed(row: DraftRow, name: str) -> Markup:
    decided = f", by {row.attribute.decided_by}" if row.attribute.decided_by else ""
    return Markup(
        '<h2 style="font-size:1.15rem;padding:0;overflow-wrap:anywhere">{}</h2>'
        "<p>{} · {}{} · last changed {} by {}</p>"
    ).format(
        row.attribute.phrase, name, row.attribute.status, decided, moment(row.updated_at),
        row.updated_by,
    )  # fmt: skip


def _findings(findings: tuple[Finding, ...]) -> Markup:
    if not findings:
        return Markup("<p>✓ Lint has nothing to say about these words.</p>")
    return html_table(
        "✗ fault, ? doubt, · hint",
        ("Finding", "Why, and what to do"),
        [
            (f"{SIGNS[f.severity]} {f.rule.replace('_', ' ')}", f"{f.reason} {f.suggestion}")
            for f in findings
        ],
        widths=(32, 68),
    )


def _proposed(session: Session, row: DraftRow, name: str) -> None:
    """Say what is proposed in place of a row's words, and lead to its figures."""
    fitting = [
        proposal
        for proposal in session.store.proposals.list("open", row=row.id)
        if proposal.row_version == row.row_version
    ]
    for proposal in fitting:
        st.markdown(f"Proposed instead: **{escaped(proposal.new)}**  \n{escaped(proposal.reason)}")
    if fitting:
        page_link("improve", "Figures, and to decide", icon=":material/trending_up:", types=name)


def examiner_of(session: Session) -> "Examiner":
    """Return what measures sentences on photographs, shared by all sessions; it reads an encoder.

    Raises:
        ConfigError: No encoder can be had.
    """
    return _examiner(session, session.store.url, str(session.settings.cache))


@st.cache_resource(show_spinner="Reading the encoder…")
def _examiner(_session: Session, url: str, cache: str) -> "Examiner":
    from workbench.workflow.evidence import Examiner

    del url, cache
    return Examiner(_session.store, _session.settings)


@st.cache_resource(show_spinner=False)
def _preparing() -> dict[str, "subprocess.Popen[bytes]"]:
    """Return the processes that prepare photographs, of all sessions, by type."""
    return {}


def _photographs(
    session: Session, board: DraftBoard, row: DraftRow, name: str, seen: list[int]
) -> None:
    examiner = examiner_of(session)
    catalogue = session.store.recipes.catalogue()
    if row.distortion not in catalogue or not catalogue[row.distortion].has_operator:
        st.caption(escaped(f"{name} cannot be made of a photograph here, so there are none."))
        return
    if examiner.missing([row.distortion]):
        _offer_preparing(session, board, row.distortion, name, examiner)
        return
    found = examiner.examine(row.attribute.phrase, row.distortion)
    if found is None:
        return
    _measure(board, examiner, [row.id, *seen])
    _curve(found, name, board.type_names())
    _shots(examiner, row, found)


def _measure(board: DraftBoard, examiner: "Examiner", ids: list[int]) -> None:
    """Note how rows that are seen respond, for about so long; the table has columns of it."""
    end = time.monotonic() + MEASURE_S
    for id in ids:
        row = board.row(id)
        if row is None or board.measured(id):
            continue
        found = examiner.examine(row.attribute.phrase, row.distortion)
        if found is not None:
            worst = found.worst.auc if found.worst else None
            board.measure(id, found.curve.mean.tolist(), worst)
        if time.monotonic() > end:
            return


def _offer_preparing(
    session: Session, board: DraftBoard, type: str, name: str, examiner: "Examiner"
) -> None:
    process = _preparing().get(type)
    if process is not None and process.poll() is None:
        wanted = [t for t, other in _preparing().items() if other is process]
        done = len(wanted) - len(examiner.missing(wanted))
        st.progress(done / len(wanted), f"{done} of {count_text(len(wanted), 'type')} prepared")
        return
    if process is not None and process.returncode:
        st.error("The photographs could not be prepared. The log has the reason; try again.")
    st.caption(escaped(f"The photographs with {name} are not prepared yet: some seconds, once."))
    drafted = sorted({row.distortion for row in board.rows()} & board.type_names().keys())
    others = examiner.missing(drafted)
    if st.button(f"Prepare those of {name}", key="curate-prepare", width="stretch"):
        _prepare(session, [type])
    if len(others) > 1 and st.button(
        f"Prepare those of all {len(others)} types", key="curate-prepare-all", width="stretch"
    ):
        _prepare(session, list(others))


def _prepare(session: Session, types: list[str]) -> None:
    log = session.settings.results / "photographs.log"
    arguments = ["attributes", "prepare", *types]
    process = start_command(arguments, session.store.url, session.settings, log)
    _preparing().update(dict.fromkeys(types, process))
    st.rerun(scope="fragment")


def _curve(found: "Evidence", name: str, names: dict[str, str]) -> None:
    drawn = [(name, found.curve)]
    if found.worst and found.rival is not None:
        drawn.append((names.get(found.worst.rival, found.worst.rival), found.rival))
    points = [
        CurvePoint("", title, float(x), float(y), float(low), float(high))
        for title, curve in drawn
        for x, y, low, high in zip(curve.strength, curve.mean, curve.low, curve.high, strict=True)
    ]
    show_chart(
        curves_chart(points, x="strength", y="probability"),
        None,
        about=f"Probability of the sentence by strength of {name}, with its 95 % interval",
    )
    if found.worst:
        worst = found.worst
        rival = names.get(worst.rival, worst.rival)
        st.caption(
            escaped(
                f"Taken for {rival} most: the photographs with {name} have the higher probability "
                f"in {figure_text(worst.auc, digits=2)} of pairs (95 % interval "
                f"{figure_text(worst.low, digits=2)} to {figure_text(worst.high, digits=2)}; .5 is "
                "chance)."
            )
        )


def _shots(examiner: "Examiner", row: DraftRow, found: "Evidence") -> None:
    """Show the photographs on which a sentence fires most and least, and a map over one of them.

    Each has a button: a list would close whenever the drawer is drawn anew, every few seconds.
    """
    for title, shots in (("Fires most on", found.most), ("Fires least on", found.least)):
        st.html(Markup("<h3 style='font-size:1rem;padding:0'>{}</h3>").format(title))
        for column, shot in zip(st.columns(len(shots)), shots, strict=True):
            level = "clean" if shot.level == 0 else f"level {shot.level}"
            words = f"{shot.name}, {level}: {figure_text(shot.probability, digits=2)}"
            with column:
                st.html(picture_of_pixels(_picture(examiner, shot, row.distortion), words, words))
                key = f"curate-map {row.id} {title} {shot.name} {shot.level}"
                if st.button("Map", key=key, help=f"Where the encoder sees it in {shot.name}"):
                    st.session_state[_MAP] = (row.id, shot)
    of_row, shot = st.session_state.get(_MAP, (None, None))
    if of_row == row.id:
        pixels = _picture(examiner, shot, row.distortion)
        drawn = _map(examiner, row.attribute.phrase, pixels)
        about = f"{shot.name}, level {shot.level}"
        st.html(picture_of_pixels(drawn, f"Map over {about}", f"{about}; yellow speaks for it"))


@st.cache_data(show_spinner=False, max_entries=256)
def _picture(_examiner: "Examiner", shot: "Shot", type: str) -> np.ndarray:
    return _examiner.picture(shot, type)


@st.cache_data(show_spinner="Drawing the map…", max_entries=64)
def _map(_examiner: "Examiner", phrase: str, pixels: np.ndarray) -> np.ndarray:
    return _examiner.map_over(phrase, pixels)


def _comments_and_history(session: Session, row: DraftRow) -> None:
    entries = session.store.history.of(row.attribute.identity or "")
    rows = [
        (f"{moment(entry.at)} {entry.author}", f"{entry.kind}: {entry.words}")
        for entry in reversed(entries)
    ]
    st.html(html_table("Newest first; c adds a comment", ("When, who", "What"), rows,
                       widths=(34, 66)))  # fmt: skip


def _origin(session: Session, row: DraftRow) -> None:
    attribute = row.attribute
    if attribute.call_id is None:
        st.caption(escaped(f"Origin: {attribute.origin}."))
        return
    call = session.store.calls.get(attribute.call_id)
    reworded = "" if attribute.origin in _WRITTEN else f"{attribute.origin}, reworded from "
    st.caption(
        escaped(
            f"Origin: {reworded}LLM call {attribute.call_id}. Template {call.request.template}, "
            f"model {call.model_answered}, seed {call.request.seed}, {call.latency_s:.1f} s, "
            f"{moment(call.created_at)}. Raw reply:"
        )
    )
    st.code(call.reply, language=None, wrap_lines=True)
