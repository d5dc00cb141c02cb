"""Bring two lines of edits of one attribute set together, and name what contradicts.

Attributes are known by their identity. A merge gives what one would have got by making their edits
after ours in one draft; where the order of the two would matter, it asks.
"""

from collections.abc import Iterator, Mapping

from workbench.domain.attributes import AttributeSet
from workbench.domain.canonical import Frozen
from workbench.domain.difference import merged_order, ours_leads, out_of_order
from workbench.domain.merge_conflicts import (
    Conflict,
    Judge,
    Placed,
    Resolution,
    Side,
    changes,
    outcome,
)

Table = dict[str, Placed]  # by identity, in the order of the set
Orders = dict[str, list[str]]  # distortion to identities


class Taken(Frozen):
    """One change that a merge made to the base, and whose it was.

    Attributes:
        side: "both" if both sides had made it, or if it follows from both together.
        change: "added", "removed", "reworded", "moved", "decided" or, of a distortion, "reordered".
        distortion: Where it is now, or was.
        identity: Which attribute; None for "reordered".
        phrase: As it reads now, or read when it was removed; "" for "reordered".
    """

    side: Resolution
    change: str
    distortion: str
    identity: str | None
    phrase: str


class Merged(Frozen):
    """What came of a merge.

    Attributes:
        attributes: The merged set; None while a conflict is open.
        conflicts: What has to be resolved first.
        taken: Every change against the base; of an open conflict, as if ours held.
    """

    attributes: AttributeSet | None
    conflicts: tuple[Conflict, ...]
    taken: tuple[Taken, ...]


def merge(
    base: AttributeSet,
    ours: AttributeSet,
    theirs: AttributeSet,
    *,
    resolve: Mapping[str, Resolution] | None = None,
    prefer: Side | None = None,
) -> Merged:
    """Merge what became of a set on two sides.

    - What one side changed is taken; what both changed alike is taken once.
    - Both added the same words: one attribute, with our identity and provenance.
    - Both changed the order: ours holds, and what they added comes after what it follows there.
    - Words, distortion and state of review are merged each for itself, so an attribute that they
      accepted and we reworded ends reworded and accepted.
    - A rejection counts as a removal where the other side reworded, since freezing drops it.

    Args:
        base: What both sides came from.
        ours: One side.
        theirs: The other side.
        resolve: Conflict id, or four or more of its first digits, to what shall hold. The id of an
            attribute's conflict is its identity.
        prefer: What shall hold in every conflict that `resolve` does not name.

    Raises:
        ConfigError: `resolve` names no conflict, several, or what a conflict does not offer.

    Example:
        >>> base = AttributeSet.from_phrases({"jpeg": ["blocky edges"]})
        >>> ours = AttributeSet.from_phrases({"jpeg": ["blocky edges", "ringing"]})
        >>> theirs = AttributeSet.from_phrases({"jpeg": ["flat tiles", "blocky edges"]})
        >>> merge(base, ours, theirs).attributes.phrases()
        {'jpeg': ('flat tiles', 'blocky edges', 'ringing')}
    """
    judge = Judge(resolve or {}, prefer)
    before, here = _table(base), _table(ours)
    there = _folded(before, here, _table(theirs))
    kept: Table = {}
    copies: dict[str, Placed] = {}
    for name in {**before, **here, **there}:
        for some in outcome(name, before.get(name), here.get(name), there.get(name), judge):
            kept[some.name] = some
            if some.name != name:
                copies[name] = some
    kept = _distinct(kept, before, here, judge)
    judge.check()
    there = {some.name: some for some in _with_copies(there, copies)}
    orders = [_orders(table) for table in (before, here, there)]
    return Merged(
        attributes=None if judge.open else _set(kept, *orders),
        conflicts=tuple(judge.open),
        taken=(*_taken(before, here, there, kept), *_reordered(*orders)),
    )


def _table(some: AttributeSet) -> Table:
    placed = (Placed(d, a) for d, attributes in some.by_distortion.items() for a in attributes)
    return {one.name: one for one in placed}


