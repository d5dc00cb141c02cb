"""Read K bare phrases out of a language model's reply, or say exactly what is wrong with it.

What wraps the phrases does not matter: reasoning before them, a fence, prose around them, broken
JSON, a table or a plain list. What is refused is refused for its phrases: some are missing, too
many or unusable.
"""

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import json_repair

from workbench.domain.attributes import MAX_PHRASE_LENGTH, normalise_phrase
from workbench.drafting.service import embedded_json, one_line, read_json, split_reasoning
from workbench.errors import DraftParseError

_ARTICLES = frozenset({"a", "an", "the", "some"})  # what is left of "There is a."
_EXCERPT = 60  # characters of a faulty reply or phrase that fit into a one-line message
_LARGEST = 200_000  # characters of an answer without its reasoning; twenty phrases have 4,000
# json-repair takes minutes over some texts of 40,000 characters; within these bounds, no second.
_LARGEST_REPAIR, _MOST_BRACKETS = 8_000, 64
_DEEPEST = 6  # how deep in a document a list is looked for

_REPAIRED = "repaired JSON"

_FENCE = re.compile(
    r"(`{3,}|~{3,})(?:[\w+.-]*[ \t]*\n|[\w+.-]*[ \t]*(?=[\[{]))?(.*?)(?:\1|\Z)", re.S
)

_LAST_JSON = re.compile(r"(\{\s*\"attributes\"\s*:[^{}]*\})[\s`~]*\Z")

_PHRASE_KEYS = (
    "attribute", "attributes", "phrase", "visual attribute", "visual effect", "name", "title",
    "label", "text", "sentence", "value", "content", "description",
)  # fmt: skip
_NUMBERED = re.compile(
    r"\D*\d+|[a-z]|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
)
_OTHER_QUOTES = str.maketrans("“”„«»＂「」，：［］｛｝", '"""""""",:[]{}')

_ITEM = re.compile(
    r"^(?P<indent>\s*)(?:#{1,6}\s+)?(?P<entry>(?:\*\*|__)?(?:attribute |phrase )?"
    r"(?:#?[(\[]?(?P<number>\d{1,2})(?:[-.):\]]+|\s+[-–—])|(?P<bullet>[-*+•–—▪◦‣·●○■►→✓]))"
    r"(?:\*\*|__)?\s+\S.*)$",
    re.I,
)
_MARK = re.compile(
    r"^(?:attribute |phrase )(?=#?\d)|^[→✓]\s+", re.I
)  # `normalise_phrase` knows others
_LABEL = re.compile(
    r"^(?:[-+*•–—]\s+|#?\(?\d{1,2}[.):\]]+\s*)?(\*\*|__|[*_`])(?P<label>[^*_`\n]+?)"
    r"(?::\1|\1\s*:|\1\s+[-–—]\s)"
)
_TAGGED = re.compile(r"<(li|attribute|phrase|item)>\s*([^<>]{1,400}?)\s*</\1>", re.I)
_NO_PHRASE = re.compile(r"[:?]$|^(?:sure|here|okay|ok|sorry|i|i'm|i’m|as an)\b", re.I)


@dataclass(frozen=True)
class ReadReply:
    """The phrases of a reply, and the form they had ("list"); none if it is the one asked for."""

    phrases: tuple[str, ...]
    form: str | None


def parse_attributes(reply: str, k: int, *, cut: bool = False) -> tuple[str, ...]:
    """Return the K phrases of a reply, normalised and distinct.

    Args:
        reply: The model's raw text; asked for is `{"attributes": [K strings]}`.
        k: How many phrases were asked for, ≥ 1.
        cut: Whether the reply was cut at its token limit: what stands last may be half a phrase.

    Returns:
        K bare phrases, each at most `MAX_PHRASE_LENGTH` characters, no two equal when case is
        ignored; normalising them again changes nothing.

    Raises:
        DraftParseError: The reply is empty, holds a wrong number of phrases, a phrase that is no
            text, or the same phrase twice, or none at all.

    Example:
        >>> parse_attributes('{"attributes": ["There is a haze in the photo.", "Soft edges"]}', 2)
        ('haze', 'soft edges')
        >>> parse_attributes('<think>Two.</think> Here: ["soft edges", "haze",]', 2)
        ('soft edges', 'haze')
        >>> parse_attributes('{"attributes": ["soft edges", "Soft edges."]}', 2)
        Traceback (most recent call last):
        workbench.errors.DraftParseError: Attribute 2 repeats attribute 1: 'soft edges'.
    """
    return read_reply(reply, k, cut=cut).phrases


