"""What a run is asked to do: everything that decides its figures except the attributes."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from workbench.domain.canonical import Frozen, content_hash
from workbench.errors import DataError

QualityMetricName = Literal["haarpsi", "vsi", "fsim"]

ImageForm = Literal["png", "jpeg", "webp", "array"]  # of the images of a generated set

# Pixels on a side that a form can hold, by Pillow's name of it: libjpeg's JPEG_MAX_DIMENSION,
# WebP's WEBP_MAX_DIMENSION, what libavif reads back, 16 bits. The others hold more than fits.
LONGEST_SIDE: Mapping[str, int] = {
    "AVIF": 32_768,
    "GIF": 65_535,
    "ICO": 256,
    "JPEG": 65_500,
    "MPO": 65_500,
    "PCX": 65_534,
    "PDF": 65_500,
    "SGI": 65_535,
    "TGA": 65_535,
    "WEBP": 16_383,
}


# What a configuration may ask for, so that a slip of the finger does not ask for the whole memory.
_Seed = Annotated[int, Field(ge=0, lt=2**63)]
_Side = Annotated[int, Field(ge=64, le=65_535)]  # pixels
_Width = Annotated[int, Field(ge=1, le=65_536)]  # of a layer


def require_sides(width: int, height: int, forms: Iterable[str]) -> None:
    """Raise a DataError if a form of image files cannot hold so many pixels on a side.

    Args:
        width: In pixels.
        height: In pixels.
        forms: Pillow's names, in any case; one that is not listed holds any size.

    Example:
        >>> require_sides(20_000, 300, ["webp"])
        Traceback (most recent call last):
        workbench.errors.DataError: WEBP holds at most 16,383 pixels a side, got 20000 x 300: \
scale the image down, cut it, or choose another form, such as PNG.
    """
    for form in map(str.upper, forms):
        longest = LONGEST_SIDE.get(form)
        if longest is not None and max(width, height) > longest:
            raise DataError(
                f"{form} holds at most {longest:,} pixels a side, got {width} x {height}: "
                "scale the image down, cut it, or choose another form, such as PNG."
            )


STORED = {"stored": True}
"""The validation context of a configuration that was stored, in a run or with a model.

    RunConfig.model_validate_json(text, context=STORED)

