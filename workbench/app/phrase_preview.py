"""What lint says about a sentence while an expert types it, and how photographs answer to it.

The rules on words answer at once. The encoder and the probe of distorted photographs are read when
the expert asks for them; the probe itself takes minutes to make, so no page ever makes it. All of
it is imported when it is first asked for, since it brings torch.
"""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from workbench.app.markup import html_table, picture_of_figure
from workbench.app.services import Session, new_attribute
from workbench.app.widgets import announce, escaped, show_errors
from workbench.domain.attributes import normalise_phrase
from workbench.domain.config import EncoderConfig
from workbench.domain.finding import Finding
from workbench.errors import DataError

if TYPE_CHECKING:
    from workbench.drafting.lint import Probe, RememberedTexts, Response
    from workbench.encoders import Encoder


class Eyes(NamedTuple):
    """What sentences are measured with.

    Attributes:
        text: The encoder's text tower.
        probe: Distorted photographs, embedded.
        polarity: Name of the sentence pair that suits the encoder.
    """

    text: "RememberedTexts"
    probe: "Probe"
    polarity: str


def findings_of(
    session: Session,
    phrase: str,
    distortion: str,
    *,
    identity: str | None = None,
    eyes: Eyes | None = None,
) -> list[Finding]:
    """Return what there is to say about a sentence, worst first.

    Args:
        session: Settings and store; the sentence is judged among the attributes of its draft.
        phrase: The sentence as it stands.
        distortion: Id of its distortion, of the catalogue.
        identity: The attribute that it is, if it is one already.
        eyes: What to measure with; without, only the words are judged.
    """
    from workbench.drafting.lint import lint_phrase
    from workbench.training.prompt_pairs import sentence_pairs

    return lint_phrase(
        phrase,
        distortion,
        session.store.draft.attribute_set().without_rejected(),
        session.store.recipes.catalogue(),
        text=eyes.text if eyes else None,
        probe=eyes.probe if eyes else None,
        polarity=partial(sentence_pairs, polarity=eyes.polarity if eyes else "not"),
        identity=identity,
    )


def response_to(phrase: str, eyes: Eyes) -> "Response":
    """Return the probability of a sentence on every photograph of the probe."""
    from workbench.drafting.lint import response_of
    from workbench.training.prompt_pairs import sentence_pairs

    pairs = partial(sentence_pairs, polarity=eyes.polarity)
    return response_of(phrase, text=eyes.text, probe=eyes.probe, polarity=pairs)


def open_eyes(session: Session) -> Eyes:
    """Return the encoder and the probe of the draft's distortions, as far as it is made.

    Raises:
        DataError: No distortion's photographs are made yet; says how to make them.
    """
    from workbench.drafting.lint import load_probe, missing_from_probe

    encoder, texts = _reader()
    known, recipes = session.store.recipes.catalogue(), tuple(session.store.recipes.list())
    drafted = session.store.draft.attribute_set().distortions
    specs = [known[id] for id in drafted if id in known and known[id].has_operator]
    cache = session.settings.cache
    missing = missing_from_probe(encoder, specs, cache=cache, recipes=recipes)
    ready = [spec for spec in specs if spec.id not in missing]
    if not ready:
        raise DataError(
            "No photographs are prepared yet. Run 'workbench attributes lint' once in a terminal "
            "(some seconds for each distortion), then try again."
        )
    return Eyes(
        texts,
        load_probe(encoder, ready, cache=cache, recipes=recipes),
        encoder.default_polarity,
    )


@st.cache_resource(show_spinner="Reading the encoder…")
def _reader() -> "tuple[Encoder, RememberedTexts]":
    from workbench.drafting.lint import RememberedTexts
    from workbench.encoders import load_encoder
    from workbench.settings import read_settings

    encoder = load_encoder(EncoderConfig(), read_settings(), seed=0)
    return encoder, RememberedTexts(encoder)


SIGNS = {"fault": "✗", "doubt": "?", "hint": "·"}
LOUDEST = 6  # of the other distortions, how many are told


def new_attribute_form(session: Session, distortion: str, name: str) -> None:
    """Let a sentence be typed, tried and added.

    Args:
        session: Settings and store.
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
    with show_errors():
        if added:
            attribute = new_attribute(phrase)
            session.store.draft.add(distortion, attribute, author=session.settings.author)
            st.session_state["attributes added"] = turn + 1
            announce(f"Added: '{attribute.phrase}'.")
            st.rerun()
        if distortion in session.store.recipes.catalogue():
            _try(session, phrase, distortion, name)


def _try(session: Session, phrase: str, distortion: str, name: str) -> None:
    looking = st.toggle(
        "Try sentences on photographs as I type",
        key="try on photographs",
        help="How likely the encoder finds the sentence on photographs, by strength of distortion.",
    )
    if not normalise_phrase(phrase):
        return
    eyes = open_eyes(session) if looking else None
    show_findings(findings_of(session, phrase, distortion, eyes=eyes))
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
    from workbench.report.figures.dose import response_figure

    if distortion not in eyes.probe.distortions:
        st.caption(escaped(f"No photographs with {name} are prepared."))
        return
    response = response_to(phrase, eyes)
    curve = response.curve(distortion)
    columns = (axis.tolist() for axis in (curve.strength, curve.mean, curve.low, curve.high))
    st.html(picture_of_figure(response_figure(name, *columns)))
    others = sorted(response.auc_row(distortion).items(), key=lambda item: item[1])[:LOUDEST]
    confusions = ", ".join(f"{other} {auc:.2f}" for other, auc in others)
    st.caption(
        escaped(
            f"How well it tells {name} from others (1 surely, 0.5 not at all), the closest: "
            f"{confusions}. {_interval(response, distortion)}"
        )
    )


def _interval(response: "Response", distortion: str) -> str:
    worst = response.grounding(distortion)
    if worst is None:
        return ""
    low, high = worst.low, worst.high
    return f"The 95 % interval over photographs of {worst.rival} is {low:.2f} to {high:.2f}."
