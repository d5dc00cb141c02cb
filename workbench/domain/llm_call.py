"""One call of a language model, whole enough to be judged and repeated."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from workbench.domain.canonical import Frozen, content_hash

# What services call the end by a token limit: OpenAI, Anthropic, Google, Mistral.
CUT = frozenset({"length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"})

BUDGETS = ("max_tokens", "max_completion_tokens")  # two names of one field

# Fields that only some calls have. A call without them is logged and digested as ever.
OCCASIONAL = ("sent", "finish_reason", "reasoning", "form")


class LLMRequest(Frozen):
    """All that decides an answer.

    Attributes:
        template: Name of the prompt template.
        template_hash: SHA-256 of the template's text.
        messages: Chat messages as sent, each {"role", "content"}.
        model: The model asked for.
        parameters: Sampling parameters and response format; None leaves a field out. What was
            sent instead, where a service did not take one, is in `LLMCall.sent`.
        seed: Sampling seed.
        sample: Index among several samples of one prompt.
    """

    template: str
    template_hash: str
    messages: tuple[dict[str, str], ...]
    model: str
    parameters: dict[str, Any]
    seed: int
    sample: int = 0

    @property
    def key(self) -> str:
        """SHA-256 over every field: the cache key."""
        return content_hash(self.model_dump(mode="json"))


class LLMCall(Frozen):
    """A request and what came of it; an error is kept as faithfully as a reply.

    Attributes:
        request: What was asked.
        distortion: The distortion it was asked about.
        model_answered: The model that the server says it ran.
        reply: The raw text, empty if none came.
        prompt_tokens, completion_tokens: As counted by the server, if it counted.
        latency_s: Seconds from request to reply.
        cost_usd: What it cost by the price table of that day, in US dollars; None if unknown.
        error: One line, or None if the reply was usable.
        created_at: When, in UTC.
        id: Number in the store's log, once it is stored.
        sent: Seed and parameters as sent, where they were not those of the request: the service
            does not take one of them, or the answer needed a larger budget of tokens.
        finish_reason: The service's word for why the reply ended, if it did not simply stop.
        reasoning: What the model thought first, if the service sends that apart; shortened.
        form: In which form the phrases stood in the reply ("list"), if not in the one asked for.
    """

    request: LLMRequest
    distortion: str
    model_answered: str = ""
    reply: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_s: float = 0.0
    cost_usd: float | None = None
    error: str | None = None
    created_at: datetime
    id: int | None = None
    sent: dict[str, Any] | None = None
    finish_reason: str | None = None
    reasoning: str | None = None
    form: str | None = None

    @property
    def cut(self) -> bool:
        """Whether the reply ended at a token limit, perhaps in the middle of a phrase."""
        spent = self.budget is not None and (self.completion_tokens or 0) >= self.budget
        return spent or self.finish_reason in CUT

    @property
    def text(self) -> str:
        """The reply; if it is empty, the reasoning, in which some services leave the answer."""
        return self.reply or (f"<think>{self.reasoning}" if self.reasoning else "")

    @property
    def budget(self) -> int | None:
        """Most tokens that the answer could have, None if nothing limited them."""
        fields = self.sent or self.request.parameters
        budgets = (fields.get(name) for name in BUDGETS)
        return next((budget for budget in budgets if isinstance(budget, int)), None)


Refused = Mapping[str, Any]  # field that a service does not take → its other name, value, or None


def sent_fields(
    request: LLMRequest, refused: Refused | None = None, budget: int | None = None
) -> dict[str, Any]:
    """Return seed and parameters as they are sent to a service.

    Args:
        request: What is asked.
        refused: What the service does not take, in the order in which it said so.
        budget: Most tokens of the answer, in place of the request's own.

    Example:
        >>> request = LLMRequest(template="t", template_hash="", messages=(), model="m", seed=1,
        ...     parameters={"temperature": None, "max_tokens": 288})
        >>> sent_fields(request, {"seed": None, "max_tokens": "max_completion_tokens"})
        {'max_completion_tokens': 288}
    """
    fields: dict[str, Any] = {"seed": request.seed, **request.parameters}
    if budget is not None:
        fields |= dict.fromkeys((n for n in BUDGETS if fields.get(n) is not None), budget)
    for name, instead in (refused or {}).items():
        value = fields.pop(name, None)
        if value is not None and isinstance(instead, str):
            fields.setdefault(instead, value)
        elif value is not None:
            fields[name] = instead
    return {name: value for name, value in fields.items() if value is not None}


def refuse(refused: Refused, names: Collection[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a service does not take, with these fields of a request that it refused.

    A JSON schema gives way to any JSON and that to free text; a budget first goes by its other
    name; what else is refused is left out.
    """
    after = dict(refused)
    for name in names:
        after.pop(name, None)
        other = next((budget for budget in BUDGETS if name in BUDGETS and budget != name), None)
        format = fields[name].get("type") if isinstance(fields[name], dict) else None
        if name == "response_format" and format == "json_schema":
            after[name] = {"type": "json_object"}
        else:
            after[name] = None if other in fields or other in refused else other
    return after


def named_fields(words: str, fields: Collection[str]) -> list[str]:
    """Return those of a request's fields that a service's words name.

    Example:
        >>> named_fields("'seed' is unknown; use max_completion_tokens.", ["seed", "max_tokens"])
        ['seed']
    """
    patterns = {name: name.replace("_", "[_ ]?") for name in fields}
    if "response_format" in patterns:
        patterns["response_format"] += "|json[_ ]object|\\w*schema|structured[_ ]outputs?|grammar"
    return [
        name
        for name, pattern in patterns.items()
        if re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", words, re.I)
    ]
