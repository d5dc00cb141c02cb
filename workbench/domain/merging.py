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
    Entry,
    Judge,
    Resolution,
    Side,
    changes,
    outcome,
)

Table = dict[str, Entry]  # by identity, in the order of the set
Orders = dict[str, list[str]]  # distortion to identities


class MergeChange(Frozen):
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
    taken: tuple[MergeChange, ...]


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
    merged: Table = {}
    copies: dict[str, Entry] = {}
    for name in {**before, **here, **there}:
        for entry in outcome(name, before.get(name), here.get(name), there.get(name), judge):
            merged[entry.name] = entry
            if entry.name != name:
                copies[name] = entry
    merged = _distinct(merged, before, here, judge)
    judge.check()
    there = {entry.name: entry for entry in _with_copies(there, copies)}
    orders = [_orders(table) for table in (before, here, there)]
    return Merged(
        attributes=None if judge.open else _set(merged, *orders),
        conflicts=tuple(judge.open),
        taken=(*_changes(before, here, there, merged), *_reordered(*orders)),
    )


def _table(attribute_set: AttributeSet) -> Table:
    entries = (
        Entry(distortion, attribute)
        for distortion, attributes in attribute_set.by_distortion.items()
        for attribute in attributes
    )
    return {entry.name: entry for entry in entries}


def _folded(before: Table, here: Table, there: Table) -> Table:
    """Return their side; what it and ours both added in the same words has our identity."""
    added = {
        entry.key: entry for name, entry in here.items() if name not in before and name not in there
    }
    return {
        entry.name: entry
        for entry in (
            _as(added[entry.key], entry)
            if entry.key in added and name not in before and name not in here
            else entry
            for name, entry in there.items()
        )
    }


def _as(ours: Entry, theirs: Entry) -> Entry:
    same = {"identity": ours.attribute.identity, "phrase": ours.attribute.phrase}
    return theirs._replace(attribute=theirs.attribute.model_copy(update=same))


def _with_copies(there: Table, copies: Mapping[str, Entry]) -> Iterator[Entry]:
    for name, entry in there.items():
        yield entry
        if name in copies:
            yield copies[name]


def _distinct(merged: Table, before: Table, here: Table, judge: Judge) -> Table:
    """Return what is kept without those that ended with the words of another."""
    by_key: dict[tuple[str, str], Entry] = {}
    asked = {conflict.identity for conflict in judge.open}
    for entry in merged.values():
        first = by_key.setdefault(entry.key, entry)
        if first is entry or not asked.isdisjoint((first.name, entry.name)):
            continue  # what is asked about already may yet end otherwise
        ours, theirs = (entry, first) if _holds(here, entry) else (first, entry)
        answer = judge.decide(_same_words(ours, theirs, before))
        by_key[entry.key] = theirs if answer == "theirs" else ours
    return {entry.name: entry for entry in by_key.values()}


def _holds(side: Table, entry: Entry) -> bool:
    return entry.name in side and side[entry.name].key == entry.key


def _same_words(ours: Entry, theirs: Entry, before: Table) -> Conflict:
    was = [before[entry.name].attribute.phrase for entry in (ours, theirs) if entry.name in before]
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
    by_key: Orders = {}
    for name, entry in table.items():
        by_key.setdefault(entry.distortion, []).append(name)
    return by_key


def _set(merged: Table, before: Orders, here: Orders, there: Orders) -> AttributeSet:
    by_distortion = {}
    for distortion, names in _orders(merged).items():
        base, ours, theirs = (order.get(distortion, []) for order in (before, here, there))
        order = merged_order(base, ours, theirs, set(names))
        by_distortion[distortion] = tuple(merged[name].attribute for name in order)
    return AttributeSet(by_distortion=by_distortion)


def _changes(before: Table, here: Table, there: Table, merged: Table) -> Iterator[MergeChange]:
    sides: dict[Side, Table] = {"ours": here, "theirs": there}
    for name in {**before, **merged}:
        was, now = before.get(name), merged.get(name)
        if was is now:
            continue
        current = now or before[name]
        for change, result in changes(was, now).items():
            whose = [
                side for side, table in sides.items()
                if changes(was, table.get(name)).get(change) == result
            ]  # fmt: skip
            yield MergeChange(
                side=whose[0] if len(whose) == 1 else "both",
                change=change,
                distortion=current.distortion,
                identity=name,
                phrase=current.attribute.phrase,
            )


def _reordered(before: Orders, here: Orders, there: Orders) -> Iterator[MergeChange]:
    for distortion, base in before.items():
        ours, theirs = here.get(distortion, []), there.get(distortion, [])
        leads = ours_leads(base, ours, theirs)
        moved = out_of_order(base, ours if leads else theirs)
        if moved:
            alike = moved == out_of_order(base, theirs if leads else ours)
            side: Resolution = "both" if alike else "ours" if leads else "theirs"
            yield MergeChange(
                side=side, change="reordered", distortion=distortion, identity=None, phrase=""
            )
