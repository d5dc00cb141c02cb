"""What only some calls of a language model have: what was really sent, reasoning, how it ended."""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    op.add_column("llm_call", sa.Column("details", sa.Text))
