"""relations found by their type, and the trail of SQLite without an index that nothing reads"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_relation_types"
down_revision = "0010_event_steps"
branch_labels = None
depends_on = None

LIVE = {"sqlite_where": sa.text("is_deleted = 0"), "postgresql_where": sa.text("is_deleted = false")}


def upgrade() -> None:
    op.create_index("ix_ci_relation_type", "ci_relation", ["organization", "type", "is_deleted"], **LIVE)  # type: ignore[arg-type]
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("ix_change_feed", table_name="change")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_change_feed", "change", ["transaction", "seq"])
    op.drop_index("ix_ci_relation_type", table_name="ci_relation")
