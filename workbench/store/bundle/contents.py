"""What a bundle holds, and whether it holds together.

Nothing in it goes by a number of the store that it came from: calls, versions and results are named
by their digests, attributes by their identity.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from workbench.domain.attributes import MAX_PHRASE_LENGTH, Origin
from workbench.domain.canonical import Frozen, content_hash
from workbench.domain.config import STORED, RunConfig
from workbench.domain.distortion import Recipe
from workbench.domain.llm_call import LLMCall
from workbench.domain.run import RunResult
from workbench.errors import IntegrityError, StoreError
from workbench.store.call_log import call_row
from workbench.store.digest import VersionAttribute, document_digest, is_intact
from workbench.store.tables import VersionRow
from workbench.store.versions import check_alias

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


class BundledAttribute(Frozen):
    """One attribute of a version; its call goes by digest."""

    distortion: str = Field(min_length=1)
    position: int = Field(ge=0)
    phrase: str = Field(min_length=1, max_length=MAX_PHRASE_LENGTH)
    origin: Origin
    call: Digest | None
    status: Literal["proposed", "accepted", "needs work"]
    identity: Identity
    decided_by: str | None


class BundledVersion(Frozen):
    """A version as it was frozen, with its digest (`seal`) and the names that pointed at it."""

    hash: Digest
    seal: str
    message: str = Field(min_length=1)
    author: str = Field(min_length=1)
    created_at: Moment
    parent: Digest | None
    merged: Digest | None
    aliases: tuple[str, ...]
    attributes: tuple[BundledAttribute, ...] = Field(min_length=1)


class BundledRecipe(Frozen):
    """A distortion type that was added as data, by whom and when."""

    recipe: Recipe
    author: str = Field(min_length=1)
    created_at: Moment


class BundledComment(Frozen):
    """A remark on an attribute."""

    identity: Identity
    text: str = Field(min_length=1)
    author: str = Field(min_length=1)
    at: Moment


class BundledEvent(Frozen):
    """What somebody did to an attribute, for reading: no store takes it for its own record."""

    identity: Identity
    at: Moment
    author: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class BundledRun(Frozen):
    """A run that is done; `config` is the stored text, and the result a member of its own."""

    version: Digest
    config: str
    config_hash: Digest
    result: Digest
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None

    @property
    def data(self) -> list[dict[str, Any]]:
        """The data configurations that the run read: its own, then those of transfers."""
        config = json.loads(self.config)
        # Configurations from before there were transfers, and those without, have no such field.
        return [config["data"], *config.get("transfer", ())]


class Bundle(Frozen):
    """All of a bundle that a store imports.

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
    versions: tuple[BundledVersion, ...]
    calls: tuple[LLMCall, ...] = ()
    recipes: tuple[BundledRecipe, ...] = ()
    comments: tuple[BundledComment, ...] = ()
    history: tuple[BundledEvent, ...] = ()
    runs: tuple[BundledRun, ...] = ()
    results: dict[str, str] = Field(default_factory=dict)


def lineage_order(versions: dict[str, BundledVersion]) -> tuple[BundledVersion, ...]:
    """Return versions (hash to version) parents first, and otherwise by time and hash."""
    remaining = sorted(versions.values(), key=lambda version: (version.created_at, version.hash))
    done: dict[str, BundledVersion] = {}
    while remaining:
        waiting = []
        for version in remaining:
            parents = [hash for hash in (version.parent, version.merged) if hash]
            if all(hash in done or hash not in versions for hash in parents):
                done[version.hash] = version
            else:
                waiting.append(version)
        if len(waiting) == len(remaining):
            raise ValueError(f"version {remaining[0].hash[:10]} is its own ancestor")
        remaining = waiting
    return tuple(done.values())


def check_bundle(bundle: Bundle) -> None:
    """Refuse a bundle in which a digest, hash or reference does not hold; no store is needed."""
    if fault := next(_faults(bundle), None):
        raise IntegrityError(fault)


