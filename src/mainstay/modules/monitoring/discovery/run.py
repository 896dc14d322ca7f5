"""A discovery as a durable job: batches of addresses, each asked and then stored in one transaction.

A batch that was cut off is asked again; one that was stored is not, because its findings are there. So a crash in the
middle loses nothing and doubles nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any

import msgspec
import structlog
from sqlalchemy import delete, func, insert, select, update

from mainstay.kernel import jobs, store, tasks
from mainstay.kernel.context import Context
from mainstay.kernel.late import asyncssh
from mainstay.kernel.platform import Platform
from mainstay.kernel.purge import AT_ONCE, old_tasks, purgeable
from mainstay.kernel.tasks import AsyncTask
from mainstay.modules.assets.cmdb import lookup
from mainstay.modules.assets.cmdb.reconcile import CREATED, REFUSED, Outcome, reconcile
from mainstay.modules.monitoring.commands import hostkeys
from mainstay.modules.monitoring.credentials.service import Address
from mainstay.modules.monitoring.discovery import following, remote
from mainstay.modules.monitoring.discovery.probing import ALIVE, FOUND, Look, Setup, look, setup
from mainstay.modules.monitoring.discovery.tables import Brought, Discovery, Finding, Iteration, Order
from mainstay.modules.monitoring.discovery.targets import Targets, plan
from mainstay.modules.monitoring.polling.service import Binding, bind
from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.topology import service as topology

JOB, QUEUE, BATCH, KEPT = "discovery.run", "discovery", 64, 20
"""``KEPT``: the runs of a discovery whose findings are kept."""
ADDED, AWAITING, DUPLICATE, DRY_RUN = "added", "awaiting", "duplicate", "dry_run"
SOURCE = "discovery"

log = structlog.stdlib.get_logger("mainstay.discovery")
jobs.declare_queue(QUEUE, concurrency=2)


@jobs.job(JOB, queue=QUEUE)
async def run(iteration: str, organization: str, seeds: bool = False, batch: int = BATCH) -> dict[str, int]:
    """Look at every address of a run, and follow its seeds; returns how many there are of each result."""
    platform: Platform = jobs.services()
    total: int
    asked = 0
    linked: int
    done: dict[str, int]
    try:
        total = await jobs.step(_begin, platform, organization, iteration)
        # Seeds first: what is found from them is not asked again where it is in the ranges, too.
        depth = 0
        while seeds:
            waits: int = await jobs.step(_spread, platform, organization, iteration, depth)
            for _ in range(0, waits, batch):
                followed: int = await jobs.step(_wave, platform, organization, iteration, depth, batch)
                asked += followed
            if not waits:
                break
            depth += 1
        for first in range(0, total, batch):
            count_here: int = await jobs.step(_batch, platform, organization, iteration, first, batch)
            asked += count_here
        linked = await jobs.step(_link, platform, organization, iteration)
        done = await jobs.step(_finish, platform, organization, iteration, "")
        log.info("discovery done", iteration=iteration, asked=asked, relations=linked)
        return done
    except jobs.JobError as error:
        done = await jobs.step(_finish, platform, organization, iteration, str(error))
        raise


async def _begin(platform: Platform, organization: str, iteration: str) -> int:
    async with platform.work(organization) as ctx:
        task = await store.get(ctx, AsyncTask, iteration, lock=True)
        row = await ctx.session.get_one(Iteration, (ctx.organization, iteration))
        tasks.mark_worker(ctx, task)
        await store.save(ctx, task)
        tasks.progress(ctx, task)
        return len(targets(row.plan))


def targets(given: dict[str, Any]) -> Targets:
    """The addresses of a run's ranges."""
    return plan(given["host"], given["listed"], empty=bool(given.get("seeds")))


async def _spread(platform: Platform, organization: str, iteration: str, depth: int) -> int:
    """Let the addresses at this many steps from the seeds wait for their turn; how many do."""
    async with platform.work(organization) as ctx:
        row = await ctx.session.get_one(Iteration, (ctx.organization, iteration))
        if not row.plan.get("seeds"):
            return 0
        before = await following.waiting(ctx, iteration, depth)
        if depth:
            found = await following.spread(ctx, row, depth)
            row.total += found - before
            task = await store.get(ctx, AsyncTask, iteration, lock=True)
            task.total += found - before
            await store.save(ctx, task)
            tasks.progress(ctx, task)
        else:
            found = await following.sow(ctx, row, row.plan["seeds"])
        return found


