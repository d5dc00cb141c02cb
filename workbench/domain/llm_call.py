"""One call of a language model, whole enough to be judged and repeated."""

from datetime import datetime
from typing import Any

from workbench.domain.canonical import Frozen, content_hash


class LLMRequest(Frozen):
    """All that decides an answer.

    Attributes:
        template: Name of the prompt template.
        template_hash: SHA-256 of the template's text.
        messages: Chat messages as sent, each {"role", "content"}.
        model: The model asked for.
        parameters: Sampling parameters and response format as sent.
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
