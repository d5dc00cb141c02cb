"""What simple methods reach on the very images and folds of a run, without downloaded weights.

With each figure of a run goes what it would have been without attributes: from the same
encoder's embedding (the explainability gap), from its stem, from statistics of natural scenes,
from the mere names of the distortions, from one antonym pair, and from no image at all. All are
held out by the run's own folds, so they can be resampled together with it. Decision 0012.

Shapes: N images, n of them in training, V crops of an image, F features, D distortions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn import functional as F

from workbench.datasets.image_set import Images
from workbench.domain.canonical import Progress, part
from workbench.domain.metrics import QualityMetrics, Undefined
from workbench.domain.run import (
    ANTONYMS,
    BASELINE_TITLES,
    CONSTANT,
    EMBEDDING,
    NAMES,
    NSS,
    STEM,
)
from workbench.encoders import Encoder
from workbench.errors import ConfigError
from workbench.evaluation.bootstrap import Floats
from workbench.evaluation.brisque import nss_features
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.refit import FoldedData, Model, Pool, ridge_refit
from workbench.registry import offered

# BRISQUE's authors tuned C and gamma on a grid too; both sides are standardised here.
GRID = {"regressor__svr__C": (1.0, 10.0, 100.0), "regressor__svr__gamma": (0.003, 0.01, 0.03)}
EPSILON = 0.1  # of standardised targets; errors below it cost nothing
INNER_FOLDS = 3
NSS_SHARE = 0.2  # of the time that all take, roughly

# LIQE (Zhang et al., CVPR 2023) asks for "a photo of a(n) {scene} with {distortion} artifacts".
NAME_PAIR = ("A photo with {} artifacts.", "A clean photo.")
ANTONYM_PAIR = ("Good photo.", "Bad photo.")  # CLIP-IQA (Wang, Chan and Loy, AAAI 2023)

# Metrics of other installed packages are measured too.
ENTRY_POINTS = "attribute_workbench.image_metrics"

ImageMetric = Callable[[np.ndarray], float]  # RGB (H, W, 3) uint8 to a score, higher is better
Crops = Callable[[np.ndarray, int], Tensor]  # image (H, W, 3) and S to (V, 3, S, S), both uint8
# Probabilities (n, D), float32, as attributes have them, quality (n,) and seed to `predict`.
Regress = Callable[[np.ndarray, Floats, int], Callable[[np.ndarray], Floats]]


@dataclass(frozen=True)
class BaselineResult:
    """What one method predicted.

    Attributes:
        title: The method in words.
        predicted: Quality of each image, (N,), from models that were not trained on its photograph.
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
    crops: Crops,
    whole: Crops | None = None,
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
        crops: The run's crops of an image.
        whole: The run's view of the whole image, (1, 3, S, S), where its regressor reads one: the
            embedding without text is then read there too, so that both see the same.
        regress: The run's regressor; returns its `predict`.
        seed: The run's; fold f takes seed + f.
        progress: Called with the share done; what it raises passes through.
        further: Metrics of other packages by name; see `offered_metrics`.

    Returns:
        Results by name, in the order of `BASELINE_TITLES`, then of `further`.

    Raises:
        ConfigError: A further metric takes the name of a baseline.
        ShapeError: An image is smaller than a crop, or too small for the statistics.
    """
    taken = sorted(set(further or {}) & set(BASELINE_TITLES))
    if taken:
        raise ConfigError(f"'{taken[0]}' names a baseline already. Give the metric another name.")
    natural = _natural_statistics(data.images, part(progress, 0.0, NSS_SHARE))
    features = encoder_features(
        encoder, data.images, crops, part(progress, NSS_SHARE, 1.0), whole=whole
    )
    # The matrices are so small that more threads only wait for each other: 0.03 s became 4 s.
    with threadpool_limits(1, user_api="blas"):
        predicted = {
            EMBEDDING: held_out_ridge(data, features.embedding()),
            STEM: held_out_ridge(data, features.stem),
            NSS: data.predict(natural, fit_support_vectors),
            NAMES: _from_names(encoder, features, data, names, regress, seed),
            ANTONYMS: pair_probabilities(encoder, features, [ANTONYM_PAIR])[:, 0],
            CONSTANT: data.predict(natural, _fit_mean),
        }
    results = {name: _result(name, values, data) for name, values in predicted.items()}
    for name, metric in (further or {}).items():
        results[name] = _result(name, scores(name, metric, data.images), data)
    return results


@dataclass(frozen=True)
class EncoderFeatures:
    """What an untuned encoder computes of N images.

    Attributes:
        embeddings: Of each image's crops, L2-normalised, (V, E), float32; V goes by its size.
        whole: Of each whole image, L2-normalised, (N, E), float32; (N, 0) where none is read.
        stem: What enters the first transformer block: mean, then spread, of each channel over
            crops and patches, (N, 2W), float64.
    """

    embeddings: tuple[Tensor, ...]
    whole: Tensor
    stem: Floats

    def embedding(self) -> Floats:
        """Return mean and spread over the crops, then the whole image's, (N, 2E) or (N, 3E)."""
        values = [crops.double() for crops in self.embeddings]
        both = [torch.cat([crops.mean(0), crops.std(0, correction=0)]) for crops in values]
        return np.asarray(torch.cat([torch.stack(both), self.whole.double()], 1).numpy())