async def _wave(platform: Platform, organization: str, iteration: str, depth: int, size: int = BATCH) -> int:
    """Ask a batch of the addresses that wait at this depth."""
    async with platform.work(organization, write=False) as ctx:
        row = await ctx.session.get_one(Iteration, (ctx.organization, iteration))
        query = select(Finding.address, Finding.position, Finding.reason).where(
            Finding.iteration == iteration, Finding.depth == depth, Finding.result == following.QUEUED
        )
        queued = (await ctx.session.execute(query.order_by(Finding.position).limit(size))).all()
        if not queued:
            return 0
        given, dry = dict(row.plan), row.dry_run
        known = await setup(
            ctx, given, [one.address for one in queued], follow=given["seeds"]["follow"], insist=depth == 0
        )
    batch = [(one.position, ip_address(one.address)) for one in queued]
    looks = await _look(platform, organization, iteration, batch, known, given)
    for one, told in zip(looks, queued, strict=True):
        one.depth, one.via = depth, told.reason
    await _keep(platform, organization, iteration, looks, given, dry=dry)
    return len(looks)


async def _look(
    platform: Platform, organization: str, iteration: str, batch: list[tuple[int, Address]], known: Setup,
    given: dict[str, Any],
) -> list[Look]:  # fmt: skip
    """Ask from here, or have a collector ask."""
    if not batch or not given.get("collector"):
        return await look(batch, known)
    return await remote.look(platform, organization, iteration, batch, known, given["collector"])


async def _batch(platform: Platform, organization: str, iteration: str, first: int, size: int = BATCH) -> int:
    async with platform.work(organization, write=False) as ctx:
        row = await ctx.session.get_one(Iteration, (ctx.organization, iteration))
        there = select(func.count()).select_from(Finding).where(
            Finding.iteration == iteration, Finding.position >= first, Finding.position < first + size
        )  # fmt: skip
        if await ctx.session.scalar(there):
            return 0
        given, dry = dict(row.plan), row.dry_run
        batch = list(enumerate(targets(given).slice(first, size), first))
        known = await setup(ctx, given, [str(one) for _n, one in batch])
        done = await following.there(ctx, iteration, [str(one) for _n, one in batch]) if given.get("seeds") else set()
    batch = [(number, one) for number, one in batch if str(one) not in done]
    looks = await _look(platform, organization, iteration, batch, known, given)
    await _keep(platform, organization, iteration, looks, given, dry=dry, passed=len(done))
    return len(looks)


async def _keep(
    platform: Platform, organization: str, iteration: str, looks: Sequence[Look], given: dict[str, Any], *,
    dry: bool, passed: int = 0,
) -> None:  # fmt: skip
    """Store what came of a batch, in one transaction. ``passed``: addresses of it that had their turn before."""
    async with platform.work(organization) as ctx:
        task = await store.get(ctx, AsyncTask, iteration, lock=True)
        ctx.principal = tasks.principal_of(task)
        findings = await settle(ctx, iteration, looks, dry=dry, approval=given["approval_required"])
        queued = [one.address for one in looks if one.depth is not None]
        gone = delete(Finding).where(Finding.iteration == iteration, Finding.address.in_(queued))
        await ctx.session.execute(gone.execution_options(synchronize_session=False))
        if findings:
            await ctx.session.execute(insert(Finding), findings)
            if given.get("collector"):
                await remote.done(ctx, iteration, looks[0].position)
        for one in looks:
            if one.met is not None:
                await hostkeys.keep(ctx, one.address, one.met[0], asyncssh.import_public_key(one.met[1]))
        await bind(ctx, bindings(findings, given["params"]))
        told = {one.address: one.evidence for one in looks if one.evidence is not None}
        await topology.keep(ctx, {one["ci"]: told[one["address"]] for one in findings
                                  if one["ci"] and one["address"] in told})  # fmt: skip
        task.done += len(looks) + passed
        task.created += sum(one["result"] == ADDED for one in findings)
        task.updated += sum(one["result"] == "updated" for one in findings)
        task.failed += sum(one["result"] == REFUSED for one in findings)
        tasks.mark_worker(ctx, task)
        await store.save(ctx, task)
        tasks.progress(ctx, task)
    if platform.live is not None:
        platform.live.nudge()


