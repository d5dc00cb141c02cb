"""Quality metrics of other installed packages, measured with every run's baselines."""

from collections.abc import Callable

import numpy as np

from workbench.datasets.image_set import Images
from workbench.errors import ConfigError
from workbench.registry import offered

ENTRY_POINTS = "attribute_workbench.image_metrics"

ImageMetric = Callable[[np.ndarray], float]  # RGB (H, W, 3) uint8 to a score, higher is better


def offered_metrics() -> dict[str, ImageMetric]:
    """Return the metrics of every entry point of the group, by name.

    Raises:
        ConfigError: One cannot be loaded or called, or two share a name.
    """
    metrics: dict[str, ImageMetric] = {}
    for point, package, metric in offered(ENTRY_POINTS, "metrics"):
        if not callable(metric):
            raise ConfigError(
                f"The package '{package}' offers {point.value} as a metric, which is no function "
                f"of an image. Repair or uninstall {package}."
            )
        if point.name in metrics:
            raise ConfigError(
                f"Two packages offer a metric '{point.name}', one of them '{package}'. Uninstall "
                "one of them."
            )
        metrics[point.name] = metric
    return metrics


def scores(name: str, metric: ImageMetric, images: Images) -> np.ndarray:
    """Return a metric's scores of images, (N,), float64.

    Raises:
        ConfigError: It fails on an image, or its score is not a finite number.

    Example:
        >>> grey = np.full((4, 4, 3), 128, np.uint8)
        >>> scores("brightness", lambda image: image.mean(), [grey])
        array([128.])
    """
    values = np.empty(len(images))
    for index, image in enumerate(images):
        try:
            values[index] = float(metric(image))
        except Exception as fault:  # another package's function may raise anything
            reason = " ".join(f"{type(fault).__name__}: {fault}".split())
            raise _unusable(name, f"failed on image {index} of {len(images)}: {reason}") from fault
        if not np.isfinite(values[index]):
            raise _unusable(name, f"gave {values[index]} for image {index} of {len(images)}")
    return values


def _unusable(name: str, what: str) -> ConfigError:
    return ConfigError(
        f"The metric '{name}' of another package {what}. Repair or uninstall that package."
    )