@torch.no_grad()
def encoder_features(
    encoder: Encoder,
    images: Images,
    crops: Crops,
    progress: Progress,
    *,
    whole: Crops | None = None,
) -> EncoderFeatures:
    """Encode images with the untuned tower; what the tower remembers of a run is used again."""
    embeddings, whole_images, stem = [], [], []
    encoder.tower.eval()
    size = encoder.tower.image_size
    for index, image in enumerate(images):
        views = crops(image, size)
        count = len(views)
        if whole is not None:
            views = torch.cat([views, whole(image, size)])
        prepared = encoder.tower.prepare(encoder.normalise(views))
        embedded = F.normalize(encoder.tower(prepared).float(), dim=-1).cpu()
        embeddings.append(embedded[:count])
        whole_images.append(embedded[count:].flatten())
        tokens = encoder.tower.embed(prepared[:count])[:, encoder.tower.class_tokens :]
        patches = tokens.flatten(0, 1).double()  # (V·N, W)
        stem.append(torch.cat([patches.mean(0), patches.std(0, correction=0)]).cpu().numpy())
        progress((index + 1) / len(images), "baselines: encoding images")
    return EncoderFeatures(tuple(embeddings), torch.stack(whole_images), np.array(stem))


def pair_probabilities(
    encoder: Encoder, features: EncoderFeatures, pairs: Sequence[tuple[str, str]]
) -> Floats:
    """Return how much likelier the first sentence of each pair is than the second, (N, P).

    The softmax of CLIP-IQA (Wang, Chan and Loy, AAAI 2023, Eq. 2) over both similarities, averaged
    over the crops.
    """
    texts = encoder.encode_texts([sentence for pair in pairs for sentence in pair]).cpu()
    likely = []
    for crops in features.embeddings:
        similar = (crops @ texts.T * encoder.logit_scale).reshape(-1, len(pairs), 2)  # (V, P, 2)
        likely.append(similar.softmax(-1)[..., 0].mean(0).double())
    return np.asarray(torch.stack(likely).numpy())


def fit_support_vectors(
    features: Floats, target: Floats, photographs: Sequence[str], _fold: int = 0
) -> Model:
    """Fit an SVR with radial kernel to standardised features and target.

    C and gamma are those of the grid with the least squared error on inner folds, which divide the
    training images by photograph; with one photograph the middle of the grid is taken.
    """
    # Importing scikit-learn takes half a second that commands without baselines need not wait for.
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    machine = SVR(C=10.0, gamma=0.01, epsilon=EPSILON)
    steps = Pipeline([("scale", StandardScaler()), ("svr", machine)])
    model = TransformedTargetRegressor(steps, transformer=StandardScaler())
    folds = min(INNER_FOLDS, len(set(photographs)))
    if folds > 1:
        inner = GroupKFold(folds)
        model = GridSearchCV(model, GRID, cv=inner, scoring="neg_mean_squared_error")
        fitted = model.fit(features, target, groups=list(photographs))
    else:
        fitted = model.fit(features, target)
    predict: Model = fitted.predict
    return predict


def held_out_ridge(data: FoldedData, features: Floats) -> Floats:
    """Return held-out quality, (N,), of features, (N, F), by attribution's ridge."""
    folds, (images, width) = len(data.folds), features.shape
    same = np.broadcast_to(features.astype(np.float32), (folds, images, width))
    numbers = np.unique(data.photographs, return_inverse=True)[1]
    refit = ridge_refit(Pool(same[:, :, None], data.fold_of, data.quality, numbers))
    return np.clip(refit(np.arange(width)), 0, 1)


def _fit_mean(_features: Floats, quality: Floats, _photographs: Sequence[str], _: int) -> Model:
    return lambda held_out: np.full(len(held_out), quality.mean())


def _natural_statistics(images: Images, progress: Progress) -> Floats:
    rows = []
    for index, image in enumerate(images):
        rows.append(nss_features(image))
        progress((index + 1) / len(images), "baselines: natural-scene statistics")
    return np.array(rows)


def _from_names(
    encoder: Encoder,
    features: EncoderFeatures,
    data: FoldedData,
    names: Sequence[str],
    regress: Regress,
    seed: int,
) -> Floats:
    pairs = [(NAME_PAIR[0].format(name), NAME_PAIR[1]) for name in names]

    def fit(training: Floats, quality: Floats, _: Sequence[str], fold: int) -> Model:
        predict = regress(training.astype(np.float32), quality, seed + fold)
        return lambda held_out: predict(held_out.astype(np.float32))

    return data.predict(pair_probabilities(encoder, features, pairs), fit)


def _result(name: str, predicted: Floats, data: FoldedData) -> BaselineResult:
    quality = quality_metrics(data.quality.tolist(), predicted.tolist())
    if name == CONSTANT:  # the means of the folds differ by chance, which is no ranking of images
        none = Undefined(undefined="a constant ranks nothing")
        quality = QualityMetrics(
            srcc=none, krcc=none, plcc=none, plcc_fitted=none, rmse=quality.rmse
        )
    if name not in BASELINE_TITLES:
        unknown = Undefined(undefined=f"{name} scores on a scale of its own")
        quality = quality.model_copy(update={"rmse": unknown})
    return BaselineResult(BASELINE_TITLES.get(name, name), predicted, quality)


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
