"""Real runs with made-up numbers: the data of the tests in this folder."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from tests.factories import make_predictions, make_protocol, make_result
from workbench.domain.attributes import AttributeSet
from workbench.domain.config import DataConfig, RunConfig
from workbench.domain.run import Run
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import (
    all_clean,
    held_out_strengths,
    identification_metrics,
)
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
    result = make_result(
        attributes.hash,
        config,
        attributes=attributes.hash,
        attribute_count=attributes.size,
        protocol=make_protocol(
            images=len(images), photographs=photographs, distortions=tuple(distortions)
        ),
        quality=quality_metrics(target.tolist(), predicted.tolist()),
        identification=identification_metrics(strengths, told, levels=levels),
        all_clean=all_clean(strengths, levels),
        predictions=make_predictions(images, target=target.tolist(), predicted=predicted.tolist()),
        strengths=held_out_strengths(strengths, told, distortions=distortions, levels=levels),
        strength_tables=strength_tables(
            strengths, told, [p for p, _, _ in images], distortions=distortions, levels=levels
        ),
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


def _targets(images: Sequence[tuple[str, str, int]]) -> np.ndarray:
    sensitivity = {d: 0.5 + 0.1 * i for i, d in enumerate(DISTORTIONS)}
    frailty = {
        p: np.random.default_rng(len(p) + int(p[5:])).uniform(0.6, 1.2) for p, _, _ in images
    }
    return np.array(
        [1.0 - sensitivity.get(d, 0.0) * lv / LEVELS * frailty[p] for p, d, lv in images]
    ).clip(0, 1)
