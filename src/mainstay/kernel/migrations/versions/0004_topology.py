"""topology"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from mainstay.kernel.record import Identifier
from mainstay.kernel.record import JsonType
from mainstay.kernel.record import Timestamp

revision = "0004_topology"
down_revision = "0003_collectors"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "topology_evidence",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("ci", Identifier, nullable=False),
        sa.Column("chassis", sa.String(length=255), nullable=False),
        sa.Column("seen", Timestamp(), nullable=False),
        sa.Column("facts", JsonType, nullable=False),
        sa.PrimaryKeyConstraint("organization", "ci", name=op.f("pk_topology_evidence")),
    )
    op.create_index("ix_topology_evidence_chassis", "topology_evidence", ["organization", "chassis"], unique=False)
    op.create_table(
        "topology_link",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("id", Identifier, nullable=False),
        sa.Column("near", Identifier, nullable=False),
        sa.Column("near_port", sa.String(length=255), nullable=False),
        sa.Column("far", sa.String(length=25), nullable=False),
        sa.Column("far_port", sa.String(length=255), nullable=False),
        sa.Column("speed", sa.Integer(), nullable=False),
        sa.Column("protocols", JsonType, nullable=False),
        sa.Column("members", JsonType, nullable=False),
        sa.Column("told_by", JsonType, nullable=False),
        sa.Column("unknown", JsonType, nullable=False),
        sa.Column("first_seen", Timestamp(), nullable=False),
        sa.Column("last_seen", Timestamp(), nullable=False),
        sa.Column("missing_since", Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("pk_topology_link")),
    )
    op.create_index("ix_topology_link_near", "topology_link", ["organization", "near"], unique=False)
    op.create_index("ix_topology_link_far", "topology_link", ["organization", "far"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_topology_link_far", table_name="topology_link")
    op.drop_index("ix_topology_link_near", table_name="topology_link")
    op.drop_table("topology_link")
    op.drop_index("ix_topology_evidence_chassis", table_name="topology_evidence")
    op.drop_table("topology_evidence")
