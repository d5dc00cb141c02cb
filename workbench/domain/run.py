"""What came of a run, and the row of the queue that asked for it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field, model_validator

from workbench.domain.canonical import Frozen
from workbench.domain.config import RunConfig
from workbench.domain.metrics import (
    HeldOutStrengths,
    IdentificationMetrics,
    Metric,
    QualityMetrics,
    StrengthTables,
)

ControlName = Literal["nonsense", "shuffled", "names"]
_TELLING = 0.05  # a share done from which on the time left can be told
RunStatus = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


# Names of the baselines of a result, and what people call them.
EMBEDDING, STEM, NSS = "embedding_ridge", "stem_ridge", "nss_svr"
NAMES, ANTONYMS, CONSTANT = "distortion_names", "antonym_pair", "constant"
BASELINE_TITLES: Mapping[str, str] = {
    EMBEDDING: "ridge on the untuned encoder's embedding, no text",
    STEM: "ridge on the untuned encoder's stem, no text",
    NSS: "natural-scene statistics and SVR (BRISQUE's features)",
    NAMES: "names of the distortions as prompts, untuned (after LIQE)",
    ANTONYMS: "“Good photo.” against “Bad photo.”, zero-shot (CLIP-IQA)",
    CONSTANT: "mean quality of the training images",
}


def run_key(version: str, config_hash: str) -> str:
    """Return the name under which the files of a version under a configuration lie.

    Example:
        >>> run_key("a" * 64, "b" * 64)
        'aaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb'
    """
    return f"{version[:16]}-{config_hash[:16]}"


class EncoderFacts(Frozen):
    """Which encoder really ran; part of every result.

    Attributes:
        name: As the registry knows it.
        weights: Where the weights came from, or "random".
        trained: False while the image tower starts from random weights.
        note: One line for people.
    """

    name: str
    weights: str
    trained: bool
    image_size: int
    embedding_width: int
    image_parameters: int
    note: str = ""


class Protocol(Frozen):
    """The terms under which figures may be compared; two protocols are never ranked together.

    Attributes:
        dataset: What the images are, in words.
        data_hash: SHA-256 over image bytes, labels and targets.
        target: What the quality target is ("VSI, full-reference weak supervision").
        polarity: Direction of the target.
        distortions: Ids of the distortions in the set.
        split: Rule, folds and seed, in words.
        crop: Which views of an image are scored, in words.
        images, photographs: Counts.
    """

    dataset: str
    data_hash: str
    target: str
    polarity: str = "higher is better"
    distortions: tuple[str, ...]
    split: str
    crop: str
    images: int
    photographs: int


class Predictions(Frozen):
    """Held-out predictions, one entry per image, all columns of one length.

    Attributes:
        image: Stable image ids ("coffee/jpeg/3").
        photograph: The photograph each image was made from.
        distortion: Distortion id, "" for the clean image.
        level: 0 for the clean image.
        target: Quality target in [0, 1].
        predicted: Predicted quality.
    """

    image: tuple[str, ...]
    photograph: tuple[str, ...]
    distortion: tuple[str, ...]
    level: tuple[int, ...]
    target: tuple[float, ...]
    predicted: tuple[float, ...]

    @model_validator(mode="after")
    def _one_length(self) -> "Predictions":
        lengths = {name: len(column) for name, column in self}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"columns differ in length: {lengths}")
        return self


class LockedPart(Frozen):
    """Figures on the photographs that no fold has seen, tuned once on all others."""

    quality: QualityMetrics
    identification: IdentificationMetrics
    all_clean: IdentificationMetrics
    predictions: Predictions
    strengths: HeldOutStrengths | None = None  # older results have none


class SplitFigures(Frozen):
    """Figures on the test part of one split.

    Attributes:
        name: What the split is called ("repeat 2, fold 1 of 5").
        images: Size of the test part.
    """

    name: str
    images: int
    quality: QualityMetrics
    identification: IdentificationMetrics


class Transfer(Frozen):
    """How the model that was tuned on all open images does on other data (Tables IV and V).

    Attributes:
        protocol: The terms of the other data; its distortions are those that both have.
        identification: Strengths of the distortions that both have; None if they share none.
        all_clean: The baseline that predicts strength 0 everywhere.
        identified: Number of images behind these two, since those that show any other type are left
            out; None in results of before it was kept.
        frozen: Quality with the features frozen and the regressor trained on the other data's
            folds. The paper calls this zero-shot.
        zero_shot: Quality with nothing trained on the other data at all.
        subsets: SRCC with frozen features within each part that the data divides itself into.
        baselines: Figures of simple methods over the same images and folds, by name.
        predictions: Of the frozen features' regressor.
    """

    protocol: Protocol
    identification: IdentificationMetrics | None
    all_clean: IdentificationMetrics | None
    identified: int | None = None
    frozen: QualityMetrics
    zero_shot: QualityMetrics
    subsets: dict[str, Metric] = Field(default_factory=dict)
    baselines: dict[str, QualityMetrics] = Field(default_factory=dict)
    predictions: Predictions


class Control(Frozen):
    """What other sentences gave on the run's own images, folds and tuned towers.

    Attributes:
        name: As many sentences of nonsense, the set's own under other types, or the types' names.
        draw: Which of several draws of nonsense.
        predicted, strengths: Held-out quality, (N, 1), and strengths, (N, D), of the images of
            `predictions`, as `packed` of `evaluation.identification` packs them; strengths in half
            precision, and "" where there are too many.
    """

    name: ControlName
    draw: int
    quality: QualityMetrics
    identification: IdentificationMetrics
    predicted: str
    strengths: str


class RunResult(Frozen):
    """What came of running one version under one configuration.

    Attributes:
        version: Hash of the version.
        attributes: Hash of the part of it that was used, and its size A.
        quality: Figures over all held-out images.
        identification: The same images, strengths per distortion.
        all_clean: The baseline that predicts strength 0 everywhere.
        baselines: Figures of simple methods over the same images and folds, by name.
        strengths: True and predicted strengths of the held-out images.
        strength_tables: Dose and response, calibration and confusion of the held-out strengths.
        splits: Figures of each split's test part by itself, in the order in which they were taken.
        transfers: The final model on other data.
        controls: What other sentences gave; none where the configuration wants none.
        locked: The same on the locked photographs, which are in no other figure.
        duration_s: Wall-clock seconds.
        environment: Versions of the libraries that decide the numbers.
    """

    version: str
    attributes: str
    attribute_count: int
    config_hash: str
    encoder: EncoderFacts
    protocol: Protocol
    quality: QualityMetrics
    identification: IdentificationMetrics
    all_clean: IdentificationMetrics
    predictions: Predictions
    baselines: dict[str, QualityMetrics] = Field(default_factory=dict)  # older results have none
    strengths: HeldOutStrengths | None = None  # older results have none
    strength_tables: StrengthTables | None = None  # older results have none
    splits: tuple[SplitFigures, ...] = ()  # older results have none
    transfers: tuple[Transfer, ...] = ()
    controls: tuple[Control, ...] = ()  # older results have none
    locked: LockedPart | None = None  # only with split.locked
    duration_s: float
    environment: dict[str, str]


class LossPoint(Frozen):
    """A loss on the way through a stage of a run ("split 1, tuning"), at a step counted from 1."""

    stage: str
    step: int
    loss: float


class Run(Frozen):
    """One row of the queue.

    Attributes:
        id: Number of the run.
        version: Hash of the version it runs.
        progress: Share done, in [0, 1].
        stage: What it is doing, in words.
        error: One plain line if it failed.
        worker: Who works on it ("host:pid").
        claim: How often a worker has taken it; what an earlier claim wants to write is refused.
        deaths: How often its worker went silent.
        cancel_requested: Somebody has cancelled it; while it is running, it is stopping.
        afresh: What an earlier attempt has trained is to be discarded.
    """

    id: int
    version: str
    config: RunConfig
    status: RunStatus
    progress: float = Field(0.0, ge=0, le=1)
    stage: str = ""
    error: str | None = None
    worker: str | None = None
    claim: int = 0
    deaths: int = 0
    cancel_requested: bool = False
    afresh: bool = False
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: RunResult | None = None

    def time_left_s(self) -> float | None:
        """Return how long it will still take if it goes on as it went; None if nobody knows yet."""
        if self.status != "running" or self.started_at is None or self.progress < _TELLING:
            return None
        elapsed_s = (datetime.now(UTC) - self.started_at).total_seconds()
        return elapsed_s * (1 - self.progress) / self.progress

    @property
    def is_stopping(self) -> bool:
        """Whether it was cancelled and its worker has not heard of it yet."""
        return self.status == "running" and self.cancel_requested


class RunFilter(Frozen):
    """Which runs of the queue are wanted; what is empty admits all.

    Attributes:
        statuses: In one of these states.
        version: Of the version with this hash, all 64 digits.
        experiment: Whose configuration has this name.
        dataset: On this dataset, or on this folder of photographs ("packaged").
        text: Words that occur in configuration, stage, error, worker or the version's message,
            alias or first digits.
    """

    statuses: tuple[RunStatus, ...] = ()
    version: str = ""
    experiment: str = ""
    dataset: str = ""
    text: str = ""
