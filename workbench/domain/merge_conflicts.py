"""What becomes of one attribute that two sides edited."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from workbench.domain.attributes import Attribute, birth_identity
from workbench.domain.canonical import Frozen
from workbench.errors import ConfigError

Side = Literal["ours", "theirs"]
Resolution = Literal["ours", "theirs", "both"]

ONE_SIDE: tuple[Resolution, ...] = ("ours", "theirs")
ANY_SIDE: tuple[Resolution, ...] = ("ours", "theirs", "both")
SHORTEST_PREFIX = 4  # digits of an identity that may stand for it, as with versions


class Conflict(Frozen):
    """Two edits that cannot both hold; "here" is our side, "there" theirs.

    Attributes:
        id: What answers name it by: the identity, or the two identities joined by "+".
        kind: "both reworded", "moved apart", "decided differently", "same words" (two attributes
            would read the same), or a removal against another edit: "reworded here, removed there",
            "removed here, accepted there" and their like, also with "moved".
        distortion: Where it is on our side, or else was.
        identity: Which attribute; of two with the same words, ours.
        base: Its phrase before both edits; None if there was none.
        ours: Its phrase on our side; None if it was removed.
        theirs: Their phrase; of two with the same words, that of the other attribute.
        detail: What the phrases do not show ("accepted here, rejected there").
        choices: The answers it takes; "both" keeps two attributes.
    """

    id: str
    kind: str
    distortion: str
    identity: str
    base: str | None
    ours: str | None
    theirs: str | None
    detail: str = ""
    choices: tuple[Resolution, ...] = ONE_SIDE


class Judge:
    """Answers conflicts from what the user stated, and keeps those that stay open.

    Args:
        resolve: Conflict id, or its first digits, to the answer; the longest that fits counts.
        prefer: The answer to every other conflict; None leaves it open.

    Attributes:
        open: The conflicts without an answer, in the order they were met.
    """

    def __init__(self, resolve: Mapping[str, Resolution], prefer: Side | None) -> None:
        self.open: list[Conflict] = []
        self._met: dict[str, set[str]] = {key: set() for key in resolve}
        self._resolve, self._prefer = resolve, prefer

    def decide(self, conflict: Conflict) -> Resolution | None:
        """Return the answer to a conflict; None puts it with the open ones.

        Raises:
            ConfigError: The conflict does not take that answer.
        """
        keys = [key for key in self._resolve if _names(key, conflict)]
        for key in keys:
            self._met[key].add(conflict.identity)
        answer = self._resolve[max(keys, key=len)] if keys else self._prefer
        if answer is None:
            self.open.append(conflict)
        elif answer not in conflict.choices:
            raise ConfigError(
                f"Conflict {conflict.id[:10]} ({conflict.kind}) cannot be resolved by '{answer}'; "
                f"use {' or '.join(conflict.choices)}. Nothing was merged."
            )
        return answer

    def check(self) -> None:
        """Make sure that every stated answer met one conflict.

        Raises:
            ConfigError: One met none, or conflicts of several attributes.
        """
        for key, identities in self._met.items():
            if not identities:
                raise ConfigError(
                    f"'{key}' names no conflict of this merge; give a conflict's id or four or "
                    "more of its first digits. Nothing was merged."
                )
            if len(identities) > 1:
                raise ConfigError(
                    f"'{key}' names {len(identities)} conflicts; give more digits of the one that "
                    "is meant. Nothing was merged."
                )


def _names(key: str, conflict: Conflict) -> bool:
    return len(key) >= SHORTEST_PREFIX and conflict.id.startswith(key)


class Entry(NamedTuple):
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


State = Entry | None  # None where a set does not hold the attribute

# What may change in an attribute, each for itself.
_ASPECTS: dict[str, Callable[[Entry], str]] = {
    "reworded": lambda entry: entry.attribute.phrase,
    "moved": lambda entry: entry.distortion,
    "decided": lambda entry: entry.attribute.status,
}
_WANTED = {"reworded", "moved", "accepted"}  # what nobody does to an attribute that should go
_AT_BIRTH = {"decided": "proposed"}  # every attribute starts there, so that is no decision

_CONTESTED: dict[str, tuple[str, tuple[Resolution, ...]]] = {
    "reworded": ("both reworded", ANY_SIDE),
    "moved": ("moved apart", ANY_SIDE),
    "decided": ("decided differently", ONE_SIDE),
}


def changes(before: State, after: State) -> dict[str, str]:
    """Return what was done to an attribute, and what each of it led to.

    Example:
        >>> changes(None, Entry("jpeg", Attribute(phrase="ringing")))
        {'added': 'ringing'}
    """
    if before is None or after is None:
        if before is after:
            return {}
        return {"added": after.attribute.phrase} if after else {"removed": ""}
    return {name: value(after) for name, value in _ASPECTS.items() if value(after) != value(before)}


def outcome(name: str, base: State, ours: State, theirs: State, judge: Judge) -> list[Entry]:
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
    combined = [_combined(base, ours, theirs, chosen)]
    return [*combined, _copy(theirs)] if answer == "both" else combined


def _conflict(name: str, base: State, ours: State, theirs: State) -> Conflict | None:
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
        distortion=next(entry.distortion for entry in (ours, base, theirs) if entry),
        identity=name,
        base=base and base.attribute.phrase,
        ours=ours and ours.attribute.phrase,
        theirs=theirs and theirs.attribute.phrase,
        detail=detail,
        choices=choices,
    )


def _against_removal(
    base: State, ours: State, theirs: State
) -> tuple[str, str, tuple[Resolution, ...]] | None:
    """Name the conflict of a removal with an edit that says the attribute is wanted."""
    here, there = _main_change(base, ours), _main_change(base, theirs)
    both = {here, there}
    if both != {"rejected", "reworded"} and not ("removed" in both and both & _WANTED):
        return None
    return f"{here} here, {there} there".replace("rejected", "removed"), "", ONE_SIDE


def _main_change(base: State, entry: State) -> str:
    """Return the weightiest thing that a side did to an attribute; "" if none counts."""
    done = changes(base, entry)
    names = {done[name] if name == "decided" else name for name in done}
    weights = ("removed", "reworded", "moved", "accepted", "rejected")
    return next((name for name in weights if name in names), "")


def _contested(
    base: State, ours: Entry, theirs: Entry
) -> tuple[str, str, tuple[Resolution, ...]] | None:
    for aspect, (kind, choices) in _CONTESTED.items():
        here, there = (_ASPECTS[aspect](entry) for entry in (ours, theirs))
        if len({here, there, _value(aspect, base)}) == 3:
            return kind, "" if aspect == "reworded" else f"{here} here, {there} there", choices
    return None


def _combined(base: State, ours: Entry, theirs: Entry, winner: Entry) -> Entry:
    """Return an attribute with each aspect of the side that changed it, else of the winner."""

    def side(aspect: str) -> Entry:
        here, there = (_ASPECTS[aspect](entry) for entry in (ours, theirs))
        if here == there or there == _value(aspect, base):
            return ours
        return theirs if here == _value(aspect, base) else winner

    decided = side("decided").attribute
    update = {"status": decided.status, "decided_by": decided.decided_by}
    attribute = side("reworded").attribute.model_copy(update=update)
    return Entry(side("moved").distortion, attribute)


def _value(aspect: str, base: State) -> str | None:
    return _ASPECTS[aspect](base) if base else _AT_BIRTH.get(aspect)


def _copy(entry: Entry) -> Entry:
    """Return an attribute that stays beside the one it was the same as, known by itself."""
    identity = birth_identity(entry.name, entry.attribute.phrase)  # born of that one, in any store
    return entry._replace(attribute=entry.attribute.model_copy(update={"identity": identity}))
