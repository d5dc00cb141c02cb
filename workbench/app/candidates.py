"""What models have answered, prepared for the list of candidates, and what people decide on it."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from workbench.app.candidate_list import acts_of_list, candidate_list
from workbench.app.evidence import SIGNS, examiner_of
from workbench.app.identity import signed
from workbench.app.services import Session, board_of
from workbench.domain.attributes import birth_identity
from workbench.domain.number_format import count_text
from workbench.domain.question import Question
from workbench.errors import DataError, WorkbenchError
from workbench.store import Store

if TYPE_CHECKING:
    from workbench.drafting.candidates import Candidate

_RESULTS, _CURVES, _ASKED_FOR_NAME = "candidate results", "candidate curves", "act that asks a name"
_MOST_RESULTS = 200
_LINT_S = 0.3  # for findings in one drawing; the next one goes on

Curve = dict[str, Any]


def decide(session: Session) -> None:
    """Do the acts that have come in since the page was drawn last, each once."""
    results: dict[str, dict[str, Any]] = st.session_state.setdefault(_RESULTS, {})
    new = [act for act in acts_of_list() if act["uid"] not in results]
    for act in (act for act in new if act["act"] == "curve"):
        results[act["uid"]] = _measure(session, act)
    decisions = [act for act in new if act["act"] != "curve"]
    if not decisions or st.session_state.get(_ASKED_FOR_NAME) == decisions[-1]["uid"]:
        return
    if not session.is_named:
        st.session_state[_ASKED_FOR_NAME] = decisions[-1]["uid"]  # once, not at each drawing
    signed(
        session,
        lambda named: _do_all(named, decisions),
        otherwise=lambda: _leave(results, decisions),
    )


def _leave(results: dict[str, dict[str, Any]], acts: Iterable[Mapping[str, Any]]) -> None:
    said = {"ok": False, "text": "Not saved: it is kept under a name, and none was given."}
    results.update({act["uid"]: said for act in acts})


def _do_all(session: Session, acts: Iterable[Mapping[str, Any]]) -> None:
    results: dict[str, dict[str, Any]] = st.session_state[_RESULTS]
    for act in acts:
        results[act["uid"]] = _do(session, act)
    for uid in list(results)[:-_MOST_RESULTS]:
        del results[uid]


def _do(session: Session, act: Mapping[str, Any]) -> dict[str, Any]:
    from workbench.workflow.drafting import decide_candidate

    rejects = act["act"] == "reject"
    try:
        if act["act"] in ("undo", "redo"):
            return _take_back(session, act["act"])
        row = decide_candidate(
            session.store,
            act["distortion"],
            act["phrase"],
            author=session.author,
            words=act["words"] if act["act"] == "edit" else None,
            reject=rejects,
        )
    except WorkbenchError as fault:
        return {"ok": False, "text": str(fault)}
    done = "Rejected" if rejects else "Taken"
    return {"ok": True, "text": f"{done}: '{row.attribute.phrase}'."}


def _take_back(session: Session, verb: str) -> dict[str, Any]:
    """Take back this person's last change of the draft, or do it again; much only by the button."""
    record = session.store.record
    find = record.undoable if verb == "undo" else record.redoable
    change = find(session.author)
    if change is None:
        return {"ok": True, "text": f"You have nothing to {verb}."}
    names = {id: spec.name for id, spec in session.store.recipes.catalogue().items()}
    words = change.words(names)
    if change.is_large:
        return {"ok": False, "text": f"{words}: press {verb.capitalize()} below, which asks first."}
    record.undo_change(change.change, author=session.author)
    return {"ok": True, "text": f"{'Undone' if verb == 'undo' else 'Redone'}: {words}."}


