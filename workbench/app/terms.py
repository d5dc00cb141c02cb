"""What a term means, for the help bubbles of widgets and table headings: from the one glossary."""

import re
from functools import cache

from workbench.errors import UnknownNameError
from workbench.settings import resource

_ROW = re.compile(
    r"^\| (?P<term>[^|]+) \| (?P<meaning>[^|]+) \| (?P<source>[^|]*) \|[^|]*\|$", re.M
)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=])")


def term(name: str) -> str:
    """Return the definition of a term and its source, as Markdown for `help=`.

    Args:
        name: As the glossary has it, in the singular or plural, in capitals or not.

    Raises:
        UnknownNameError: The glossary has no such term.

    Example:
        >>> print(term("SRCC"))
        **SRCC**: Spearman's rank correlation coefficient between predicted and true quality\\.
        Source\\: Spearman 1904\\.
    """
    found = _find(name)
    if found is None:
        raise UnknownNameError("term", name, _glossary())
    meaning, _, source = _glossary()[found].partition("\n")
    lines = [f"**{_plain(found)}**: {_plain(meaning)}", *([_plain(source)] if source else [])]
    return "\n".join(lines)


def explained(heading: str) -> str:
    """Return what the longest term in a heading means, as plain text; "" where it has none.

    Example:
        >>> explained("PLCC, fitted")[:27], explained("Photograph of the day")
        ("Pearson's linear correlatio", '')
    """
    found = _find(heading) or _find_within(heading.replace("Δ", ""))
    return "" if found is None else _glossary()[found].replace("\n", " ")


@cache
def _glossary() -> dict[str, str]:
    """Return term to meaning, with the source, if any, on a line of its own."""
    text = resource("docs/glossary.md").read_text(encoding="utf-8")
    entries = {}
    for row in _ROW.finditer(text):
        meaning, source = (_LINK.sub(r"\1", row[name]).strip() for name in ("meaning", "source"))
        entries[row["term"].strip()] = f"{meaning}\nSource: {source}." if source else meaning
    del entries["term"]
    return {name: text.replace("`", "") for name, text in entries.items()}


@cache
def _find(name: str) -> str | None:
    key = _key(name)
    return next((known for known in _glossary() if key in (_key(known), _key(known) + "s")), None)


@cache
def _find_within(heading: str) -> str | None:
    """Return the longest term in a heading that no everyday word is: of several words, or SRCC."""
    held = [
        known
        for known in _glossary()
        if re.search(rf"(?<!\w){re.escape(known)}s?(?!\w)", heading, 0 if _is_odd(known) else re.I)
        and (_is_odd(known) or " " in known)
    ]
    return max(held, key=len, default=None)


def _is_odd(known: str) -> bool:
    """Whether a term is written in its own way: SRCC, mAP, top-1."""
    return known != known.lower() or any(character.isdigit() for character in known)


def _key(name: str) -> str:
    return name.casefold().replace("–", "-").removeprefix("δ").strip()


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
