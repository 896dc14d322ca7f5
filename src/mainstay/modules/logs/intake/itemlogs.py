"""Log intake of items, below the Cmdb module: switched on and off, what came in, and who switched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import delete, select

from mainstay.kernel import changes, trail
from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Group, Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.rows import restricted
from mainstay.modules.assets.cmdb.chosen import chosen
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.logs.intake.keptout import KeptOut, gate_of
from mainstay.modules.logs.intake.lines import TABLE

ACTION = "log intake"
"""What the history of an item calls it."""
ADD, REMOVE = "add", "remove"
SUMMED = timedelta(days=1)
item_logs = Group("Cmdb", "/ux/common/cmdb/profile/")


class SwitchInput(msgspec.Struct, kw_only=True):
    """``action``: add takes the log lines of the items, remove keeps them out. ``reason`` goes to the history."""

    ci_ids: list[str]
    action: str
    reason: str = ""


class LogState(msgspec.Struct, kw_only=True):
    """Whether the log lines of an item are taken; if not, since when and who said so."""

    ci_id: str
    name: str
    enabled: bool
    since: datetime | None = None
    by: str = ""
    reason: str = ""


class Switched(msgspec.Struct, kw_only=True):
    """How many items changed, and how they all are now."""

    status: str = "success"
    changed: int
    results: list[LogState]


@item_logs.route("PUT", "add-remove-log/", permission=("asset", "execute"))
async def switch(ctx: Context, body: SwitchInput) -> Switched:
    """Take the log lines of items, or keep them out

    Lines of an item that is kept out are dropped as they come in: they are not stored, and raise no events."""
    action = body.action.strip().lower()
    if action not in (ADD, REMOVE):
        raise Invalid.field("action", f"action must be one of: {ADD}, {REMOVE}.")
    names = await chosen(ctx, body.ci_ids)
    out = {row.ci for row in (await ctx.session.execute(select(KeptOut).where(KeptOut.ci.in_(names)))).scalars()}
    changed = [ci for ci in names if (ci in out) is (action == ADD)]
    reason = body.reason.strip()[:500]
    if action == ADD and changed:
        gone = delete(KeptOut).where(KeptOut.ci.in_(changed))
        await ctx.session.execute(gone.execution_options(synchronize_session=False))
    elif changed:
        ctx.session.add_all(
            KeptOut(organization=ctx.organization, ci=ci, since=ctx.now, by_name=ctx.principal.name[:255],
                    reason=reason)
            for ci in changed
        )  # fmt: skip
        await ctx.session.flush()
    note = [changes.entry("log_intake", action == REMOVE, action == ADD)]
    if reason:
        note.append(changes.entry("reason", None, reason))
    await changes.record(ctx, "ci", ACTION, [(ci, 0, note) for ci in changed])
    ctx.after_commit.append(gate_of(ctx.platform).forget)
    ctx.session.expire_all()
    return Switched(changed=len(changed), results=list((await states(ctx, names)).values()))


async def states(ctx: Context, names: dict[str, str]) -> dict[str, LogState]:
    """How the log intake of items stands."""
    rows = (await ctx.session.execute(select(KeptOut).where(KeptOut.ci.in_(names)))).scalars()
    out = {row.ci: row for row in rows}
    return {
        ci: LogState(ci_id=ci, name=name, enabled=ci not in out, since=out[ci].since if ci in out else None,
                     by=out[ci].by_name if ci in out else "", reason=out[ci].reason if ci in out else "")
        for ci, name in names.items()
    }  # fmt: skip


class LogQuery(msgspec.Struct, kw_only=True):
    """The item."""

    ci_id: str = ""


class LogAddress(msgspec.Struct, kw_only=True):
    """Where the log lines of an item are, and how many came within a day. ``dropped``: lines that this process kept
    out since its start."""

    url: str
    log: LogState
    lines: int
    errors: int
    last_received: datetime | None
    dropped: int


@item_logs.route("GET", "log_url/", permission=("log_search", "view"))
async def log_url(ctx: Context, query: LogQuery) -> LogAddress:
    """The page with the log lines of an item, whether they are taken, and how many came in the last day"""
    ctx.principal.require(items.permission, "view")
    item = await item_of(ctx, query.ci_id)
    found: list[Any] = []
    if ctx.platform.telemetry is not None:
        # Severities up to error (RFC 5424, table 2).
        sql = (f"SELECT count() AS lines, countIf(severity <= 3) AS errors, max(received) AS last FROM {TABLE} "  # noqa: S608
               "WHERE organization = {organization:String} AND ci = {ci:String} "
               "AND time >= fromUnixTimestamp64Micro({since:Int64})")  # fmt: skip
        since = int((ctx.now - SUMMED).timestamp() * 1_000_000)
        found = list(await ctx.platform.telemetry.query(
            sql, {"organization": ctx.organization, "ci": item.id, "since": since}
        ))  # fmt: skip
    lines = int(found[0]["lines"]) if found else 0
    return LogAddress(
        url=f"{ctx.platform.settings.base_url}/logs/search?q={quote(f'ci:{item.id}')}&from=now-1d",
        log=(await states(ctx, {item.id: item.name}))[item.id],
        lines=lines, errors=int(found[0]["errors"]) if found else 0, last_received=found[0]["last"] if lines else None,
        dropped=gate_of(ctx.platform).dropped(ctx.organization, item.id),
    )  # fmt: skip


class AuditInput(msgspec.Struct, kw_only=True):
    """Which items (none: all) and which time; a page at a time, newest first."""

    ci_ids: list[str] = []
    since: datetime | None = None
    until: datetime | None = None
    items_per_page: int = 50
    page: int = 1


class AuditEntry(msgspec.Struct, kw_only=True):
    """Somebody switched the log intake of an item."""

    id: int
    ci_id: str
    ci_name: str
    at: datetime
    by: str
    enabled: bool
    reason: str


@item_logs.route("POST", "log-config-audit/", permission=("asset", "view"), write=False)
async def audit(ctx: Context, body: AuditInput) -> Page:
    """Who switched the log intake of items on and off, newest first"""
    wanted: Any = (
        select(Change.seq, Change.record_id, Change.at, Change.actor_name, Change.changes, Ci.name)
        .join(Ci, Ci.id == Change.record_id)
        .where(Change.resource == "ci", Change.action == ACTION)
        .order_by(Change.seq.desc())
    )
    if body.ci_ids:
        wanted = wanted.where(Change.record_id.in_(await chosen(ctx, body.ci_ids)))
    for name, moment in (("since", body.since), ("until", body.until)):
        if moment is not None:
            if moment.tzinfo is None:
                raise Invalid.field(name, "A time needs its zone, such as 2026-01-31T22:00:00Z.")
            wanted = wanted.where(Change.at >= moment if name == "since" else Change.at < moment)
    query = ListQuery(items_per_page=body.items_per_page, page=body.page)
    total, found = await trail.paged(ctx, restricted(ctx, items, wanted), query)
    results = []
    for row in found:
        said = {one["field"]: one["new"] for one in row.changes}
        results.append(AuditEntry(
            id=row.seq, ci_id=row.record_id, ci_name=row.name, at=row.at, by=row.actor_name,
            enabled=bool(said.get("log_intake")), reason=said.get("reason") or "",
        ))  # fmt: skip
    return trail.envelope(query, total, results)