async def settle(
    ctx: Context, iteration: str, looks: Sequence[Look], *, dry: bool, approval: bool
) -> list[dict[str, Any]]:
    """Bring what was found into the CMDB, or note that it would be; the findings to store."""
    found = {one.address: one for one in looks if one.result in (FOUND, ALIVE) and one.facts is not None}
    outcomes: dict[str, Outcome] = {}
    if not dry and found:
        await _told_better(ctx, [one for one in found.values() if one.ssh.get("credential")])
        facts = [one.facts for one in found.values() if one.facts is not None]
        outcomes = {one.ref: one for one in await reconcile(ctx, SOURCE, facts, create=not approval)}
    known = await lookup.by_address(ctx, list(found)) if dry else {}
    earlier = await _earlier(ctx, iteration, {one.ci_id for one in outcomes.values() if one.ci_id})
    rows = []
    # A device that SNMP opened at one address is known by that one, not by another that only answered.
    for one in sorted(looks, key=lambda each: each.result != FOUND):
        row: dict[str, Any] = {
            "organization": ctx.organization, "iteration": iteration, "address": one.address, "position": one.position,
            "result": one.result, "reason": one.reason, "seen": ctx.now, "credential": one.credential, "rtt": one.rtt,
            "identity": one.identity, "problems": one.problems[:20], "neighbours": one.neighbours, "facts": {},
            "name": "", "ci": "", "open_ports": one.open_ports, "ssh": one.ssh, "depth": one.depth,
            "leads": [list(lead) for lead in one.leads],
        }  # fmt: skip
        outcome = outcomes.get(one.address)
        if outcome is not None:
            _judge(row, one, outcome, earlier)
            if outcome.ci_id:
                earlier.setdefault(outcome.ci_id, one.address)
        elif one.address in found and one.facts is not None:
            item = known.get(one.address)
            row |= {"result": DRY_RUN, "name": str(one.facts.attributes.get("name", ""))[:255],
                    "reason": f"It is known as {item.name}; it would be brought up to date." if item
                    else "It would be added."}  # fmt: skip
        row["reason"] = f"{one.via} {row['reason']}".strip()[:1000]
        rows.append(row)
    return rows


async def _told_better(ctx: Context, shells: Sequence[Look]) -> None:
    """A device that tells its parts by SNMP names them otherwise there: what it said at its prompt, for once that SNMP
    did not open it, does not replace them."""
    items = await lookup.by_address(ctx, [one.address for one in shells])
    query = select(Polled.ci).where(Polled.ci.in_([item.id for item in items.values()]), Polled.snmp.is_(True))
    polled = set((await ctx.session.execute(query)).scalars()) if items else set()
    for one in shells:
        if one.address in items and items[one.address].id in polled and one.facts is not None:
            one.facts.hardware = None
            if one.identity.get("os", "").startswith("Windows"):
                # So does Windows with all the rest.
                one.facts.interfaces = one.facts.storage = one.facts.software = None
            if one.evidence is not None:
                one.evidence.partial = True


def bindings(findings: Sequence[dict[str, Any]], params: dict[str, Any]) -> list[Binding]:
    """The devices that are to be polled from now on."""
    made = []
    for one in findings:
        # What answered neither echo requests nor SNMP cannot be watched by them.
        ping = params["ping_monitor"] and (bool(one["credential"]) or one["rtt"] is not None)
        snmp = params["snmp_monitor"] and bool(one["credential"])
        if one["ci"] and one["result"] not in (DUPLICATE, DRY_RUN) and (ping or snmp):
            made.append(Binding(one["ci"], one["name"], one["address"], one["credential"], ping, snmp))
    return made


def _judge(row: dict[str, Any], one: Look, outcome: Outcome, earlier: dict[str, str]) -> None:
    """What an outcome of the CMDB means for the address."""
    row |= {"result": outcome.what, "ci": outcome.ci_id, "name": outcome.name[:255]}
    row["problems"] = [*row["problems"], *outcome.problems][:20]
    if outcome.what == REFUSED and one.facts is not None and not outcome.ci_id:
        row["name"] = str(one.facts.attributes.get("name", ""))[:255]
        if any(problem.startswith("No item is identified") for problem in outcome.problems):
            row |= {"result": AWAITING, "reason": "It is new, and waits for approval.", "problems": one.problems[:20],
                    "facts": {"device": msgspec.to_builtins(one.facts),
                              "evidence": msgspec.to_builtins(one.evidence)}}  # fmt: skip
        else:
            row["reason"] = " ".join(outcome.problems)[:1000]
    elif outcome.ci_id in earlier:
        row |= {"result": DUPLICATE, "reason": f"Another address of {outcome.name}, found at "
                f"{earlier[outcome.ci_id]} already."}  # fmt: skip
    elif outcome.what == CREATED:
        row |= {"result": ADDED, "reason": "It was new."}
    else:
        by = f"Recognised by {outcome.matched_by.replace('_', ' ')}." if outcome.matched_by else ""
        changed = f"Changed: {', '.join(outcome.changed).replace('_', ' ')}." if outcome.changed else ""
        row["reason"] = f"{by} {changed}".strip()[:1000]


