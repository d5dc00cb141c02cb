"""Real runs with made-up numbers: the data of the tests in this folder."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from workbench.domain.attributes import AttributeSet
from workbench.domain.config import DataConfig, RunConfig
from workbench.domain.run import EncoderFacts, Predictions, Protocol, Run, RunResult
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import all_clean, identification_metrics
from workbench.evaluation.strength_tables import strength_tables

DISTORTIONS = ("gaussian_blur", "jpeg", "white_noise", "darken")
LEVELS = 5


def make_attributes(word: str) -> AttributeSet:
    phrases = {d: [f"{word} {d} trace {k}" for k in range(3)] for d in DISTORTIONS}
    return AttributeSet.from_phrases(phrases, origin="llm" if word == "draft" else "curated")


def make_run(
    number: int = 1,
    *,
    word: str = "draft",
    noise: float = 0.1,
    photographs: int = 12,
    distortions: Sequence[str] = DISTORTIONS,
    seed: int = 0,
    settings: dict | None = None,
) -> Run:
    """Return a finished run; `noise` decides how good it is, `seed` its errors."""
    images = [
        (f"photo{p}", d, level)
        for p in range(photographs)
        for d, level in [("", 0), *((d, lv) for d in distortions for lv in range(1, LEVELS + 1))]
    ]
    target = _targets(images)
    generator = np.random.default_rng(seed + 1)
    predicted = np.clip(target + generator.normal(0, noise, len(images)), 0, 1)
    strengths = np.array([[lv / LEVELS * (d == own) for own in distortions] for _, d, lv in images])
    told = np.clip(strengths + generator.normal(0, noise, strengths.shape), 0, 1)
    levels = [LEVELS] * len(distortions)
    attributes = make_attributes(word)
    config = RunConfig(data=DataConfig(distortions=tuple(distortions)), **(settings or {}))
    result = RunResult(
        version=attributes.hash,
        attributes=attributes.hash,
        attribute_count=attributes.size,
        config_hash=config.hash,
        encoder=make_encoder(),
        protocol=make_protocol(len(images), photographs, tuple(distortions)),
        quality=quality_metrics(target.tolist(), predicted.tolist()),
        identification=identification_metrics(strengths, told, levels=levels),
        all_clean=all_clean(strengths, levels),
        predictions=Predictions(
            image=tuple(f"{p}/{d or 'clean'}/{lv}" for p, d, lv in images),
            photograph=tuple(p for p, _, _ in images),
            distortion=tuple(d for _, d, _ in images),
            level=tuple(lv for _, _, lv in images),
            target=tuple(target.tolist()),
            predicted=tuple(predicted.tolist()),
        ),
        strength_tables=strength_tables(
            strengths, told, [p for p, _, _ in images], distortions=distortions, levels=levels
        ),
        duration_s=12.5,
        environment={"python": "3.13.1", "torch": "2.9.0"},
    )
    return Run(
        id=number,
        version=attributes.hash,
        config=config,
        status="done",
        progress=1.0,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        result=result,
    )


def with_result(run: Run, **changes: object) -> Run:
    """Return the run with some fields of its result replaced."""
    assert run.result is not None
    return run.model_copy(update={"result": run.result.model_copy(update=changes)})


def make_encoder() -> EncoderFacts:
    return EncoderFacts(
        name="offline",
        weights="random",
        trained=False,
        image_size=96,
        embedding_width=384,
        image_parameters=1_234_567,
        note="The image tower starts from random weights and is tuned whole.",
    )


def make_protocol(images: int, photographs: int, distortions: tuple[str, ...]) -> Protocol:
    return Protocol(
        dataset="packaged photographs",
        data_hash="d" * 64,
        target="VSI, full-reference weak supervision",
        distortions=distortions,
        split="by photograph, 5 folds, seed 0",
        crop="grid of 4 crops",
        images=images,
        photographs=photographs,
    )


def _targets(images: Sequence[tuple[str, str, int]]) -> np.ndarray:
    sensitivity = {d: 0.5 + 0.1 * i for i, d in enumerate(DISTORTIONS)}
    frailty = {
        p: np.random.default_rng(len(p) + int(p[5:])).uniform(0.6, 1.2) for p, _, _ in images
    }
    return np.array(
        [1.0 - sensitivity.get(d, 0.0) * lv / LEVELS * frailty[p] for p, d, lv in images]
    ).clip(0, 1)
