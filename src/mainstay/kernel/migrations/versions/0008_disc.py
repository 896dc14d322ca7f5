"""credentials of more kinds than SNMP: whether a device that is met for the first time is trusted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_disc"
down_revision = "0007_cmdb_more"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("credential", sa.Column("trust_new", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("credential", "trust_new")
