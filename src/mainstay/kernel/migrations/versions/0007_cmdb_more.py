"""items whose log lines are not taken"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mainstay.kernel.record import Identifier, Timestamp

revision = "0007_cmdb_more"
down_revision = "0006_discovery_seeds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_kept_out",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("ci", Identifier, nullable=False),
        sa.Column("since", Timestamp(), nullable=False),
        sa.Column("by_name", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("organization", "ci", name=op.f("pk_log_kept_out")),
    )


def downgrade() -> None:
    op.drop_table("log_kept_out")