def read_reply(reply: str, k: int, *, cut: bool = False) -> ReadReply:
    """Return the K phrases of a reply and their form; arguments as `parse_attributes`.

    The stricter form wins: JSON, JSON within something else, repaired JSON, then tables and lists.
    Of several answers in one form the last one counts. A draft within reasoning never does.
    """
    fault: DraftParseError | None = None
    for form, answers in _forms(reply, k, cut):
        phrases = None
        for entries in answers if form is None else filter(None, answers):
            try:
                phrases = _phrases(entries, k, reply)
            except DraftParseError as error:
                if len(entries) == k or form != _REPAIRED:  # else it is broken JSON that is said
                    fault = fault or error
        if phrases is not None:
            return ReadReply(phrases, form)
    raise fault or _no_list(reply, k)


Entries = list[Any]


def _forms(reply: str, k: int, cut: bool) -> Iterator[tuple[str | None, list[Entries]]]:
    """Yield each form that the reply may have, the strictest first, with its lists of phrases."""
    document = read_json(text := reply.strip().lstrip("\ufeff"))
    if isinstance(document, dict) and isinstance(document.get("attributes"), list):
        yield None, [_entries(document["attributes"]) or []]
        return
    answer, open_reasoning = split_reasoning(reply)
    if len(answer) > _LARGEST:
        raise DraftParseError("The reply is JSON beyond any reasonable size.", reply)
    if not answer and open_reasoning and not cut:
        last = _LAST_JSON.search(open_reasoning)
        document = read_json(last[1]) if last else None
        yield "JSON at the end of unclosed reasoning", _lists(document, k)
    document = read_json(answer)
    if isinstance(document, str):  # JSON within JSON
        document = read_json(document)
    reasoned = len(answer) < len(text)
    yield "JSON beside reasoning" if reasoned else "JSON of another shape", _lists(document, k)
    fenced = [fence[2].strip() for fence in _FENCE.finditer(answer)]
    documents = [read_json(text) for text in fenced]
    yield "JSON in a fence", [entries for document in documents for entries in _lists(document, k)]
    documents, broken = embedded_json(answer)
    named = [document for document in documents if "attributes" in dict(_walk(document))]
    yield "JSON in prose", [entries for document in named for entries in _lists(document, k)]
    # A list in a broken document may be another one than was asked for: repair that one first.
    others = [entries for document in documents for entries in _lists(document, k)]
    others = [*_lists(documents, k), *others] if len(documents) == k > 1 else others
    repaired = [e for text in (*fenced, answer) for e in _lists(_repaired(text), k) if _is_clean(e)]
    ways = [("JSON in prose", others), (_REPAIRED, repaired)]
    yield from reversed(ways) if broken else ways
    for text in (*reversed(fenced), answer):
        yield "tags", [[html.unescape(tag[2]) for tag in _TAGGED.finditer(text)]]
        lines = text.replace("\ufe0f\u20e3", ".").splitlines()  # a number in a box
        lines = lines[:-1] if cut else lines
        yield "table", _columns(lines, k)
        yield "list", _listed(lines)
        yield "lines", _bare_lines(lines, k)


def _repaired(text: str) -> Any:
    """Return the JSON that a text was meant to hold; a string that is cut short is left out."""
    opening = re.search(r"[\[{]", text if '"' in text else (text := text.translate(_OTHER_QUOTES)))
    if opening is None:
        if not re.match(r"\"[^\"\n]+\"\s*,", text):
            return None
        text = f"[{text}]"  # a list without its brackets
    else:
        text = text[opening.start() :]
    end = text.rfind("}" if text[0] == "{" else "]")
    text = text[: end + 1] if end > 0 else text
    if len(text) > _LARGEST_REPAIR or text.count("{") + text.count("[") > _MOST_BRACKETS:
        return None
    try:
        return json_repair.loads(text if end > 0 else _completed(text), skip_json_loads=True)
    except (ValueError, RecursionError):
        return None


def _completed(text: str) -> str:
    """Return JSON that breaks off up to the end of its last complete string."""
    quote, inside, start, end = '"' if '"' in text else "'", False, 0, 0
    for mark in re.finditer(rf"(?<!\\){quote}", text):
        before, after = text[: mark.start()].rstrip()[-1:], text[mark.end() :].lstrip()[:1]
        if inside and after in ",:]}":  # "in" holds at the end of the text too
            inside, end = False, mark.end()
        elif not inside and before in "[{(,:":
            inside, start = True, mark.start()
    if not start:  # no string is quoted
        return text.rpartition(",")[0]
    return text[:start] if inside else text[:end]


