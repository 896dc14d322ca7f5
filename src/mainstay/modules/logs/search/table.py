"""What searching adds to the table of log lines: indexes, and counts per minute."""

from __future__ import annotations

from mainstay.kernel.telemetry import register_migration
from mainstay.modules.logs.intake.lines import TABLE as LINES
from mainstay.modules.logs.search.sql import PAIRS, WORDS

__all__ = ["LINES"]

register_migration(
    "0300_log_search",
    f"ALTER TABLE {LINES} ADD INDEX IF NOT EXISTS words {WORDS} TYPE text(tokenizer = 'splitByNonAlpha')",
    f"ALTER TABLE {LINES} ADD INDEX IF NOT EXISTS pairs {PAIRS} TYPE text(tokenizer = 'array')",
    f"ALTER TABLE {LINES} ADD INDEX IF NOT EXISTS hosts lower(host) TYPE bloom_filter(0.01)",
    f"ALTER TABLE {LINES} ADD INDEX IF NOT EXISTS apps lower(app) TYPE bloom_filter(0.01)",
    f"ALTER TABLE {LINES} ADD INDEX IF NOT EXISTS sources lower(source) TYPE bloom_filter(0.01)",
    # Both rise with the order key, nearly: a line by its number, or the last minutes, touch a few granules.
    f"ALTER TABLE {LINES} ADD INDEX IF NOT EXISTS numbers id TYPE minmax",
    f"ALTER TABLE {LINES} ADD INDEX IF NOT EXISTS receipts received TYPE minmax",
    # Histograms without a query, or by severity only, read a row per minute instead of the lines.
    f"""ALTER TABLE {LINES} ADD PROJECTION IF NOT EXISTS minutes (
        SELECT organization, toStartOfMinute(time) AS minute, severity, count()
        GROUP BY organization, minute, severity
    )""",
    # A delete of a source's old lines keeps the counts right.
    f"ALTER TABLE {LINES} MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild'",
)