def attribute_rows(version: BundledVersion, call_ids: dict[str, int]) -> list[VersionAttribute]:
    """Return a version's attributes as they lie in a store, in order."""
    rows = [
        VersionAttribute(
            call_id=None if attribute.call is None else call_ids[attribute.call],
            **attribute.model_dump(exclude={"call"}),
        )
        for attribute in version.attributes
    ]
    return sorted(rows, key=lambda row: (row.distortion, row.position))


def version_row(version: BundledVersion, id: int = 0) -> VersionRow:
    """Return a version's own row, without the numbers of its parents."""
    fields = version.model_dump(include={"hash", "seal", "message", "author", "created_at"})
    return VersionRow(id=id, **fields)


def _faults(bundle: Bundle) -> Iterator[str]:
    present = {version.hash for version in bundle.versions}
    for hash in bundle.asked:
        if hash not in present:
            yield f"version {hash[:10]} was asked for and is missing"
    call_ids = {call_row(call).digest: number for number, call in enumerate(bundle.calls, start=1)}
    for version in bundle.versions:
        yield from _version_faults(version, present, call_ids)
    yield from _alias_faults(bundle)
    identities = {a.identity for version in bundle.versions for a in version.attributes}
    for comment in bundle.comments:
        if comment.identity not in identities:
            yield f"a comment of {comment.author} is on an attribute that no version has"
    for id, number in Counter(bundled.recipe.id for bundled in bundle.recipes).items():
        if number > 1:
            yield f"it holds two recipes '{id}'"
    for run in bundle.runs:
        yield from _run_faults(run, bundle.results[run.result], present)


def _version_faults(
    version: BundledVersion, present: set[str], call_ids: dict[str, int]
) -> Iterator[str]:
    name = f"version {version.hash[:10]}"
    for parent in (version.parent, version.merged):
        if parent is not None and parent not in present:
            yield f"{name}: its parent {parent[:10]} is missing"
    if version.merged is not None and version.parent is None:
        yield f"{name}: it was merged into no parent"
    for attribute in version.attributes:
        if attribute.call is not None and attribute.call not in call_ids:
            yield f"{name}: the call that '{attribute.phrase}' came from is missing"
            return
    rows, calls = attribute_rows(version, call_ids), {id: hash for hash, id in call_ids.items()}
    row = version_row(version)
    if not is_intact(row, version.parent, rows, merged=version.merged, calls=calls):
        yield f"{name}: it is not what {version.author} froze: its digest does not match"
    yield from (f"{name}: {words}" for words in _row_faults(rows))


def _row_faults(rows: list[VersionAttribute]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for row in rows:
        if row.position != counts[row.distortion]:
            yield f"the positions of its attributes of {row.distortion} have a gap"
            return
        counts[row.distortion] += 1
    if len({row.identity for row in rows}) < len(rows):
        yield "two of its attributes have one identity"
    if len({(row.distortion, row.phrase.casefold()) for row in rows}) < len(rows):
        yield "two of its attributes have the same words"


def _alias_faults(bundle: Bundle) -> Iterator[str]:
    aliases = Counter(alias for version in bundle.versions for alias in version.aliases)
    for alias, number in aliases.items():
        try:
            check_alias(alias)
        except StoreError as fault:
            yield str(fault).rstrip(".")
        if number > 1:
            yield f"its alias '{alias}' points at two versions"


def _run_faults(run: BundledRun, document: str, present: set[str]) -> Iterator[str]:
    name = f"the run with result {run.result[:10]}"
    try:
        config, result = json.loads(run.config), RunResult.model_validate_json(document)
        RunConfig.model_validate(config, context=STORED)
    except (ValueError, RecursionError):  # a ValidationError is a ValueError
        yield f"{name}: this program cannot read it"
        return
    config.pop("name", None)
    if content_hash(config) != run.config_hash or document_digest(document) != run.result:
        yield f"{name}: it does not match its hashes"
    if (result.version, result.config_hash) != (run.version, run.config_hash):
        yield f"{name}: its result belongs to another run"
    if run.version not in present:
        yield f"{name}: its version is missing"
