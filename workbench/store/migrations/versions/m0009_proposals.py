"""Words that are proposed in place of a draft attribute's, until a person decides."""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"


def upgrade() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("row_id", sa.Integer, nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("distortion", sa.Text, nullable=False),
        sa.Column("phrase", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("figures", sa.Text, nullable=False),
        sa.Column("call_id", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("note", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["llm_call.id"], name="fk_proposal_call_id_llm_call"),
        sa.PrimaryKeyConstraint("id", name="pk_proposal"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_proposal_row_id", "proposal", ["row_id"])
