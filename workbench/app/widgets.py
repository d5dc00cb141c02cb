"""What several pages show in the same way."""

import importlib
import importlib.util
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

import streamlit as st

import workbench.app.pages
from workbench.app.markup import STYLE
from workbench.domain.lineage import VersionSummary
from workbench.domain.number_format import count_text
from workbench.errors import WorkbenchError

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=])")
# What Streamlit makes arrows, signs, icons, emoji and links to an address of, even where Markdown's
# marks are escaped.
_SIGNS = re.compile(r"(?<=[-<>~])(?=[->=])|(?<=:)(?=[\w+-]+(?:/\w*)?:)|(?<=\w)(?=@\w)")
_JOINER = "\N{WORD JOINER}"  # no width, and no place to break a line
_NEWS, _NEWS_SLOT = "news", "slot of the news"
NEWS_S = 12.0  # how long the last action's outcome is news; markup.STYLE hides it then
_NO_NEWS = (0, -NEWS_S, "info", "")

Tone = Literal["success", "info"]


def heading(title: str, lead: str) -> None:
    """Open a page: its title, one sentence, and what the last action has to say."""
    st.html(STYLE)
    st.title(title)
    st.caption(lead)
    show_news()


def show_news() -> None:
    """Show what the last action had to say; `heading` does, and a fragment that is drawn alone.

    It stands in the lower corner whatever of the page is in view, moves nothing, is read out (role
    status), and goes by itself.
    """
    turn, announced_at, tone, text = st.session_state.get(_NEWS, _NO_NEWS)
    with st.container(key=f"news-{turn % 2}"):  # two by turns: so each has its full time
        slot = st.session_state[_NEWS_SLOT] = st.empty()
    if time.monotonic() - announced_at < NEWS_S:
        {"success": slot.success, "info": slot.info}[tone](escaped(text))


def announce(text: str, tone: Tone = "success") -> None:
    """Say what came of an action when the page is drawn next, and for some seconds more.

    Not only once: the browser may ask for the page again before anybody has read it.
    """
    turn = st.session_state.get(_NEWS, _NO_NEWS)[0] + 1
    st.session_state[_NEWS] = (turn, time.monotonic(), tone, text)


@contextmanager
def show_errors() -> Iterator[None]:
    """Show what could not be done as one plain line; anything else than a plain fault surfaces."""
    try:
        yield
    except WorkbenchError as fault:
        if st.session_state.pop(_NEWS, None):
            st.session_state[_NEWS_SLOT].empty()  # the success before it is no news any more
        st.error(escaped(str(fault)))


def page_link(page: str, label: str, *, icon: str, **query: object) -> None:
    """Link into a page, with its state in the address; nothing is shown if there is no such page.

    Args:
        page: Name of its module ("curate").
        label: What it says.
        icon: Of Material Symbols.
        query: The state; what is None or empty is left out.
    """
    name = f"{workbench.app.pages.__name__}.{page}"
    if importlib.util.find_spec(name) is None:
        return
    module = importlib.import_module(name)
    st.page_link(
        st.Page(module.render, title=module.TITLE, url_path=page),
        label=label,
        icon=icon,
        query_params={key: str(value) for key, value in query.items() if value not in (None, "")},
    )


def keep_in_address(name: str, chosen: Sequence[str]) -> None:
    """Keep what is chosen in the page's address, so that a link shows it again."""
    if st.query_params.get_all(name) != list(chosen):
        st.query_params[name] = list(chosen)


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is.

    Example:
        >>> print(escaped("gaussian_blur: $5*"))
        gaussian\\_blur\\: \\$5\\*
        >>> "->" in escaped("blur -> sharp"), len(escaped("->"))
        (False, 5)
    """
    return _MARKDOWN.sub(r"\\\1", _SIGNS.sub(_JOINER, " ".join(text.split())))


def moment(when: datetime | None) -> str:
    """Return a time to the minute.

    Example:
        >>> moment(datetime(2026, 3, 1, 9, 5))
        '2026-03-01 09:05 UTC'
    """
    return "" if when is None else f"{when:%Y-%m-%d %H:%M} UTC"


def named(versions: Sequence[VersionSummary]) -> Callable[[str | None], str]:
    """Return the function that says what people call the version with a hash."""
    by_hash: Mapping[str, VersionSummary] = {version.hash: version for version in versions}

    def name(ref: str | None) -> str:
        if ref is None:
            return "no version"
        version = by_hash[ref]
        return f"{version.label} · {version.message} · {count_text(version.size, 'attribute')}"

    return name
