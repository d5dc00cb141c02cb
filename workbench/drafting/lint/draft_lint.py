"""The rules on words over a set that people edit: an edit costs its attribute and what is like it.

Each attribute is judged among all others, as `lint_phrase` judges one that is being typed; over ten
thousand of them comparing each with each would take minutes. Two attributes have something to say
of each other only if they share most of their stems, or stand at opposite ends of an axis within
one type. Both are looked up in an index.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import ceil

from workbench.domain.attributes import normalise_phrase
from workbench.domain.distortion import Distortion
from workbench.domain.finding import Finding
from workbench.drafting.lint.linting import SEVERITIES
from workbench.drafting.lint.rule import Other, Subject, rules
from workbench.drafting.lint.rules.repeated import SHARED_ACROSS, SHARED_WITHIN
from workbench.drafting.lint.words import OPPOSITES, words

_POLES: dict[str, set[str]] = defaultdict(set)  # word to the words at the other end of its axis
for _one, _other, _ in OPPOSITES:
    for _word in _one.split():
        _POLES[_word].update(_other.split())
    for _word in _other.split():
        _POLES[_word].update(_one.split())


class _Entry:
    """An attribute with what is asked of it time and again."""

    def __init__(self, distortion: str, phrase: str) -> None:
        self.other = Other(distortion, phrase)
        self.stems = frozenset(self.other.stems)
        self.poles = frozenset(words(phrase)) & _POLES.keys()


class DraftLint:
    """Findings of the rules on words, kept up to date.

    Args:
        catalogue: All types by id. Attributes of other types have no findings.
    """

    def __init__(self, catalogue: Mapping[str, Distortion]) -> None:
        self.catalogue = catalogue
        self._entries: dict[int, _Entry] = {}
        self._by_stem: dict[str, set[int]] = defaultdict(set)
        self._by_type: dict[tuple[str, str], set[int]] = defaultdict(set)  # and stem
        self._by_pole: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._findings: dict[int, tuple[Finding, ...]] = {}
        self._pending: dict[int, None] = {}  # in their order

    @property
    def pending(self) -> int:
        """How many attributes wait to be judged."""
        return len(self._pending)

    def put(self, id: int, distortion: str, phrase: str) -> None:
        """Take in an attribute, or its new words or type; what is like it is judged again, too."""
        old = self._entries.get(id)
        if old is not None and old.other == Other(distortion, phrase):
            return
        self.drop(id)
        new = _Entry(distortion, phrase)
        self._entries[id] = new
        for stem in new.stems:
            self._by_stem[stem].add(id)
            self._by_type[distortion, stem].add(id)
        for word in new.poles:
            self._by_pole[distortion, word].add(id)
        self._wait([id])
        if self._findings:  # else all wait anyway
            self._wait(self._alike(new, id))

    def drop(self, id: int) -> None:
        """Leave out an attribute: it is removed, or rejected."""
        old = self._entries.pop(id, None)
        self._findings.pop(id, None)
        self._pending.pop(id, None)
        if old is None:
            return
        for stem in old.stems:
            self._by_stem[stem].discard(id)
            self._by_type[old.other.distortion, stem].discard(id)
        for word in old.poles:
            self._by_pole[old.other.distortion, word].discard(id)
        if self._findings:
            self._wait(self._alike(old, id))

    def findings(self, id: int) -> tuple[Finding, ...] | None:
        """Return what there is to say about an attribute, worst first; None while that is open."""
        return self._findings.get(id)

    def work(self, budget_s: float, *, first: Iterable[int] = ()) -> list[int]:
        """Judge waiting attributes for about so long, and return which were judged.

        Args:
            budget_s: Seconds; those of `first` are judged whatever it takes.
            first: The attributes that somebody sees.
        """
        end = time.monotonic() + budget_s
        judged = [id for id in first if id in self._pending]
        for id in judged:
            self._judge(id)
        while self._pending and time.monotonic() < end:
            id = next(iter(self._pending))
            self._judge(id)
            judged.append(id)
        return judged

    def judge(self, phrase: str, distortion: str, *, id: int | None = None) -> list[Finding]:
        """Return what there is to say about a sentence as it is typed, worst first.

        Args:
            phrase: What was typed; nothing typed, nothing said.
            distortion: Its type; of one that is not known nothing is said.
            id: The attribute that it rewords; it is not compared with itself.
        """
        bare = normalise_phrase(phrase)
        if not bare or distortion not in self.catalogue:
            return []
        spec = self.catalogue[distortion]
        alike = sorted(self._alike(_Entry(spec.id, bare), id))
        subject = Subject(
            distortion=spec,
            phrase=bare,
            catalogue=self.catalogue,
            others=[self._entries[other].other for other in alike],
        )
        checked = (rule.check(subject) for rule in rules().values() if rule.needs == "words")
        findings = [finding for finding in checked if finding is not None]
        return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))

    def _judge(self, id: int) -> None:
        subject = self._entries[id].other
        del self._pending[id]
        self._findings[id] = tuple(self.judge(subject.phrase, subject.distortion, id=id))

    def _wait(self, ids: Iterable[int]) -> None:
        self._pending.update(dict.fromkeys(ids))

    def _alike(self, entry: _Entry, id: int | None) -> set[int]:
        """Return the attributes that may have something to say of one, and it of them."""
        type = entry.other.distortion
        alike = self._near(entry.stems, SHARED_ACROSS, self._by_stem)
        alike |= self._near(
            entry.stems,
            SHARED_WITHIN,
            {stem: self._by_type.get((type, stem), set()) for stem in entry.stems},
        )
        for word in entry.poles:
            for opposite in _POLES[word]:
                alike |= self._by_pole.get((type, opposite), set())
        return alike - {id} if id is not None else alike

    def _near(self, stems: frozenset[str], least: float, index: Mapping[str, set[int]]) -> set[int]:
        """Return the attributes of an index that share so many of the stems (Jaccard)."""
        at_least = ceil(least * len(stems))
        # Who shares so many stems has one of any so few, and two of one more: the rarest are looked
        # up.
        twice = at_least > 1
        few = len(stems) - at_least + 1 + twice if stems else 0
        once: set[int] = set()
        near: set[int] = set()
        for those in sorted((index.get(stem, set()) for stem in stems), key=len)[:few]:
            near |= once & those if twice else those
            once |= those
        size, entries = len(stems), self._entries
        found = set()
        for id in near:
            other = entries[id].stems
            shared = len(stems & other)
            if shared >= least * (size + len(other) - shared) - 1e-9:
                found.add(id)
        return found
