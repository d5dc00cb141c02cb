"""What becomes of one attribute that two sides edited."""

from collections.abc import Callable
from typing import NamedTuple

from workbench.domain.attributes import Attribute, birth_identity
from workbench.domain.conflicts import ANY_SIDE, ONE_SIDE, Conflict, Judge, Resolution


class Placed(NamedTuple):
    """An attribute and the distortion that it belongs to."""

    distortion: str
    attribute: Attribute

    @property
    def name(self) -> str:
        """Its identity; an `AttributeSet` has given it one."""
        return self.attribute.identity or ""

    @property
    def key(self) -> tuple[str, str]:
        """What a set may not hold twice."""
        return self.distortion, self.attribute.phrase.casefold()


Was = Placed | None  # None where a set does not hold the attribute

# What may change in an attribute, each for itself.
_ASPECTS: dict[str, Callable[[Placed], str]] = {
    "reworded": lambda some: some.attribute.phrase,
    "moved": lambda some: some.distortion,
    "decided": lambda some: some.attribute.status,
}
_WANTED = {"reworded", "moved", "accepted"}  # what nobody does to an attribute that should go
_AT_BIRTH = {"decided": "proposed"}  # every attribute starts there, so that is no decision

_CONTESTED: dict[str, tuple[str, tuple[Resolution, ...]]] = {
    "reworded": ("both reworded", ANY_SIDE),
    "moved": ("moved apart", ANY_SIDE),
    "decided": ("decided differently", ONE_SIDE),
}


def changes(before: Was, after: Was) -> dict[str, str]:
    """Return what was done to an attribute, and what each of it led to.

    Example:
        >>> changes(None, Placed("jpeg", Attribute(phrase="ringing")))
        {'added': 'ringing'}
    """
    if before is None or after is None:
        if before is after:
            return {}
        return {"added": after.attribute.phrase} if after else {"removed": ""}
    return {name: value(after) for name, value in _ASPECTS.items() if value(after) != value(before)}


def outcome(name: str, base: Was, ours: Was, theirs: Was, judge: Judge) -> list[Placed]:
    """Return what stays of an attribute: nothing, one, or two where both wordings shall stay.

    Args:
        name: Its identity.
        base: As before both edits.
        ours: What our side made of it.
        theirs: What their side made of it.
        judge: Answers conflicts; while one is open, ours stays for the time being.
    """
    if ours == theirs or theirs == base:
        return [ours] if ours else []
    if ours == base:
        return [theirs] if theirs else []
    conflict = _conflict(name, base, ours, theirs)
    answer = judge.decide(conflict) if conflict else None
    chosen = theirs if answer == "theirs" else ours
    if conflict and "removed" in conflict.kind:
        return [chosen] if chosen else []
    if ours is None or theirs is None or chosen is None:
        return []  # what the other side changed outweighs no removal
    found = [_combined(base, ours, theirs, chosen)]
    return [*found, _copy(theirs)] if answer == "both" else found


def _conflict(name: str, base: Was, ours: Was, theirs: Was) -> Conflict | None:
    """Name what contradicts in the edits of an attribute that both sides changed."""
    named = _against_removal(base, ours, theirs)
    if named is None and ours is not None and theirs is not None:
        named = _contested(base, ours, theirs)
    if named is None:
        return None
    kind, detail, choices = named
    return Conflict(
        id=name,
        kind=kind,
        distortion=next(some.distortion for some in (ours, base, theirs) if some),
        identity=name,
        base=base and base.attribute.phrase,
        ours=ours and ours.attribute.phrase,
        theirs=theirs and theirs.attribute.phrase,
        detail=detail,
        choices=choices,
    )


def _against_removal(
    base: Was, ours: Was, theirs: Was
) -> tuple[str, str, tuple[Resolution, ...]] | None:
    """Name the conflict of a removal with an edit that says the attribute is wanted."""
    here, there = _deed(base, ours), _deed(base, theirs)
    both = {here, there}
    if both != {"rejected", "reworded"} and not ("removed" in both and both & _WANTED):
        return None
    return f"{here} here, {there} there".replace("rejected", "removed"), "", ONE_SIDE


def _deed(base: Was, some: Was) -> str:
    """Return the weightiest thing that a side did to an attribute; "" if none counts."""
    done = changes(base, some)
    names = {done[name] if name == "decided" else name for name in done}
    weights = ("removed", "reworded", "moved", "accepted", "rejected")
    return next((name for name in weights if name in names), "")


def _contested(
    base: Was, ours: Placed, theirs: Placed
) -> tuple[str, str, tuple[Resolution, ...]] | None:
    for aspect, (kind, choices) in _CONTESTED.items():
        here, there = (_ASPECTS[aspect](some) for some in (ours, theirs))
        if len({here, there, _value(aspect, base)}) == 3:
            return kind, "" if aspect == "reworded" else f"{here} here, {there} there", choices
    return None


def _combined(base: Was, ours: Placed, theirs: Placed, winner: Placed) -> Placed:
    """Return an attribute with each aspect of the side that changed it, else of the winner."""

    def side(aspect: str) -> Placed:
        here, there = (_ASPECTS[aspect](some) for some in (ours, theirs))
        if here == there or there == _value(aspect, base):
            return ours
        return theirs if here == _value(aspect, base) else winner

    decided = side("decided").attribute
    update = {"status": decided.status, "decided_by": decided.decided_by}
    attribute = side("reworded").attribute.model_copy(update=update)
    return Placed(side("moved").distortion, attribute)


def _value(aspect: str, base: Was) -> str | None:
    return _ASPECTS[aspect](base) if base else _AT_BIRTH.get(aspect)


def _copy(some: Placed) -> Placed:
    """Return an attribute that stays beside the one it was the same as, known by itself."""
    identity = birth_identity(some.name, some.attribute.phrase)  # born of that one, in any store
    return some._replace(attribute=some.attribute.model_copy(update={"identity": identity}))
