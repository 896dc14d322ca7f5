"""Jobs in the API. A job is not a record of its own: it is the schedule of a discovery or of a polled device."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import String, delete, literal, null, or_, select, union_all, update

from mainstay.kernel import trail, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.operation import Group, Page, Reply
from mainstay.kernel.query import ListQuery
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.discovery import service as discovery
from mainstay.modules.monitoring.discovery.resource import discoveries
from mainstay.modules.monitoring.discovery.tables import Discovery
from mainstay.modules.monitoring.polling.tables import DOWN, Polled

DISCOVERY, POLLING = "discovery", "polling"
RUN, PAUSE, RESUME = "run", "pause", "resume"
ACTIVE, PAUSED = 1, 0
scheduled = Group("Jobs", "/ux/ims/jobs/profile/")


class JobConfig(msgspec.Struct, kw_only=True):
    """A discovery or the polling of a device. ``status``: 1 active, 0 paused."""

    id: str
    primary_id: str
    object_id: str
    object_type: str
    organization: str
    action: str
    agent_id: str
    name: str
    status: int
    status_name: str
    state: str
    data: str
    interval: int | None
    last_run: datetime | None
    next_run: datetime | None
    seconds: float | None
    error: str
    creation_time: datetime | None
    last_update_time: datetime | None
    is_deleted: bool = False
    mtime: int | None = None
    """Of ``last_update_time``, in seconds since 1970."""
    user_id: int = 0
    """Number of the user who configured the discovery; 0: nobody did, a discovery found the device."""


class JobQuery(ListQuery, kw_only=True):
    """Which jobs: ``object_type`` discovery or polling; ``status`` 1 or 0; ``state`` such as down or failed."""

    object_type: str = ""
    status: int | None = None
    state: str = ""


class JobInput(msgspec.Struct, kw_only=True):
    """What to do with a job.

    ``action``: run (now), pause, resume; ``status`` 1 or 0 says the same as resume and pause. ``interval``: seconds
    between polls of a device. On POST ``object_type`` and ``object_id`` name the discovery, or the item to poll.
    """

    object_type: str = ""
    object_id: str = ""
    action: str = ""
    status: int | None = None
    interval: int | None = None


@scheduled.route("GET", "", permission=("jobs", "view"))
async def jobs(ctx: Context, query: JobQuery) -> Page:
    """Every discovery and every polled device, with its last and next run"""
    if query.object_type not in ("", DISCOVERY, POLLING):
        raise Invalid.field("object_type", f"object_type is {DISCOVERY} or {POLLING}.")
    word = query.search.strip()[:100].replace("\\", "").replace("%", r"\%").replace("_", r"\_")
    scans = select(literal(DISCOVERY).label("kind"), Discovery.id.label("id"), Discovery.label.label("name"),
                   Discovery.is_enabled.label("on"), literal("", String).label("state"))  # fmt: skip
    polls = select(literal(POLLING).label("kind"), Polled.ci.label("id"), Polled.name.label("name"),
                   Polled.enabled.label("on"), Polled.state.label("state"))  # fmt: skip
    polls = polls.where(Polled.ci.in_(select(Ci.id)))
    if word:
        scans = scans.where(or_(Discovery.label.ilike(f"%{word}%", escape="\\"), Discovery.host.ilike(f"%{word}%")))
        polls = polls.where(or_(Polled.name.ilike(f"%{word}%", escape="\\"), Polled.address.ilike(f"%{word}%")))
    if query.status is not None:
        scans = scans.where(Discovery.is_enabled.is_(query.status == ACTIVE))
        polls = polls.where(Polled.enabled.is_(query.status == ACTIVE))
    if query.state:
        polls, scans = polls.where(Polled.state == query.state), scans.where(null().is_not(None))
    wanted = [part for kind, part in ((DISCOVERY, scans), (POLLING, polls)) if query.object_type in ("", kind)]
    every = union_all(*wanted).subquery()
    total, page = await trail.paged(
        ctx, select(every.c.kind, every.c.id).order_by(every.c.kind, every.c.name, every.c.id), query
    )
    found = await _jobs(ctx, [(row.kind, row.id) for row in page])
    return trail.envelope(query, total, found)


async def _jobs(ctx: Context, wanted: list[tuple[str, str]]) -> list[JobConfig]:
    scans = [one for kind, one in wanted if kind == DISCOVERY]
    polls = [one for kind, one in wanted if kind == POLLING]
    made: dict[str, JobConfig] = {}
    if scans:
        for row in (await ctx.session.execute(select(Discovery).where(Discovery.id.in_(scans)))).scalars():
            made[row.id] = _of_discovery(row)
    if polls:
        for item in (await ctx.session.execute(select(Polled).where(Polled.ci.in_(polls)))).scalars():
            made[item.ci] = _of_polling(item)
    return [made[one] for _kind, one in wanted if one in made]


def _of_discovery(row: Discovery) -> JobConfig:
    last: dict[str, Any] = row.last_scan_result or {}
    done = datetime.fromisoformat(last["finished_at"]) if last.get("finished_at") else None
    passed = (done - row.last_run).total_seconds() if done and row.last_run and done >= row.last_run else None
    return JobConfig(
        id=row.id, primary_id=row.id, object_id=row.id, object_type=DISCOVERY, organization=row.organization,
        action=DISCOVERY, agent_id=row.agent_id, name=row.label, status=ACTIVE if row.is_enabled else PAUSED,
        status_name="Active" if row.is_enabled else "Paused", state=str(last.get("state", "")), data=row.host[:500],
        interval=None, last_run=row.last_run, next_run=row.next_run, seconds=passed, error=str(last.get("error", "")),
        creation_time=row.creation_time, last_update_time=row.last_update_time,
        mtime=int(row.last_update_time.timestamp()), user_id=row.created_by,
    )  # fmt: skip


def _of_polling(row: Polled) -> JobConfig:
    upcoming = row.last_run + timedelta(seconds=row.interval) if row.last_run and row.enabled else None
    return JobConfig(
        id=row.ci, primary_id=row.ci, object_id=row.ci, object_type=POLLING, organization=row.organization,
        action=POLLING, agent_id="", name=row.name, status=ACTIVE if row.enabled else PAUSED,
        status_name="Active" if row.enabled else "Paused", state=row.state, data=row.address, interval=row.interval,
        last_run=row.last_run, next_run=upcoming, seconds=row.seconds,
        error=row.error or ("It does not answer." if row.state == DOWN else ""), creation_time=row.created,
        last_update_time=row.last_run or row.created, mtime=int((row.last_run or row.created).timestamp()),
    )  # fmt: skip


async def _find(ctx: Context, id: str) -> JobConfig:
    for kind in (DISCOVERY, POLLING):
        found = await _jobs(ctx, [(kind, id)])
        if found:
            return found[0]
    raise NotFound("There is no such job.")


@scheduled.route("GET", "{id}/", permission=("jobs", "view"))
async def job(ctx: Context, id: str) -> JobConfig:
    """A job: a discovery, or the polling of a device"""
    return await _find(ctx, id)


@scheduled.route("POST", "", permission=("jobs", "execute"), returns=JobConfig, status=201)
async def act(ctx: Context, body: JobInput) -> Any:
    """Run a job now, pause or resume it"""
    if not body.object_id:
        raise Invalid.field("object_id", "Please provide the id of a discovery, or of the item that is polled.")
    found = await _find(ctx, body.object_id)
    if body.object_type not in ("", found.object_type):
        raise Invalid.field("object_type", f"This is a job of the type {found.object_type}.")
    return Reply(await _apply(ctx, found, body, default=RUN), status=201)


@scheduled.route("PUT", "{id}/", permission=("jobs", "edit"))
async def change(ctx: Context, id: str, body: JobInput) -> JobConfig:
    """Pause or resume a job, or poll a device more or less often"""
    return await _apply(ctx, await _find(ctx, id), body)


async def _apply(ctx: Context, found: JobConfig, body: JobInput, default: str = "") -> JobConfig:
    action = body.action.lower()
    if action in (DISCOVERY, POLLING):
        action = ""  # the record as it was read
    if body.status is not None and not action:
        action = RESUME if body.status == ACTIVE else PAUSE
    action = action or ("" if body.interval is not None else default)
    if action not in ("", RUN, PAUSE, RESUME):
        raise Invalid.field("action", f"action is {RUN}, {PAUSE} or {RESUME}.")
    if found.object_type == DISCOVERY:
        if body.interval is not None and body.interval != found.interval:
            raise Invalid.field("interval", "A discovery runs by its schedule; an interval is for devices to poll.")
        await _discovery(ctx, found.id, action)
    else:
        await _polling(ctx, found.id, action, body.interval)
    return await _find(ctx, found.id)


async def _discovery(ctx: Context, id: str, action: str) -> None:
    # What may be done to a discovery is decided there, whoever may see the jobs.
    ctx.principal.require(discoveries.permission, "execute" if action == RUN else "edit")
    row = await verbs.entity_of(ctx, discoveries, id, lock=True)
    if action == RUN:
        await discovery.start(ctx, row)
    elif action:
        await writing.update(ctx, discoveries, row, {"is_enabled": action == RESUME}, partial=True)
    await ctx.session.flush()
    await ctx.session.refresh(row)


async def _polling(ctx: Context, ci: str, action: str, interval: int | None) -> None:
    values: dict[str, Any] = {}
    if interval is not None:
        if not 10 <= interval <= 86_400:
            raise Invalid.field("interval", "interval is a number of seconds from 10 to 86400.")
        values["interval"] = interval
    if action == RUN:
        values["asked_at"] = ctx.now
    elif action:
        values["enabled"] = action == RESUME
    if values:
        changed = update(Polled).where(Polled.ci == ci).values(**values)
        await ctx.session.execute(changed.execution_options(synchronize_session="fetch"))
        ctx.session.expire_all()


@scheduled.route("DELETE", "{id}/", permission=("jobs", "delete"), status=204, returns=None)
async def remove(ctx: Context, id: str) -> Reply:
    """Stop polling a device, or take a discovery off its schedule; what was found and measured stays"""
    found = await _find(ctx, id)
    if found.object_type == POLLING:
        gone = delete(Polled).where(Polled.ci == found.id)
        await ctx.session.execute(gone.execution_options(synchronize_session=False))
        return Reply(None, status=204)
    ctx.principal.require(discoveries.permission, "edit")
    row = await verbs.entity_of(ctx, discoveries, id, lock=True)
    await writing.update(ctx, discoveries, row, {"schedule": {}, "is_enabled": False}, partial=True)
    return Reply(None, status=204)
