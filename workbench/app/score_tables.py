"""What a model says of a photograph, as tables that people read."""

from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING

from markupsafe import Markup

from workbench.app.markup import html_table
from workbench.domain.metrics import Undefined
from workbench.domain.score import Score
from workbench.evaluation.wording import figure_text, signed_text

if TYPE_CHECKING:
    from workbench.scoring.model_card import ModelCard

FOREMOST = 4  # attributes that are told first, either way
BAR = Markup(
    '<div style="width: {}%; min-width: 2px; height: 0.85rem; margin-top: 0.25rem; '
    'border-radius: 2px; background: #0072b2">&nbsp;</div>'
)

Names = Mapping[str, str]  # distortion id to what people call it
Addend = tuple[float, str, str]  # what an attribute adds, its distortion's id, its phrase


def strengths_table(score: Score, names: Names) -> Markup:
    """Return how strongly each distortion shows, the strongest first, as bars and numbers."""
    ordered = sorted(score.distortions.items(), key=itemgetter(1), reverse=True)
    rows = [
        (names.get(id, id), figure_text(value, digits=2), BAR.format(round(100 * value, 1)))
        for id, value in ordered
    ]
    return html_table(
        "0 is not at all, 1 is as strong as the strongest level of the training",
        ("Distortion", "Strength", ""),
        rows,
        figures=(1,),
        widths=(34, 14, 52),
    )


def addends(score: Score) -> list[Addend]:
    """Return what each attribute adds to the quality, the lowest first; none if that is undefined.

    Example:
        >>> one = Score(
        ...     image="", quality=0.5, unclipped=0.5, clipped=False, distortions={}, base=0.6,
        ...     attributes={}, contributions={"blur": {"hazy": 0.1, "soft": -0.2}},
        ... )
        >>> addends(one)
        [(-0.2, 'blur', 'soft'), (0.1, 'blur', 'hazy')]
    """
    if isinstance(score.contributions, Undefined):
        return []
    return sorted(
        (value, distortion, phrase)
        for distortion, some in score.contributions.items()
        for phrase, value in some.items()
    )


def foremost_table(caption: str, some: list[Addend], names: Names) -> Markup:
    """Return a few attributes with what each adds, in their order.

    Args:
        caption: What they have in common.
        some: They.
        names: What people call the distortions.
    """
    below = Markup("{}<br><small>{}</small>")
    rows = [
        (below.format(phrase, names.get(id, id)), signed_text(value)) for value, id, phrase in some
    ]
    return html_table(caption, ("Attribute", "Adds"), rows, figures=(1,), widths=(82, 18))


def sum_table(score: Score, names: Names) -> Markup:
    """Return every attribute with how clearly it shows and what it adds, from base to sum."""
    every = [
        (
            phrase,
            names.get(id, id),
            figure_text(score.attributes[id][phrase], digits=2),
            signed_text(value),
        )
        for value, id, phrase in addends(score)
    ]
    return html_table(
        "“Shows” is how sure the model is that the photograph has the attribute, from 0 to 1",
        ("Attribute", "Distortion", "Shows", "Adds"),
        [
            ("Every attribute as in the average of the training", "", "", figure_text(score.base)),
            *every,
            ("All together", "", "", figure_text(score.unclipped)),
        ],
        figures=(2, 3),
        widths=(55, 23, 11, 11),
    )


def about_table(card: "ModelCard") -> Markup:
    """Return where a model comes from: its encoder, its attributes and what it was trained on.

    How good it is on held-out photographs is left out: showing that would be a look at them.
    """
    encoder, data = card.encoder_facts, card.protocol
    count = sum(map(len, card.attributes.values()))
    return html_table(
        "Where this model comes from",
        ("What", "This model's"),
        [
            ("Encoder", f"{encoder.name}, {encoder.weights}. {_sentence(encoder.note)}"),
            ("Its view", f"{encoder.image_size}×{encoder.image_size} px; smaller is refused"),
            ("Attributes", f"{count}, of the version {card.label}"),
            ("Trained on", f"{data.dataset}: {data.images} images, {data.photographs} photographs"),
            ("What quality is", data.target),
            ("Protocol", f"{data.split}; {data.crop}"),
            ("Training", card.training),
        ],
        widths=(20, 80),
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"
