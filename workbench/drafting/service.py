"""What a language model's service sends: a completion in any envelope, reasoning, its errors."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from workbench.atomic_files import atomic_write

_REASONING = re.compile(
    r"<(/?)(?:\w+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad)"
    r"\b[^<>]{0,40}>|\[(/?)THINK\]|◁(/?)think▷",
    re.I,
)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]*<\|message\|>")  # of OpenAI's Harmony format
_UNMARKED_CHANNEL = re.compile(r"\A\s*analysis.*assistant\s*final", re.S)  # its marks were dropped
_TURN_MARK = re.compile(r"<\|[\w ]{1,30}\|>|</?s>|<end_of_turn>|<eos>")

_MOST_TOKENS = 2**31 - 1  # what a database's integer holds
_MOST_STARTS = 100  # brackets in prose at which JSON is looked for
_MOST_REASONING = 20_000  # characters that the log keeps of a reasoning
_ERROR_KEYS = ("message", "msg", "detail", "error", "errors", "status_msg", "reason", "title")
# Keys are told by their usual prefixes, whole or with the middle starred out.
_KEY = re.compile(
    r"(?i)(?:bearer\s+[\w.~+/=*-]+|(?<![\w-])(?:sk|pk|rk|gsk|xai|hf|nvapi|AIza)[-_]?[\w*.…-]{6,})"
)


class ServiceError(Exception):
    """The body is no chat completion; the text goes on from "The language model at … "."""

    def __init__(self, what: str, todo: str = "Check OPENAI_BASE_URL and WORKBENCH_MODEL") -> None:
        super().__init__(what)
        self.what, self.todo = what, todo


@dataclass(frozen=True)
class Completion:
    """What of a chat completion is used; whatever else a service adds or lacks does not matter.

    Attributes:
        content: The text of the answer.
        refusal: The model's words of refusal.
        reasoning: What it thought first, where the service sends that apart.
        finish_reason: Why it ended, in the service's word.
        model: The model that the service says it ran.
        prompt_tokens, completion_tokens: As counted by the service, None where it did not.
    """

    content: str
    refusal: str = ""
    reasoning: str = ""
    finish_reason: str = ""
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def read_completion(body: bytes) -> Completion:
    """Return the completion that a body holds: JSON, or a stream of events that nobody asked for.

    Raises:
        ServiceError: It holds none; the service's own words where it says why.

    Example:
        >>> read_completion(b'{"choices": [{"message": {"content": ["hazy ", "sky"]}}]}').content
        'hazy sky'
    """
    text = body.decode("utf-8-sig", errors="replace").strip()
    document = _document(text)
    if isinstance(document, list) and len(document) == 1:  # Google's errors come in a list
        document = document[0]
    if not isinstance(document, dict):
        raise ServiceError(f"answered with {_kind(text)}")
    for outer in ("result", "data", "response"):  # gateways wrap what they pass on
        if "choices" not in document and isinstance(document.get(outer), dict):
            document = {**document, **document[outer]}
    choice = _choice(document)
    if choice.get("error") and choice["error"] is not True:
        raise ServiceError(f"answered with an error: {_error(choice)}", "Try again later")
    message = choice.get("message")
    if isinstance(message, str):
        message = {"content": message}
    if not isinstance(message, dict):
        message = {}
    content, thoughts = _parts(message.get("content", choice.get("text")))
    content = content or _tool_arguments(message)
    refusal = message.get("refusal") if isinstance(message.get("refusal"), str) else ""
    if not (content or refusal):
        if words := _error(document):
            todo = "Check the account, OPENAI_BASE_URL and WORKBENCH_MODEL"
            raise ServiceError(f"answered with an error: {words}", todo)
        if not choice:
            raise ServiceError("answered with something that is no chat completion")
    apart = (message.get(key) for key in ("reasoning_content", "reasoning", "thinking"))
    reasoning = thoughts or next((text for text in map(_text, apart) if text), "")
    usage = document.get("usage")
    reason = choice.get("finish_reason") or document.get("done_reason")
    return Completion(
        content=content,
        refusal=refusal or "",
        reasoning=shortened(reasoning),
        finish_reason=one_line(reason, 40) if isinstance(reason, str) else "",
        model=one_line(document["model"]) if isinstance(document.get("model"), str) else "",
        prompt_tokens=_count(usage, "prompt_tokens", "input_tokens"),
        completion_tokens=_count(usage, "completion_tokens", "output_tokens"),
    )


def service_words(body: bytes) -> str:
    """Return what the body of an error says, in one line; empty if it says nothing.

    Example:
        >>> service_words(b'{"detail": [{"loc": ["body", "seed"], "msg": "not permitted"}]}')
        'body seed: not permitted'
        >>> service_words(b"<html>Log in</html>")
        "a web page, perhaps a proxy's"
    """
    text = body[:20_000].decode("utf-8-sig", errors="replace").strip()
    if text.startswith("<"):
        return _kind(text)
    return _error(read_json(text)) or one_line(text)


def without_keys(text: str, api_key: str | None) -> str:
    """Return a text without the key, and without what looks like one.

    Example:
        >>> without_keys("Incorrect key sk-abc12345, see k", "k")
        'Incorrect key (key), see (key)'
    """
    if api_key and api_key.strip():
        text = re.sub(rf"(?<![\w-]){re.escape(api_key.strip())}(?![\w-])", "(key)", text)
    return _KEY.sub("(key)", text)


def one_line(text: str, limit: int = 200) -> str:
    """Return a text as a part of a line: printable, of bounded length, without full stop."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:10_000]).split())
    line = line.rstrip(".")
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def shortened(reasoning: str) -> str:
    """Return a reasoning of bounded length: its beginning and its end."""
    if len(reasoning) <= _MOST_REASONING:
        return reasoning
    half = _MOST_REASONING // 2
    left_out = len(reasoning) - 2 * half
    return f"{reasoning[:half]}\n[{left_out:,} characters left out]\n{reasoning[-half:]}"