def _folded(before: Table, here: Table, there: Table) -> Table:
    """Return their side; what it and ours both added in the same words has our identity."""
    added = {
        some.key: some for name, some in here.items() if name not in before and name not in there
    }
    return {
        one.name: one
        for one in (
            _as(added[some.key], some)
            if some.key in added and name not in before and name not in here
            else some
            for name, some in there.items()
        )
    }


def _as(ours: Placed, theirs: Placed) -> Placed:
    same = {"identity": ours.attribute.identity, "phrase": ours.attribute.phrase}
    return theirs._replace(attribute=theirs.attribute.model_copy(update=same))


def _with_copies(there: Table, copies: Mapping[str, Placed]) -> Iterator[Placed]:
    for name, some in there.items():
        yield some
        if name in copies:
            yield copies[name]


def _distinct(kept: Table, before: Table, here: Table, judge: Judge) -> Table:
    """Return what is kept without those that ended with the words of another."""
    found: dict[tuple[str, str], Placed] = {}
    asked = {conflict.identity for conflict in judge.open}
    for some in kept.values():
        first = found.setdefault(some.key, some)
        if first is some or not asked.isdisjoint((first.name, some.name)):
            continue  # what is asked about already may yet end otherwise
        ours, theirs = (some, first) if _holds(here, some) else (first, some)
        answer = judge.decide(_same_words(ours, theirs, before))
        found[some.key] = theirs if answer == "theirs" else ours
    return {some.name: some for some in found.values()}


def _holds(side: Table, some: Placed) -> bool:
    return some.name in side and side[some.name].key == some.key


def _same_words(ours: Placed, theirs: Placed, before: Table) -> Conflict:
    was = [before[some.name].attribute.phrase for some in (ours, theirs) if some.name in before]
    return Conflict(
        id=f"{ours.name}+{theirs.name}",
        kind="same words",
        distortion=ours.distortion,
        identity=ours.name,
        base=was[0] if ours.name in before else None,
        ours=ours.attribute.phrase,
        theirs=theirs.attribute.phrase,
        detail=" and ".join(f"'{phrase}'" for phrase in was) + " before" if was else "",
    )


def _orders(table: Table) -> Orders:
    found: Orders = {}
    for name, some in table.items():
        found.setdefault(some.distortion, []).append(name)
    return found


def _set(kept: Table, before: Orders, here: Orders, there: Orders) -> AttributeSet:
    by_distortion = {}
    for distortion, names in _orders(kept).items():
        base, ours, theirs = (some.get(distortion, []) for some in (before, here, there))
        order = merged_order(base, ours, theirs, set(names))
        by_distortion[distortion] = tuple(kept[name].attribute for name in order)
    return AttributeSet(by_distortion=by_distortion)


def _taken(before: Table, here: Table, there: Table, kept: Table) -> Iterator[Taken]:
    sides: dict[Side, Table] = {"ours": here, "theirs": there}
    for name in {**before, **kept}:
        was, now = before.get(name), kept.get(name)
        if was is now:
            continue
        shown = now or before[name]
        for change, result in changes(was, now).items():
            whose = [
                side for side, some in sides.items()
                if changes(was, some.get(name)).get(change) == result
            ]  # fmt: skip
            yield Taken(
                side=whose[0] if len(whose) == 1 else "both",
                change=change,
                distortion=shown.distortion,
                identity=name,
                phrase=shown.attribute.phrase,
            )


def _reordered(before: Orders, here: Orders, there: Orders) -> Iterator[Taken]:
    for distortion, base in before.items():
        ours, theirs = here.get(distortion, []), there.get(distortion, [])
        leads = ours_leads(base, ours, theirs)
        moved = out_of_order(base, ours if leads else theirs)
        if moved:
            alike = moved == out_of_order(base, theirs if leads else ours)
            side: Resolution = "both" if alike else "ours" if leads else "theirs"
            yield Taken(
                side=side, change="reordered", distortion=distortion, identity=None, phrase=""
            )
