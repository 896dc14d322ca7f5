"""thresholds, statistics of device templates, what a device's page shows"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mainstay.kernel.record import Identifier, JsonType, Timestamp

revision = "0005_thresholds"
down_revision = "0004_topology"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "monitor_threshold",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("metric", sa.String(length=120), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=True),
        sa.Column("device_group", Identifier, nullable=True),
        sa.Column("category", Identifier, nullable=True),
        sa.Column("ci", Identifier, nullable=True),
        sa.Column("resource", sa.String(length=255), nullable=False),
        sa.Column("condition", sa.String(length=64), nullable=True),
        sa.Column("set_point", sa.Float(), nullable=True),
        sa.Column("reset_point", sa.Float(), nullable=True),
        sa.Column("statistic", sa.String(length=64), nullable=True),
        sa.Column("poll_points", sa.Integer(), nullable=True),
        sa.Column("breached_percent", sa.Integer(), nullable=True),
        sa.Column("hold_unit", sa.String(length=64), nullable=True),
        sa.Column("set_hold", sa.Integer(), nullable=True),
        sa.Column("reset_hold", sa.Integer(), nullable=True),
        sa.Column("severity", sa.Integer(), nullable=True),
        sa.Column("event_class", sa.String(length=255), nullable=False),
        sa.Column("set_message", sa.String(length=1000), nullable=False),
        sa.Column("reset_message", sa.String(length=1000), nullable=False),
        sa.Column("alarm", sa.Boolean(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor_threshold")),
    )
    op.create_index(op.f("ix_monitor_threshold_ci"), "monitor_threshold", ["ci"], unique=False)
    op.create_index(
        "ix_monitor_threshold_recent",
        "monitor_threshold",
        ["organization", "creation_time", "id"],
        unique=False,
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.add_column("device_template", sa.Column("resource", JsonType, nullable=False, server_default="[]"))
    op.add_column("polled_device", sa.Column("display", JsonType, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("polled_device", "display")
    op.drop_column("device_template", "resource")
    op.drop_index(
        "ix_monitor_threshold_recent",
        table_name="monitor_threshold",
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.drop_index(op.f("ix_monitor_threshold_ci"), table_name="monitor_threshold")
    op.drop_table("monitor_threshold")
