"""The working draft as one table: every attribute of every type, judged and reworded in place."""

import json
from typing import Any

import streamlit as st

from workbench.app.attribute_table import KEY, attribute_table
from workbench.app.evidence import show_evidence
from workbench.app.identity import sign_in
from workbench.app.services import board_of, current_session
from workbench.app.widgets import heading, show_errors
from workbench.errors import WorkbenchError
from workbench.workflow.curation import LINT_SHARE, DraftBoard
from workbench.workflow.draft_acts import Act, Answer, build_on, do_act

TITLE = "Curate"
ICON = ":material/checklist:"
ORDER = 20

POLL_S = 2.5
CHECK_S = 0.1  # of each poll, while lint has not judged every attribute
ANSWERS = 20  # that are sent again, in case the browser missed them
_HAVE, _ANSWERS = "curate: rows that the browser has", "curate: answers"
_EVIDENCE = "curate-evidence"  # the drawer's switch
DRAWER_PX = 720
_SIGNED = "curate: somebody has said a name"
_FILTERS = ("type", "status", "origin", "findings", "find")


def render() -> None:
    """Show the page."""
    heading(
        TITLE, "Say what one sees, in a few words each. What is frozen can be run and compared."
    )
    with show_errors():
        current_session()  # a store that cannot be opened is said once
        st.fragment(_table, run_every=POLL_S)()


def _table() -> None:
    with show_errors():
        if st.session_state.pop(_SIGNED, False):
            st.rerun()  # the whole page: the sidebar shows the name, and the browser keeps it
        session = current_session()
        board = board_of(session.store, session.store.url)
        board.refresh()
        at = st.session_state.get(KEY, {}).get("at") or {}
        board.check(CHECK_S, first=at.get("seen", ()), share=LINT_SHARE)
        is_open = st.session_state.get(_EVIDENCE, True)
        table, beside = st.columns([13, 7] if is_open else [19, 1])
        with table:
            attribute_table(lambda: _document(board), on_act=_act, on_look=_look)
        with beside:
            label = "Evidence" if is_open else "…"
            st.toggle(label, value=True, key=_EVIDENCE, help="Key d")
            if is_open:
                with show_errors(), st.container(height=DRAWER_PX, border=False):
                    show_evidence(session, board, at.get("row"), at.get("seen", []))


def _document(board: DraftBoard) -> bytes:
    epoch, number = st.session_state.get(_HAVE) or (None, None)
    news = board.news(number if epoch == board.epoch else None)
    rest = {"answers": list(st.session_state.get(_ANSWERS, {}).values()), "view": _view()}
    return b'{"board": ' + news.document + b", " + json.dumps(rest).encode()[1:]


def _act() -> None:
    """Do what the browser asks for, in its order; the answers go out with the rows."""
    sent: dict[str, Any] = st.session_state[KEY].get("act") or {}
    st.session_state[_HAVE] = sent.get("have")
    answers: dict[str, Any] = st.session_state.setdefault(_ANSWERS, {})
    acts = [dict(act) for act in sent.get("acts", [])]
    for number, act in enumerate(acts):
        if act["act"] == "drawer":
            st.session_state[_EVIDENCE] = not st.session_state.get(_EVIDENCE, True)
            continue
        try:
            answer = _sign_in(act) if act["act"] == "say who" else _do(act)
        except WorkbenchError as fault:
            answer = {"ok": False, "said": str(fault)}
        answer = {**answer, "uid": act.get("uid", "")}
        build_on(act, answer, acts[number + 1 :])
        answers.pop(answer["uid"], None)
        answers[answer["uid"]] = answer
    for uid in list(answers)[:-ANSWERS]:
        del answers[uid]


def _do(act: Act) -> Answer:
    session = current_session()
    if not session.is_named and act["act"] != "lint":
        return {"ok": False, "said": "Not saved yet: say who you are.", "who": True}
    board = board_of(session.store, session.store.url)
    return do_act(board, session.store, act, author=session.author)


def _sign_in(act: Act) -> Answer:
    sign_in(str(act.get("name", "")))
    st.session_state[_SIGNED] = True
    return {"ok": True, "said": ""}


def _look() -> None:
    """Keep the view in the address, so that a link opens the same one."""
    at = st.session_state[KEY].get("at") or {}
    wanted = {name: at.get("filter", {}).get(name, "") for name in _FILTERS}
    sort = at.get("sort", {})
    if sort.get("by", "place") != "place":
        wanted["sort"] = f"-{sort['by']}" if sort.get("down") else sort["by"]
    if at.get("grouped") is False:
        wanted["flat"] = "1"
    for name in (*_FILTERS, "sort", "flat"):
        if wanted.get(name):
            st.query_params[name] = wanted[name]
        elif name in st.query_params:
            del st.query_params[name]


def _view() -> dict[str, Any]:
    params = st.query_params
    sort = params.get("sort", "place")
    return {
        "filter": {name: params.get(name, "") for name in _FILTERS},
        "sort": {"by": sort.removeprefix("-"), "down": sort.startswith("-")},
        "grouped": "flat" not in params,
    }
