"""Who descends from whom among the versions."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import Field

from workbench.domain.attributes import Attribute, Origin, Status, Version
from workbench.domain.canonical import Frozen


class VersionSummary(Frozen):
    """A frozen version without its content; reading it checks no hash.

    Attributes:
        hash: 64 hexadecimal digits.
        message: Why it was frozen.
        author: Who froze it.
        created_at: When, in UTC.
        parent: Hash of the version that it was edited from, if any.
        merged: Hash of the version that was merged into the parent's line, if any.
        aliases: Names that point at it now.
        size: Number of its attributes.
    """

    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    message: str
    author: str
    created_at: datetime
    parent: str | None = None
    merged: str | None = None
    aliases: tuple[str, ...] = ()
    size: int

    @property
    def label(self) -> str:
        """What people read: the first alias, or the first ten digits of the hash."""
        return self.aliases[0] if self.aliases else self.hash[:10]


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
    surpassed = {above for near in common for above in _steps(parents, near) if above != near}
    return tuple(sorted(common - surpassed, key=lambda near: (above_a[near] + above_b[near], near)))


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
    steps, waiting = {start: 0}, deque([start])
    while waiting:
        here = waiting.popleft()
        for above in parents.get(here, (None, None)):
            if above is not None and above not in steps:
                steps[above] = steps[here] + 1
                waiting.append(above)
    return steps


class Evidence(Frozen):
    """What supports one wording.

    Attributes:
        distortion: Id of the distortion.
        phrase: The wording.
        identity: Which attribute it is a wording of.
        status: Where it stands in review.
        decided_by: Who gave it that status, once somebody has.
        origin: Who wrote it.
        call_id: The LLM call that made it, if one did.
        comments: Number of comments on the attribute.
        versions: Number of frozen versions that hold this wording for this distortion.
        runs: Number of finished runs of those versions.
    """

    distortion: str
    phrase: str
    identity: str | None
    status: Status
    decided_by: str | None
    origin: Origin
    call_id: int | None
    comments: int
    versions: int
    runs: int


def gather_evidence(
    wordings: Iterable[tuple[str, Attribute]],
    *,
    versions: Iterable[Version],
    finished: Mapping[str, int],
    comments: Mapping[str, int],
) -> tuple[Evidence, ...]:
    """Return the evidence behind each of some wordings, in their order.

    Args:
        wordings: Distortion ids and attributes.
        versions: Every frozen version.
        finished: Hash of a version to the number of its finished runs.
        comments: Identity of an attribute to the number of comments on it.

    Example:
        >>> rings = Attribute(phrase="rings", status="accepted", decided_by="ann")
        >>> (rings,) = gather_evidence([("jpeg", rings)], versions=[], finished={}, comments={})
        >>> rings.status, rings.decided_by, rings.versions
        ('accepted', 'ann', 0)
    """
    wanted = list(wordings)
    holders: dict[tuple[str, str], list[str]] = {(d, a.phrase): [] for d, a in wanted}
    for version in versions:
        for distortion, phrases in version.attributes.phrases().items():
            for phrase in phrases:
                if (distortion, phrase) in holders:
                    holders[distortion, phrase].append(version.hash)
    return tuple(
        Evidence(
            distortion=distortion,
            comments=comments.get(attribute.identity or "", 0),
            versions=len(holders[distortion, attribute.phrase]),
            runs=sum(finished.get(hash, 0) for hash in holders[distortion, attribute.phrase]),
            **dict(attribute),
        )
        for distortion, attribute in wanted
    )
