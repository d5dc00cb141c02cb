"""Draft the attributes of one distortion: render, recall or ask, check, try again."""

from collections.abc import Callable
from typing import Any

from workbench.domain.attributes import Attribute
from workbench.domain.distortion import Distortion
from workbench.domain.llm_call import LLMCall, LLMRequest
from workbench.drafting.client import LanguageModel, Log, NamedModel
from workbench.drafting.parse import parse_attributes
from workbench.drafting.templates import ALONE, PromptTemplate, Surroundings, load_template, render
from workbench.errors import ConfigError, DraftParseError

ATTEMPTS = 3  # one question and two more after unusable replies
TOKENS_PER_ATTRIBUTE = 48  # a phrase of nine words is about 12 tokens; the rest is room
FREQUENCY_PENALTY = 0.5  # a small model under temperature 0 otherwise repeats one word in all K
WARM = 0.7  # temperature of everything that must differ from the first greedy answer

Recall = Callable[[str], LLMCall | None]


def draft_attributes(
    distortion: Distortion,
    model: LanguageModel,
    *,
    template: str = "few_shot",
    k: int = 5,
    seed: int = 0,
    sample: int = 0,
    around: Surroundings = ALONE,
    log: Log,
    recall: Recall,
) -> tuple[Attribute, ...]:
    """Return K candidate attributes of a distortion, written by a language model.

    What was answered before is not asked again, even if the answer took several tries. An unusable
    reply is logged with what is wrong with it, and the model is asked again with a new seed, at
    most twice.

    Args:
        distortion: What to describe.
        model: Who is asked.
        template: Name of the prompt template.
        k: How many attributes, ≥ 1.
        seed: Start of the sampling seeds.
        sample: Index among several samples of one prompt, ≥ 0.
        around: What of the rest of the set the template may show.
        log: Stores a call and returns it with its id; called for every call, failed ones too.
        recall: Returns the stored call of a request's key, or None.

    Returns:
        K attributes of origin "llm", each with the id of the call that made it.

    Raises:
        ConfigError: k or sample is out of range.
        UnknownNameError, TemplateError: The template does not exist or cannot be rendered.
        LLMRequestError: The model could not be reached or refused.
        DraftParseError: No reply held K usable phrases; keeps the last raw reply.
    """
    recalled = recalled_attributes(
        distortion, model,
        template=template, k=k, seed=seed, sample=sample, around=around, recall=recall,
    )  # fmt: skip
    if recalled is not None:
        return recalled
    for request in _requests(distortion, model, template, k, seed, sample, around):
        try:
            return _attributes(_asked(request, distortion.id, model, k, log), k)
        except DraftParseError as error:
            fault = error
    message = f"{model.name} gave no {k} usable attributes of {distortion.id} in {ATTEMPTS} tries"
    raise DraftParseError(f"{message}; the last one: {fault}", fault.reply)


def recalled_attributes(
    distortion: Distortion,
    model: NamedModel,
    *,
    template: str = "few_shot",
    k: int = 5,
    seed: int = 0,
    sample: int = 0,
    around: Surroundings = ALONE,
    recall: Recall,
) -> tuple[Attribute, ...] | None:
    """Return what `draft_attributes` with these arguments gave before, from the log alone.

    Args:
        distortion: As for `draft_attributes`, and so all others.
        model: Its name alone plays a part.
        template: Name of the prompt template.
        k: How many.
        seed: Start of the sampling seeds.
        sample: Number of the sample.
        around: What a template may show of the rest.
        recall: AccessCount a logged answer up by the request's key.

    Returns:
        K attributes, or None if the log holds no usable answer.

    Raises:
        ConfigError: k or sample is out of range.
        UnknownNameError, TemplateError: The template does not exist or cannot be rendered.
    """
    for request in _requests(distortion, model, template, k, seed, sample, around):
        call = recall(request.key)
        if call is not None and call.error is None:
            return _attributes(call, k)
    return None


def _requests(
    distortion: Distortion,
    model: NamedModel,
    template: str,
    k: int,
    seed: int,
    sample: int,
    around: Surroundings,
) -> list[LLMRequest]:
    """Return the question, and those that follow it if replies are unusable."""
    if k < 1 or sample < 0:
        raise ConfigError(f"k must be at least 1 and sample at least 0, not {k} and {sample}.")
    prompt = load_template(template)
    return [
        build_request(
            distortion, model, prompt,
            k=k, seed=seed, sample=sample, attempt=attempt, around=around,
        )
        for attempt in range(ATTEMPTS)
    ]  # fmt: skip


def build_request(
    distortion: Distortion,
    model: NamedModel,
    template: PromptTemplate,
    *,
    k: int,
    seed: int = 0,
    sample: int = 0,
    attempt: int = 0,
    around: Surroundings = ALONE,
) -> LLMRequest:
    """Return all that decides the answer, ready to be shown, hashed or sent.

    The first attempt at the first sample is greedy (temperature 0). Greedy sampling ignores the
    seed, so further samples and attempts are drawn at temperature 0.7.
    """
    greedy = sample == 0 and attempt == 0
    return LLMRequest(
        template=template.name,
        template_hash=template.hash,
        messages=render(template, distortion, k, around),
        model=model.name,
        parameters={
            "temperature": 0 if greedy else WARM,
            "frequency_penalty": FREQUENCY_PENALTY,
            "max_tokens": TOKENS_PER_ATTRIBUTE * (k + 1),
            "response_format": response_format(k),
            **model.extra_body,
        },
        seed=seed + ATTEMPTS * sample + attempt,
        sample=sample,
    )


def response_format(k: int) -> dict[str, Any]:
    """Return the structured output that is asked for: {"attributes": [K strings]}, nothing else.

    The schema holds no pattern: llama.cpp silently turns a regular expression that it cannot read
    into "any string".

    Example:
        >>> response_format(5)["json_schema"]["schema"]["properties"]["attributes"]["maxItems"]
        5
    """
    phrases = {"type": "array", "items": {"type": "string"}, "minItems": k, "maxItems": k}
    schema = {
        "type": "object",
        "properties": {"attributes": phrases},
        "required": ["attributes"],
        "additionalProperties": False,
    }
    named = {"name": "attributes", "strict": True, "schema": schema}
    return {"type": "json_schema", "json_schema": named}


def _asked(request: LLMRequest, distortion: str, model: LanguageModel, k: int, log: Log) -> LLMCall:
    """Return the stored call, whose reply is usable."""
    call = model.complete(request, distortion=distortion, log=log)
    try:
        if call.error is not None:
            raise DraftParseError(call.error, call.reply)
        parse_attributes(call.reply, k)
    except DraftParseError as error:
        log(call.model_copy(update={"error": str(error)}))
        raise
    return log(call)


def _attributes(call: LLMCall, k: int) -> tuple[Attribute, ...]:
    phrases = parse_attributes(call.reply, k)
    return tuple(Attribute(phrase=phrase, origin="llm", call_id=call.id) for phrase in phrases)
