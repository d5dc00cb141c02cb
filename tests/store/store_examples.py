"""Values that the store's tests share."""

from datetime import UTC, datetime

from tests.factories import CONFIG, make_predictions, make_protocol, make_result
from workbench.domain.attributes import AttributeSet
from workbench.domain.llm_call import LLMCall, LLMRequest
from workbench.domain.metrics import IdentificationMetrics, QualityMetrics, Undefined

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def a_set(**phrases):
    """An attribute set from keyword lists; without any, one phrase of one distortion."""
    return AttributeSet.from_phrases(phrases or {"jpeg": ["blocky edges"]})


def a_call(*, reply='["blocky edges"]', error=None, sample=0):
    request = LLMRequest(
        template="few_shot",
        template_hash="0" * 64,
        messages=({"role": "user", "content": "What does é look like? \n"},),
        model="tiny",
        parameters={"temperature": 0, "response_format": {"type": "json_schema"}},
        seed=1,
        sample=sample,
    )
    return LLMCall(
        request=request,
        distortion="jpeg",
        model_answered="tiny-1",
        reply=reply,
        prompt_tokens=3,
        latency_s=0.1 + 0.2,
        error=error,
        created_at=NOON,
    )


def a_result(version, config=CONFIG):
    """A result with an undefined figure, a float that needs all its digits, and predictions."""
    nothing = IdentificationMetrics(
        accuracy=0.1 + 0.2,
        accuracy_present=Undefined(undefined="nothing is present"),
        macro_f1=0.5,
        mean_average_precision=0.5,
        top1_type=0.5,
        strength_srcc=-0.25,
        rmse=1e-17,
    )
    return make_result(
        version,
        config,
        protocol=make_protocol(images=2, photographs=1),
        quality=QualityMetrics(srcc=1 / 3, krcc=0.2, plcc=0.3, plcc_fitted=0.4, rmse=0.1),
        identification=nothing,
        all_clean=nothing,
        predictions=make_predictions(
            [("coffee", "", 0), ("coffee", "jpeg", 3)], target=(1.0, 0.7), predicted=(2 / 3, 0.1)
        ),
    )
