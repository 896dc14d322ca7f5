"""items whose log lines are not taken, accounts on devices and their host keys"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mainstay.kernel.record import Identifier, JsonType, Timestamp

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
    op.create_table(
        "ssh_access",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("scope", sa.String(length=4000), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("sealed", JsonType, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ssh_access")),
    )
    op.create_index(
        "ix_ssh_access_recent",
        "ssh_access",
        ["organization", "creation_time", "id"],
        unique=False,
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.create_index(
        "uq_ssh_access_name",
        "ssh_access",
        [sa.literal_column("organization"), sa.literal_column("lower(name)")],
        unique=True,
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.create_table(
        "ssh_host_key",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.String(length=4000), nullable=False),
        sa.Column("fingerprint", sa.String(length=120), nullable=False),
        sa.Column("since", Timestamp(), nullable=False),
        sa.Column("by_name", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("organization", "address", "port", name=op.f("pk_ssh_host_key")),
    )


def downgrade() -> None:
    op.drop_table("ssh_host_key")
    op.drop_index(
        "uq_ssh_access_name",
        table_name="ssh_access",
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.drop_index(
        "ix_ssh_access_recent",
        table_name="ssh_access",
        sqlite_where=sa.text("is_deleted = 0"),
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.drop_table("ssh_access")
    op.drop_table("log_kept_out")
