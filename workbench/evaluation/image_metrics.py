"""Quality metrics that other installed packages offer, to be measured beside every run."""

from collections.abc import Callable

import numpy as np

from workbench.datasets.image_set import Images
from workbench.errors import ConfigError
from workbench.registry import offered

ENTRY_POINTS = "attribute_workbench.image_metrics"

ImageMetric = Callable[[np.ndarray], float]  # RGB (H, W, 3) uint8 to a score, higher is better


def offered_metrics() -> dict[str, ImageMetric]:
    """Return the metrics of every entry point of the group, by its name.

    Raises:
        ConfigError: One cannot be loaded, cannot be called, or two share a name.
    """
    found: dict[str, ImageMetric] = {}
    for point, package, metric in offered(ENTRY_POINTS, "metrics"):
        if not callable(metric):
            raise ConfigError(
                f"The package '{package}' offers {point.value} as a metric, which is no function "
                f"of an image. Repair or uninstall {package}."
            )
        if point.name in found:
            raise ConfigError(
                f"Two packages offer a metric '{point.name}', one of them '{package}'. Uninstall "
                "one of them."
            )
        found[point.name] = metric
    return found


def scores(name: str, metric: ImageMetric, images: Images) -> np.ndarray:
    """Return a metric's scores of images, (N,), float64.

    Args:
        name: What its package calls it, for the message.
        metric: Asked for each image as it is.
        images: N of them, each (H, W, 3), uint8.

    Raises:
        ConfigError: It fails on an image, or its score is not a finite number.

    Example:
        >>> grey = np.full((4, 4, 3), 128, np.uint8)
        >>> scores("brightness", lambda image: image.mean(), [grey])
        array([128.])
    """
    found = []
    for place, image in enumerate(images):
        try:
            found.append(float(metric(image)))
        except Exception as fault:  # a stranger's function may raise anything
            said = " ".join(f"{type(fault).__name__}: {fault}".split())
            raise _unusable(name, f"failed on image {place} of {len(images)}: {said}") from fault
        if not np.isfinite(found[-1]):
            raise _unusable(name, f"gave {found[-1]} for image {place} of {len(images)}")
    return np.array(found)


def _unusable(name: str, what: str) -> ConfigError:
    return ConfigError(
        f"The metric '{name}' of another package {what}. Repair or uninstall that package."
    )
