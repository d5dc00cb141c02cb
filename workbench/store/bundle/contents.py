"""What a bundle holds; nothing in it goes by a number of the store that it came from."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from workbench.domain.attributes import MAX_PHRASE_LENGTH, Origin
from workbench.domain.canonical import Frozen
from workbench.domain.distortion import Recipe
from workbench.domain.llm_call import LLMCall

FORMAT: Literal["attribute-bundle/1"] = "attribute-bundle/1"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Identity = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as fault:  # a zone can lead out of the years that there are
        raise ValueError("lies outside the years 1 to 9999 in UTC") from fault


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Manifest(Frozen):
    """The member bundle.json.

    Attributes:
        format: Which form the bundle has.
        program: Version of the program that wrote it.
        asked: Hashes of the versions that were asked for; the others are their lineage.
        members: Name to SHA-256 of every other member.
    """

    format: Literal["attribute-bundle/1"] = FORMAT
    program: str
    asked: tuple[Digest, ...] = Field(min_length=1)
    members: dict[str, Digest]


class KeptAttribute(Frozen):
    """One attribute of a version; its call goes by digest."""

    distortion: str = Field(min_length=1)
    position: int = Field(ge=0)
    phrase: str = Field(min_length=1, max_length=MAX_PHRASE_LENGTH)
    origin: Origin
    call: Digest | None
    status: Literal["proposed", "accepted", "needs work"]
    identity: Identity
    decided_by: str | None


class KeptVersion(Frozen):
    """A version as it was frozen, with its seal and the names that pointed at it."""

    hash: Digest
    seal: str
    message: str = Field(min_length=1)
    author: str = Field(min_length=1)
    created_at: Moment
    parent: Digest | None
    merged: Digest | None
    aliases: tuple[str, ...]
    attributes: tuple[KeptAttribute, ...] = Field(min_length=1)


class KeptRecipe(Frozen):
    """A distortion type that was added as data, by whom and when."""

    recipe: Recipe
    author: str = Field(min_length=1)
    created_at: Moment


class KeptComment(Frozen):
    """A remark on an attribute."""

    identity: Identity
    text: str = Field(min_length=1)
    author: str = Field(min_length=1)
    at: Moment


class KeptEvent(Frozen):
    """What somebody did to an attribute, for reading: no store takes it for its own record."""

    identity: Identity
    at: Moment
    author: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class KeptRun(Frozen):
    """A run that is done; `config` is the stored text, and the result a member of its own."""

    version: Digest
    config: str
    config_hash: Digest
    result: Digest
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None


class Bundle(Frozen):
    """All of a bundle that a store takes in.

    Attributes:
        asked: Hashes of the versions that were asked for, sorted.
        versions: They and their whole lineage, parents before children.
        calls: The LLM calls that their attributes name, the oldest first.
        recipes: The added distortion types that they use, by id.
        comments, history: What was said about and done to their attributes.
        runs: The runs of the versions that are done.
        results: Digest to stored text of their results.
    """

    asked: tuple[str, ...]
    versions: tuple[KeptVersion, ...]
    calls: tuple[LLMCall, ...] = ()
    recipes: tuple[KeptRecipe, ...] = ()
    comments: tuple[KeptComment, ...] = ()
    history: tuple[KeptEvent, ...] = ()
    runs: tuple[KeptRun, ...] = ()
    results: dict[str, str] = Field(default_factory=dict)


def lineage_order(versions: dict[str, KeptVersion]) -> tuple[KeptVersion, ...]:
    """Return versions parents first, and otherwise by time and hash.

    Args:
        versions: Hash to version; a parent that is not among them does not count.

    Raises:
        ValueError: A version is its own ancestor.
    """
    left = sorted(versions.values(), key=lambda one: (one.created_at, one.hash))
    done: dict[str, KeptVersion] = {}
    while left:
        waiting = []
        for one in left:
            if all(up in done or up not in versions for up in (one.parent, one.merged) if up):
                done[one.hash] = one
            else:
                waiting.append(one)
        if len(waiting) == len(left):
            raise ValueError(f"version {left[0].hash[:10]} is its own ancestor")
        left = waiting
    return tuple(done.values())
