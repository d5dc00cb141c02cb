"""What changed from one attribute set to another, and the order of a merge of two."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.canonical import Frozen


def out_of_order(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """Return the fewest items that somebody took out of the old order to arrive at the new one.

    What stays is a longest common run in order (a longest increasing subsequence of old places).

    Args:
        old: Distinct items.
        new: Distinct items; what only one of the two holds is left aside.

    Returns:
        The items that moved, in their new order.

    Example:
        >>> out_of_order("abcd", "bcda")
        ('a',)
        >>> out_of_order("abc", "xabyc")
        ()
    """
    index_of = {item: index for index, item in enumerate(old)}
    shared = [item for item in new if item in index_of]
    steady = set(_longest_ascent([index_of[item] for item in shared]))
    return tuple(item for item in shared if index_of[item] not in steady)


def merged_order(
    base: Sequence[str], ours: Sequence[str], theirs: Sequence[str], keep: set[str]
) -> list[str]:
    """Return the order of what a merge keeps.

    Ours leads, unless only theirs changed the order of what the base holds. What only the other
    side holds comes after the item that it follows there; of two that follow the same item, ours
    comes first.

    Args:
        base: Distinct items, as before both sides' edits.
        ours: Distinct items of our side.
        theirs: Distinct items of their side.
        keep: What the merge keeps, each of it on one side at least.

    Example:
        >>> merged_order("abc", "abcx", "acby", set("abcxy"))
        ['a', 'c', 'x', 'b', 'y']
        >>> merged_order("a", "ax", "ay", set("axy"))
        ['a', 'x', 'y']
    """
    if ours_leads(base, ours, theirs):
        return list(_woven(ours, theirs, keep, own_first=True))
    return list(_woven(theirs, ours, keep, own_first=False))


def ours_leads(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Tell whose order a merge follows: theirs only where ours is still that of the base.

    Example:
        >>> ours_leads("ab", "ab", "ba"), ours_leads("ab", "ba", "ab"), ours_leads("ab", "a", "b")
        (False, True, True)
    """
    return bool(out_of_order(base, ours)) or not out_of_order(base, theirs)


def _woven(
    lead: Sequence[str], other: Sequence[str], keep: set[str], *, own_first: bool
) -> Iterator[str]:
    """Yield the leading order with what only the other holds, each after what it follows there."""
    leading, also = {item for item in lead if item in keep}, set(other)
    followers: dict[str | None, list[str]] = {}
    anchor: str | None = None
    for item in other:
        if item in leading:
            anchor = item
        elif item in keep:
            followers.setdefault(anchor, []).append(item)
    waiting = followers.get(None, [])
    for item in lead:
        if item not in keep:
            continue
        if item in also or not own_first:  # what only the lead holds goes before what waits
            yield from waiting
            waiting = []
        yield item
        waiting = waiting + followers.get(item, [])
    yield from waiting


def _longest_ascent(numbers: Sequence[int]) -> list[int]:
    """Return a longest increasing subsequence of distinct numbers, by patience sorting."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        pile = bisect_left(tails, number)
        before[number] = tails[pile - 1] if pile else None
        tails[pile : pile + 1] = [number]
    ascent: list[int] = []
    last = tails[-1] if tails else None
    while last is not None:
        ascent.append(last)
        last = before[last]
    return ascent[::-1]


WordChange = Literal["same", "added", "removed"]
Pair = tuple[Attribute, Attribute]  # an attribute before and after

REWORDED_FROM = 0.6  # share of characters in common (difflib) above which a phrase was reworded
MOST_PAIRS = 2_500  # that a distortion's phrases are compared in, 50 by 50: below 0.1 s


class Move(Frozen):
    """An attribute that went from one distortion to another.

    Attributes:
        source: The distortion it left.
        before: Its phrase there.
        after: Its phrase now.
    """

    source: str
    before: str
    after: str


class Change(Frozen):
    """What changed within one distortion.

    Whoever takes `removed` and the first of each pair of `reworded` out, and puts `added` and the
    second of each pair in, has the new phrases.

    Attributes:
        added: Phrases that are new here.
        removed: Phrases that are here no more.
        reworded: (before, after) pairs.
        reordered: The fewest phrases, as they read now, whose place among the rest changed.
        moved: Where an added phrase came from, if another distortion had removed it.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    reworded: tuple[tuple[str, str], ...]
    reordered: tuple[str, ...] = ()
    moved: tuple[Move, ...] = ()


