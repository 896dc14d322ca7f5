"""Discovery configurations in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import or_, select

from mainstay.kernel import tasks, trail, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid, NotFound
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.kernel.tasks import AsyncTask
from mainstay.modules.monitoring.discovery import params, remote, run, service
from mainstay.modules.monitoring.discovery.schedule import PERIODS, next_run
from mainstay.modules.monitoring.discovery.schedule import check as check_schedule
from mainstay.modules.monitoring.discovery.tables import PROTOCOLS, Discovery, Finding, Iteration

LISTS = ("protocol", "credentials", "csv_data")


class Discoveries(Behaviour[Discovery]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        made = dict(data)
        if isinstance(made.get("protocol"), list):
            made["protocol"] = [str(one).lower() for one in made["protocol"] if str(one).strip()]
        if isinstance(made.get("credentials"), list):
            named = [one.get("id") or one.get("credential_id") if isinstance(one, dict) else one
                     for one in made["credentials"]]  # fmt: skip
            made["credentials"] = [one for one in named if one]
        return made

    async def check(
        self,
        ctx: Context,
        rows: Sequence[dict[str, Any]],
        given: Sequence[Mapping[str, Any]],
        wrong: Sequence[dict[str, list[str]]],
    ) -> None:
        for row, errors in zip(rows, wrong, strict=True):
            if errors:
                continue
            try:
                row["next_run"] = _checked(ctx, row, new=True)
                await remote.chosen(ctx, row.get("agent_id") or "")
            except Invalid as bad:
                for name, messages in bad.extra["fields"].items():
                    errors.setdefault(name, []).extend(messages)

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            row["next_run"] = _checked(ctx, row, new=True)
            await remote.chosen(ctx, row.get("agent_id") or "")

    async def change(self, ctx: Context, entity: Discovery, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        after = {name: values.get(name, getattr(entity, name)) for name in CONFIGURED}
        upcoming = _checked(ctx, after, new=after["schedule"] != entity.schedule)
        if "agent_id" in values:
            await remote.chosen(ctx, values["agent_id"] or "")
        if after["schedule"] != entity.schedule or after["is_enabled"] != entity.is_enabled:
            values["next_run"] = upcoming

    async def removing(self, ctx: Context, entities: Sequence[Discovery]) -> None:
        ids = [entity.id for entity in entities]
        query = select(Iteration.id, Iteration.finished_at, AsyncTask.status).join(
            AsyncTask, AsyncTask.id == Iteration.id, isouter=True
        )
        found = (await ctx.session.execute(query.where(Iteration.discovery.in_(ids)))).all()
        if any(row[1] is None and row[2] is not None and row[2] not in tasks.FINISHED for row in found):
            raise Conflict("It is being run. Wait for it, or cancel it under background tasks.")
        await run.drop(ctx, [row[0] for row in found])

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["job_id"] = row.get("id", "")
            row["is_csv_upload"] = int(bool(row.get("csv_data")))
            row["customer_id"] = row["customer_entity_id"] = row.get("organization", ctx.organization)

    async def options(self, ctx: Context) -> dict[str, Any]:
        return {"params": msgspec.to_builtins(params.FIELDS), "periods": list(PERIODS)}


CONFIGURED = ("host", "secondary_host", "protocol", "params", "credentials", "schedule", "csv_data", "is_enabled",
              "approval_required", "seeds", "seed_follow", "seed_depth", "seed_limit", "seed_ranges")  # fmt: skip


def _checked(ctx: Context, values: Mapping[str, Any], *, new: bool) -> datetime | None:
    """When it runs next; ``new``: whether the schedule is. Raises ``Invalid`` where it cannot run at all."""
    for name in ("params", "schedule"):
        if not isinstance(values.get(name) or {}, dict):
            raise Invalid.field(name, f"{name} is an object.")
    row = Discovery(**{"approval_required": False, **{name: values.get(name) for name in CONFIGURED}})
    row.host, row.secondary_host = row.host or "", row.secondary_host or ""
    row.params, row.csv_data = row.params or {}, row.csv_data or []
    row.protocol, row.credentials = row.protocol or [], row.credentials or []
    if not isinstance(row.csv_data, list):
        raise Invalid.field("csv_data", "csv_data is a list of addresses.")
    service.planned(row)
    if values.get("is_enabled") not in (None, True):
        return None
    upcoming = next_run(values.get("schedule") or {}, ctx.now)
    if new:
        check_schedule(values.get("schedule") or {}, upcoming)
    return upcoming


discoveries = Resource(
    Discovery,
    module="Discovery Configuration",
    path="/ux/ims/discovery/profile/",
    label="Discovery",
    plural="Discoveries",
    title="label",
    area="monitoring",
    section="IT Operations",
    privileges=("view", "add", "edit", "delete", "execute", "approve", "export"),
    verbs={"import": "upload-csv/"},
    extra={"job_id": str, "is_csv_upload": int, "customer_id": str, "customer_entity_id": str},
    behaviour=Discoveries(),
    natural_key="label",
    sample={
        "label": "Branch office", "host": "192.0.2.0/24", "protocol": ["snmp"], "credentials": [],
        "params": {"filter_by_ping": 1, "ping_monitor": 1, "snmp_monitor": 1, "exclude_ip_address": []},
        "schedule": {"period": "daily", "hour": "2", "min": "0"},
    },
)  # fmt: skip


class RunQuery(ListQuery, kw_only=True):
    """Which discovery (``id`` or ``job_id``) or run (``job_iteration_id``; else the last one), which result."""

    id: str = ""
    job_id: str = ""
    job_iteration_id: str = ""
    result: str = ""


class IterationShown(msgspec.Struct, kw_only=True):
    """One run."""

    job_iteration_id: str
    id: str
    discovery: str
    label: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    dry_run: bool
    trigger: str
    started_by: str
    total: int
    done: int
    counts: dict[str, int]
    error: str


class FindingShown(msgspec.Struct, kw_only=True):
    """What became of one address, and why."""

    address: str
    result: str
    reason: str
    name: str
    ci_id: str
    credential: str
    rtt_ms: float | None
    seen: datetime
    open_ports: list[int]
    ssh: dict[str, str]
    depth: int | None
    identity: dict[str, str]
    problems: list[str]
    neighbours: list[dict[str, str]]


class Details(msgspec.Struct, kw_only=True):
    """A discovery with its last run, or the one asked for."""

    id: str
    label: str
    host: str
    schedule: dict[str, Any]
    params: dict[str, Any]
    addresses: int
    next_run: datetime | None
    iteration: IterationShown | None
    results: dict[str, int]


async def _iteration(ctx: Context, query: RunQuery) -> Iteration | None:
    wanted = select(Iteration)
    if query.job_iteration_id:
        wanted = wanted.where(Iteration.id == query.job_iteration_id)
    elif query.id or query.job_id:
        row = await verbs.entity_of(ctx, discoveries, query.id or query.job_id)
        wanted = wanted.where(Iteration.discovery == row.id)
    found = (
        await ctx.session.execute(wanted.order_by(Iteration.started_at.desc(), Iteration.id.desc()).limit(1))
    ).scalar()
    if found is None and query.job_iteration_id:
        raise NotFound("There is no such run.")
    return found


async def _shown(ctx: Context, rows: Sequence[Iteration]) -> list[IterationShown]:
    ids, owners = [row.id for row in rows], {row.discovery for row in rows}
    columns = (AsyncTask.id, AsyncTask.status, AsyncTask.done, AsyncTask.finished_at)
    known = {row.id: row for row in (await ctx.session.execute(select(*columns).where(AsyncTask.id.in_(ids)))).all()}
    # One that was cancelled did not come to its last step, which writes down what it found.
    stopped = [row.id for row in rows if not row.finished_at and row.id in known and known[row.id].finished_at]
    counts = await run.counted(ctx, stopped) if stopped else {}
    named = select(Discovery.id, Discovery.label).where(Discovery.id.in_(owners))
    labels = {row.id: row.label for row in (await ctx.session.execute(named)).all()}
    made = []
    for row in rows:
        task = known.get(row.id)
        ended = row.finished_at or (task.finished_at if task else None)
        made.append(IterationShown(
            job_iteration_id=row.id, id=row.id, discovery=row.discovery, label=labels.get(row.discovery, ""),
            state=row.state if row.finished_at or not task else task.status, started_at=row.started_at,
            finished_at=ended, seconds=(ended - row.started_at).total_seconds() if ended else None,
            dry_run=row.dry_run, trigger=row.trigger, started_by=row.started_by, total=row.total,
            done=task.done if task else row.total, counts=counts.get(row.id, row.counts), error=row.error,
        ))  # fmt: skip
    return made


@discoveries.action("GET", "iteration-list/")
async def iterations(ctx: Context, query: RunQuery) -> Page:
    """The runs of a discovery, or of all, the newest first"""
    wanted = select(Iteration.id).order_by(Iteration.started_at.desc(), Iteration.id.desc())
    if query.id or query.job_id:
        row = await verbs.entity_of(ctx, discoveries, query.id or query.job_id)
        wanted = wanted.where(Iteration.discovery == row.id)
    total, page = await trail.paged(ctx, wanted, query)
    ids = [row.id for row in page]
    found = {
        row.id: row for row in (await ctx.session.execute(select(Iteration).where(Iteration.id.in_(ids)))).scalars()
    }
    return trail.envelope(query, total, await _shown(ctx, [found[one] for one in ids]))


@discoveries.action("GET", "audit/")
async def audit(ctx: Context, query: RunQuery) -> Page:
    """What became of each address of a run, and why it was added or not"""
    iteration = await _iteration(ctx, query)
    wanted = select(Finding.address).where(Finding.iteration == (iteration.id if iteration else ""))
    if query.result:
        wanted = wanted.where(Finding.result == query.result)
    if query.search.strip():
        word = query.search.strip()[:100].replace("\\", "").replace("%", r"\%").replace("_", r"\_")
        like = [column.ilike(f"%{word}%", escape="\\") for column in (Finding.address, Finding.name, Finding.reason)]
        wanted = wanted.where(or_(*like))
    total, page = await trail.paged(ctx, wanted.order_by(Finding.position, Finding.address), query)
    addresses = [row.address for row in page]
    rows = select(Finding).where(
        Finding.iteration == (iteration.id if iteration else ""), Finding.address.in_(addresses)
    )
    found = (await ctx.session.execute(rows.order_by(Finding.position, Finding.address))).scalars()
    return trail.envelope(query, total, [_finding(row) for row in found])


def _finding(row: Finding) -> FindingShown:
    return FindingShown(
        address=row.address, result=row.result, reason=row.reason, name=row.name, ci_id=row.ci,
        credential=row.credential, rtt_ms=row.rtt, seen=row.seen, open_ports=row.open_ports, ssh=row.ssh,
        depth=row.depth, identity=row.identity, problems=row.problems, neighbours=row.neighbours,
    )  # fmt: skip


@discoveries.action("GET", "details/")
async def details(ctx: Context, query: RunQuery) -> Details:
    """A discovery, its last run and how many addresses came to which result"""
    if not (query.id or query.job_id or query.job_iteration_id):
        raise Invalid.field("id", "Please provide the id of a discovery.")
    iteration = await _iteration(ctx, query)
    row = await verbs.entity_of(
        ctx, discoveries, query.id or query.job_id or (iteration.discovery if iteration else "")
    )
    return Details(
        id=row.id, label=row.label, host=row.host, schedule=row.schedule, params=params.read(row.params),
        addresses=len(run.targets(service.planned(row))), next_run=row.next_run,
        iteration=(await _shown(ctx, [iteration]))[0] if iteration else None,
        results=await run.count(ctx, iteration.id) if iteration else {},
    )  # fmt: skip


class RescanInput(msgspec.Struct, kw_only=True):
    """Which discoveries to run now: ``id`` or ``ids``. ``host``: only these addresses; ``dry_run``: change nothing."""

    id: str = ""
    job_id: str = ""
    ids: list[str] = []
    host: str = ""
    dry_run: bool | None = None


class Started(msgspec.Struct, kw_only=True):
    """Runs that began; each id is that of a background task, too."""

    status: str = "success"
    job_iteration_id: str
    iterations: list[str]


@discoveries.action("POST", "do-rescan/", privilege="execute")
async def rescan(ctx: Context, body: RescanInput) -> Started:
    """Run discoveries now"""
    ids = list(dict.fromkeys([*body.ids, *(one for one in (body.id or body.job_id,) if one)]))
    if not 1 <= len(ids) <= 100:
        raise Invalid.field("id", "Please provide the id of a discovery (at most 100 of them).")
    begun = []
    for one in ids:
        row = await verbs.entity_of(ctx, discoveries, one, lock=True)
        begun.append(await service.start(ctx, row, dry_run=body.dry_run, host=body.host))
    return Started(job_iteration_id=begun[-1], iterations=begun)


class ApproveInput(msgspec.Struct, kw_only=True):
    """The run, and which of the addresses that wait; none: all."""

    job_iteration_id: str
    addresses: list[str] = []


class Approved(msgspec.Struct, kw_only=True):
    """What became of each."""

    status: str = "success"
    approved: int
    results: list[dict[str, str]]


@discoveries.action("POST", "approve/", privilege="approve")
async def approve(ctx: Context, body: ApproveInput) -> Approved:
    """Add new devices that a run found and that wait for approval"""
    iteration = await _iteration(ctx, RunQuery(job_iteration_id=body.job_iteration_id or "-"))
    assert iteration is not None
    told = await service.approve(ctx, iteration, body.addresses)
    return Approved(approved=sum(1 for one in told if one["ci_id"]), results=told)


class ScannerInput(msgspec.Struct, kw_only=True):
    """The protocols chosen in the form; none: all."""

    protocol: list[str] = []


class ScannerFields(msgspec.Struct, kw_only=True):
    """The fields of the scanner: what ``params`` may hold."""

    protocols: list[str]
    fields: list[params.Parameter]


@discoveries.action("POST", "get-custom-scanner-fields/", write=False)
async def scanner_fields(ctx: Context, body: ScannerInput) -> ScannerFields:
    """The parameters of a scan by these protocols"""
    known = [str(one.id) for one in PROTOCOLS]
    chosen = [one.lower() for one in body.protocol] or known
    if unknown := [one for one in chosen if one not in known]:
        raise Invalid.field("protocol", f"There is no protocol {unknown[0][:40]!r}. There are: {', '.join(known)}.")
    return ScannerFields(
        protocols=chosen, fields=[one for one in params.FIELDS if set(one.protocols) & set(chosen)]
    )  # fmt: skip
