"""events found by the ten seconds in which they were last seen

What was counted changed every index that had ``last_seen``; now none of them has it. Fingerprints compare by byte.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_event_steps"
down_revision = "0009_item_filters"
branch_labels = None
depends_on = None

LIVE = {"sqlite_where": sa.text("is_deleted = 0"), "postgresql_where": sa.text("is_deleted = false")}
OPEN = {
    "sqlite_where": sa.text("is_deleted = 0 AND cleared = 0"),
    "postgresql_where": sa.text("is_deleted = false AND cleared = false"),
}
FLAPPING = {
    "sqlite_where": sa.text("is_deleted = 0 AND flapping = 1"),
    "postgresql_where": sa.text("is_deleted = false AND flapping = true"),
}
NAMES = ("ix_event_seen", "ix_event_open", "ix_event_flapping")


def upgrade() -> None:
    for name in NAMES:
        op.drop_index(name, table_name="event")
    op.add_column("event", sa.Column("seen_step", sa.Integer(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE event SET (fillfactor = 60)")
        # The table is written anew once, with the room that it is to have.
        op.execute(
            "ALTER TABLE event ALTER COLUMN seen_step DROP DEFAULT, ALTER COLUMN seen_step TYPE integer "
            "USING floor(extract(epoch FROM last_seen) / 10)::integer, "
            'ALTER COLUMN fingerprint TYPE varchar(64) COLLATE "C"'
        )
    else:
        op.execute("UPDATE event SET seen_step = last_seen / 10000000")
    steps = ["organization", "seen_step"]
    op.create_index("ix_event_seen", "event", [*steps, "is_deleted"], **LIVE)  # type: ignore[arg-type]
    op.create_index("ix_event_open", "event", [*steps, "cleared", "is_deleted"], **OPEN)  # type: ignore[arg-type]
    op.create_index("ix_event_flapping", "event", ["organization"], **FLAPPING)  # type: ignore[arg-type]


def downgrade() -> None:
    for name in NAMES:
        op.drop_index(name, table_name="event")
    op.drop_column("event", "seen_step")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE event RESET (fillfactor)")
        op.execute("ALTER TABLE event ALTER COLUMN fingerprint TYPE varchar(64)")
    op.create_index("ix_event_seen", "event", ["organization", "last_seen", "id"], **LIVE)  # type: ignore[arg-type]
    op.create_index("ix_event_open", "event", ["organization", "last_seen", "id"], **OPEN)  # type: ignore[arg-type]
    op.create_index("ix_event_flapping", "event", ["organization", "last_seen"], **FLAPPING)  # type: ignore[arg-type]
