"""lists of items filtered by several fields"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_item_filters"
down_revision = "0008_logins_and_purging"
branch_labels = None
depends_on = None

LIVE = {"sqlite_where": sa.text("is_deleted = 0"), "postgresql_where": sa.text("is_deleted = false")}
USUAL = ["creation_time", "id"]
FILTERS = ["category", "status", "criticality"]


def upgrade() -> None:
    for name in FILTERS:
        if name != "criticality":
            op.drop_index(f"ix_ci_{name}", table_name="ci")
        beside = [one for one in FILTERS if one != name]
        op.create_index(f"ix_ci_{name}", "ci", ["organization", name, *USUAL, *beside, "is_deleted"], **LIVE)  # type: ignore[arg-type]


def downgrade() -> None:
    op.drop_index("ix_ci_criticality", table_name="ci")
    for name in ("category", "status"):
        op.drop_index(f"ix_ci_{name}", table_name="ci")
        op.create_index(f"ix_ci_{name}", "ci", ["organization", name, *USUAL], **LIVE)  # type: ignore[arg-type]
