"""Templates of the lines that this process stores: from a bounded sample, and written down every few seconds."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import polars as pl
import structlog

from mainstay.kernel.platform import Platform
from mainstay.kernel.services import Service
from mainstay.kernel.signals import LINES
from mainstay.kernel.telemetry import register_migration, register_retention
from mainstay.kernel.telemetry.arrow import pa
from mainstay.modules.logs.templates import engine

log = structlog.get_logger("mainstay.logs.templates")

TABLE = "log_templates"
PER_SECOND = 2000
"""Lines looked at; of more, an even sample, whose lines count for as many as it stands for."""
SECONDS = 10.0
MOST_ORGANIZATIONS = 200

register_migration(
    "0310_log_templates",
    f"""CREATE TABLE IF NOT EXISTS {TABLE} (
        organization LowCardinality(String),
        template UInt64,
        hour DateTime('UTC'),
        app LowCardinality(String),
        text SimpleAggregateFunction(anyLast, String) CODEC(ZSTD),
        example SimpleAggregateFunction(anyLast, String) CODEC(ZSTD),
        example_id SimpleAggregateFunction(anyLast, UInt64),
        lines SimpleAggregateFunction(sum, UInt64),
        first SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
        last SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
    ) ENGINE = AggregatingMergeTree ORDER BY (organization, template, hour, app)""",
)
register_retention(TABLE, "hour", lambda settings: settings.log_days)

_MOMENT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    {
        "organization": pa.string(), "template": pa.uint64(), "hour": pa.uint32(), "app": pa.string(),
        "text": pa.string(), "example": pa.string(), "example_id": pa.uint64(), "lines": pa.uint64(),
        "first": _MOMENT, "last": _MOMENT,
    }
)  # fmt: skip


class Templates(Service):
    """Keeps the clusters of every organization whose lines come through this process."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.trees: dict[str, engine.Tree] = {}
        self._budget = float(PER_SECOND)
        self._at = time.monotonic()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self.platform.telemetry is not None:
            self._task = asyncio.create_task(self._run(), name="log-templates")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self.flush()

    async def see(self, batch: pl.DataFrame) -> None:
        """Count a batch of lines into their clusters, as far as the budget goes."""
        now = time.monotonic()
        self._budget = min(PER_SECOND, self._budget + (now - self._at) * PER_SECOND)
        self._at = now
        taken = min(len(batch), int(self._budget))
        if self._task is None or not taken:
            return
        self._budget -= taken
        async with self._lock:
            for organization in batch.get_column("organization").unique().to_list():
                if organization not in self.trees and len(self.trees) < MOST_ORGANIZATIONS:
                    self.trees[organization] = await self._known(organization)
            await asyncio.to_thread(self._count, batch, taken)

    def _count(self, batch: pl.DataFrame, taken: int) -> None:
        weight = len(batch) / taken
        if taken < len(batch):
            batch = batch.sample(taken)
        masked = (
            batch.lazy()
            .select("organization", "app", "id", "time", pl.col("message").str.slice(0, engine.LONGEST))
            .with_columns(pl.col("message").str.replace_all(engine.MASK, engine.VALUE).alias("masked"))
            .group_by("organization", "app", "masked")
            .agg(pl.len(), pl.col("time").min().alias("first"), pl.col("time").max().alias("last"),
                 pl.col("message").last(), pl.col("id").last())
            .with_columns(pl.col("first", "last").dt.timestamp("us"))
            .collect()
        )  # fmt: skip
        for row in masked.iter_rows(named=True):
            tree = self.trees.get(row["organization"])
            if tree is not None and row["masked"].strip():
                tree.add(row["app"], row["masked"], lines=row["len"] * weight, first=row["first"], last=row["last"],
                         example=row["message"], example_id=row["id"])  # fmt: skip

    async def _known(self, organization: str) -> engine.Tree:
        tree = engine.Tree()
        assert self.platform.telemetry is not None
        found = await self.platform.telemetry.query(
            f"SELECT template, anyLast(app) AS its_app, argMax(text, last) AS its_text FROM {TABLE} "  # noqa: S608
            "WHERE organization = {organization:String} GROUP BY template ORDER BY max(last) LIMIT {most:UInt32}",
            {"organization": organization, "most": engine.MOST_CLUSTERS // 2},
        )
        for row in found:
            tree.learn(row["template"], row["its_app"], row["its_text"])
        return tree

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self.flush()
            except Exception:
                log.exception("templates not stored; their counts since the last time are lost")

    async def flush(self) -> None:
        """Write down what was counted."""
        async with self._lock:
            rows = [(organization, cluster) for organization, tree in self.trees.items() for cluster in tree.take()]
        if not rows or self.platform.telemetry is None:
            return
        columns: list[list[Any]] = [[] for _ in SCHEMA]
        for organization, cluster in rows:
            values = (
                organization, cluster.number, cluster.last // 3_600_000_000 * 3600, cluster.app, cluster.text,
                cluster.example, cluster.example_id, max(1, round(cluster.lines)), _moment(cluster.first),
                _moment(cluster.last),
            )  # fmt: skip
            for column, value in zip(columns, values, strict=True):
                column.append(value)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
        await self.platform.telemetry.insert(TABLE, pa.Table.from_arrays(arrays, schema=SCHEMA))


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)


@LINES.subscribe
async def _stored(platform: Platform, batch: pl.DataFrame) -> None:
    service = platform.service(Templates)
    if service is not None:
        await service.see(batch)
