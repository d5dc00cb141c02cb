"""Distortion types made of data; what one means never changes under attributes and results."""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"

FROZEN = "frozen: a recipe cannot be changed, nor removed while attributes name it"
HELD = (
    "EXISTS (SELECT 1 FROM draft_attribute WHERE distortion = OLD.id) "
    "OR EXISTS (SELECT 1 FROM version_attribute WHERE distortion = OLD.id)"
)


def upgrade() -> None:
    op.create_table(
        "recipe",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recipe"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _guard_sqlite() -> None:
    # INSERT OR REPLACE deletes without asking a DELETE trigger, hence the third.
    there = "EXISTS (SELECT 1 FROM recipe WHERE id = NEW.id)"
    for deed, condition in (("UPDATE", "TRUE"), ("DELETE", HELD), ("INSERT", there)):
        op.execute(
            f"CREATE TRIGGER recipe_no_{deed.lower()} BEFORE {deed} ON recipe "
            f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION recipe_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{FROZEN}'; END $$"
    )
    op.execute(
        "CREATE FUNCTION recipe_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {HELD} THEN RAISE EXCEPTION '{FROZEN}'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER recipe_no_update BEFORE UPDATE ON recipe "
        "FOR EACH ROW EXECUTE FUNCTION recipe_refuse()"
    )
    op.execute(
        "CREATE TRIGGER recipe_no_delete BEFORE DELETE ON recipe "
        "FOR EACH ROW EXECUTE FUNCTION recipe_refuse_delete()"
    )
    op.execute(
        "CREATE TRIGGER recipe_no_truncate BEFORE TRUNCATE ON recipe "
        "FOR EACH STATEMENT EXECUTE FUNCTION recipe_refuse()"
    )
