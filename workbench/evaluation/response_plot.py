"""How the probability of one sentence follows the strength of a distortion, as SVG text."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from workbench.evaluation.figures.style import bare, colour_of
from workbench.evaluation.svg import svg_text


def response_plot(
    distortion: str,
    strength: Sequence[float],
    mean: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
) -> str:
    """Draw a dose-response curve with its interval over photographs.

    Args:
        distortion: Name of the distortion.
        strength: Of each level, the clean image first, (L+1,), in [0, 1].
        mean: Mean probability of the sentence at each, (L+1,), in [0, 1].
        low: Lower end of its 95 % interval over photographs, (L+1,).
        high: Upper end, (L+1,).

    Returns:
        An SVG document as text.
    """
    figure = Figure(figsize=(6.4, 2.4), layout="constrained")
    axes = figure.subplots()
    colour = colour_of(0)
    axes.fill_between(strength, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(strength, mean, color=colour, marker="o", markersize=4)
    axes.set_xlabel(f"strength of {distortion}")
    axes.set_ylabel("probability")
    axes.set_ylim(-0.03, 1.03)
    bare(axes)
    points = ", ".join(f"{s:.2f}: {p:.2f}" for s, p in zip(strength, mean, strict=True))
    return svg_text(
        figure,
        "response",
        title=f"Probability of the sentence by strength of {distortion}",
        about=f"Mean over photographs at each strength, {points}; the band is its 95 % interval.",
    )
