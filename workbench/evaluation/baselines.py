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
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn import functional as F

from workbench.datasets.image_set import Images
from workbench.domain.canonical import Progress
from workbench.domain.metrics import QualityMetrics, Undefined
from workbench.encoders import Encoder
from workbench.errors import ConfigError
from workbench.evaluation.brisque import nss_features
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.folds import Floats, FoldedData, Predict
from workbench.evaluation.image_metrics import ImageMetric, scores
from workbench.evaluation.refit import Pool, ridge_refit

EMBEDDING, STEM, NSS = "embedding_ridge", "stem_ridge", "nss_svr"
NAMES, ANTONYMS, CONSTANT = "distortion_names", "antonym_pair", "constant"

TITLES: Mapping[str, str] = {
    EMBEDDING: "ridge on the untuned encoder's embedding, no text",
    STEM: "ridge on the untuned encoder's stem, no text",
    NSS: "natural-scene statistics and SVR (BRISQUE's features)",
    NAMES: "names of the distortions as prompts, untuned (after LIQE)",
    ANTONYMS: "“Good photo.” against “Bad photo.”, zero-shot (CLIP-IQA)",
    CONSTANT: "mean quality of the training images",
}

# BRISQUE's authors tuned C and gamma on a grid too; both sides are standardised here.
GRID = {"regressor__svr__C": (1.0, 10.0, 100.0), "regressor__svr__gamma": (0.003, 0.01, 0.03)}
EPSILON = 0.1  # of standardised targets; errors below it cost nothing
INNER_FOLDS = 3


def fit_support_vectors(features: Floats, target: Floats, photographs: Sequence[str]) -> Predict:
    """Fit an SVR with radial kernel to standardised features and target.

    C and gamma are those of the grid with the least squared error on inner folds, which divide the
    given images by photograph; with one photograph the middle of the grid is taken.

    Args:
        features: (n, F).
        target: (n,).
        photographs: Photograph of each image.

    Returns:
        From features, (M, F), to the target, (M,).
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
    predict: Predict = fitted.predict
    return predict


Views = Callable[[np.ndarray, int], Tensor]  # image (H, W, 3) and S to (V, 3, S, S), both uint8


@dataclass(frozen=True)
class EncoderFeatures:
    """An encoder's view of N images.

    Attributes:
        embeddings: Of each image, L2-normalised, (V, E), float32; V goes by its size.
        stem: What enters the first transformer block: mean, then spread, of each channel over
            views and patches, (N, 2W), float64.
    """

    embeddings: tuple[Tensor, ...]
    stem: Floats

    def embedding(self) -> Floats:
        """Return mean and spread over the views, (N, 2E)."""
        values = [views.double() for views in self.embeddings]
        both = [torch.cat([views.mean(0), views.std(0, correction=0)]) for views in values]
        return np.asarray(torch.stack(both).numpy())


@torch.no_grad()
def read_images(
    encoder: Encoder, images: Images, views: Views, progress: Callable[[float, str], None]
) -> EncoderFeatures:
    """Read images with the untuned tower; what the tower remembers of a run is used again.

    Args:
        encoder: Its image tower reads.
        images: N images, each (H, W, 3), uint8.
        views: The crops that the run scores.
        progress: Told the share done.
    """
    embeddings, stem = [], []
    encoder.tower.eval()
    for place, image in enumerate(images):
        given = encoder.normalise(views(image, encoder.tower.image_size))
        given = encoder.tower.prepare(given)
        embeddings.append(F.normalize(encoder.tower(given).float(), dim=-1).cpu())
        own = encoder.tower.embed(given)[:, encoder.tower.class_tokens :]
        patches = own.flatten(0, 1).double()  # (V·N, W)
        stem.append(torch.cat([patches.mean(0), patches.std(0, correction=0)]).cpu().numpy())
        progress((place + 1) / len(images), "baselines: reading images")
    return EncoderFeatures(tuple(embeddings), np.array(stem))


def pair_probabilities(
    encoder: Encoder, readings: EncoderFeatures, pairs: Sequence[tuple[str, str]]
) -> Floats:
    """Return how much likelier the first sentence of a pair is than the second, per image.

    The softmax of CLIP-IQA (Wang, Chan and Loy, AAAI 2023, Eq. 2) over both similarities, averaged
    over the views.

    Args:
        encoder: Its text tower encodes the sentences.
        readings: The encoder's readings of N images.
        pairs: P pairs of sentences.

    Returns:
        (N, P), in [0, 1].
    """
    texts = encoder.encode_texts([sentence for pair in pairs for sentence in pair]).cpu()
    likely = []
    for views in readings.embeddings:
        similar = (views @ texts.T * encoder.logit_scale).reshape(-1, len(pairs), 2)  # (V, P, 2)
        likely.append(similar.softmax(-1)[..., 0].mean(0).double())
    return np.asarray(torch.stack(likely).numpy())


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
    readings: EncoderFeatures,
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
