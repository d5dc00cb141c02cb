"""How differences, evidence, effects and conflicts read in a terminal."""

from collections.abc import Iterator, Mapping, Sequence

from workbench.domain.difference import Change, word_changes
from workbench.domain.edit_effects import EditEffect
from workbench.domain.lineage import Evidence
from workbench.domain.merge_conflicts import Conflict
from workbench.domain.merging import MergeChange
from workbench.domain.number_format import count_text, interval_text, p_text, signed_text

Edit = tuple[str, str | None, str | None]  # distortion, phrase before, phrase after

_MARKS = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
_SIDES = {"ours": "ours", "theirs": "theirs", "both": "both sides"}


def marked_words(before: str, after: str) -> str:
    """Return a rewording in one line, marked as git marks words.

    Example:
        >>> marked_words("blocky edges here", "blocky square corners here")
        'blocky [-edges-]{+square corners+} here'
    """
    text, last = "", ""
    for kind, words in word_changes(before, after):
        blank = "" if not text or (last, kind) == ("removed", "added") else " "
        text, last = text + blank + _MARKS[kind].format(words), kind
    return text


def difference_lines(
    changes: Mapping[str, Change],
    *,
    words: bool = False,
    evidence: Sequence[Evidence] = (),
    effects: Sequence[EditEffect] = (),
) -> Iterator[str]:
    """Yield a difference line by line, and under each line what else is known of it.

    Args:
        changes: The changes by distortion.
        words: Mark the words of a rewording instead of showing both phrases.
        evidence: What speaks for the wordings, if it was asked for.
        effects: What each edit contributed, if it was asked for.
    """
    behind = {(entry.distortion, entry.phrase): _evidence_text(entry) for entry in evidence}
    worth = {(entry.distortion, entry.before, entry.after): entry for entry in effects}
    for line, parts in _lines(changes, words):
        yield line
        yield from (f"    {text}" for text in _evidence_lines(parts, behind))
        yield from (f"    {_effect_text(entry)}" for entry in _effects_of(parts, worth))


def _lines(changes: Mapping[str, Change], words: bool) -> Iterator[tuple[str, list[Edit]]]:
    """Yield each line with the edits that it tells of."""
    left = {(move.source, move.before) for change in changes.values() for move in change.moved}
    for name, change in changes.items():
        arrived = {move.after for move in change.moved}
        for phrase in change.removed:
            if (name, phrase) not in left:
                yield f"- {name}: {phrase}", [(name, phrase, None)]
        for phrase in change.added:
            if phrase not in arrived:
                yield f"+ {name}: {phrase}", [(name, None, phrase)]
        for old, new in change.reworded:
            yield f"~ {name}: {_reworded(old, new, words)}", [(name, old, new)]
        for move in change.moved:
            text = f"> {name}: {_reworded(move.before, move.after, words)}, from {move.source}"
            yield text, [(move.source, move.before, None), (name, None, move.after)]
        for phrase in change.reordered:
            yield f"^ {name}: {phrase}, at another place", []


def _reworded(old: str, new: str, words: bool) -> str:
    if old == new:
        return old
    return marked_words(old, new) if words else f"{old} -> {new}"


def _evidence_lines(parts: Sequence[Edit], behind: Mapping[tuple[str, str], str]) -> Iterator[str]:
    wordings = [(name, phrase) for name, *both in parts for phrase in both if phrase is not None]
    for wording in wordings:
        if wording in behind:
            yield (f"'{wording[1]}': " if len(wordings) > 1 else "") + behind[wording]


def _evidence_text(entry: Evidence) -> str:
    return ", ".join([
        f"{entry.status} by {entry.decided_by}" if entry.decided_by else entry.status,
        f"{entry.origin} (call {entry.call_id})" if entry.call_id else entry.origin,
        count_text(entry.comments, "comment"),
        f"in {count_text(entry.versions, 'version')}",
        count_text(entry.runs, "finished run"),
    ])  # fmt: skip


def _effects_of(parts: Sequence[Edit], worth: Mapping[Edit, EditEffect]) -> Iterator[EditEffect]:
    """Yield the effects of an edit: as one, or where the runs know no identities, in two."""
    for name, old, new in parts:
        combined = worth.get((name, old, new))
        separate = (worth.get((name, old, None)), worth.get((name, None, new)))
        yield from (entry for entry in ([combined] if combined else separate) if entry is not None)


def _effect_text(entry: EditEffect) -> str:
    effect = entry.effect
    verdict = f"{effect.verdict} ({effect.reason})" if effect.reason else effect.verdict
    return (
        f"{entry.kind} alone: ΔSRCC {signed_text(effect.delta_srcc)} "
        f"{interval_text(effect.ci, signed=True)}, p {p_text(effect.p_holm)}: {verdict}"
    )


def taken_lines(taken: Sequence[MergeChange]) -> Iterator[str]:
    """Yield what a merge took over, and from which side."""
    for entry in taken:
        phrase = f": {entry.phrase}" if entry.phrase else ""
        yield f"{entry.change} by {_SIDES[entry.side]}  {entry.distortion}{phrase}"


def conflict_lines(conflicts: Sequence[Conflict]) -> Iterator[str]:
    """Yield each conflict in one line, and the words at stake in another."""
    for entry in conflicts:
        detail = f" ({entry.detail})" if entry.detail else ""
        choices = "|".join(entry.choices)
        yield f"{short_id(entry)}  {entry.distortion}: {entry.kind}{detail}; {choices}"
        sides = {"base": entry.base, "ours": entry.ours, "theirs": entry.theirs}
        yield "    " + ", ".join(
            f"{side} " + ("removed" if phrase is None else f"'{phrase}'")
            for side, phrase in sides.items()
            if side != "base" or phrase is not None
        )


def short_id(conflict: Conflict) -> str:
    """Return as much of a conflict's id as answers need; of two attributes, all of it."""
    return conflict.id if "+" in conflict.id else conflict.id[:10]
