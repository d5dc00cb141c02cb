"""A saliency map over its photograph, as a PNG that people can read.

The photograph is shown grey under the map, so that all colour is the map's, and as it is beside it.
"""

from pathlib import Path
from textwrap import fill

import numpy as np

from workbench.atomic_files import atomic_write
from workbench.inference.saliency import SaliencyMap
from workbench.report.figures import style

COLOURS = "plasma"  # perceptually uniform; its ends differ to people with any colour vision
OPAQUE = 0.85  # at the map's largest value; where the map is 0, only the photograph shows
WIDTH = 11.0  # inches, of both photographs
DPI = 110
LINE = 100  # characters
METHOD_WORDS = {
    "gradient_rollout": "gradient-weighted attention rollout",
    "rollout": "attention rollout (the same for every target)",
    "occlusion": "occlusion",
}


def write_overlay(image: np.ndarray, saliency: SaliencyMap, file: Path) -> None:
    """Write the photograph, and beside it the map over the photograph, with words and a legend.

    Args:
        image: (H, W, 3), uint8, that the map is of.
        saliency: The map.
        file: A PNG; its folder exists. It appears complete or not at all.

    Raises:
        OSError: It cannot be written.
    """
    from matplotlib.cm import ScalarMappable

    height, width = image.shape[:2]
    figure = style.new_figure(WIDTH, WIDTH / 2 * height / width * 0.88 + 1.2)
    plain, mapped = figure.subplots(1, 2)
    plain.imshow(image)
    plain.set_title("photograph", fontsize=10, color=style.GREY)
    plain.set_axis_off()
    draw_map(mapped, image, saliency)
    mapped.set_title(METHOD_WORDS[saliency.method], fontsize=10, color=style.GREY)
    figure.suptitle(fill(style.short(saliency.target, 2 * LINE - 10), LINE), fontsize=13)
    figure.supxlabel(caption(saliency), fontsize=9, color=style.GREY)
    legend = figure.colorbar(ScalarMappable(cmap=COLOURS), ax=mapped, shrink=0.8, pad=0.02)
    legend.set_label("relevance, share of the largest")
    with atomic_write(file) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)


def draw_map(axes: style.Axes, image: np.ndarray, saliency: SaliencyMap) -> None:
    """Draw a map over the grey photograph; the more relevant, the less of it shows through.

    Args:
        axes: Anything that was drawn stays below.
        image: (H, W, 3), uint8.
        saliency: Its map.
    """
    grey = image @ np.array([0.299, 0.587, 0.114])  # luma of ITU-R BT.601
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
    opacity = OPAQUE * np.sqrt(saliency.values)  # the root, or all but the peak would be too faint
    axes.imshow(saliency.values, cmap=COLOURS, vmin=0, vmax=1, alpha=opacity)
    axes.set_axis_off()


def caption(saliency: SaliencyMap) -> str:
    """Return the line below a map: probability, logit and what the map can resolve."""
    return (
        f"probability {saliency.probability:.2f} · logit difference {saliency.logit:+.2f} · "
        f"{saliency.resolution}: nothing finer is known"
    )