def _is_clean(entries: Entries) -> bool:
    """Whether a repair left no structure of JSON within an entry."""
    return not any(isinstance(e, str) and re.search(r"[{}]|\"\s*[,:]\s*\"", e) for e in entries)


def _lists(document: Any, k: int) -> list[Entries]:
    """Return a document's lists called "attributes"; without one, its only list of K phrases."""
    named = [value for key, value in _walk(document) if key.strip().casefold() == "attributes"]
    lists = [entries for value in named if (entries := _entries(value)) is not None]
    if lists:
        return lists
    values = [document, *(value for _, value in _walk(document))]
    for value in values:
        entries = _entries(value) if isinstance(value, dict | list) else None
        if entries and len(entries) == k and all(isinstance(entry, str) for entry in entries):
            lists += [entries] if entries not in lists else []
    if not lists and isinstance(document, list):
        return [entries] if (entries := _entries(document)) else []
    return lists if len(lists) == 1 else []


def _walk(document: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of a document and of what it holds, outer ones first."""
    if depth > _DEEPEST or not isinstance(document, dict | list):
        return
    pairs: Iterable[tuple[Any, Any]] = (
        document.items() if isinstance(document, dict) else (("", value) for value in document)
    )
    for key, value in [*pairs]:
        if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
            value = read_json(value)  # the arguments of a tool call are JSON within JSON
        yield str(key), value
        yield from _walk(value, depth + 1)


def _entries(value: Any) -> Entries | None:
    """Return the entries of a list, of a list of objects or of an object with numbered keys."""
    if isinstance(value, str):
        lists = _listed(value.splitlines())
        return lists[-1] if lists else [line for line in value.splitlines() if line.strip()]
    if isinstance(value, dict):
        numbered = value and all(_NUMBERED.fullmatch(str(key).casefold()) for key in value)
        return _entries([*value.values()]) if numbered else None
    if not isinstance(value, list):
        return None
    if len(value) == 1 and isinstance(value[0], list):
        return _entries(value[0])
    if len(value) == 1 and isinstance(value[0], str) and _listed(value[0].splitlines()[1:]):
        return _entries(value[0])
    if value and all(isinstance(entry, dict) for entry in value):
        return _column(value)
    return value


def _column(rows: list[dict[str, Any]]) -> Entries:
    """Return what of each row is its phrase; the rows themselves if that cannot be told."""
    texts = [
        {str(k).casefold().replace("_", " "): v for k, v in row.items() if isinstance(v, str)}
        for row in rows
    ]
    for key in _PHRASE_KEYS:
        values = [row.get(key) for row in texts]
        if all(values) and not all(_NUMBERED.fullmatch(str(v).casefold()) for v in values):
            return values
    sole = all(len(row) == 1 for row in texts)
    return [value for row in texts for value in row.values()] if sole else [*rows]


def _columns(lines: list[str], k: int) -> list[Entries]:
    """Return the column of phrases of a Markdown table of K rows."""
    cells = [line.strip().strip("|").split("|") for line in lines if "|" in line]
    rows = [[cell.strip() for cell in row] for row in cells]
    ruled = next((i for i, row in enumerate(rows) if re.fullmatch(r"[\s:+-]+", "".join(row))), None)
    if not ruled or len(rows) - ruled - 1 != k:
        return []
    head, body = rows[ruled - 1], rows[ruled + 1 :]
    named = _column([dict(zip(head, row, strict=False)) for row in body])
    if all(isinstance(entry, str) for entry in named):
        return [named]
    columns = [[*column] for column in zip(*body, strict=False)]
    texts = [column for column in columns if all(any(c.isalpha() for c in x) for x in column)]
    return texts if len(texts) == 1 else []


def _listed(lines: list[str]) -> list[Entries]:
    """Return the numbered and bulleted lists of a text, those with most entries last."""
    lists: dict[tuple[str, int, int], list[Entries]] = {}
    last, section, after_blank, previous = list[Entries](), 1, False, ""
    for line in [item for text in lines for item in _inline(text)]:
        item = _ITEM.match(line)
        if item is None:
            section += after_blank and bool(line.strip())  # perhaps the heading of another list
            after_blank = not line.strip()
            if not after_blank and line.strip()[0].islower():  # the phrase goes on
                for entries in last:
                    entries[-1] = f"{entries[-1]} {line.strip()}"[: 2 * MAX_PHRASE_LENGTH]
            last = [] if after_blank else last
            continue
        kind, indent = item["bullet"] or "number", len(item["indent"].expandtabs(4))
        entry, last, after_blank = _MARK.sub("", item["entry"]), [], False
        for key in ((kind, indent, 0), (kind, indent, section)):  # of the whole text, of a section
            if key not in lists or (item["number"] == "1" != previous):  # counting starts again
                lists.setdefault(key, []).append([])
            lists[key][-1].append(entry)
            last.append(lists[key][-1])
        previous = item["number"] or previous
    return sorted((entries for some in lists.values() for entries in some), key=len)


def _inline(line: str) -> list[str]:
    """Return the items of a list that stands on one line: '1) soft edges; 2) haze'."""
    starts = [*re.finditer(r"(?:^|(?<=[\s;,]))\(?(\d{1,2})[.)]\s", line)]
    if len(starts) < 2 or [int(start[1]) for start in starts] != [*range(1, len(starts) + 1)]:
        return [line]
    ends = [*(start.start() for start in starts[1:]), len(line)]
    return [line[a.start() : b].rstrip(" ;,") for a, b in zip(starts, ends, strict=True)]


def _bare_lines(lines: list[str], k: int) -> list[Entries]:
    """Return the lines of a text that is nothing but K short lines, or parts between semicolons."""
    entries = [line.strip() for line in lines if line.strip()]
    entries = entries[0].split(";") if len(entries) == 1 else entries
    short = all(len(e.split()) <= 12 and not _NO_PHRASE.search(e.strip()) for e in entries)
    return [entries] if short and len(entries) == k > 2 else []


def _phrases(entries: Entries, k: int, reply: str) -> tuple[str, ...]:
    if len(entries) != k:
        raise DraftParseError(f"The reply holds {len(entries)} attributes, not {k}.", reply)
    phrases: list[str] = []
    first_at: dict[str, int] = {}
    for number, entry in enumerate(entries, start=1):
        phrase = _phrase(entry, number, reply)
        earlier = first_at.setdefault(phrase.casefold(), number)
        if earlier != number:
            message = (
                f"Attribute {number} repeats attribute {earlier}: '{one_line(phrase, _EXCERPT)}'."
            )
            raise DraftParseError(message, reply)
        phrases.append(phrase)
    return tuple(phrases)


def _phrase(entry: object, number: int, reply: str) -> str:
    if not isinstance(entry, str):
        kind = type(entry).__name__
        raise DraftParseError(f"Attribute {number} is no text but {kind}.", reply)
    phrase = normalise_phrase(_without_explanation(entry))
    if any(unicodedata.category(character).startswith("C") for character in phrase):
        raise DraftParseError(f"Attribute {number} holds control characters.", reply)
    if not any(c.isalpha() for c in phrase) or phrase.casefold() in _ARTICLES:
        raise DraftParseError(
            f"Attribute {number} holds no words: '{one_line(entry, _EXCERPT)}'.", reply
        )
    if len(phrase) > MAX_PHRASE_LENGTH:
        message = f"Attribute {number} is {len(phrase)} characters long, over {MAX_PHRASE_LENGTH}."
        raise DraftParseError(message, reply)
    return phrase


def _without_explanation(entry: str) -> str:
    """Return the label of '**Label**: what it means', else the entry.

    A label has the capitals of a heading; they go, but for those of abbreviations.
    """
    label = _LABEL.match(entry.strip())
    if label is None:
        return entry
    words = label["label"].split()
    heading = len(words) > 1 and all(word[0].isupper() for word in words if len(word) > 3)
    return " ".join(word.lower() if heading and word.istitle() else word for word in words)


def _no_list(reply: str, k: int) -> DraftParseError:
    """Return what is wrong with a reply in which no list of phrases was found."""
    answer, _ = split_reasoning(reply)
    said = f"'{one_line(answer, _EXCERPT)}'"
    if not answer:
        what = "is nothing but reasoning" if reply.strip() else "is empty"
        return DraftParseError(f"The reply {what}.", reply)
    try:
        json.loads(answer)
    except json.JSONDecodeError as error:
        if not answer.startswith(("{", "[")):
            what = f"is prose without a list of {k} phrases: {said}"
        else:
            kind = "truncated" if error.pos >= len(answer) or "Unterm" in error.msg else "broken"
            what = f"is {kind} JSON ({error.msg} at character {error.pos})"
    except (ValueError, RecursionError):  # endless digits, endless nesting
        what = "is JSON beyond any reasonable size"
    else:
        what = f'has no list "attributes": {said}'
    return DraftParseError(f"The reply {what}.", reply)
