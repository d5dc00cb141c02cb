"""What a merge cannot decide by itself, and the answers it was given."""

from collections.abc import Mapping
from typing import Literal

from workbench.domain.base import Frozen
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