def split_reasoning(reply: str) -> tuple[str, str]:
    """Return a reply's answer, and what stands after a mark of reasoning that is never closed.

    Example:
        >>> split_reasoning("<think>Blocks, rings.</think> blocky edges")
        ('blocky edges', '')
        >>> split_reasoning("<think>Blocks or")
        ('', 'Blocks or')
    """
    text = reply.replace("<|channel>thought", "<think>").replace("<channel|>", "</think>")
    if channels := list(_CHANNEL.finditer(text)):
        finals = [channel for channel in channels if channel[1].lower() == "final"]
        text = text[finals[-1].end() :].partition("<|")[0] if finals else ""
    elif unmarked := _UNMARKED_CHANNEL.match(text):
        text = text[unmarked.end() :]
    pieces, depth, start, opened, closed = list[str](), 0, 0, 0, 0
    for mark in _REASONING.finditer(text):
        if not any(mark.groups()):
            if depth == 0:
                pieces.append(text[start : mark.start()])
                opened = mark.end()
            depth += 1
            continue
        closed = mark.end()
        if depth == 0:  # the opening mark stood in the prompt
            pieces, start = [], closed
        elif depth == 1:
            start = closed
        depth = max(depth - 1, 0)
    if depth and closed > opened:  # the reasoning spoke of its own mark
        depth, pieces, start = 0, [], closed
    rest = text[opened:] if depth else ""
    answer = "".join(pieces if depth else [*pieces, text[start:]])
    return _TURN_MARK.sub("\n", answer).strip().strip("\ufeff\u200b").strip(), rest.strip()


def read_json(text: str) -> Any:
    """Return a JSON document, None if it is none; a line may break within a string."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def embedded_json(text: str) -> tuple[list[Any], bool]:
    """Return the JSON objects and lists in a text, and whether some of it is broken JSON.

    Example:
        >>> embedded_json('As [1] says: {"a": [2]}, {b}')
        ([[1], {'a': [2]}], True)
    """
    decoder, documents, start, broken = json.JSONDecoder(strict=False), list[Any](), 0, False
    for _ in range(_MOST_STARTS):
        opening = re.compile(r"[\[{]").search(text, start)
        if opening is None:
            break
        try:
            document, start = decoder.raw_decode(text, opening.start())
            documents.append(document)
        except (ValueError, RecursionError):
            start, broken = opening.end(), True
    return documents, broken


def _document(text: str) -> Any:
    """Return the JSON of a body; of a stream, the document that its pieces make."""
    document = read_json(text)
    pieces = [*_pieces(text)] if document is None else []
    return _joined(pieces) if pieces else document


def _pieces(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a stream: events ("data: {...}"), or one a line."""
    for line in text.splitlines():
        piece = read_json(line.removeprefix("data:").strip())
        if isinstance(piece, dict):  # not an event's name, a comment or [DONE]
            yield piece


