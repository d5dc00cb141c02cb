"""What the workbench is set to and whether it works; and who did what when."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial

import streamlit as st
from markupsafe import Markup

from workbench.app.background_jobs import POLL_S, start
from workbench.app.markup import html_table
from workbench.app.services import AUTHOR, Session, current_session
from workbench.app.terms import term
from workbench.app.widgets import escaped, heading, moment, show_errors
from workbench.domain.number_format import count_text
from workbench.queue.jobs import ACTIVE, Job, jobs
from workbench.store.audit_log import KINDS, AuditFilter
from workbench.workflow.audit import FORMS, audit_file, audit_rows
from workbench.workflow.exchange import backup_bytes
from workbench.workflow.surroundings import DEFAULT, SettingLine, setting_lines

TITLE = "Settings"
ICON = ":material/settings:"
ORDER = 80

SETTINGS, AUDIT = VIEWS = ("Settings", "Who did what when")
A_PAGE = 50  # events
GROUPS = {
    "person": "Who you are",
    "language model": "Language model",
    "computing": "Computing",
    "storage": "Storage",
}
CHECK, ASK, VERIFY = ("doctor",), ("doctor", "--ask"), ("versions", "verify")


def render() -> None:
    """Show the page."""
    heading(TITLE, "What the workbench is set to, whether it works, and who did what when.")
    with show_errors():
        session = current_session()
        view = st.segmented_control(
            "View",
            VIEWS,
            default=SETTINGS,
            required=True,
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
        if view == AUDIT:
            _audit(session)
        else:
            _settings(session)
            _checks(session)


def _settings(session: Session) -> None:
    name = (
        "Your name is that of your login; whoever runs this workbench grants roles."
        if session.settings.established == "login"
        else "Your name is this browser's own: press it in the sidebar to change it."
    )
    st.markdown(
        "Each is an environment variable, read when the workbench is started; secrets are never "
        f"shown. {name}"
    )
    lines = setting_lines(session.settings)
    for group, title in GROUPS.items():
        st.header(title)
        rows = [
            (line.name, line.value, _source(session, line)) for line in lines if line.group == group
        ]
        st.html(html_table("", ("Setting", "Value", "From"), rows, widths=(24, 44, 32)))
        if group == "language model" and session.settings.prices:
            _prices(session.settings.prices)


def _source(session: Session, line: SettingLine) -> str | Markup:
    if line.name in ("Name", "Role") and session.settings.established == "login":
        return "your login"
    if line.name == "Name" and st.session_state.get(AUTHOR):
        return "this browser"
    if line.source != DEFAULT:
        return line.source
    return Markup("default <small>unless {} is set</small>").format(line.variable)


def _prices(prices: Mapping[str, tuple[float, float]]) -> None:
    rows = [(model, f"{asked:,.2f}", f"{said:,.2f}") for model, (asked, said) in prices.items()]
    columns = ("Model", "Prompt", "Completion")
    caption = "Prices in US dollars per million tokens"
    st.html(html_table(caption, columns, rows, figures=(1, 2)))


def _checks(session: Session) -> None:
    """Offer to check everything; nothing is asked before it is pressed."""
    st.header("Does it work?")
    newest = _newest(session)
    busy = newest is not None and newest.status in ACTIVE
    with st.container(horizontal=True):
        if st.button("Check everything", icon=":material/health_and_safety:", disabled=busy):
            start(session, "Check", CHECK)
        if st.button(
            "Test the connection to the model",
            icon=":material/quiz:",
            disabled=busy,
            help="Sends one short question, which may cost some tokens. Without a service, the "
            "local model is started for it; that takes some seconds.",
        ):
            start(session, "Test of the language model", ASK)
        if st.button(
            "Verify every hash",
            icon=":material/verified:",
            disabled=busy,
            help="Whether anything in the store was altered since it was recorded.",
        ):
            start(session, "Verification of the store", VERIFY)
        if session.settings.role == "admin":
            st.download_button(
                "Save a backup",
                lambda: backup_bytes(session.store),
                file_name=f"workbench-{datetime.now(UTC):%Y-%m-%d}.backup",
                on_click="ignore",
                icon=":material/database:",
                help="The complete store as it is at one moment, every hash in it checked.",
            )
    if newest is not None:
        st.fragment(_outcome, run_every=POLL_S if busy else None)(session, busy)


def _newest(session: Session) -> Job | None:
    checks = (CHECK, ASK, VERIFY)
    return next((job for job in jobs(session.settings) if tuple(job.arguments) in checks), None)


def _outcome(session: Session, was_busy: bool) -> None:
    job = _newest(session)
    if job is None:
        return
    if job.status in ACTIVE:
        st.progress(job.share, text=escaped(f"{job.title} is under way…"))
        return
    if was_busy:
        st.rerun()
    if not isinstance(job.document, dict):
        st.error(escaped(job.stage or "The check was stopped; start it again."))
        return
    if "problems" in job.document:
        _verified(job)
        return
    rows = [
        ("✓ works" if check["ok"] else "✗ does not", check["name"].capitalize(), check["detail"])
        for check in job.document["checks"]
    ]
    caption = f"{job.title}, {moment(job.started_at)}, by {job.author}"
    st.html(html_table(caption, ("", "Checked", "Found"), rows, widths=(14, 18, 68)))


def _verified(job: Job) -> None:
    when = escaped(f"{moment(job.started_at)}, by {job.author}")
    problems = [str(problem) for problem in (job.document or {})["problems"]]
    if problems:
        st.error("  \n".join([f"Found {when}:", *map(escaped, problems)]))
    else:
        st.success(f"Every hash is that of its content: {when}.")


def _audit(session: Session) -> None:
    wanted = _filter(session)
    total = session.store.audit.count(wanted)
    if not total:
        everything = wanted == AuditFilter()
        st.info("Nothing happened yet." if everything else "No event matches. Ask for less.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{count_text(total, 'event')}, newest first", width="content")
        for form in FORMS:
            st.download_button(
                f"Save all as {form.upper()}",
                partial(audit_file, session.store, wanted, form),
                file_name=f"audit.{form}",
                on_click="ignore",
                icon=":material/download:",
            )
    pages = -(-total // A_PAGE)
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    events = session.store.audit.page(wanted, limit=A_PAGE, skip=(page - 1) * A_PAGE)
    columns, rows = audit_rows(events)
    headings = [name[0].upper() + name[1:] for name in columns]
    st.html(html_table("", headings, rows, widths=(19, 11, 14, 22, 34)))


def _filter(session: Session) -> AuditFilter:
    """Let be chosen what is shown; the address says it."""
    choices = session.store.audit.choices()
    left, middle, right = st.columns(3)
    person = left.selectbox(
        "Person", ["", *choices.authors], key="person", bind="query-params", format_func=_anything
    )
    action = middle.selectbox(
        "Action", ["", *choices.actions], key="action", bind="query-params", format_func=_anything
    )
    kinds = ["", *(kind for kind in choices.kinds if kind in KINDS)]
    kind = right.selectbox(
        "About", kinds, key="kind", bind="query-params", format_func=_about,
        help=term("test-set access"),
    )  # fmt: skip
    text = left.text_input(
        "Words", type="search", live=True, key="text", bind="query-params", placeholder="Search"
    )
    since = middle.date_input(
        "First day (UTC)", None, key="since", bind="query-params", format="YYYY-MM-DD"
    )
    until = right.date_input(
        "Last day (UTC)", None, key="until", bind="query-params", format="YYYY-MM-DD"
    )
    return AuditFilter(person, action, kind, _day(since), _day(until), text or "")


def _day(chosen: object) -> date | None:
    return chosen if isinstance(chosen, date) else None


def _anything(choice: str) -> str:
    return choice or "all"


def _about(kind: str) -> str:
    return "test-set access" if kind == "look" else _anything(kind)
