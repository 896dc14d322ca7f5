"""discovery: seeds, TCP ports, SSH greetings, by collectors; the SSH host key of items"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mainstay.kernel.record import Identifier, JsonType

revision = "0006_discovery_seeds"
down_revision = "0005_thresholds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ci", sa.Column("ssh_host_key", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("discovery", sa.Column("seeds", sa.Text(), nullable=False, server_default=""))
    op.add_column("discovery", sa.Column("seed_follow", JsonType, nullable=False, server_default="[]"))
    op.add_column("discovery", sa.Column("seed_depth", sa.Integer(), nullable=True))
    op.add_column("discovery", sa.Column("seed_limit", sa.Integer(), nullable=True))
    op.add_column("discovery", sa.Column("seed_ranges", sa.Text(), nullable=False, server_default=""))
    op.add_column("discovery_finding", sa.Column("open_ports", JsonType, nullable=False, server_default="[]"))
    op.add_column("discovery_finding", sa.Column("ssh", JsonType, nullable=False, server_default="{}"))
    op.add_column("discovery_finding", sa.Column("depth", sa.Integer(), nullable=True))
    op.add_column("discovery_finding", sa.Column("leads", JsonType, nullable=False, server_default="[]"))
    op.create_table(
        "discovery_order",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("iteration", Identifier, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("collector", Identifier, nullable=False),
        sa.Column("content", JsonType, nullable=False),
        sa.PrimaryKeyConstraint("organization", "iteration", "number", name=op.f("pk_discovery_order")),
    )
    op.create_index("ix_discovery_order_collector", "discovery_order", ["organization", "collector"], unique=False)
    op.create_table(
        "discovery_brought",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("iteration", Identifier, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("heard", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "iteration", "number", "address", name=op.f("pk_discovery_brought")),
    )


def downgrade() -> None:
    op.drop_table("discovery_brought")
    op.drop_index("ix_discovery_order_collector", table_name="discovery_order")
    op.drop_table("discovery_order")
    for name in ("leads", "depth", "ssh", "open_ports"):
        op.drop_column("discovery_finding", name)
    for name in ("seed_ranges", "seed_limit", "seed_depth", "seed_follow", "seeds"):
        op.drop_column("discovery", name)
    op.drop_column("ci", "ssh_host_key")
