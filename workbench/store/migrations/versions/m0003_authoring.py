"""Attributes known by identity, review, comments, looks at test parts, digests of all that is kept.

What was recorded before gets what it lacked: identities as at birth, digests as of today.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"

FROZEN = "frozen: what is recorded cannot be changed"
APPEND_ONLY = ("llm_call", "run_result", "comment", "test_look")
KEYS = {"run_result": "run_id"}


def upgrade() -> None:
    _columns()
    _tables()
    with _unguarded("version_attribute"):
        _identities("version_attribute", ("version_id", "distortion", "position"))
    _identities("draft_attribute", ("id",))
    _digest_calls()
    _digest_results()
    with _unguarded("audit_event"):
        _chain_events()
    _indices()
    for table in APPEND_ONLY:
        _guard(table)


def _columns() -> None:
    for table, column in (
        ("llm_call", sa.Column("cost_usd", sa.Float)),
        ("llm_call", _text("digest")),
        ("draft_attribute", _text("identity")),
        ("draft_attribute", sa.Column("decided_by", sa.Text)),
        ("version_attribute", _text("identity")),
        ("version_attribute", sa.Column("decided_by", sa.Text)),
        ("run_result", _text("digest")),
        ("audit_event", _text("identity")),
        ("audit_event", sa.Column("change", sa.Integer, nullable=False, server_default="0")),
        ("audit_event", _text("digest")),
    ):
        op.add_column(table, column)
    op.execute(  # Alembic cannot add a foreign key to a table of SQLite, which itself can
        "ALTER TABLE version ADD COLUMN merged_id INTEGER "
        "CONSTRAINT fk_version_merged_id_version REFERENCES version (id)"
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _tables() -> None:
    op.create_table(
        "draft_base",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("version_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_draft_base"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.id"], name="fk_draft_base_version_id_version"
        ),
    )
    op.create_table(
        "comment",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comment"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "test_look",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("test_hash", sa.Text, nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_test_look"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_test_look_run_id_run"),
        sqlite_autoincrement=True,
    )


def _indices() -> None:
    op.create_index("uq_draft_attribute_identity", "draft_attribute", ["identity"], unique=True)
    op.create_index(
        "uq_version_attribute_version_id_identity",
        "version_attribute",
        ["version_id", "identity"],
        unique=True,
    )
    op.create_index("ix_llm_call_digest", "llm_call", ["digest"])
    op.create_index("ix_audit_event_change", "audit_event", ["change"])
    op.create_index("ix_audit_event_identity", "audit_event", ["identity"])
    op.create_index("ix_comment_identity", "comment", ["identity"])
    op.create_index("ix_test_look_test_hash", "test_look", ["test_hash"])


def _identities(name: str, key: tuple[str, ...]) -> None:
    for row in _rows(name, key):
        _set(name, row, key, {"identity": _at_birth(row)})


def _at_birth(row: dict[str, Any]) -> str:
    words = f"{row['distortion']}\n{row['phrase'].casefold()}\n0"
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _digest_calls() -> None:
    for row in _rows("llm_call", ("id",)):
        kept = {k: v for k, v in row.items() if k not in ("id", "digest")}
        _set("llm_call", row, ("id",), {"digest": _digest({"format": "llm-call/1", **kept})})


def _digest_results() -> None:
    for row in _rows("run_result", ("run_id",)):
        digest = hashlib.sha256(row["document"].encode()).hexdigest()
        _set("run_result", row, ("run_id",), {"digest": digest})


def _chain_events() -> None:
    previous, events = "", _rows("audit_event", ("id",))
    known = _known_by(events)
    for row in events:
        row["change"], row["identity"] = row["id"], known.get(row["subject"], "")
        kept = {k: v for k, v in row.items() if k != "digest"}
        previous = _digest({"format": "audit/1", "previous": previous, **kept})
        found = {name: row[name] for name in ("change", "identity")}
        _set("audit_event", row, ("id",), {**found, "digest": previous})


def _known_by(events: list[dict[str, Any]]) -> dict[str, str]:
    """Identities of the attributes on record: those in the draft, else as their last words say."""
    known = {}
    for event in events:
        if event["subject"].startswith("attribute:"):
            known[event["subject"]] = _at_birth(json.loads(event["after"] or event["before"]))
    there = {f"attribute:{row['id']}": row["identity"] for row in _rows("draft_attribute", ("id",))}
    return {**known, **there}


def _rows(name: str, key: tuple[str, ...]) -> list[dict[str, Any]]:
    table = _table(name)
    found = op.get_bind().execute(sa.select(table).order_by(*(table.c[k] for k in key)))
    return [{k: _plain(v) for k, v in row._mapping.items()} for row in found]


def _plain(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.isoformat()


def _set(name: str, row: dict[str, Any], key: tuple[str, ...], values: dict[str, Any]) -> None:
    table = _table(name)
    place = [table.c[k] == row[k] for k in key]
    op.get_bind().execute(sa.update(table).where(*place).values(values))


def _table(name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=op.get_bind())


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


@contextmanager
def _unguarded(table: str) -> Iterator[None]:
    """Lift a table's triggers while rows get what they lacked, inside the migration's turn."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        return
    wanted = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
    guards = op.get_bind().execute(sa.text(wanted), {"table": table}).all()
    for name, _ in guards:
        op.execute(f"DROP TRIGGER {name}")
    yield
    for _, text in guards:
        op.execute(text)


def _guard(table: str) -> None:
    key = KEYS.get(table, "id")
    if op.get_bind().dialect.name == "sqlite":
        # INSERT OR REPLACE deletes without asking a DELETE trigger, hence the third.
        there = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"
        for deed, condition in (("UPDATE", "TRUE"), ("DELETE", "TRUE"), ("INSERT", there)):
            op.execute(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END"
            )
        return
    for deed, scope in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_no_{deed.split()[0].lower()} BEFORE {deed} ON {table} "
            f"FOR EACH {scope} EXECUTE FUNCTION workbench_refuse()"
        )
