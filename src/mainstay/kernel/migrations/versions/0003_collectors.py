"""collectors"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from mainstay.kernel.record import Identifier
from mainstay.kernel.record import JsonType
from mainstay.kernel.record import Timestamp

revision = "0003_collectors"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "collector",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("location", Identifier, nullable=True),
        sa.Column("networks", sa.String(length=4000), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=True),
        sa.Column("last_seen", Timestamp(), nullable=True),
        sa.Column("backlog", sa.Integer(), nullable=True),
        sa.Column("backlog_bytes", sa.BigInteger(), nullable=True),
        sa.Column("oldest", Timestamp(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=True),
        sa.Column("lost", sa.BigInteger(), nullable=True),
        sa.Column("handed_over", sa.BigInteger(), nullable=True),
        sa.Column("devices", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.Column("software", sa.String(length=64), nullable=False),
        sa.Column("hostname", sa.String(length=255), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("token_prefix", sa.String(length=16), nullable=False),
        sa.Column("key", Identifier, nullable=True),
        sa.Column("id", Identifier, nullable=False),
        sa.Column("creation_time", Timestamp(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("last_update_time", Timestamp(), nullable=False),
        sa.Column("modified_by", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("is_demo_data", sa.Boolean(), nullable=False),
        sa.Column("custom_field_data", JsonType, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collector")),
    )
    with op.batch_alter_table("collector", schema=None) as batch_op:
        batch_op.create_index(
            "ix_collector_key",
            ["key"],
            unique=False,
            sqlite_where=sa.text("is_deleted = 0"),
            postgresql_where=sa.text("is_deleted = false"),
        )
        batch_op.create_index(
            "ix_collector_recent",
            ["organization", "creation_time", "id"],
            unique=False,
            sqlite_where=sa.text("is_deleted = 0"),
            postgresql_where=sa.text("is_deleted = false"),
        )
    op.create_index(
        "uq_collector_name",
        "collector",
        [sa.literal_column("organization"), sa.literal_column("lower(name)")],
        unique=True,
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.create_table(
        "collector_spool",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("collector", Identifier, nullable=False),
        sa.Column("spool", sa.String(length=32), nullable=False),
        sa.Column("acknowledged", sa.BigInteger(), nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "collector", "spool", name=op.f("pk_collector_spool")),
    )


def downgrade() -> None:
    op.drop_table("collector_spool")
    op.drop_index(
        "uq_collector_name",
        table_name="collector",
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )
    with op.batch_alter_table("collector", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_collector_recent",
            sqlite_where=sa.text("is_deleted = 0"),
            postgresql_where=sa.text("is_deleted = false"),
        )
        batch_op.drop_index(
            "ix_collector_key", sqlite_where=sa.text("is_deleted = 0"), postgresql_where=sa.text("is_deleted = false")
        )

    op.drop_table("collector")
