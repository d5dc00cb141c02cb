"""What speaks for a wording: who stands behind it, and where it has been used."""

from collections.abc import Iterable, Mapping

from workbench.domain.attributes import Attribute, Origin, Status, Version
from workbench.domain.base import Frozen


class Evidence(Frozen):
    """The weight of evidence behind one wording.

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
        >>> (found,) = gather_evidence([("jpeg", rings)], versions=[], finished={}, comments={})
        >>> found.status, found.decided_by, found.versions
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
