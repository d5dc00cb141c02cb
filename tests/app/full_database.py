"""A database with something of everything: real values, computed figures, made-up predictions."""

from datetime import UTC, datetime

import numpy as np

from tests.factories import make_predictions, make_protocol, make_result
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.config import DataConfig, RunConfig
from workbench.domain.llm_call import LLMCall, LLMRequest
from workbench.drafting.draft_attributes import response_format
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import (
    all_clean,
    held_out_strengths,
    identification_metrics,
)
from workbench.evaluation.strength_tables import strength_tables
from workbench.settings import resource
from workbench.store.text import read_attributes

DISTORTIONS = ("gaussian_blur", "jpeg", "white_noise")
LEVELS = 5
CONFIG = RunConfig(name="demo", data=DataConfig(distortions=DISTORTIONS))


def fill(store):
    """Drafts of every origin, two versions with finished runs, and a run of every other status."""
    call = store.calls.add(a_call())
    curated = read_attributes(resource("attribute_db/curated"), origin="curated")
    store.draft.replace(curated, author="ann")
    drafted = Attribute(phrase="smudged *bold* tiles", origin="llm", call_id=call.id)
    store.draft.add("jpeg", drafted, author="ann")
    first = store.versions.freeze(
        AttributeSet.from_phrases(
            {
                "gaussian_blur": ["soft contours", "washed-out texture"],
                "jpeg": ["visible grid of small square blocks", "muddy colours"],
                "white_noise": ["fine grain everywhere"],
            },
            origin="llm",
        ),
        message="As drafted by the language model",
        author="ann",
        alias="draft",
    )
    second = store.versions.freeze(
        curated, message="Curated <set>", author="bob", parent=first.hash, alias="curated"
    )
    finish(store, first, noise=0.2)
    finish(store, second, noise=0.08)
    fail(store, second)
    claimed(store, second)
    store.runs.enqueue(first.hash, CONFIG)
    return first, second


def a_call():
    request = LLMRequest(
        template="few_shot",
        template_hash="0" * 64,
        messages=({"role": "user", "content": "What does it look like?"},),
        model="small-model",
        parameters={"temperature": 0, "response_format": response_format(2)},
        seed=1,
    )
    return LLMCall(
        request=request,
        distortion="jpeg",
        model_answered="small-model-q4",
        reply='{"attributes": ["smudged *bold* tiles", "crumbled outlines"]}',
        latency_s=3.2,
        created_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )


def claimed(store, version, config=CONFIG):
    run = store.runs.enqueue(version.hash, config)
    store.runs.claim("elsewhere:1", only=run.id)
    store.runs.report(run.id, 0.4, "fold 2 of 5: tuning")
    return run


def fail(store, version):
    run = claimed(store, version)
    store.runs.fail(run.id, "The loss is no finite number in epoch 3; lower tuning.learning_rate.")
    return run


def finish(store, version, *, noise, config=CONFIG):
    run = claimed(store, version, config)
    store.runs.finish(run.id, a_result(version, config, noise=noise))
    return run


def a_result(version, config, *, noise, photographs=12):
    """A result whose predictions miss their targets by `noise`; every figure follows from them."""
    distortions = config.data.distortions
    shown = [("", 0), *((d, level) for d in distortions for level in range(1, LEVELS + 1))]
    images = [(f"photo{p}", d, level) for p in range(photographs) for d, level in shown]
    chance = np.random.default_rng(3)
    truth = np.array([[lv / LEVELS * (d == own) for own in distortions] for _, d, lv in images])
    target = np.clip(1 - 0.8 * truth.max(axis=1) + chance.normal(0, 0.03, len(images)), 0, 1)
    predicted = np.clip(target + chance.normal(0, noise, len(images)), 0, 1)
    strengths = np.clip(truth + chance.normal(0, noise, truth.shape), 0, 1)
    levels = [LEVELS] * len(distortions)
    used = version.attributes.restricted_to(distortions)
    return make_result(
        version.hash,
        config,
        attributes=used.hash,
        attribute_count=used.size,
        protocol=make_protocol(
            dataset="photographs of installed packages, distorted at all levels",
            target="HaarPSI (full-reference weak supervision, no MOS)",
            distortions=distortions,
            images=len(images),
            photographs=photographs,
        ),
        quality=quality_metrics(target.tolist(), predicted.tolist()),
        identification=identification_metrics(truth, strengths, levels=levels),
        all_clean=all_clean(truth, levels=levels),
        predictions=make_predictions(images, target=target.tolist(), predicted=predicted.tolist()),
        strengths=held_out_strengths(truth, strengths, distortions=distortions, levels=levels),
        strength_tables=strength_tables(
            truth, strengths, [p for p, _, _ in images], distortions=distortions, levels=levels
        ),
    )
