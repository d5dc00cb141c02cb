"""From several answers to one list: candidates pooled, told apart, and ranked for people to pick.

Two phrases are the same candidate if their words are, when case, articles, plural and order are set
aside; they are twins if most of their words are. A candidate that more samples came to by
themselves stands higher; among equals comes first what says something new.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from workbench.domain.attributes import Attribute
from workbench.domain.calls import LLMCall
from workbench.drafting.parse import parse_attributes
from workbench.errors import DraftParseError

TWINS_FROM = 0.6  # share of words in common (Jaccard) from which two phrases support each other
NOVELTY = 0.5  # weight of what a phrase shares with those above it, against its support

_LITTLE = frozenset({"a", "an", "the", "of", "in", "on", "and", "or", "with", "to", "some"})
_PLURAL = re.compile(r"(?<=[a-z]{2}[a-rt-z])s$")


@dataclass(frozen=True)
class Candidate:
    """One phrase that a language model offers.

    Attributes:
        attribute: The phrase, with the call that made it first.
        support: In how many samples it or a twin of it occurs.
        samples: How many samples there were.
        twins: Other phrases that say nearly the same.
    """

    attribute: Attribute
    support: int
    samples: int
    twins: tuple[str, ...] = ()


def pooled(
    answers: Sequence[Iterable[Attribute]], besides: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """Return the distinct candidates of several answers, best first.

    Args:
        answers: The attributes of each sample.
        besides: Phrases that are there already; they are left out.

    Example:
        >>> some = [["blocky edges", "pale sky"], ["edges, blocky", "grainy walls"]]
        >>> [c.attribute.phrase for c in pooled([[Attribute(phrase=p) for p in s] for s in some])]
        ['blocky edges', 'pale sky', 'grainy walls']
    """
    known = {words_of(phrase) for phrase in besides}
    first: dict[frozenset[str], Attribute] = {}
    held: list[set[frozenset[str]]] = []
    for answer in answers:
        held.append(set())
        for attribute in answer:
            words = words_of(attribute.phrase)
            held[-1].add(words)
            if words not in known:
                first.setdefault(words, attribute)
    found = [_candidate(words, attribute, first, held) for words, attribute in first.items()]
    return tuple(_ranked(found))


def candidates_from_calls(
    calls: Iterable[LLMCall], besides: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """Return the pool of all usable replies of a log, without asking anybody.

    Args:
        calls: Of one distortion; what failed or cannot be parsed is passed over.
        besides: Phrases that are there already; they are left out.
    """
    answers = []
    for call in calls:
        try:
            phrases = () if call.error else parse_attributes(call.reply, asked_for(call))
        except DraftParseError:
            continue
        if phrases:
            answers.append([Attribute(phrase=p, origin="llm", call_id=call.id) for p in phrases])
    return pooled(answers, besides)


def asked_for(call: LLMCall) -> int:
    """Return how many attributes a call asked for; 0 if it does not say."""
    asked = call.request.parameters.get("response_format", {})
    for step in ("json_schema", "schema", "properties", "attributes", "maxItems"):
        asked = asked.get(step, {}) if isinstance(asked, dict) else {}
    return asked if isinstance(asked, int) else 0


def words_of(phrase: str) -> frozenset[str]:
    """Return the words that make a phrase what it is.

    Example:
        >>> sorted(words_of("The edges of blocks"))
        ['block', 'edge']
    """
    words = re.findall(r"[^\W_]+", phrase.casefold())
    kept = frozenset(_PLURAL.sub("", word) for word in words if word not in _LITTLE)
    return kept or frozenset(words)


def _candidate(
    words: frozenset[str],
    attribute: Attribute,
    first: dict[frozenset[str], Attribute],
    held: Sequence[set[frozenset[str]]],
) -> Candidate:
    near = {other for other in first if _alike(words, other) >= TWINS_FROM}
    return Candidate(
        attribute=attribute,
        support=sum(bool(near & some) for some in held),
        samples=len(held),
        twins=tuple(first[other].phrase for other in first if other in near and other != words),
    )


def _ranked(found: Sequence[Candidate]) -> list[Candidate]:
    """Order by support less likeness to what stands higher (maximal marginal relevance)."""
    words = [words_of(one.attribute.phrase) for one in found]
    nearest = [0.0] * len(found)  # likeness to the most alike of those above; kept up to date
    left, ranked = list(range(len(found))), list[Candidate]()
    while left:
        best = max(left, key=lambda i: found[i].support / found[i].samples - NOVELTY * nearest[i])
        left.remove(best)
        ranked.append(found[best])
        for other in left:
            nearest[other] = max(nearest[other], _alike(words[other], words[best]))
    return ranked


def _alike(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b)
