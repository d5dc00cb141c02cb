"""Values that tests of several rooms build on: as small as can be, and changed by name."""

from typing import Any

from workbench.domain.config import DataConfig, RunConfig
from workbench.domain.metrics import IdentificationMetrics, QualityMetrics, Undefined
from workbench.domain.proposal import Proposal, SearchFacts, SentenceFigures
from workbench.domain.run import EncoderFacts, Predictions, Protocol, RunResult

CONFIG = RunConfig(data=DataConfig(distortions=("jpeg",)))
SEEDED = tuple(CONFIG.model_copy(update={"seed": seed}) for seed in range(40))  # no two the same
NONE = Undefined(undefined="nothing was measured")


def make_encoder(**changes: Any) -> EncoderFacts:
    """The offline encoder, said to be untrained."""
    facts: dict[str, Any] = {
        "name": "offline",
        "weights": "random",
        "trained": False,
        "image_size": 96,
        "embedding_width": 384,
        "image_parameters": 1_234_567,
        "note": "The image tower starts from random weights and is tuned whole.",
    }
    return EncoderFacts(**facts | changes)


def make_protocol(**changes: Any) -> Protocol:
    """Nothing measured, on no photograph."""
    terms: dict[str, Any] = {
        "dataset": "packaged photographs",
        "data_hash": "d" * 64,
        "target": "VSI, full-reference weak supervision",
        "distortions": ("jpeg",),
        "split": "by photograph, 5 folds, seed 0",
        "crop": "grid of 4 crops",
        "images": 0,
        "photographs": 0,
    }
    return Protocol(**terms | changes)


def make_result(version: str, config: RunConfig = CONFIG, **changes: Any) -> RunResult:
    """A result that measured nothing, but for what is named.

    Args:
        version: Hash of the version.
        config: What was run.
        changes: Fields of `RunResult`.
    """
    identification = IdentificationMetrics(
        **dict.fromkeys(IdentificationMetrics.model_fields, NONE)
    )
    fields: dict[str, Any] = {
        "version": version,
        "attributes": "a" * 64,
        "attribute_count": 1,
        "config_hash": config.hash,
        "encoder": make_encoder(),
        "protocol": make_protocol(),
        "quality": QualityMetrics(**dict.fromkeys(QualityMetrics.model_fields, NONE)),
        "identification": identification,
        "all_clean": identification,
        "predictions": make_predictions([], target=(), predicted=()),
        "duration_s": 12.5,
        "environment": {"python": "3.13", "torch": "2.9"},
    }
    return RunResult(**fields | changes)


def make_predictions(images: Any, *, target: Any, predicted: Any) -> Predictions:
    """Predictions of images that are (photograph, distortion or "", level) each."""
    return Predictions(
        image=tuple(f"{p}/{d or 'clean'}/{level}" for p, d, level in images),
        photograph=tuple(p for p, _, _ in images),
        distortion=tuple(d for _, d, _ in images),
        level=tuple(level for _, _, level in images),
        target=tuple(target),
        predicted=tuple(predicted),
    )


def make_proposal(row, new="tiles with hard borders", **more):
    """Return what a search proposes in place of a draft row's words."""
    before = SentenceFigures(score=0.4, auc=0.5, srcc=0.1, specificity=0.2, rival="gaussian_blur",
                             dead_levels=(1, 2), curve=(0.2, 0.2, 0.2, 0.3, 0.4, 0.3))  # fmt: skip
    after = SentenceFigures(score=0.9, auc=0.95, srcc=0.9, specificity=0.9, rival="white_noise",
                            curve=(0.1, 0.2, 0.4, 0.6, 0.8, 0.9))  # fmt: skip
    facts = SearchFacts(
        objective="0.4 AUC", photographs="packaged", parts="0" * 64, search=5, validation=2,
        encoder="offline", model="tiny", seed=0, tried=12, calls=3,
    )  # fmt: skip
    return Proposal(
        row=row.id, row_version=row.row_version, identity=row.attribute.identity,
        distortion=row.distortion, old=row.attribute.phrase, new=new,
        reason="Stronger on Gaussian blur than on JPEG (wins 20% of the pairs).",
        before=before, after=after, validation_gain=0.3, facts=facts, **more,
    )  # fmt: skip
