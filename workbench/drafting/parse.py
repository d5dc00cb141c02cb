"""Read K bare phrases out of a language model's reply, or say exactly what is wrong with it."""

import json
import unicodedata

from workbench.domain.attributes import MAX_PHRASE_LENGTH, normalise_phrase
from workbench.errors import DraftParseError

_ARTICLES = frozenset({"a", "an", "the", "some"})  # what is left of "There is a."
_EXCERPT = 60  # characters of a faulty reply or phrase that fit into a one-line message


def parse_attributes(reply: str, k: int) -> tuple[str, ...]:
    """Return the K phrases of a reply, normalised and distinct.

    The server was asked to keep to a schema, but a server may ignore it, break off at its token
    limit, or fall silently back to free text; so everything is checked again here.

    Args:
        reply: The model's raw text; expected to be `{"attributes": [K strings]}`.
        k: How many phrases were asked for, ≥ 1.

    Returns:
        K bare phrases, each at most `MAX_PHRASE_LENGTH` characters, no two equal when case is
        ignored; normalising them again changes nothing.

    Raises:
        DraftParseError: The reply is empty, prose, truncated, of another form, or holds a wrong
            number of phrases, a phrase that is no text, or the same phrase twice.

    Example:
        >>> parse_attributes('{"attributes": ["There is a haze in the photo.", "Soft edges"]}', 2)
        ('haze', 'soft edges')
        >>> parse_attributes('{"attributes": ["soft edges", "Soft edges."]}', 2)
        Traceback (most recent call last):
        workbench.errors.DraftParseError: Attribute 2 repeats attribute 1: 'soft edges'.
    """
    entries = _entries(reply)
    if len(entries) != k:
        raise DraftParseError(f"The reply holds {len(entries)} attributes, not {k}.", reply)
    phrases: list[str] = []
    first_at: dict[str, int] = {}
    for number, entry in enumerate(entries, start=1):
        phrase = _phrase(entry, number, reply)
        earlier = first_at.setdefault(phrase.casefold(), number)
        if earlier != number:
            message = f"Attribute {number} repeats attribute {earlier}: '{_short(phrase)}'."
            raise DraftParseError(message, reply)
        phrases.append(phrase)
    return tuple(phrases)


def _entries(reply: str) -> list[object]:
    text = reply.strip()
    if not text:
        raise DraftParseError("The reply is empty.", reply)
    if not text.startswith(("{", "[")):
        raise DraftParseError(f"The reply is prose, not JSON: '{_short(text)}'.", reply)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        kind = "truncated" if error.pos >= len(text) or "Unterminated" in error.msg else "broken"
        message = f"The reply is {kind} JSON ({error.msg} at character {error.pos})."
        raise DraftParseError(message, reply) from error
    except (ValueError, RecursionError) as error:  # endless digits, endless nesting
        raise DraftParseError("The reply is JSON beyond any reasonable size.", reply) from error
    entries = document.get("attributes") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        message = f"The reply has no list \"attributes\": '{_short(text)}'."
        raise DraftParseError(message, reply)
    return entries


def _phrase(entry: object, number: int, reply: str) -> str:
    if not isinstance(entry, str):
        kind = type(entry).__name__
        raise DraftParseError(f"Attribute {number} is no text but {kind}.", reply)
    if any(unicodedata.category(character).startswith("C") for character in entry):
        raise DraftParseError(f"Attribute {number} holds control characters.", reply)
    phrase = _settled(entry)
    if not any(c.isalpha() for c in phrase) or phrase.casefold() in _ARTICLES:
        raise DraftParseError(f"Attribute {number} holds no words: '{_short(entry)}'.", reply)
    if len(phrase) > MAX_PHRASE_LENGTH:
        message = f"Attribute {number} is {len(phrase)} characters long, over {MAX_PHRASE_LENGTH}."
        raise DraftParseError(message, reply)
    return phrase


def _settled(text: str) -> str:
    """Normalise until nothing changes: stripping one wrapping can lay another bare."""
    while (bare := normalise_phrase(text)) != text:
        text = bare
    return text


def _short(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1]}…"
