"""Draft the attributes of one distortion: render, recall or ask, check, try again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.domain.attributes import Attribute
from workbench.domain.distortion import Distortion
from workbench.domain.llm_call import LLMCall, LLMRequest
from workbench.drafting.client import LanguageModel, Log, NamedModel
from workbench.drafting.parse import parse_attributes, read_reply
from workbench.drafting.service import split_reasoning
from workbench.drafting.templates import NO_CONTEXT, PromptContext, load_template, render
from workbench.errors import ConfigError, DraftParseError

ATTEMPTS = 3  # one question and two more after unusable replies
TOKENS_PER_ATTRIBUTE = 48  # a phrase of nine words is about 12 tokens; the rest is room
FREQUENCY_PENALTY = 0.5  # a small model under temperature 0 otherwise repeats one word in all K
WARM = 0.7  # temperature of everything that must differ from the first greedy answer

Recall = Callable[[str], LLMCall | None]


@dataclass(frozen=True)
class DraftOptions:
    """How a language model is asked for attributes.

    Attributes:
        template: Name of the prompt template.
        k: How many attributes a reply holds, ≥ 1.
        samples: How often each distortion is asked about, ≥ 1.
        seed: Start of the sampling seeds, ≥ 0.
        neighbours: Ids of the distortions that a template contrasts with; None for those of the
            same group.
        concurrency: Most requests under way at once; None for what suits the model.
    """

    template: str = "few_shot"
    k: int = 5
    samples: int = 1
    seed: int = 0
    neighbours: tuple[str, ...] | None = None
    concurrency: int | None = None


DEFAULTS = DraftOptions()


def draft_attributes(
    distortion: Distortion,
    model: LanguageModel,
    options: DraftOptions = DEFAULTS,
    *,
    sample: int = 0,
    context: PromptContext = NO_CONTEXT,
    log: Log,
    recall: Recall,
) -> tuple[Attribute, ...]:
    """Return K candidate attributes of a distortion, written by a language model.

    What was answered before is not asked again, even if the answer took several tries. An unusable
    reply is logged with what is wrong with it, and the model is asked again with a new seed, at
    most twice. A reply that was cut short gets a larger budget of tokens; if reasoning took all of
    it, that is no try.

    Args:
        distortion: What to describe.
        model: Who is asked.
        options: Template, K and seed.
        sample: Index among several samples of one prompt, ≥ 0.
        context: The rest of the set, as far as the template may show it.
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
    k = options.k
    recalled = recalled_attributes(
        distortion, model, options, sample=sample, context=context, recall=recall
    )
    if recalled is not None:
        return recalled
    budget = model.learnt.budget
    for attempt in range(ATTEMPTS):
        request = build_request(
            distortion, model, options, sample=sample, attempt=attempt, context=context
        )
        call, budget = _ask(request, distortion.id, model, k, log, budget)
        if call.error is None:
            return _attributes(call, k)
        if call.cut and model.raises:
            budget = model.larger_budget(request, budget) or budget
    message = f"{model.name} gave no {k} usable attributes of {distortion.id} in {ATTEMPTS} tries"
    raise DraftParseError(f"{message}; the last one: {call.error}", call.reply)


def recalled_attributes(
    distortion: Distortion,
    model: NamedModel,
    options: DraftOptions = DEFAULTS,
    *,
    sample: int = 0,
    context: PromptContext = NO_CONTEXT,
    recall: Recall,
) -> tuple[Attribute, ...] | None:
    """Return what `draft_attributes` with these arguments gave before, from the log alone.

    Returns:
        K attributes, or None if the log holds no usable answer.

    Raises:
        ConfigError: k or sample is out of range.
        UnknownNameError, TemplateError: The template does not exist or cannot be rendered.
    """
    for attempt in range(ATTEMPTS):
        request = build_request(
            distortion, model, options, sample=sample, attempt=attempt, context=context
        )
        call = recall(request.key)
        if call is not None and call.error is None:
            return _attributes(call, options.k)
    return None


def build_request(
    distortion: Distortion,
    model: NamedModel,
    options: DraftOptions = DEFAULTS,
    *,
    sample: int = 0,
    attempt: int = 0,
    context: PromptContext = NO_CONTEXT,
) -> LLMRequest:
    """Return all that decides the answer, ready to be shown, hashed or sent.

    The first attempt at the first sample is greedy (temperature 0). Greedy sampling ignores the
    seed, so further samples and attempts are drawn at temperature 0.7.

    Raises:
        ConfigError: k or sample is out of range.
        UnknownNameError, TemplateError: The template does not exist or cannot be rendered.
    """
    k = options.k
    if k < 1 or sample < 0:
        raise ConfigError(f"k must be at least 1 and sample at least 0, not {k} and {sample}.")
    template = load_template(options.template)
    greedy = sample == 0 and attempt == 0
    return LLMRequest(
        template=template.name,
        template_hash=template.hash,
        messages=render(template, distortion, k, context),
        model=model.name,
        parameters={
            "temperature": 0 if greedy else WARM,
            "frequency_penalty": FREQUENCY_PENALTY,
            "max_tokens": TOKENS_PER_ATTRIBUTE * (k + 1),
            "response_format": response_format(k),
            **model.extra_body,
        },
        seed=options.seed + ATTEMPTS * sample + attempt,
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


def _ask(
    request: LLMRequest,
    distortion: str,
    model: LanguageModel,
    k: int,
    log: Log,
    budget: int | None,
) -> tuple[LLMCall, int | None]:
    """Return the stored call, and the budget of tokens that it took.

    Raises:
        DraftParseError: The largest budget went into reasoning.
    """
    start = budget
    while True:
        call = model.complete(request, distortion=distortion, log=log, budget=budget)
        call = log(_checked(call, k))
        if call.error is None and budget != start:
            model.learnt.add(budget=call.budget)
        if call.error is None or not call.cut or split_reasoning(call.reply)[0]:
            return call, budget
        refused = budget is not None and budget != call.budget  # the model takes no more
        larger = None if refused else model.larger_budget(request, budget)
        if larger is None:
            raise DraftParseError(_spent(call, distortion), call.reply)
        budget = larger


def _checked(call: LLMCall, k: int) -> LLMCall:
    """Return a call with the form of its reply, or with what is wrong with it."""
    if call.error is not None and (call.reply or not call.reasoning):
        return call
    try:
        form = read_reply(call.text, k, cut=call.cut).form
    except DraftParseError as error:
        return call.model_copy(update={"error": call.error or str(error)})
    return call.model_copy(update={"form": form, "error": None})


def _spent(call: LLMCall, distortion: str) -> str:
    tokens = f"{call.budget:,} tokens" if call.budget else "tokens"
    return (
        f"{call.request.model} spent its budget of {tokens} on reasoning and gave no attributes of "
        f"{distortion}. Set a larger budget or less reasoning in WORKBENCH_MODEL_OPTIONS, such as "
        "'{max_tokens: 32000}' or '{reasoning_effort: low}'."
    )


def _attributes(call: LLMCall, k: int) -> tuple[Attribute, ...]:
    phrases = parse_attributes(call.text, k, cut=call.cut)
    return tuple(Attribute(phrase=phrase, origin="llm", call_id=call.id) for phrase in phrases)