A field that it lacks then means what was done before there was that field, not today's default.
"""


class _Section(Frozen):
    """A part of a configuration that may grow without changing the hash of what was before."""

    _later: ClassVar[frozenset[str]] = frozenset()  # fields that are left out while at default
    # Later fields whose default is not what was done before them: they are left out at that value.
    _before: ClassVar[Mapping[str, Any]] = {}

    @model_validator(mode="before")
    @classmethod
    def _as_it_was_meant(cls, raw: Any, info: ValidationInfo) -> Any:
        stored = info.context == STORED and isinstance(raw, dict)
        return {**cls._before, **raw} if stored else raw

    @model_serializer(mode="wrap")
    def _as_before_later_fields(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        defaults = {name: type(self).model_fields[name].default for name in self._later}
        for name, value in {**defaults, **self._before}.items():
            if getattr(self, name) == value:
                fields.pop(name, None)
        return fields


class DataConfig(Frozen):
    """Photographs that the workbench distorts itself, each with every distortion at every level.

    Attributes:
        photographs: "packaged", or a folder of photographs.
        distortions: Ids; every distortion is applied to every photograph at every level.
        width, height: Photographs are scaled and cropped to this size in pixels before distortion.
        quality_metric: The full-reference metric that serves as weak supervision (not a MOS).
        seed: Seed of the stochastic distortions.
    """

    photographs: str = "packaged"
    distortions: tuple[str, ...] = Field(min_length=1)
    width: _Side = 384
    height: _Side = 288
    quality_metric: QualityMetricName = "haarpsi"
    seed: _Seed = 0


class DatasetConfig(Frozen):
    """A dataset as it is distributed, or one that `generate` made.

    Attributes:
        dataset: Name of an adapter or of a registered table (`workbench datasets list`).
        root: Folder that its files lie below; a registered table may do without.
        distortions: Ids; images that show any other type are left out. Empty for photographs whose
            distortions nobody knows.
        images: Largest number of images, drawn by group; None takes all.
        seed: Decides which are drawn.
    """

    dataset: str
    root: str = ""
    distortions: tuple[str, ...] = ()
    images: int | None = Field(None, ge=1)
    seed: _Seed = 0


def _kind(raw: Any) -> str:
    named = "dataset" in raw if isinstance(raw, dict) else isinstance(raw, DatasetConfig)
    return "dataset" if named else "photographs"


AnyData = Annotated[
    Annotated[DataConfig, Tag("photographs")] | Annotated[DatasetConfig, Tag("dataset")],
    Discriminator(_kind),
]


class EncoderConfig(Frozen):
    """Which image-text encoder reads the images.

    Attributes:
        name: "offline", "dinov2", any open_clip model name, or "auto" (the hub's CLIP where it is
            reachable).
        pretrained: open_clip tag or path of a local checkpoint; None for random weights.
    """

    name: str = "auto"
    pretrained: str | None = None


class TuningConfig(_Section):
    """How the image tower is tuned (METHOD §1.4–1.8).

    Attributes:
        mode: "shallow" or "deep" prompts, the "whole" tower, or "none".
        prompts: Number of prompt tokens P.
        insertion: Where prompts join: "end", after the patches and through the norm before the
            first block, or "after_cls", past that norm (METHOD §1.7).
        initialisation: "normal" draws from N(0, 1), "uniform" as VPT does, ±√(6/(3p²+W)).
        prompt_dropout: Share of each prompt's entries that training sets to 0.
        polarity: Name of the pair of sentences an attribute is scored by; None takes the encoder's.
        logit_scale: s of Eq. 6; None takes the checkpoint's own.
        weights: Whether w of Eq. 7 is "learned", or stays the "mean" (an ablation).
        crops: Random crops per image and epoch in training, grid crops in scoring.
        learning_rate: Peak of the cosine schedule.
        warmup: Share of all steps that are linear warm-up.
        clip_norm: Largest gradient norm.
        patience: Epochs without a better loss on the validation part before training stops; 0
            never stops and keeps the last epoch.
        precision: "fp32", "bf16", or "auto": bf16 where the processor is faster in it.
        start: "fresh" prompts, or those of the run of the version's "parent", fold by fold.
    """

    _later = frozenset(
        {"insertion", "initialisation", "prompt_dropout", "weights", "patience", "precision"}
        | {"start"}
    )

    mode: Literal["none", "shallow", "deep", "whole"] = "shallow"
    prompts: int = Field(16, ge=0, le=4_096)
    insertion: Literal["end", "after_cls"] = "end"
    initialisation: Literal["normal", "uniform"] = "normal"
    prompt_dropout: float = Field(0.0, ge=0, lt=1)
    polarity: Literal["not", "no", "pristine"] | None = None
    logit_scale: float | None = Field(None, gt=0)
    weights: Literal["learned", "mean"] = "learned"
    crops: int = Field(4, ge=1, le=1_000)
    epochs: int = Field(100, ge=1, le=1_000_000)
    batch_size: int = Field(32, ge=1, le=100_000)
    learning_rate: float = Field(0.002, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.2, ge=0, lt=1)
    clip_norm: float = Field(1.0, gt=0)
    patience: int = Field(0, ge=0)
    precision: Literal["auto", "fp32", "bf16"] = "fp32"
    start: Literal["fresh", "parent"] = "fresh"


class RegressorConfig(_Section):
    """From attributes to quality (Eq. 9), and the variants of an ablation.

    Attributes:
        kind: The "mlp" of Eq. 9, or a "linear" map.
        given: What it reads: all "attributes", as in Eq. 9; the distortions' "strengths"; or the
            image's "embedding", an upper reference that explains nothing.
        readout: What it reads of an attribute: its "log_odds", or its "probabilities", as the paper
            has it. Strengths and embeddings have no readout and no views.
        views: Where it reads an attribute: in the "crops", averaged, or in the "crops_and_whole"
            image, scaled to the encoder's size.
        dropout: Share that alpha-dropout takes.
    """

    _later = frozenset(("kind", "given"))
    _before: ClassVar[Mapping[str, Any]] = {"readout": "probabilities", "views": "crops"}

    kind: Literal["mlp", "linear"] = "mlp"
    given: Literal["attributes", "strengths", "embedding"] = "attributes"
    readout: Literal["log_odds", "probabilities"] = "log_odds"
    views: Literal["crops", "crops_and_whole"] = "crops_and_whole"
    hidden: tuple[_Width, _Width] = (128, 64)
    dropout: float = Field(0.2, ge=0, lt=1)
    epochs: int = Field(100, ge=1, le=1_000_000)
    batch_size: int = Field(64, ge=1, le=100_000)
    learning_rate: float = Field(0.002, gt=0)
    warmup: float = Field(0.2, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)

    @property
    def reads_log_odds(self) -> bool:
        """Whether it reads attributes by their log-odds."""
        return self.given == "attributes" and self.readout == "log_odds"

    @property
    def reads_whole_image(self) -> bool:
        """Whether it reads attributes of the whole image beside those of the crops."""
        return self.given == "attributes" and self.views == "crops_and_whole"


class SplitConfig(_Section):
    """How photographs are divided: `folds` parts, each held out once (grouped k-fold).

    Attributes:
        repeats: How often that is done, each time with another division; five folds twice, with
            `validation` .125, are ten splits of 70/10/20.
        validation: Share of a fold's training photographs that training may stop by.
        locked: Share of the photographs that stays out of all folds, so that nothing is chosen by
            them; figures on them are shown by `compare --locked` alone, and each look is counted.
        published: Folder of splits, published or written by `workbench datasets split`, taken in
            the place of folds; their test parts may overlap, so that a test over them is
            descriptive only.
    """

    _later = frozenset(("repeats", "validation", "locked", "published"))

    folds: int = Field(5, ge=2, le=10_000)
    repeats: int = Field(1, ge=1, le=1_000)
    seed: _Seed = 0
    validation: float = Field(0.0, ge=0, lt=1)
    locked: float = Field(0.0, ge=0, lt=1)
    published: str | None = None


class RunConfig(_Section):
    """Everything that decides a run except the attributes.

    Attributes:
        name: For people; the hash leaves it out.
        data: What is tuned and tested on.
        transfer: Other data that the tuned model is tried on (Tables IV and V).
        controls: Whether nonsense, misplaced phrases and the names of the distortions are read from
            the same embeddings, to say what the words are worth.
    """

    _later = frozenset(("transfer", "controls"))

    name: str = "run"
    data: AnyData
    encoder: EncoderConfig = EncoderConfig()
    tuning: TuningConfig = TuningConfig()
    regressor: RegressorConfig = RegressorConfig()
    split: SplitConfig = SplitConfig()
    transfer: tuple[AnyData, ...] = ()
    controls: bool = True
    seed: _Seed = 0

    @field_validator("data")
    @classmethod
    def _tells_distortions(cls, data: AnyData) -> AnyData:
        if not data.distortions:
            raise ValueError("tuning needs data whose distortions are known: name some")
        return data

    @property
    def hash(self) -> str:
        """SHA-256 of the resolved configuration without its name."""
        return content_hash(self.model_dump(mode="json", exclude={"name"}))
