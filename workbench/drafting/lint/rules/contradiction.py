"""Siblings that claim opposite things cannot both follow the strength of one distortion."""

from collections.abc import Iterable, Iterator

from workbench.domain.distortion import Distortion
from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.words import NEGATIONS, OPPOSITES, stem, words

NAME = "contradicts_sibling"


def contradicts_sibling(subject: Subject) -> Finding | None:
    """Find a sibling at the other end of an axis: more and less, brighter and darker."""
    for other in subject.siblings:
        for ours, theirs in _opposed(subject.phrase, other.phrase):
            if both_ways(subject.distortion):
                severity, suggestion = (
                    "hint",
                    (
                        f"{subject.distortion.name} goes both ways, so each is true at some levels "
                        "only; an attribute that holds at both ends follows its strength better."
                    ),
                )
            else:
                severity, suggestion = "doubt", "Keep the one that is true as it gets stronger."
            return subject.finding(
                NAME,
                severity,  # type: ignore[arg-type]  # one of the two above
                f"'{ours}' contradicts '{theirs}' in '{other.phrase}'.",
                suggestion,
                others=[other],
            )
    return None


def both_ways(spec: Distortion) -> bool:
    """Return whether the levels lie on both sides of the neutral parameter.

    Example:
        >>> from workbench.distortions import catalogue
        >>> [name for name, spec in catalogue().items() if both_ways(spec)]
        ['mean_shift', 'contrast_change']
    """
    neutral = spec.neutral
    return (
        neutral is not None and bool(spec.levels) and min(spec.levels) < neutral < max(spec.levels)
    )


def _opposed(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    """Yield the words that stand at opposite poles of an axis which neither phrase has whole."""
    first, second = words(ours), words(theirs)
    if NEGATIONS & {*first, *second}:
        return  # "absence of vivid colour" agrees with "faded colour"
    for one, other, about_the_same in OPPOSITES:
        poles = (set(one.split()), set(other.split()))
        for pole, counterpole in (poles, poles[::-1]):
            here, there = pole.intersection(first), counterpole.intersection(second)
            if not here or not there:
                continue
            mixed = counterpole.intersection(first) or pole.intersection(second)
            if not mixed and (not about_the_same or _topic(first, poles) & _topic(second, poles)):
                yield min(here), min(there)


def _topic(spoken: Iterable[str], poles: tuple[set[str], set[str]]) -> set[str]:
    return {stem(word) for word in spoken if len(word) > 3 and not any(word in p for p in poles)}


RULES = (Rule(NAME, "the opposite of a sibling", "words", contradicts_sibling),)
