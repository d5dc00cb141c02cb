"""The tables, private to the store; every other room sees domain values only.

They hang on a registry of their own: when a page's hot reload imports this module again, the new
classes meet an empty registry instead of "Table already defined". SQLModel tables do not
validate, so no row ever leaves the store without passing `mapping`.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from workbench.errors import StoreError


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Convert to UTC before the zone is lost."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, _: Dialect) -> datetime | None:
        """Return an aware moment in UTC."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Unicode text that every database can hold.

    PostgreSQL refuses a NUL character and no driver can encode half a surrogate pair; both are
    refused here, so that a set that fits one database fits the other.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> str | None:
        """Refuse what cannot be stored."""
        if value is not None and ("\x00" in value or not _is_unicode(value)):
            raise StoreError(
                f"The text {value[:40]!r} holds a character that cannot be stored (NUL or half a "
                "surrogate pair); remove it. Nothing was changed."
            )
        return value


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Ids are never given out twice: what an audit event names stays what it was.
_NEVER_REUSED = {"sqlite_autoincrement": True}

# Columns that came with a later migration, which filled the rows that were there.
_FILLED = {"server_default": text("''")}
_ZERO = {"server_default": text("0")}


class StoreTable(SQLModel, registry=registry(metadata=METADATA)):
    """What all tables share: the registry that is the store's own."""


class CallRow(StoreTable, table=True):
    """One call of a language model; `request`, `reply` and `details` are JSON, byte for byte."""

    __tablename__: ClassVar[str] = "llm_call"
    __table_args__ = (_NEVER_REUSED,)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_type=PlainText, index=True)
    distortion: str = Field(sa_type=PlainText, index=True)
    request: str = Field(sa_type=PlainText)
    model_answered: str = Field(sa_type=PlainText)
    reply: str = Field(sa_type=PlainText)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_s: float
    error: str | None = Field(default=None, sa_type=PlainText)
    created_at: datetime = Field(sa_type=UtcDateTime)
    cost_usd: float | None = None
    digest: str = Field(sa_type=PlainText, index=True, sa_column_kwargs=_FILLED)
    details: str | None = Field(default=None, sa_type=PlainText)


class DraftAttributeRow(StoreTable, table=True):
    """One attribute of the working draft; `phrase_key` is what may not occur twice."""

    __tablename__: ClassVar[str] = "draft_attribute"
    __table_args__ = (
        UniqueConstraint("distortion", "phrase_key"),
        CheckConstraint("phrase <> ''", name="words"),
        Index("uq_draft_attribute_identity", "identity", unique=True),
        _NEVER_REUSED,
    )

    id: int | None = Field(default=None, primary_key=True)
    distortion: str = Field(sa_type=PlainText)
    position: int
    phrase: str = Field(sa_type=PlainText)
    phrase_key: str = Field(sa_type=PlainText)
    origin: str = Field(sa_type=PlainText)
    call_id: int | None = Field(default=None, foreign_key="llm_call.id")
    status: str = Field(sa_type=PlainText)
    row_version: int
    updated_at: datetime = Field(sa_type=UtcDateTime)
    updated_by: str = Field(sa_type=PlainText)
    identity: str = Field(sa_type=PlainText, sa_column_kwargs=_FILLED)
    decided_by: str | None = Field(default=None, sa_type=PlainText)


class DraftBaseRow(StoreTable, table=True):
    """The version that the draft was last frozen as or restored from; one row at most."""

    __tablename__: ClassVar[str] = "draft_base"

    id: int = Field(primary_key=True)
    version_id: int = Field(foreign_key="version.id")


class CommentRow(StoreTable, table=True):
    """A remark on an attribute, by its identity; append-only."""

    __tablename__: ClassVar[str] = "comment"
    __table_args__ = (_NEVER_REUSED,)

    id: int | None = Field(default=None, primary_key=True)
    identity: str = Field(sa_type=PlainText, index=True)
    text: str = Field(sa_type=PlainText)
    author: str = Field(sa_type=PlainText)
    at: datetime = Field(sa_type=UtcDateTime)


