"""Commands that a page has started in the background: their progress, end and result."""

import json
from collections.abc import Sequence
from typing import Any, get_args

import streamlit as st
from markupsafe import Markup

from workbench.app.identity import signed
from workbench.app.markup import html_table
from workbench.app.services import Session
from workbench.app.widgets import announce, escaped, moment, show_errors
from workbench.domain.config import ImageForm, QualityMetricName
from workbench.domain.number_format import count_text
from workbench.queue.jobs import ACTIVE, Job, cancel_job, forget_job, jobs, start_job

POLL_S = 1.0
SHOWN = 10  # newest jobs


def start(session: Session, title: str, arguments: Sequence[str]) -> None:
    """Start a command, unless the same is at work already, and draw the page anew."""

    def begin(named: Session) -> None:
        start_job(named.settings, named.store.url, title, arguments)
        announce(f"{title} was started; see below.", "info")
        st.rerun()

    with show_errors():
        signed(session, begin)


def show_jobs(session: Session, *commands: str) -> None:
    """Show the newest jobs; what is at work is asked again every second.

    Args:
        session: Settings and store.
        commands: Those of these commands; all unless told.
    """
    known = _known(session, commands)
    if not known:
        return
    active = any(job.status in ACTIVE for job in known)
    st.fragment(_jobs, run_every=POLL_S if active else None)(session, commands, active)


def _known(session: Session, commands: Sequence[str]) -> list[Job]:
    every = jobs(session.settings)
    return [job for job in every if not commands or job.arguments[0] in commands]


def _jobs(session: Session, commands: Sequence[str], was_active: bool) -> None:
    known = _known(session, commands)
    if was_active and not any(job.status in ACTIVE for job in known):
        st.rerun()  # the whole page, which then polls no more
    st.header("In the background")
    for job in known[:SHOWN]:
        with st.container(border=True), show_errors():
            _job(session, job)


def _job(session: Session, job: Job) -> None:
    about, act = st.columns([5, 1], vertical_alignment="center")
    about.markdown(
        f"**{escaped(job.title)}: {job.status}** · {escaped(job.author)} · {moment(job.started_at)}"
    )
    key = job.folder.name
    if job.status in ACTIVE:
        if act.button("Cancel", key=f"cancel {key}", width="stretch"):
            cancel_job(session.settings, job)
            st.rerun(scope="fragment")
        st.progress(job.share, text=escaped(job.stage) or "starting")
    else:
        if act.button("Forget", key=f"forget {key}", width="stretch"):
            forget_job(session.settings, job)
            st.rerun()
        _outcome(job)


def _outcome(job: Job) -> None:
    if job.status == "failed":
        st.error(escaped(job.stage))
    elif job.status == "cancelled":
        st.caption("Cancelled. What it had made stays; started again, it goes on.")
    elif isinstance(job.document, dict) and "problems" in job.document:
        problems = [str(problem) for problem in job.document["problems"]]
        if problems:
            st.warning("  \n".join(map(escaped, problems)))
        else:
            st.success(escaped(f"{job.document.get('images', 0):,} images: all is well."))
    elif isinstance(job.document, dict) and "splits" in job.document:
        st.success(f"{count_text(len(job.document['splits']), 'split')} written.")
    elif "--dry-run" in job.arguments and isinstance(job.document, list):
        asked = count_text(len(job.document), "type")
        st.success(f"The model would be asked about {asked}; nothing was asked.")
    elif job.arguments[0] == "improve" and isinstance(job.document, list):
        found = count_text(len(job.document), "better sentence")
        st.success(f"{found} proposed." if job.document else "No better sentence found.")
    elif job.arguments[:2] == ("calls", "templates") and isinstance(job.document, list):
        st.html(_templates_table(job.document))
    elif isinstance(job.document, dict) and "manifest" in job.document:
        st.success(escaped(f"{job.document['images']:,} images, {job.document['manifest']}"))
    with st.expander("What the command answered"):
        st.code(json.dumps(job.document, indent=2, ensure_ascii=False)[:20_000], language="json")


def _templates_table(found: list[dict[str, Any]]) -> Markup:
    """Return what `workbench calls templates` found, the highest score first."""
    figures = list(found[0]["figures"]) if found else []
    rows = [
        (each["template"], each["model"], each["types"], each["sentences"],
         *(_mean(each["figures"][name]) for name in figures))
        for each in found
    ]  # fmt: skip
    columns = ("Template", "Model", "Types", "Sentences", *(name.capitalize() for name in figures))
    return html_table("Means over types", columns, rows, figures=range(2, len(columns)))


def _mean(estimate: dict[str, Any]) -> str:
    return " ".join(f"{value:.2f}" for value in list(estimate.values())[:1] if value is not None)


def generate_form(session: Session) -> None:
    """Let a set be generated."""
    st.caption(
        "Every image gets several distortions, drawn from those you choose; a set that was "
        "interrupted goes on when it is started again with the same words."
    )
    specs = {id: s for id, s in session.store.recipes.catalogue().items() if s.has_operator}
    left, right = st.columns(2)
    source = left.text_input(
        "Photographs: a folder, or packaged", "packaged", help="Its subfolders are searched too."
    ).strip()
    out = right.text_input(
        "Folder of the set", str(session.settings.home / "sets" / "my-set")
    ).strip()
    types = st.multiselect(
        "Types to draw from",
        list(specs),
        format_func=lambda id: specs[id].name,
        placeholder="KADID-10k's 25",
    )
    first, second, third, fourth = st.columns(4)
    count = first.number_input("Images", 1, 10_000_000, 100)
    most = second.number_input("Most on one image", 1, len(types) or 25, len(types) or 25)
    clean = third.number_input("Share left clean", 0.0, 1.0, 0.0, 0.05)
    seed = fourth.number_input("Seed", 0, 2**31 - 1, 0)
    form = first.selectbox("Form", get_args(ImageForm))
    size = second.text_input("Size (as 512x384)", placeholder="each its own").strip()
    scores = third.multiselect("Weak scores", get_args(QualityMetricName))
    workers = fourth.number_input("Processes", 1, 64, 1)
    words = ["generate", "--count", str(count), "--max-distortions", str(most)]
    words += ["--clean-share", str(clean), "--seed", str(seed), "--form", str(form)]
    words += ["--workers", str(workers)]
    for option, value in (
        ("--distortions", ",".join(types)),
        ("--size", size),
        ("--scores", ",".join(scores)),
    ):
        words += [option, value] if value else []
    if st.button("Generate", type="primary", disabled=not (source and out)):
        start(session, f"Set of {count_text(int(count), 'image')}", [*words, "--", source, out])
