"""What is pressed while a page is being left: it is done, and the page asked for is shown.

Streamlit 1.67 names, in a fragment's request, the page that the browser still shows. Whoever leaves
a page while something of it is on its way meets one of these:

- The other page is run first, then the fragment. The browser is told of a run of the old page,
  clears all because the page differs (`App.handleNewSession`), and the fragment is gone: the page
  stays empty.
- The other page's run hasn't begun. Both become one run of the old page
  (`ScriptRequests._request_rerun_locked`): the press on the link is lost.
- The fragment's request came first. The page's request stops that runner
  (`AppSession.request_rerun`) and forgets the widgets of the old page, before or while what was
  pressed is being done: it is lost, or fails.

So a page's request takes over what was pressed and still waits, and waits for callbacks that are
about to begin; and what a page that is being left still asks for becomes part of the run of the
page asked for.
"""

from functools import wraps

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import RerunData, ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType


def keep_presses() -> None:
    """Have every session of this process treat requests so; calling it again changes nothing."""
    request = AppSession.request_rerun
    if hasattr(request, "__wrapped__"):
        return

    @wraps(request)
    def request_rerun(session: AppSession, client_state: ClientState | None) -> None:
        runner = session._scriptrunner
        fragment = client_state and client_state.fragment_id
        joined = None
        if client_state and runner and (not fragment or session.has_fragment(fragment)):
            joined = _joined(client_state, runner)
        # A script under way may compute for long: the page asked for doesn't wait for that.
        waits = runner and joined and not runner._execing
        if not (waits and runner and joined and runner.request_rerun(_request(joined))):
            request(session, joined or client_state)

    AppSession.request_rerun = request_rerun  # type: ignore[assignment,method-assign]


def _joined(asked: ClientState, runner: ScriptRunner) -> ClientState | None:
    """Return what the runner should be asked for, or None where Streamlit does right."""
    requests = runner._requests
    with requests._lock:
        newest, waits = requests._rerun_data, requests._state is ScriptRequestType.RERUN
    page = newest.page_script_hash or asked.page_script_hash
    if asked.fragment_id and page == asked.page_script_hash:
        return None
    if not asked.fragment_id:
        begins = waits or (newest.fragment_id_queue and not runner._execing)
        if not (begins and _is_press(newest.widget_states)):
            return None
        page = asked.page_script_hash
    joined = ClientState()
    joined.CopyFrom(asked)
    joined.fragment_id, joined.page_script_hash = "", page
    _add_missing(joined.widget_states, newest.widget_states if waits else None)
    return joined


def _is_press(states: WidgetStates | None) -> bool:
    known = states.widgets if states else ()
    return any("trigger" in (state.WhichOneof("value") or "") for state in known)


def _request(asked: ClientState) -> RerunData:
    return RerunData(
        query_string=asked.query_string,
        widget_states=asked.widget_states,
        page_script_hash=asked.page_script_hash,
        page_name=asked.page_name,
        is_history_navigation=asked.is_history_navigation,
        cached_message_hashes=frozenset(asked.cached_message_hashes),
        context_info=asked.context_info if asked.HasField("context_info") else None,
    )


def _add_missing(states: WidgetStates, waiting: WidgetStates | None) -> None:
    """Add the widgets that wait, and the component of each trigger.

    A run of another page first forgets every widget that its request doesn't name.
    """
    known = {state.id for state in states.widgets}
    for state in waiting.widgets if waiting else ():
        if state.id not in known:
            states.widgets.add().CopyFrom(state)
            known.add(state.id)
    begin, end = _make_trigger_id("|", "events").split("|")
    for id in known:
        component = id.removeprefix(begin).removesuffix(end)
        if id == begin + component + end and component not in known:
            states.widgets.add(id=component, json_value="{}")
