"""Who descends from whom among the versions."""

from collections import deque
from collections.abc import Mapping

Parents = Mapping[str, tuple[str | None, str | None]]  # hash to (parent, merged)


def common_ancestors(parents: Parents, a: str, b: str) -> tuple[str, ...]:
    """Return the nearest common ancestors of two versions, the best first.

    Nearest is a common ancestor from which no other one descends. Lines that were merged both ways
    (criss-cross) have several; then the first is the one with the fewest steps to both versions
    together, and of equals the one whose hash sorts first.

    Args:
        parents: Of every version, the one it was edited from and the one that was merged in.
        a: Hash of one version; it counts as its own ancestor.
        b: Hash of the other.

    Example:
        >>> parents = {"base": (None, None), "o": ("base", None), "t": ("base", None),
        ...            "ot": ("o", "t"), "to": ("t", "o")}
        >>> common_ancestors(parents, "ot", "t"), common_ancestors(parents, "ot", "to")
        (('t',), ('o', 't'))
    """
    above_a, above_b = _steps(parents, a), _steps(parents, b)
    common = above_a.keys() & above_b.keys()
    surpassed = {above for one in common for above in _steps(parents, one) if above != one}
    return tuple(sorted(common - surpassed, key=lambda one: (above_a[one] + above_b[one], one)))


def common_ancestor(parents: Parents, a: str, b: str) -> str | None:
    """Return the version that a merge of two versions starts from; None if they share none.

    Where there are several, it is the first of `common_ancestors`.

    Args:
        parents: Of every version, the one it was edited from and the one that was merged in.
        a: Hash of one version.
        b: Hash of the other.

    Example:
        >>> parents = {"base": (None, None), "o": ("base", None), "t": ("base", None)}
        >>> common_ancestor(parents, "o", "t"), common_ancestor(parents, "o", "elsewhere")
        ('base', None)
    """
    return next(iter(common_ancestors(parents, a, b)), None)


def _steps(parents: Parents, start: str) -> dict[str, int]:
    """Return the ancestors of a version, itself included, and how many steps up they are."""
    found, waiting = {start: 0}, deque([start])
    while waiting:
        here = waiting.popleft()
        for above in parents.get(here, (None, None)):
            if above is not None and above not in found:
                found[above] = found[here] + 1
                waiting.append(above)
    return found