class VersionRow(StoreTable, table=True):
    """A frozen version; inserted after its attributes, and then nothing can join or leave."""

    __tablename__: ClassVar[str] = "version"
    __table_args__ = (_NEVER_REUSED,)

    id: int = Field(primary_key=True)
    hash: str = Field(sa_type=PlainText, unique=True)
    seal: str = Field(sa_type=PlainText)
    message: str = Field(sa_type=PlainText)
    author: str = Field(sa_type=PlainText)
    created_at: datetime = Field(sa_type=UtcDateTime)
    parent_id: int | None = Field(default=None, foreign_key="version.id")
    merged_id: int | None = Field(default=None, foreign_key="version.id")


class VersionAttributeRow(StoreTable, table=True):
    """One attribute of a frozen version, with its provenance as it was at that moment."""

    __tablename__: ClassVar[str] = "version_attribute"
    # Version first: what one freeze writes lies together, and a history looks into each version.
    __table_args__ = (
        Index("uq_version_attribute_version_id_identity", "version_id", "identity", unique=True),
    )

    # Deferred, because the attributes come first: the version row is what seals them.
    version_id: int = Field(
        primary_key=True,
        sa_column_args=[ForeignKey("version.id", deferrable=True, initially="DEFERRED")],
    )
    distortion: str = Field(primary_key=True, sa_type=PlainText)
    position: int = Field(primary_key=True)
    phrase: str = Field(sa_type=PlainText)
    origin: str = Field(sa_type=PlainText)
    call_id: int | None = Field(default=None, foreign_key="llm_call.id")
    status: str = Field(sa_type=PlainText)
    identity: str = Field(sa_type=PlainText, sa_column_kwargs=_FILLED)
    decided_by: str | None = Field(default=None, sa_type=PlainText)


class AliasRow(StoreTable, table=True):
    """A name that points at a version and may be moved."""

    __tablename__: ClassVar[str] = "version_alias"

    name: str = Field(primary_key=True, sa_type=PlainText)
    version_id: int = Field(foreign_key="version.id", index=True)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    updated_by: str = Field(sa_type=PlainText)


class RunRow(StoreTable, table=True):
    """One run of the queue; its result lies in a table of its own, so that lists stay light.

    `claim` counts how often it was claimed: what an earlier claim wants to write is refused.
    `deaths` counts how often its worker went silent, `afresh` says to discard what it trained.
    """

    __tablename__: ClassVar[str] = "run"
    __table_args__ = (Index(None, "version_hash", "config_hash"), _NEVER_REUSED)

    id: int | None = Field(default=None, primary_key=True)
    version_hash: str = Field(sa_type=PlainText, foreign_key="version.hash")
    config: str = Field(sa_type=PlainText)
    config_hash: str = Field(sa_type=PlainText)
    status: str = Field(sa_type=PlainText, index=True)
    progress: float = 0.0
    stage: str = Field(default="", sa_type=PlainText)
    error: str | None = Field(default=None, sa_type=PlainText)
    worker: str | None = Field(default=None, sa_type=PlainText)
    cancel_requested: bool = False
    heartbeat_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    claim: int = Field(default=0, sa_column_kwargs=_ZERO)
    deaths: int = Field(default=0, sa_column_kwargs=_ZERO)
    afresh: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class LogLineRow(StoreTable, table=True):
    """One of a run's newest log lines."""

    __tablename__: ClassVar[str] = "run_log_line"

    run_id: int = Field(primary_key=True, foreign_key="run.id")
    number: int = Field(primary_key=True)
    text: str = Field(sa_type=PlainText)


class LossRow(StoreTable, table=True):
    """A loss on the way through one stage of a run."""

    __tablename__: ClassVar[str] = "run_loss"

    run_id: int = Field(primary_key=True, foreign_key="run.id")
    stage: str = Field(primary_key=True, sa_type=PlainText)
    step: int = Field(primary_key=True)
    loss: float


class ResultRow(StoreTable, table=True):
    """The canonical JSON of a run's result, whole."""

    __tablename__: ClassVar[str] = "run_result"

    run_id: int = Field(primary_key=True, foreign_key="run.id")
    document: str = Field(sa_type=PlainText)
    digest: str = Field(sa_type=PlainText, sa_column_kwargs=_FILLED)