def candidates_by_type(
    session: Session,
    types: Sequence[str],
    names: Mapping[str, str],
    questions: Sequence[Question],
) -> tuple[int, bool]:
    """Show the candidates of some types; return how many, and whether findings are still to come.

    Args:
        session: Settings and store.
        types: Ids of the types, in the order in which they are shown.
        names: Id to name.
        questions: What was asked lately, for how many answers are still to come.
    """
    store = session.store
    held, newest = store.draft.attribute_set().phrases(), store.calls.newest()
    curves: dict[str, Curve] = st.session_state.get(_CURVES, {})
    until = time.monotonic() + _LINT_S
    shown, count, pending = [], 0, False
    for id in (id for id in types if id in newest and id in names):
        offered = _offered(store, id, newest[id], held.get(id, ()))
        if not offered:
            continue
        count += len(offered)
        listed = []
        for rank, candidate in enumerate(offered):
            phrase = candidate.attribute.phrase
            key = birth_identity(id, phrase)
            findings = _findings(session, id, phrase, held.get(id, ()), until)
            pending |= findings is None
            listed.append(
                {
                    "key": key,
                    "distortion": id,
                    "phrase": phrase,
                    "said": _support(candidate),
                    "rank": rank,
                    "findings": findings or [],
                    "curve": curves.get(key),
                }
            )
        shown.append(
            {
                "id": id,
                "name": names.get(id, id),
                "said": _progress(id, len(offered), questions),
                "candidates": listed,
            }
        )
    candidate_list(shown, st.session_state.get(_RESULTS, {}))
    return count, pending


def _support(candidate: "Candidate") -> str:
    answers = f"in {candidate.support} of {candidate.samples} answers"
    return f"{answers}, also as '{candidate.twins[0]}'" if candidate.twins else answers


def _progress(id: str, count: int, questions: Sequence[Question]) -> str:
    words = count_text(count, "candidate")
    for question in questions:
        if question.status == "asking" and id in question.asked.distortions:
            answers = question.answers.get(id)
            there = answers.samples if answers else 0
            return f"{words}, {there} of {question.asked.samples} answers so far"
    return words


@st.cache_data(show_spinner=False, max_entries=1_000, hash_funcs={Store: lambda store: store.url})
def _offered(
    store: Store, distortion: str, newest_call: int, held: tuple[str, ...]
) -> "tuple[Candidate, ...]":
    from workbench.workflow.drafting import logged_candidates

    del newest_call  # it says when what is kept is out of date
    return logged_candidates(store, distortion, besides=held)


def _findings(
    session: Session, distortion: str, phrase: str, held: tuple[str, ...], until: float
) -> list[str] | None:
    """Return what lint says of the words beside the draft's; None if the time is over."""
    known, store = _known_findings(), session.store
    key = (store.url, distortion, phrase, held)
    if key not in known:
        if time.monotonic() > until:
            return None
        board = board_of(store, store.url)
        board.refresh()
        known[key] = [
            f"{SIGNS[finding.severity]} {finding.reason} {finding.suggestion}".strip()
            for finding in board.judge(phrase, distortion)
        ]
    return known[key]


@st.cache_resource(show_spinner=False)
def _known_findings() -> dict[tuple[str, str, str, tuple[str, ...]], list[str]]:
    return {}


def _measure(session: Session, act: Mapping[str, Any]) -> dict[str, Any]:
    """Measure how a candidate answers to the strength of its type, and keep the curve."""
    curves = st.session_state.setdefault(_CURVES, {})
    try:
        curve = _curve(session, act["distortion"], act["phrase"])
    except WorkbenchError as fault:
        curves[act["key"]] = {"error": str(fault)}
        return {"ok": True, "text": "It could not be measured."}
    curves[act["key"]] = curve
    return {"ok": True, "text": f"Measured: '{act['phrase']}'."}


def _curve(session: Session, distortion: str, phrase: str) -> Curve:
    """Return how a sentence answers to the strength of its type.

    Raises:
        DataError: There are no photographs of the type, or they are not prepared.
    """
    examiner, spec = examiner_of(session), session.store.recipes.catalogue()[distortion]
    if not spec.has_operator:
        raise DataError(f"{spec.name} has no operator, so there are no photographs of it.")
    found = None if examiner.missing([distortion]) else examiner.examine(phrase, distortion)
    if found is None:
        raise DataError(
            f"The photographs of {spec.name} are not prepared yet; the page Curate prepares them."
        )
    curve = found.curve
    strength, mean, low, high = (
        [round(float(value), 4) for value in axis]
        for axis in (curve.strength, curve.mean, curve.low, curve.high)
    )
    words = (
        f"Probability of the sentence on photographs: {mean[0]:.2f} at strength "
        f"{strength[0]:.2f}, {mean[-1]:.2f} at strength {strength[-1]:.2f}, with 95 % intervals."
    )
    return {"strength": strength, "mean": mean, "low": low, "high": high, "words": words}
