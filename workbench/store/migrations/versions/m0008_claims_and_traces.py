"""Who may still write of a run (claim, deaths), and what it says on its way: log lines, losses."""

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    for name in ("claim", "deaths"):
        op.add_column("run", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.add_column("run", sa.Column("afresh", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "run_log_line",
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_run_log_line"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_log_line_run_id_run"),
    )
    op.create_table(
        "run_loss",
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("loss", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stage", "step", name="pk_run_loss"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_loss_run_id_run"),
    )
