"""What simple methods reach on the very images and folds of a run, without downloaded weights.

Beside each figure of a run stands what it would have been without attributes: from the same
encoder's embedding (the price of explainability), from its stem, from statistics of natural
scenes, from the mere names of the distortions, from one antonym pair, and from no image at all. All
are held out by the run's own folds, so they can be resampled together with it. Decision 0012.

Shapes: N images, n of them in training, F features, D distortions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from workbench.datasets.image_set import Images
from workbench.domain.metrics import QualityMetrics, Undefined
from workbench.domain.progress import Progress
from workbench.encoders import Encoder
from workbench.errors import ConfigError
from workbench.evaluation.baseline_titles import (
    ANTONYMS,
    CONSTANT,
    EMBEDDING,
    NAMES,
    NSS,
    STEM,
    TITLES,
)
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.held_out import Floats, FoldedData, Predict
from workbench.evaluation.nss import nss_features
from workbench.evaluation.packaged_metrics import ImageMetric, scores
from workbench.evaluation.readings import Readings, Views, pair_probabilities, read_images
from workbench.evaluation.refit import Pool, ridge_refit
from workbench.evaluation.support_vectors import fit_support_vectors

# Probabilities (n, D), float32, as attributes have them, quality (n,) and seed to `predict`.
Regress = Callable[[np.ndarray, Floats, int], Callable[[np.ndarray], Floats]]

# LIQE (Zhang et al., CVPR 2023) asks for "a photo of a(n) {scene} with {distortion} artifacts".
NAME_PAIR = ("A photo with {} artifacts.", "A clean photo.")
ANTONYM_PAIR = ("Good photo.", "Bad photo.")  # CLIP-IQA (Wang, Chan and Loy, AAAI 2023)
NSS_SHARE = 0.2  # of the time that all take, roughly


@dataclass(frozen=True)
class BaselineResult:
    """What one method predicted.

    Attributes:
        title: The method in words.
        predicted: Quality of each image, (N,), from models that never saw its photograph.
        quality: Figures over all images.
    """

    title: str
    predicted: Floats
    quality: QualityMetrics


def baselines(
    encoder: Encoder,
    data: FoldedData,
    names: Sequence[str],
    *,
    views: Views,
    regress: Regress,
    seed: int,
    progress: Progress,
    further: Mapping[str, ImageMetric] | None = None,
) -> dict[str, BaselineResult]:
    """Measure all baselines, each image held out once.

    Args:
        encoder: The run's, as it was before tuning.
        data: The run's images and folds.
        names: What people call the D distortions ("Gaussian blur").
        views: The run's crops of an image.
        regress: The run's regressor; returns its `predict`.
        seed: The run's; fold f takes seed + f.
        progress: Told the share done; what it raises passes through.
        further: Metrics of other packages by name; see `packaged_metrics`.

    Returns:
        Results by name, in the order of `TITLES`, then of `further`.

    Raises:
        ConfigError: A further metric takes the name of a baseline.
        ShapeError: An image is smaller than a view, or too small for the statistics.
    """
    taken = sorted(set(further or {}) & set(TITLES))
    if taken:
        raise ConfigError(f"'{taken[0]}' names a baseline already. Give the metric another name.")
    natural = _natural_statistics(data.images, progress)
    readings = read_images(encoder, data.images, views, _rest(progress))
    # The matrices are so small that more threads only wait for each other: 0.03 s became 4 s.
    with threadpool_limits(1, user_api="blas"):
        predicted = {
            EMBEDDING: held_out_ridge(data, readings.embedding()),
            STEM: held_out_ridge(data, readings.stem),
            NSS: data.predict(natural, _machine),
            NAMES: _from_names(encoder, readings, data, names, regress, seed),
            ANTONYMS: pair_probabilities(encoder, readings, [ANTONYM_PAIR])[:, 0],
            CONSTANT: data.predict(natural, _mean),
        }
    results = {name: _result(name, values, data) for name, values in predicted.items()}
    for name, metric in (further or {}).items():
        results[name] = _outside(name, scores(name, metric, data.images), data)
    return results


def _natural_statistics(images: Images, progress: Progress) -> Floats:
    rows = []
    for place, image in enumerate(images):
        rows.append(nss_features(image))
        progress(NSS_SHARE * (place + 1) / len(images), "baselines: natural-scene statistics")
    return np.array(rows)


def _rest(progress: Progress) -> Progress:
    return lambda share, text: progress(NSS_SHARE + (1 - NSS_SHARE) * share, text)


def _from_names(
    encoder: Encoder,
    readings: Readings,
    data: FoldedData,
    names: Sequence[str],
    regress: Regress,
    seed: int,
) -> Floats:
    pairs = [(NAME_PAIR[0].format(name), NAME_PAIR[1]) for name in names]
    probabilities = pair_probabilities(encoder, readings, pairs)

    def fit(seen: Floats, quality: Floats, _: Sequence[str], fold: int) -> Predict:
        predict = regress(seen.astype(np.float32), quality, seed + fold)
        return lambda unseen: predict(unseen.astype(np.float32))

    return data.predict(probabilities, fit)


def held_out_ridge(data: FoldedData, features: Floats) -> Floats:
    """Return quality, (N,), by the ridge that attribution refits with, each image unseen.

    Args:
        data: Images, quality and folds.
        features: (N, F), the same for every fold.
    """
    folds, (images, width) = len(data.folds), features.shape
    same = np.broadcast_to(features.astype(np.float32), (folds, images, width))
    numbers = np.unique(data.photographs, return_inverse=True)[1]
    refit = ridge_refit(Pool(same, data.fold_of, data.quality, numbers))
    return np.clip(refit(np.arange(width)), 0, 1)


def _machine(features: Floats, quality: Floats, photographs: Sequence[str], _: int) -> Predict:
    return fit_support_vectors(features, quality, photographs)


def _mean(_f: Floats, quality: Floats, _p: Sequence[str], _: int) -> Predict:
    return lambda unseen: np.full(len(unseen), quality.mean())


def _result(name: str, predicted: Floats, data: FoldedData) -> BaselineResult:
    quality = quality_metrics(data.quality.tolist(), predicted.tolist())
    if name == CONSTANT:  # the means of the folds differ by chance, which is no ranking of images
        none = Undefined(undefined="a constant ranks nothing")
        quality = QualityMetrics(
            srcc=none, krcc=none, plcc=none, plcc_fitted=none, rmse=quality.rmse
        )
    return BaselineResult(TITLES[name], predicted, quality)


def _outside(name: str, predicted: Floats, data: FoldedData) -> BaselineResult:
    quality = quality_metrics(data.quality.tolist(), predicted.tolist())
    unknown = Undefined(undefined=f"{name} scores on a scale of its own")
    return BaselineResult(name, predicted, quality.model_copy(update={"rmse": unknown}))
