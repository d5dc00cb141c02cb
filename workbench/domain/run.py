"""What a run is asked to do, and what came of it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from workbench.domain.base import Frozen, content_hash
from workbench.domain.metrics import IdentificationMetrics, QualityMetrics
from workbench.domain.strengths import StrengthTables

RunStatus = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
QualityMetricName = Literal["haarpsi", "vsi", "fsim"]


class DataConfig(Frozen):
    """Which images are tuned and tested on.

    Attributes:
        photographs: "packaged", or a folder of photographs.
        distortions: Ids; every distortion is applied to every photograph at every level.
        width, height: Photographs are scaled and cropped to this size in pixels before distortion.
        quality_metric: The full-reference metric that serves as weak supervision (not a MOS).
        seed: Seed of the stochastic distortions.
    """

    photographs: str = "packaged"
    distortions: tuple[str, ...] = Field(min_length=1)
    width: int = Field(384, ge=64)
    height: int = Field(288, ge=64)
    quality_metric: QualityMetricName = "haarpsi"
    seed: int = Field(0, ge=0)


class EncoderConfig(Frozen):
    """Which image-text encoder reads the images.

    Attributes:
        name: "offline", any open_clip model name, or "auto" (the hub's CLIP where it is reachable).
        pretrained: open_clip tag or path of a local checkpoint; None for random weights.
    """

    name: str = "auto"
    pretrained: str | None = None


class TuningConfig(Frozen):
    """How the image tower is tuned (METHOD §1.4–1.8).

    Attributes:
        mode: "shallow" or "deep" prompts, the "whole" tower, or "none".
        prompts: Number of prompt tokens P.
        polarity: Name of the pair of sentences an attribute is scored by; None takes the encoder's.
        logit_scale: s of Eq. 6; None takes the checkpoint's own.
        crops: Random crops per image and epoch in training, grid crops in scoring.
        learning_rate: Peak of the cosine schedule.
        warmup: Share of all steps that are linear warm-up.
        clip_norm: Largest gradient norm.
    """

    mode: Literal["none", "shallow", "deep", "whole"] = "shallow"
    prompts: int = Field(16, ge=0)
    polarity: Literal["not", "no", "pristine"] | None = None
    logit_scale: float | None = Field(None, gt=0)
    crops: int = Field(4, ge=1)
    epochs: int = Field(100, ge=1)
    batch_size: int = Field(32, ge=1)
    learning_rate: float = Field(0.002, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.2, ge=0, lt=1)
    clip_norm: float = Field(1.0, gt=0)


class RegressorConfig(Frozen):
    """The MLP from attribute probabilities to quality (Eq. 9)."""

    hidden: tuple[int, int] = (128, 64)
    dropout: float = Field(0.2, ge=0, lt=1)
    epochs: int = Field(100, ge=1)
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(0.002, gt=0)
    warmup: float = Field(0.2, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)


class SplitConfig(Frozen):
    """How photographs are divided: `folds` parts, each held out once (grouped k-fold).

    Attributes:
        locked: Share of the photographs that stays out of all folds, so that nothing is chosen by
            them; figures on them are shown by `compare --locked` alone, and each look is counted.
    """

    folds: int = Field(5, ge=2)
    seed: int = Field(0, ge=0)
    locked: float = Field(0.0, ge=0, lt=1)

    @model_serializer(mode="wrap")
    def _without_default(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `locked` out where there is none: configurations of before keep their hash."""
        fields: dict[str, Any] = handler(self)
        if not self.locked:
            fields.pop("locked", None)
        return fields


class RunConfig(Frozen):
    """Everything that decides a run except the attributes."""

    name: str = "run"
    data: DataConfig
    encoder: EncoderConfig = EncoderConfig()
    tuning: TuningConfig = TuningConfig()
    regressor: RegressorConfig = RegressorConfig()
    split: SplitConfig = SplitConfig()
    seed: int = Field(0, ge=0)

    @property
    def hash(self) -> str:
        """SHA-256 of the resolved configuration without its name."""
        return content_hash(self.model_dump(mode="json", exclude={"name"}))


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


class RunResult(Frozen):
    """What came of running one version under one configuration.

    Attributes:
        version: Hash of the version.
        attributes: Hash of the part of it that was used, and its size A.
        quality: Figures over all held-out images.
        identification: The same images, strengths per distortion.
        all_clean: The baseline that predicts strength 0 everywhere.
        baselines: Figures of simple methods over the same images and folds, by name.
        strength_tables: Dose and response, calibration and confusion of the held-out strengths.
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
    strength_tables: StrengthTables | None = None  # older results have none
    locked: LockedPart | None = None  # only with split.locked
    duration_s: float
    environment: dict[str, str]


class Run(Frozen):
    """One row of the queue.

    Attributes:
        id: Number of the run.
        version: Hash of the version it runs.
        progress: Share done, in [0, 1].
        stage: What it is doing, in words.
        error: One plain line if it failed.
        worker: Who works on it ("host:pid").
    """

    id: int
    version: str
    config: RunConfig
    status: RunStatus
    progress: float = Field(0.0, ge=0, le=1)
    stage: str = ""
    error: str | None = None
    worker: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: RunResult | None = None