class AccessRow(StoreTable, table=True):
    """One look at a locked test part; append-only."""

    __tablename__: ClassVar[str] = "test_look"
    __table_args__ = (_NEVER_REUSED,)

    id: int | None = Field(default=None, primary_key=True)
    test_hash: str = Field(sa_type=PlainText, index=True)
    run_id: int | None = Field(default=None, foreign_key="run.id")
    purpose: str = Field(sa_type=PlainText)
    author: str = Field(sa_type=PlainText)
    at: datetime = Field(sa_type=UtcDateTime)


class RecipeRow(StoreTable, table=True):
    """A distortion type made of data, as canonical JSON; what an id means is never rewritten."""

    __tablename__: ClassVar[str] = "recipe"

    id: str = Field(primary_key=True, sa_type=PlainText)
    document: str = Field(sa_type=PlainText)
    hash: str = Field(sa_type=PlainText)
    author: str = Field(sa_type=PlainText)
    created_at: datetime = Field(sa_type=UtcDateTime)


class QuestionRow(StoreTable, table=True):
    """What a language model is asked in the background; `document` and `answers` are JSON."""

    __tablename__: ClassVar[str] = "question"
    __table_args__ = (_NEVER_REUSED,)

    id: int | None = Field(default=None, primary_key=True)
    document: str = Field(sa_type=PlainText)
    author: str = Field(sa_type=PlainText)
    status: str = Field(sa_type=PlainText, index=True)
    answers: str = Field(sa_type=PlainText)
    error: str | None = Field(default=None, sa_type=PlainText)
    worker: str | None = Field(default=None, sa_type=PlainText)
    heartbeat_at: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ProposalRow(StoreTable, table=True):
    """Words that are proposed in place of a draft attribute's; `figures` is JSON."""

    __tablename__: ClassVar[str] = "proposal"
    __table_args__ = (_NEVER_REUSED,)

    id: int | None = Field(default=None, primary_key=True)
    row_id: int = Field(index=True)
    row_version: int
    identity: str = Field(sa_type=PlainText)
    distortion: str = Field(sa_type=PlainText)
    phrase: str = Field(sa_type=PlainText)
    why: str = Field(sa_type=PlainText)
    figures: str = Field(sa_type=PlainText)
    call_id: int | None = Field(default=None, foreign_key="llm_call.id")
    state: str = Field(sa_type=PlainText)
    author: str = Field(sa_type=PlainText)
    created_at: datetime = Field(sa_type=UtcDateTime)
    decided_by: str | None = Field(default=None, sa_type=PlainText)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    note: str = Field(default="", sa_type=PlainText)


class WorkerRow(StoreTable, table=True):
    """A worker that has shown itself, and when it last did."""

    __tablename__: ClassVar[str] = "worker"

    name: str = Field(primary_key=True, sa_type=PlainText)
    started_at: datetime = Field(sa_type=UtcDateTime)
    heartbeat_at: datetime = Field(sa_type=UtcDateTime)


class AuditRow(StoreTable, table=True):
    """Who did what to which thing, and what it was before and after, as JSON; append-only.

    `identity` is that of the attribute it is about, if it is about one; `change` is the id of the
    first event of one transaction; `digest` chains each event to the one before it; `client` is a
    random token of the browser that it came from, so that Undo can tell two people of one name.
    """

    __tablename__: ClassVar[str] = "audit_event"
    __table_args__ = (_NEVER_REUSED,)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    author: str = Field(sa_type=PlainText)
    action: str = Field(sa_type=PlainText)
    subject: str = Field(sa_type=PlainText, index=True)
    before: str | None = Field(default=None, sa_type=PlainText)
    after: str | None = Field(default=None, sa_type=PlainText)
    identity: str = Field(sa_type=PlainText, index=True, sa_column_kwargs=_FILLED)
    change: int = Field(index=True, sa_column_kwargs={"server_default": "0"})
    digest: str = Field(sa_type=PlainText, sa_column_kwargs=_FILLED)
    client: str | None = Field(default=None, sa_type=PlainText, index=True)
