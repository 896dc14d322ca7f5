"""credentials of more kinds than SNMP: whether a device that is met for the first time is trusted; purging"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mainstay.kernel.record import Identifier, JsonType, Timestamp

revision = "0008_logins_and_purging"
down_revision = "0007_cmdb_more"
branch_labels = None
depends_on = None
KINDS = ("rawdata", "minutesdata", "hoursdata", "events", "traps", "syslog", "upload_job", "audits",
         "assets_scan_history")  # fmt: skip


def upgrade() -> None:
    op.add_column("credential", sa.Column("trust_new", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "purge_configuration",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in KINDS),
        sa.Column("last_run", Timestamp(), nullable=True),
        sa.Column("last_result", JsonType, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purge_configuration")),
    )
    op.create_index(
        "ix_purge_configuration_recent",
        "purge_configuration",
        ["organization", "creation_time", "id"],
        unique=False,
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_purge_configuration_recent",
        table_name="purge_configuration",
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.drop_table("purge_configuration")
    op.drop_column("credential", "trust_new")
