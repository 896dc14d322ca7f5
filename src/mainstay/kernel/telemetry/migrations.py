"""The tables of the telemetry store: an ordered list of statements that modules register at import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import structlog

from mainstay.settings import Settings

log = structlog.stdlib.get_logger("mainstay.telemetry")

LEDGER = "schema_migration"
_CREATE_LEDGER = (
    f"CREATE TABLE IF NOT EXISTS {LEDGER} (name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) "
    "ENGINE = MergeTree ORDER BY name"
)


class Migration(NamedTuple):
    """One named change of the schema: statements that may run twice without harm (``IF NOT EXISTS``)."""

    name: str
    statements: tuple[str, ...]


class Retention(NamedTuple):
    """How long a table keeps its rows: ``days(settings)`` days after ``column``."""

    table: str
    column: str
    days: Callable[[Settings], int]


_migrations: dict[str, Migration] = {}
_retentions: dict[str, Retention] = {}


def register_migration(name: str, *statements: str) -> None:
    """Append a migration. ``name`` is stored and must never change; ``ValueError`` when it is taken.

    A process that dies between a statement and its record runs the statement again, and so do two processes
    that start at once on one server: write statements that may run twice.
    """
    if _migrations.get(name, (name, statements)) != (name, statements):
        raise ValueError(f"The telemetry migration {name!r} is registered twice with different statements.")
    _migrations[name] = Migration(name, statements)


def register_retention(table: str, column: str, days: Callable[[Settings], int]) -> None:
    """Keep rows of ``table`` for ``days(settings)`` days after ``column``; followed at every start."""
    _retentions[table] = Retention(table, column, days)


def migrate(client: Any, settings: Settings) -> list[str]:
    """Apply what is not applied yet, on a ``clickhouse_connect`` client. Returns the names applied now."""
    client.command(_CREATE_LEDGER)
    done = {row[0] for row in client.query(f"SELECT name FROM {LEDGER}").result_rows}  # noqa: S608
    applied = []
    for migration in _migrations.values():
        if migration.name in done:
            continue
        for statement in migration.statements:
            client.command(statement)
        # Not client.insert(): it loads pandas (see arrow.py).
        client.command(
            f"INSERT INTO {LEDGER} (name) VALUES ({{name:String}})",  # noqa: S608
            parameters={"name": migration.name},
        )
        applied.append(migration.name)
    for retention in _retentions.values():
        _keep(client, retention, max(1, retention.days(settings)))
    if applied:
        log.info("telemetry schema migrated", applied=applied)
    return applied


def _keep(client: Any, retention: Retention, days: int) -> None:
    wanted = f"toDateTime({retention.column}) + toIntervalDay({days})"
    created = client.query(
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {table:String}",
        parameters={"table": retention.table},
    ).result_rows
    if created and f"TTL {wanted}" not in created[0][0]:
        # Only new parts and merges apply the new TTL: rewriting every part at start would hold up the
        # process.
        client.command(
            f"ALTER TABLE {retention.table} MODIFY TTL {wanted}", settings={"materialize_ttl_after_modify": 0}
        )