async def _earlier(ctx: Context, iteration: str, items: set[str]) -> dict[str, str]:
    """At which address an item was found before in this run."""
    query = select(Finding.ci, Finding.address).where(Finding.iteration == iteration, Finding.ci.in_(sorted(items)))
    return {row.ci: row.address for row in (await ctx.session.execute(query)).all()} if items else {}


async def _link(platform: Platform, organization: str, iteration: str) -> int:
    async with platform.work(organization) as ctx:
        row = await ctx.session.get_one(Iteration, (ctx.organization, iteration))
        ctx.principal = tasks.principal_of(await store.get(ctx, AsyncTask, iteration))
        return 0 if row.dry_run else await link(ctx, iteration)


async def link(ctx: Context, iteration: str) -> int:
    """Links of the devices of a run; returns how many relations are new."""
    query = select(Finding.ci).where(Finding.iteration == iteration, Finding.ci != "").distinct()
    return await topology.relate(ctx, list((await ctx.session.execute(query)).scalars()))


async def _finish(platform: Platform, organization: str, iteration: str, error: str) -> dict[str, int]:
    async with platform.work(organization) as ctx:
        row = await ctx.session.get_one(Iteration, (ctx.organization, iteration))
        counts = await count(ctx, iteration)
        await remote.done(ctx, iteration)
        task = await store.get(ctx, AsyncTask, iteration, lock=True)
        if task.status != tasks.CANCELLED:
            task.status = tasks.FAILED if error else tasks.SUCCEEDED
        task.error, task.finished_at = error[:1000], ctx.now
        await store.save(ctx, task)
        tasks.progress(ctx, task)
        row.finished_at, row.state, row.error, row.counts = ctx.now, task.status, error[:1000], counts
        await ctx.session.flush()
        told = {"state": row.state, "finished_at": ctx.now.isoformat(), "error": row.error, **counts}
        done = update(Discovery).where(Discovery.id == row.discovery).values(last_scan_result=told)
        await ctx.session.execute(done.execution_options(synchronize_session=False))
        await _forget(ctx, row.discovery)
        return counts


async def count(ctx: Context, iteration: str) -> dict[str, int]:
    """How many addresses there are of each result."""
    return (await counted(ctx, [iteration])).get(iteration, {})


async def counted(ctx: Context, iterations: Sequence[str]) -> dict[str, dict[str, int]]:
    """Run → how many addresses there are of each result."""
    query = select(Finding.iteration, Finding.result, func.count()).where(Finding.iteration.in_(iterations))
    found: dict[str, dict[str, int]] = {}
    for row in (await ctx.session.execute(query.group_by(Finding.iteration, Finding.result))).all():
        found.setdefault(row[0], {})[row[1]] = row[2]
    return found


async def _forget(ctx: Context, discovery: str) -> None:
    """Drop the runs that are too many by now."""
    query = select(Iteration.id).where(Iteration.discovery == discovery).order_by(Iteration.started_at.desc())
    await drop(ctx, list((await ctx.session.execute(query.offset(KEPT).limit(100))).scalars()))


async def drop(ctx: Context, iterations: Sequence[str]) -> None:
    """Delete runs with what they found."""
    for start in range(0, len(iterations), store.CHUNK):
        part = list(iterations[start : start + store.CHUNK])
        for model, column in (
            (Finding, Finding.iteration), (Order, Order.iteration), (Brought, Brought.iteration),
            (Iteration, Iteration.id),
        ):  # fmt: skip
            statement = delete(model).where(column.in_(part))
            await ctx.session.execute(statement.execution_options(synchronize_session=False))


@purgeable("assets_scan_history")
async def old_runs(platform: Platform, organization: str, before: datetime) -> int:
    """Runs that have ended, with what became of each address; the last one of each discovery stays."""
    async with platform.work(organization) as ctx:
        last = select(Discovery.job_iteration_id).where(Discovery.job_iteration_id != "")
        query = select(Iteration.id).where(Iteration.finished_at < before, Iteration.id.not_in(last))
        ids = list((await ctx.session.execute(query.limit(AT_ONCE))).scalars())
        await drop(ctx, ids)
    await old_tasks(platform, organization, before, JOB)
    return len(ids)


__all__ = ["AWAITING", "count", "counted", "drop", "link", "run", "targets"]