class _Matched(NamedTuple):
    """The attributes of one distortion: those found again, and what is left on each side."""

    pairs: list[Pair]
    gone: list[Attribute]
    new: list[Attribute]

    def with_pairs(self, pairs: Sequence[Pair]) -> "_Matched":
        """Return the matches after some more of what was left has been found again."""
        before, after = {a.phrase for a, _ in pairs}, {b.phrase for _, b in pairs}
        return _Matched(
            [*self.pairs, *pairs],
            [a for a in self.gone if a.phrase not in before],
            [b for b in self.new if b.phrase not in after],
        )


def difference(old: AttributeSet, new: AttributeSet) -> dict[str, Change]:
    """Return the changes by distortion; a distortion without any is left out.

    An attribute is found again by its identity; else by its words; else, within a distortion, by
    the likeness of its words, in that pairing which makes the likenesses add up to most. Above
    `MOST_PAIRS` possible pairs likeness is left aside: that much change is no rewording.

    Example:
        >>> old = AttributeSet.from_phrases({"jpeg": ["blocky edges", "flat tiles"]})
        >>> new = AttributeSet.from_phrases({"jpeg": ["blocky square edges", "specks"]})
        >>> change = difference(old, new)["jpeg"]
        >>> change.added, change.removed
        (('specks',), ('flat tiles',))
        >>> change.reworded
        (('blocky edges', 'blocky square edges'),)
    """
    before, after = _by_distortion(old, new)
    matched = {
        distortion: _matched(before[distortion], after[distortion])
        for distortion in before
        if _words(before[distortion]) != _words(after[distortion])
    }
    moves = _moves(matched)
    return {
        distortion: _change(before[distortion], after[distortion], match, moves)
        for distortion, match in matched.items()
    }


def word_changes(before: str, after: str) -> tuple[tuple[WordChange, str], ...]:
    """Return how one phrase became another, word by word.

    Args:
        before: A phrase; words are what blanks divide.
        after: What became of it.

    Returns:
        Runs of words in the order of reading. The same and the removed ones are `before`, the same
        and the added ones `after`.

    Example:
        >>> word_changes("dark blocky edges", "blocky square edges")
        (('removed', 'dark'), ('same', 'blocky'), ('added', 'square'), ('same', 'edges'))
    """
    old, new = before.split(), after.split()
    runs: list[tuple[WordChange, list[str]]] = []
    for tag, *(i, j, k, m) in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            runs.append(("same", old[i:j]))
        else:
            runs += [("removed", old[i:j]), ("added", new[k:m])]
    return tuple((kind, " ".join(words)) for kind, words in runs if words)


def _by_distortion(*sets: AttributeSet) -> tuple[dict[str, tuple[Attribute, ...]], ...]:
    """Return each set's attributes under every distortion of any of them, sorted."""
    names = sorted(set().union(*(attributes.by_distortion for attributes in sets)))
    return tuple({name: own.by_distortion.get(name, ()) for name in names} for own in sets)


def _words(attributes: Iterable[Attribute]) -> list[str]:
    return [attribute.phrase for attribute in attributes]


def _matched(before: Sequence[Attribute], after: Sequence[Attribute]) -> _Matched:
    """Find attributes again by identity, then by their words to the letter."""
    match = _Matched([], list(before), list(after))
    match = match.with_pairs(_sharing(match, lambda attribute: attribute.identity))
    return match.with_pairs(_sharing(match, lambda attribute: attribute.phrase))


