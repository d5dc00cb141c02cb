"""Calls, working draft, frozen versions, runs, workers, and the record of who did what."""

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None

# What the triggers say; `workbench.store.database` knows the first word.
FROZEN = "frozen: what is recorded cannot be changed"

# Table, and when a row may no longer be inserted. INSERT OR REPLACE deletes without asking a
# DELETE trigger, so a second row of the same name has to be refused before it comes to that.
GUARDED = {
    "version": "EXISTS (SELECT 1 FROM version WHERE id = NEW.id OR hash = NEW.hash)",
    "version_attribute": "EXISTS (SELECT 1 FROM version WHERE id = NEW.version_id)",
    "audit_event": "EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id)",
}


def upgrade() -> None:
    _calls_and_draft()
    _versions()
    _runs()
    _audit()
    for table, sealed in GUARDED.items():
        if op.get_bind().dialect.name == "sqlite":
            _guard_sqlite(table, sealed)
        else:
            _guard_postgresql(table, sealed)


def _calls_and_draft() -> None:
    op.create_table(
        "llm_call",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("distortion", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("model_answered", sa.Text, nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("prompt_tokens", sa.Integer),
        sa.Column("completion_tokens", sa.Integer),
        sa.Column("latency_s", sa.Float, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_llm_call"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_llm_call_key", "llm_call", ["key"])
    op.create_index("ix_llm_call_distortion", "llm_call", ["distortion"])
    op.create_table(
        "draft_attribute",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("distortion", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("phrase", sa.Text, nullable=False),
        sa.Column("phrase_key", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("call_id", sa.Integer),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_draft_attribute"),
        sa.UniqueConstraint(
            "distortion", "phrase_key", name="uq_draft_attribute_distortion_phrase_key"
        ),
        sa.CheckConstraint("phrase <> ''", name="ck_draft_attribute_words"),
        sa.ForeignKeyConstraint(
            ["call_id"], ["llm_call.id"], name="fk_draft_attribute_call_id_llm_call"
        ),
        sqlite_autoincrement=True,
    )


def _versions() -> None:
    op.create_table(
        "version",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parent_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_version"),
        sa.UniqueConstraint("hash", name="uq_version_hash"),
        sa.ForeignKeyConstraint(["parent_id"], ["version.id"], name="fk_version_parent_id_version"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "version_attribute",
        sa.Column("version_id", sa.Integer, nullable=False),
        sa.Column("distortion", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("phrase", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("call_id", sa.Integer),
        sa.Column("status", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(
            "version_id", "distortion", "position", name="pk_version_attribute"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["version.id"],
            name="fk_version_attribute_version_id_version",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["llm_call.id"], name="fk_version_attribute_call_id_llm_call"
        ),
    )
    op.create_table(
        "version_alias",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version_id", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_version_alias"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.id"], name="fk_version_alias_version_id_version"
        ),
    )
    op.create_index("ix_version_alias_version_id", "version_alias", ["version_id"])


def _runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("version_hash", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("config_hash", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("worker", sa.Text),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.ForeignKeyConstraint(
            ["version_hash"], ["version.hash"], name="fk_run_version_hash_version"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_status", "run", ["status"])
    op.create_index("ix_run_version_hash_config_hash", "run", ["version_hash", "config_hash"])
    op.create_table(
        "run_result",
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_result"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_result_run_id_run"),
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_worker"),
    )


def _audit() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_event_subject", "audit_event", ["subject"])


def _guard_sqlite(table: str, sealed: str) -> None:
    for deed, condition in (("UPDATE", "TRUE"), ("DELETE", "TRUE"), ("INSERT", sealed)):
        op.execute(
            f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
            f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END"
        )


def _guard_postgresql(table: str, sealed: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION workbench_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{FROZEN}'; END $$"
    )
    # EXISTS is not allowed in a WHEN clause here, so that trigger has a function of its own.
    op.execute(
        f"CREATE FUNCTION {table}_refuse_insert() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {sealed} THEN RAISE EXCEPTION '{FROZEN}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION workbench_refuse()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION workbench_refuse()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_insert BEFORE INSERT ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse_insert()"
    )
