"""Starting runs: by hand and by schedule; approving what waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, update

from mainstay.kernel import jobs, store, tasks
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import ApiError, Conflict, Invalid
from mainstay.kernel.platform import Platform
from mainstay.kernel.record import new_id
from mainstay.kernel.tasks import AsyncTask
from mainstay.modules.assets.cmdb.facts import Facts
from mainstay.modules.assets.cmdb.reconcile import CREATED, reconcile
from mainstay.modules.monitoring.discovery import following, params, remote, run
from mainstay.modules.monitoring.discovery.schedule import next_run
from mainstay.modules.monitoring.discovery.tables import Discovery, Finding, Iteration
from mainstay.modules.monitoring.discovery.targets import plan
from mainstay.modules.monitoring.polling.service import bind
from mainstay.modules.monitoring.topology import service as topology
from mainstay.modules.monitoring.topology.engine import Evidence


def planned(row: Discovery, host: str = "") -> dict[str, Any]:
    """The configuration as a run keeps it. Raises ``Invalid``."""
    listed = [] if host else addresses(row.csv_data)
    ranges = host or ", ".join(part for part in (row.host, row.secondary_host) if part.strip())
    seeds = {} if host else following.read(row)
    plan(ranges, listed, empty=bool(seeds))
    return {
        "host": ranges, "listed": listed, "params": params.read(row.params), "credentials": list(row.credentials),
        "protocol": list(row.protocol), "approval_required": row.approval_required,
        "seeds": seeds,
    }  # fmt: skip


def addresses(listed: Sequence[Any]) -> list[str]:
    """The addresses of an uploaded list: plain ones, or rows with one."""
    found = []
    for one in listed:
        raw = next((one[name] for name in ("ip_address", "ip", "address", "host") if one.get(name)), "") if isinstance(
            one, dict) else one  # fmt: skip
        if str(raw).strip():
            found.append(str(raw).strip())
    return found


async def start(
    ctx: Context, row: Discovery, *, dry_run: bool | None = None, host: str = "", trigger: str = "manual"
) -> str:
    """Begin a run; its id. Raises ``Conflict`` while one is under way."""
    under_way = select(Iteration.id).where(Iteration.discovery == row.id, Iteration.finished_at.is_(None))
    for other in (await ctx.session.execute(under_way)).scalars():
        task = await ctx.session.get(AsyncTask, other)
        if task is not None and task.status not in tasks.FINISHED:
            raise Conflict(f"{row.label} is being run already. Wait for it, or cancel it under background tasks.")
    given = {**planned(row, host), "collector": await remote.chosen(ctx, row.agent_id, now=True)}
    total = len(run.targets(given)) + len(given["seeds"].get("addresses", ()))
    iteration = new_id()
    dry = row.dry_run if dry_run is None else dry_run
    task = AsyncTask(
        id=iteration, task_name=f"Discovery {row.label}"[:255],
        description=(given["host"] or f"From {row.seeds}")[:500], queue_name=run.QUEUE, task_path=run.JOB,
        status=tasks.QUEUED, total=total, actor=tasks.actor_of(ctx.principal),
        arguments={"discovery": row.id, "dry_run": dry},
    )  # fmt: skip
    await store.add(ctx, task)
    ctx.session.add(Iteration(
        organization=ctx.organization, id=iteration, discovery=row.id, started_at=ctx.now, state="running",
        dry_run=dry, trigger=trigger, started_by=ctx.principal.name[:255], total=total, plan=given,
    ))  # fmt: skip
    await ctx.session.flush()
    values = {"last_run": ctx.now, "job_iteration_id": iteration, "next_run": upcoming(row, ctx.now)}
    noted = update(Discovery).where(Discovery.id == row.id).values(**values)
    await ctx.session.execute(noted.execution_options(synchronize_session=False))
    await jobs.enqueue(
        run.JOB, job_id=iteration, session=ctx.session, iteration=iteration, organization=ctx.organization,
        seeds=bool(given["seeds"]), batch=remote.BATCH if given["collector"] else run.BATCH,
    )  # fmt: skip
    return iteration


def upcoming(row: Any, after: datetime) -> datetime | None:
    """When the schedule runs it next."""
    return next_run(row.schedule or {}, after) if row.is_enabled else None


@jobs.schedule("* * * * *", name="discovery.due")
async def due(moment: datetime) -> None:
    """Begin the runs whose time has come, in every organization."""
    await run_due(jobs.services())


async def run_due(platform: Platform) -> int:
    """Begin what is due; returns how many."""
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = select(Discovery.organization, Discovery.id).where(
            Discovery.is_enabled.is_(True), Discovery.is_deleted.is_(False), Discovery.next_run <= ctx.now
        )
        waiting = (await ctx.session.execute(query.limit(1000))).all()
    done = 0
    for organization, discovery in waiting:
        async with platform.work(organization) as ctx:
            row = await store.get(ctx, Discovery, discovery, lock=True)
            if row.next_run is None or row.next_run > ctx.now:
                continue
            try:
                await start(ctx, row, trigger="schedule")
                done += 1
            except ApiError as error:
                told = {"state": "failed", "error": str(error)[:500], "finished_at": ctx.now.isoformat()}
                values = {"next_run": upcoming(row, ctx.now), "last_scan_result": told}
                noted = update(Discovery).where(Discovery.id == row.id).values(**values)
                await ctx.session.execute(noted.execution_options(synchronize_session=False))
    return done


async def approve(ctx: Context, iteration: Iteration, chosen: Sequence[str]) -> list[dict[str, str]]:
    """Add the devices of a run that wait, or those at these addresses; what became of each."""
    query = select(Finding).where(Finding.iteration == iteration.id, Finding.result == run.AWAITING)
    if chosen:
        query = query.where(Finding.address.in_(list(chosen)[:1000]))
    waiting = list((await ctx.session.execute(query.order_by(Finding.position).limit(1000))).scalars())
    unknown = set(chosen) - {one.address for one in waiting}
    if unknown:
        raise Invalid.field("addresses", f"{min(unknown)[:60]} does not wait for approval in this run.")
    facts = [msgspec.convert(one.facts["device"], Facts) for one in waiting]
    told = [msgspec.convert(one.facts.get("evidence"), Evidence | None, strict=False) for one in waiting]
    outcomes = await reconcile(ctx, run.SOURCE, facts) if facts else []
    results = []
    for one, outcome in zip(waiting, outcomes, strict=True):
        by = f"Approved by {ctx.principal.name}."
        one.result = run.ADDED if outcome.what == CREATED else outcome.what
        one.ci, one.name, one.facts = outcome.ci_id, outcome.name[:255] or one.name, {}
        one.reason = f"{by} {' '.join(outcome.problems)}".strip()[:1000]
        results.append({"address": one.address, "result": one.result, "ci_id": one.ci, "reason": one.reason})
    await ctx.session.flush()
    stored = [{"ci": one.ci, "name": one.name, "address": one.address, "credential": one.credential,
               "rtt": one.rtt, "result": one.result} for one in waiting]  # fmt: skip
    await bind(ctx, run.bindings(stored, iteration.plan["params"]))
    kept = {one.ci: heard for one, heard in zip(waiting, told, strict=True) if one.ci and heard is not None}
    await topology.keep(ctx, kept)
    await run.link(ctx, iteration.id)
    iteration.counts = await run.count(ctx, iteration.id)
    await ctx.session.flush()
    return results