def _sharing(match: _Matched, name: Callable[[Attribute], str | None]) -> list[Pair]:
    named = {name(b): b for b in match.new}
    return [(a, named[name(a)]) for a in match.gone if name(a) in named]


def _moves(matched: Mapping[str, _Matched]) -> dict[str | None, Move]:
    """Return what left one distortion and turned up in another, by identity."""
    left = {a.identity: (source, a) for source, match in matched.items() for a in match.gone}
    arrived = [b for match in matched.values() for b in match.new if b.identity in left]
    return {
        b.identity: Move(
            source=left[b.identity][0], before=left[b.identity][1].phrase, after=b.phrase
        )
        for b in arrived
    }


def _change(
    before: Sequence[Attribute],
    after: Sequence[Attribute],
    exact: _Matched,
    moves: Mapping[str | None, Move],
) -> Change:
    match = exact.with_pairs(list(_alike(
        [a for a in exact.gone if a.identity not in moves],
        [b for b in exact.new if b.identity not in moves],
    )))  # fmt: skip
    became = {a.phrase: b.phrase for a, b in match.pairs}
    was = {now: then for then, now in became.items()}
    old = [a.phrase for a in before if a.phrase in became]
    new = [was[b.phrase] for b in after if b.phrase in was]
    return Change(
        added=tuple(_words(match.new)),
        removed=tuple(_words(match.gone)),
        reworded=tuple((phrase, became[phrase]) for phrase in old if became[phrase] != phrase),
        reordered=tuple(became[phrase] for phrase in out_of_order(old, new)),
        moved=tuple(moves[b.identity] for b in match.new if b.identity in moves),
    )


def _alike(gone: Sequence[Attribute], new: Sequence[Attribute]) -> Iterator[Pair]:
    """Yield the pairs of phrases that read alike, so that their likenesses add up to most."""
    if not 0 < len(gone) * len(new) <= MOST_PAIRS:
        return
    import numpy as np  # slow to import, and few commands need a matching
    from scipy.optimize import linear_sum_assignment

    likeness = np.array([_likenesses(_words(gone), b.phrase) for b in new]).T
    for i, j in zip(*linear_sum_assignment(likeness, maximize=True), strict=True):
        if likeness[i, j]:
            yield gone[i], new[j]


def _likenesses(before: Sequence[str], after: str) -> list[float]:
    """Return for each phrase the share of characters in common with one that it may have become.

    It is 0 where it is too small to count.
    """
    matcher = SequenceMatcher(None, "", after)  # which learns the second of its texts only once
    places = dict.fromkeys(after, 0)
    for place, letter in enumerate(after):
        places[letter] |= 1 << place
    shares = []
    for phrase in before:
        most = _in_common(phrase, places, len(after))
        share = 0.0
        if 2 * most >= REWORDED_FROM * (len(phrase) + len(after)):  # it is more than the ratio
            matcher.set_seq1(phrase)
            share = matcher.ratio()
        shares.append(share if share >= REWORDED_FROM else 0.0)
    return shares


def _in_common(phrase: str, places: Mapping[str, int], length: int) -> int:
    """Return how long a sequence of letters two phrases have in common, with gaps (Hyyrö, 2004).

    The blocks that `SequenceMatcher` finds are such a sequence, if seldom the longest; this is ten
    times as fast.

    Args:
        phrase: One of them.
        places: Each letter of the other, to its places there as bits.
        length: Letters of the other.

    Example:
        >>> _in_common("blocky", {"b": 1, "o": 2, "y": 4}, 3)
        3
    """
    row = every = (1 << length) - 1
    for letter in phrase:
        hits = row & places.get(letter, 0)
        row = ((row + hits) | (row - hits)) & every
    return length - row.bit_count()