def _joined(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the completion that the pieces of a stream add up to."""
    document: dict[str, Any] = {}
    texts = {"content": "", "reasoning": "", "refusal": ""}
    choice: dict[str, Any] = {}
    for piece in pieces:
        document |= {key: value for key, value in piece.items() if value is not None}
        part = _choice(piece)
        choice |= {key: value for key, value in part.items() if value is not None}
        delta = part.get("delta") or part.get("message")
        if not isinstance(delta, dict):
            texts["content"] += part["text"] if isinstance(part.get("text"), str) else ""
            continue
        content, thoughts = _parts(delta.get("content"))
        if part.get("delta") or "finish_reason" not in part or not texts["content"]:
            texts["content"] += content
        apart = delta.get("reasoning_content") or delta.get("reasoning")
        texts["reasoning"] += thoughts or _text(apart)
        texts["refusal"] += _text(delta.get("refusal"))
    if choice:
        document["choices"] = [{**choice, "message": texts}]
    return document


def _choice(document: Mapping[str, Any]) -> dict[str, Any]:
    choices = document.get("choices")
    choices = choices if isinstance(choices, list) else [choices]
    if choices == [None] and isinstance(document.get("message"), dict):
        return dict(document)  # Ollama's own form
    return next((choice for choice in choices if isinstance(choice, dict)), {})


def _parts(content: Any) -> tuple[str, str]:
    """Return the text and the reasoning of a message's content, which may come in parts."""
    if isinstance(content, dict) and "type" not in content and "text" not in content:
        return json.dumps(content, ensure_ascii=False), ""  # the answer, already read as JSON
    answer, reasoning = "", ""
    for part in content if isinstance(content, list) else [content]:
        kind = part.get("type") if isinstance(part, dict) else ""
        if isinstance(kind, str) and re.search("think|reason", kind):
            reasoning += _text(part)
        else:
            answer += _text(part)
    return answer, reasoning


def _text(value: Any) -> str:
    """Return the text of a part, in whatever it is wrapped."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_text, value))
    if isinstance(value, dict):
        keys = ("text", "thinking", "reasoning", "summary", "content", "value")
        return next((text for key in keys if (text := _text(value.get(key)))), "")
    return ""


def _tool_arguments(message: Mapping[str, Any]) -> str:
    """Return the arguments of the first tool call: where some services put structured output."""
    calls = message.get("tool_calls") or [message.get("function_call")]
    call = calls[0] if isinstance(calls, list) else None
    function = call.get("function", call) if isinstance(call, dict) else None
    arguments = function.get("arguments") if isinstance(function, dict) else None
    return json.dumps(arguments) if isinstance(arguments, dict) else _text(arguments)


def _error(document: Any) -> str:
    """Return the first words of an error document, with where they belong and the code."""
    if isinstance(document, str):
        return one_line(document)
    if isinstance(document, list):
        return "; ".join(words for words in map(_error, document[:3]) if words)
    if not isinstance(document, dict):
        return ""
    for key, value in document.items():
        if (key in _ERROR_KEYS or key.endswith("_resp")) and (words := _error(value)):
            where, code = document.get("loc"), document.get("code")
            field = f"{' '.join(map(str, where))}: " if isinstance(where, list) else ""
            said = isinstance(code, int) and str(code) not in words
            return f"{field}{words}" + (f" ({code})" if said else "")
    return ""


def _kind(text: str) -> str:
    if not text:
        return "an empty body"
    if text.startswith("<"):
        return "a web page, perhaps a proxy's"
    return f"something that is no chat completion: '{one_line(text, 60)}'"


def _count(usage: Any, *names: str) -> int | None:
    counts = usage if isinstance(usage, dict) else {}
    value = next((counts[name] for name in names if counts.get(name) is not None), None)
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    whole = number.is_integer() and 0 <= number <= _MOST_TOKENS and not isinstance(value, bool)
    return int(number) if whole else None


_FORGET_AFTER = timedelta(days=30)  # services learn to take what they did not
_WRITING = Lock()
_INSTEAD = (None, "max_tokens", "max_completion_tokens", {"type": "json_object"})


@dataclass
class Learnt:
    """What a service's answers have shown: fields that it does not take, the budget it needs.

    Attributes:
        file: Keeps it for other processes; may be lost or broken at any time.
        name: Service and model.
        refused: Field to its other name, its other value, or None to leave it out.
        budget: Tokens that reasoning and an answer took, if more than the request's own.
    """

    file: Path | None = None
    name: str = ""
    refused: dict[str, Any] = field(default_factory=dict)
    budget: int | None = None

    def __post_init__(self) -> None:
        entry = self._entries().get(self.name)
        if not isinstance(entry, dict) or not isinstance(entry.get("refused"), dict):
            return
        learnt_at = datetime.now(UTC) - _FORGET_AFTER
        if str(entry.get("at")) < learnt_at.isoformat():
            return
        self.refused = {k: v for k, v in entry["refused"].items() if v in _INSTEAD}
        budget = entry.get("budget")
        self.budget = budget if isinstance(budget, int) and 0 < budget < 100_000 else None

    def add(self, *, refused: Mapping[str, Any] | None = None, budget: int | None = None) -> None:
        """Remember what a successful answer has shown, here and in the file."""
        refused = {**self.refused, **(refused or {})}
        budget = max(budget or 0, self.budget or 0) or None
        if (refused, budget) == (self.refused, self.budget):
            return
        self.refused, self.budget = refused, budget
        if self.file is None:
            return
        entry = {"refused": refused, "budget": budget, "at": datetime.now(UTC).isoformat()}
        with _WRITING, suppress(OSError):  # what is not kept is learnt again
            self.file.parent.mkdir(parents=True, exist_ok=True)
            entries = {**self._entries(), self.name: entry}
            with atomic_write(self.file) as partial:
                partial.write_text(json.dumps(entries, indent=1), encoding="utf-8")

    def _entries(self) -> dict[str, Any]:
        try:
            entries = read_json(self.file.read_text(encoding="utf-8")) if self.file else {}
        except (OSError, ValueError):
            return {}
        return entries if isinstance(entries, dict) else {}
