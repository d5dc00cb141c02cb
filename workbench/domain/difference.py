"""What changed from one attribute set to another."""

from difflib import SequenceMatcher

from workbench.domain.attributes import AttributeSet
from workbench.domain.base import Frozen

REWORDED_FROM = 0.6  # share of characters in common (difflib) above which a phrase was reworded


class Change(Frozen):
    """What changed within one distortion; `reworded` holds (before, after) pairs."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    reworded: tuple[tuple[str, str], ...]


def difference(old: AttributeSet, new: AttributeSet) -> dict[str, Change]:
    """Return the changes by distortion; a distortion without any is left out.

    Example:
        >>> old = AttributeSet.from_phrases({"jpeg": ["blocky edges", "flat tiles"]})
        >>> new = AttributeSet.from_phrases({"jpeg": ["blocky square edges", "specks"]})
        >>> change = difference(old, new)["jpeg"]
        >>> change.added, change.removed
        (('specks',), ('flat tiles',))
        >>> change.reworded
        (('blocky edges', 'blocky square edges'),)
    """
    before, after = old.phrases(), new.phrases()
    changes = {
        distortion: _change(before.get(distortion, ()), after.get(distortion, ()))
        for distortion in sorted({*before, *after})
    }
    return {
        distortion: change for distortion, change in changes.items() if any(dict(change).values())
    }


def _change(before: tuple[str, ...], after: tuple[str, ...]) -> Change:
    removed = [phrase for phrase in before if phrase not in after]
    added = [phrase for phrase in after if phrase not in before]
    reworded = []
    for old in list(removed):
        likeness, new = max(
            ((SequenceMatcher(None, old, new).ratio(), new) for new in added), default=(0.0, "")
        )
        if likeness >= REWORDED_FROM:
            reworded.append((old, new))
            removed.remove(old)
            added.remove(new)
    return Change(added=tuple(added), removed=tuple(removed), reworded=tuple(reworded))
