"""Who works here: a name for the record and a token of the browser, both kept in cookies.

The name is that of the login. Where none is set up, it is what people say it is, and the token
tells two people of one name apart, so that nobody's Undo takes back what another has done.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from workbench.app.services import (
    AUTHOR,
    CLIENT,
    Session,
    asks_login,
    current_session,
    is_client,
    logged_in,
)
from workbench.app.widgets import escaped, show_errors
from workbench.errors import ConfigError, WorkbenchError
from workbench.settings import NOBODY, read_settings

MOST_CHARACTERS = 60  # of a name

_KEY, _UNKEPT = "who works here", "name that the browser has not kept yet"
_cookies = st.components.v2.component(
    "workbench_identity", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def signed(
    session: Session, act: Callable[[Session], None], *, otherwise: Callable[[], None] | None = None
) -> None:
    """Do what is kept under a name; while nobody is named, ask first, and then do it.

    Args:
        session: The settings and store of this run of the page.
        act: What was asked for; it gets the session under the name. A `WorkbenchError` of it is
            shown as one line.
        otherwise: Called if the question is closed without a name.
    """
    if session.is_named:
        act(session)
    else:
        _ask(act, otherwise)


def show_person() -> None:
    """Show in the sidebar who works here, and let it be changed; keep it in the browser."""
    session = current_session()
    if session.settings.established == "login":
        _show_login(session)
        return
    label = f"You are {session.author}" if session.is_named else "Say who you are"
    wanted = st.sidebar.button(
        escaped(label),
        icon=":material/person:",
        help="Edits, decisions and comments are kept under this name. Press to change it.",
        width="stretch",
    )
    if session.settings.role != "admin":
        st.sidebar.caption(escaped(f"Role: {session.settings.role}"))
    with st.sidebar:
        _cookies(
            key=_KEY,
            data={
                "client": session.client,
                "name": st.session_state[AUTHOR],
                "is_new": st.session_state.get(_UNKEPT, False),
            },
            on_browser_change=_adopt,
        )
    if wanted:
        _ask(lambda _session: None)


def gate() -> bool:
    """Tell whether pages may be shown; where a login is asked for and there is none, offer it."""
    settings = read_settings()
    if not asks_login(settings):
        return True
    try:
        logged_in(settings)
    except WorkbenchError as fault:
        _ask_login(str(fault))
        return False
    return True


def _ask_login(fault: str) -> None:
    st.title("Attribute workbench")
    if st.user.to_dict().get("is_logged_in"):
        st.error(escaped(fault))
        st.button("Log out", on_click=st.logout)
    else:
        st.write("Log in to see and edit what your group has.")
        st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)


def _show_login(session: Session) -> None:
    with st.sidebar:
        st.caption(escaped(f"{session.author} · {session.settings.role}"))
        st.button("Log out", icon=":material/logout:", on_click=st.logout, width="stretch")


def usable_name(text: str) -> str:
    """Return a name as it is kept: plain text without control characters.

    Raises:
        ConfigError: It cannot be used; says why.

    Example:
        >>> usable_name("  Eva  Müller ")
        'Eva Müller'
        >>> usable_name("eva" + chr(0x202E))
        Traceback (most recent call last):
        workbench.errors.ConfigError: A name is plain text, without control characters.
    """
    name = " ".join(text.split())
    if not name or name.casefold() == NOBODY:
        raise ConfigError("Say a name: your own, or the one that people here know you by.")
    if len(name) > MOST_CHARACTERS:
        raise ConfigError(
            f"A name has at most {MOST_CHARACTERS} characters; this one has {len(name)}."
        )
    if not name.isprintable():
        raise ConfigError("A name is plain text, without control characters.")
    return name


def _ask(act: Callable[[Session], None], otherwise: Callable[[], None] | None = None) -> None:
    st.dialog("Who are you?", on_dismiss=otherwise or "ignore")(_name_form)(act)


def _name_form(act: Callable[[Session], None]) -> None:
    st.caption("Edits, decisions and comments are kept under your name. This browser remembers it.")
    with st.form("who are you", border=False):
        text = st.text_input("Your name", st.session_state[AUTHOR], max_chars=MOST_CHARACTERS)
        wanted = st.form_submit_button("Continue", type="primary")
    if wanted:
        with show_errors():
            sign_in(text)
            act(current_session())
            st.rerun()


def sign_in(text: str) -> None:
    """Work under a name from now on; the browser keeps it when the page is drawn next.

    Raises:
        ConfigError: It cannot be used as a name; says why.
    """
    _become(usable_name(text))
    st.session_state[_UNKEPT] = True


def _become(name: str) -> None:
    st.session_state[AUTHOR] = name


def _adopt() -> None:
    """Take over what the browser holds: another tab may have been first."""
    browser: dict[str, Any] = st.session_state[_KEY].get("browser") or {}
    client, name = str(browser.get("client", "")), str(browser.get("name", ""))
    if is_client(client):
        st.session_state[CLIENT] = client
    if st.session_state.pop(_UNKEPT, False) or name == st.session_state[AUTHOR]:
        return
    try:
        _become(usable_name(name))
    except ConfigError:
        return  # a cookie that somebody else has written
