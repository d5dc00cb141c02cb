"""A new attribute, tried before it is added: what lint says, and how photographs answer."""

import streamlit as st

from workbench.app.linting import Eyes, findings_of, open_eyes, response_to
from workbench.app.markup import html_table, picture_of_svg
from workbench.app.services import Workplace, new_attribute
from workbench.app.widgets import announce, escaped, faults_shown
from workbench.domain.attributes import normalise_phrase
from workbench.domain.finding import Finding

SIGNS = {"fault": "✗", "doubt": "?", "hint": "·"}
LOUDEST = 6  # of the other distortions, how many are told


def new_attribute_form(place: Workplace, distortion: str, name: str) -> None:
    """Let a sentence be typed, tried and added.

    Args:
        place: Where.
        distortion: Id of the distortion.
        name: Its name.
    """
    turn = st.session_state.setdefault("attributes added", 0)
    words, button = st.columns([8, 2.2], vertical_alignment="bottom")
    phrase = words.text_input(
        f"New attribute of {name}",
        placeholder="what one sees, without the name of the distortion",
        key=f"new-{distortion}-{turn}",
    )
    added = button.button("Add", width="stretch")
    with faults_shown():
        if added:
            attribute = new_attribute(phrase)
            place.store.draft.add(distortion, attribute, author=place.settings.author)
            st.session_state["attributes added"] = turn + 1
            announce(f"Added: '{attribute.phrase}'.")
            st.rerun()
        if distortion in place.store.recipes.catalogue():
            _try(place, phrase, distortion, name)


def _try(place: Workplace, phrase: str, distortion: str, name: str) -> None:
    looking = st.toggle(
        "Try sentences on photographs as I type",
        key="try on photographs",
        help="How likely the encoder finds the sentence on photographs, by strength of distortion.",
    )
    if not normalise_phrase(phrase):
        return
    eyes = open_eyes(place) if looking else None
    show_findings(findings_of(place, phrase, distortion, eyes=eyes))
    if eyes is not None:
        _answer(phrase, distortion, name, eyes)


def show_findings(findings: list[Finding]) -> None:
    """Show findings as a table: what, why, and a way out."""
    if not findings:
        st.caption("✓ Lint has nothing to say about these words.")
        return
    rows = [
        (f"{SIGNS[f.severity]} {f.rule.replace('_', ' ')}", f.reason, f.suggestion)
        for f in findings
    ]
    st.html(html_table("✗ fault, ? doubt, · hint", ("Finding", "Why", "What to do"), rows))


def _answer(phrase: str, distortion: str, name: str, eyes: Eyes) -> None:
    from workbench.evaluation.response_plot import response_plot

    if distortion not in eyes.probe.distortions:
        st.caption(escaped(f"No photographs with {name} are prepared."))
        return
    response = response_to(phrase, eyes)
    curve = response.curve(distortion)
    columns = (axis.tolist() for axis in (curve.strength, curve.mean, curve.low, curve.high))
    st.html(picture_of_svg(response_plot(name, *columns)))
    others = sorted(response.auc_row(distortion).items(), key=lambda item: item[1])[:LOUDEST]
    told = ", ".join(f"{other} {auc:.2f}" for other, auc in others)
    st.caption(
        escaped(
            f"How well it tells {name} from others (1 surely, 0.5 not at all), the closest: {told}."
        )
    )
