"""The order of what two or three lists share: what moved in it, and one order out of two."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence


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
    places = {item: place for place, item in enumerate(old)}
    shared = [item for item in new if item in places]
    steady = set(_longest_ascent([places[item] for item in shared]))
    return tuple(item for item in shared if places[item] not in steady)


def merged_order(
    base: Sequence[str], ours: Sequence[str], theirs: Sequence[str], kept: set[str]
) -> list[str]:
    """Return the order of what a merge keeps.

    Ours leads, unless only theirs changed the order of what the base holds. What only the other
    side holds comes after the item that it follows there; of two that follow the same item, ours
    comes first.

    Args:
        base: Distinct items, as before both sides' edits.
        ours: Distinct items of our side.
        theirs: Distinct items of their side.
        kept: What the merge keeps, each of it on one side at least.

    Example:
        >>> merged_order("abc", "abcx", "acby", set("abcxy"))
        ['a', 'c', 'x', 'b', 'y']
        >>> merged_order("a", "ax", "ay", set("axy"))
        ['a', 'x', 'y']
    """
    if ours_leads(base, ours, theirs):
        return list(_woven(ours, theirs, kept, own_first=True))
    return list(_woven(theirs, ours, kept, own_first=False))


def ours_leads(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Tell whose order a merge follows: theirs only where ours is still that of the base.

    Example:
        >>> ours_leads("ab", "ab", "ba"), ours_leads("ab", "ba", "ab"), ours_leads("ab", "a", "b")
        (False, True, True)
    """
    return bool(out_of_order(base, ours)) or not out_of_order(base, theirs)


def _woven(
    lead: Sequence[str], other: Sequence[str], kept: set[str], *, own_first: bool
) -> Iterator[str]:
    """Yield the leading order with what only the other holds, each after what it follows there."""
    leading, also = {item for item in lead if item in kept}, set(other)
    followers: dict[str | None, list[str]] = {}
    anchor: str | None = None
    for item in other:
        if item in leading:
            anchor = item
        elif item in kept:
            followers.setdefault(anchor, []).append(item)
    waiting = followers.get(None, [])
    for item in lead:
        if item not in kept:
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
    found: list[int] = []
    last = tails[-1] if tails else None
    while last is not None:
        found.append(last)
        last = before[last]
    return found[::-1]
