"""The further operations of trap configurations: what messages can say, what was received, and the way from a
notification in a MIB to a configuration."""

from __future__ import annotations

import base64
from datetime import datetime
from math import ceil
from typing import Any

import msgspec

from mainstay.kernel import query as queries
from mainstay.kernel import verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound, Unavailable
from mainstay.kernel.operation import Reply, Saved
from mainstay.modules.monitoring.mibs.explore import Place, find, place
from mainstay.modules.monitoring.mibs.run import Value, value_of
from mainstay.modules.monitoring.mibs.service import tree_of
from mainstay.modules.monitoring.snmp import ber, message
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.traps import library, rules, store
from mainstay.modules.monitoring.traps.receiver import TrapReceiver
from mainstay.modules.monitoring.traps.resource import trap_configurations
from mainstay.modules.monitoring.traps.tables import SEVERITIES


class MsgQuery(msgspec.Struct, kw_only=True):
    """The trap whose variables are wanted, by OID or name. Empty: only what every message can use."""

    trap_oid: str = ""


class Macro(msgspec.Struct, kw_only=True):
    """A macro of messages and what it is replaced by."""

    macro: str
    meaning: str
    position: int = 0
    oid: str = ""
    enumerations: dict[str, str] = {}


class MsgOptions(msgspec.Struct, kw_only=True):
    """What messages and conditions of a trap configuration can be made of."""

    macros: list[Macro]
    variables: list[Macro]
    conditions: list[dict[str, Any]]
    severities: list[dict[str, Any]]
    notification: Place | None = None
    description: str = ""


@trap_configurations.action("GET", "msg_options/")
async def msg_options(ctx: Context, query: MsgQuery) -> MsgOptions:
    """What messages can say: macros, the variables of a trap, conditions and severities"""
    answer = MsgOptions(
        macros=[Macro(macro=macro, meaning=meaning) for macro, meaning in rules.MACROS.items()],
        variables=[],
        conditions=[
            {"id": word, "name": word.replace("_", " ")} for word in dict.fromkeys(queries.CONDITIONS.values())
        ],
        severities=[{"id": item.id, "name": item.name, "color": item.color} for item in SEVERITIES],
    )
    if query.trap_oid.strip():
        tree = await tree_of(ctx)
        oid, node = find(tree, query.trap_oid, "trap_oid")
        if node is None or node.kind != "notification":
            raise NotFound(f"No loaded MIB has a notification {query.trap_oid.strip()[:80]!r}.")
        answer.notification, answer.description = place(oid, node), node.description
        for position, name in enumerate(node.objects, 1):
            known = tree.by_name.get(name)
            answer.variables.append(
                Macro(macro=f"${name}", meaning=known.description if known else "", position=position,
                      oid=known.oid if known else "", enumerations=known.enums if known else {})
            )  # fmt: skip
    return answer


class TrapQuery(msgspec.Struct, kw_only=True):
    """Which traps: from whom, of what name or OID, with what text; with or without a configuration; when."""

    items_per_page: int = 50
    page: int = 1
    search: str = ""
    source: str = ""
    trap: str = ""
    configured: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


class TrapMessage(msgspec.Struct, kw_only=True):
    """A received trap."""

    id: str
    received: datetime
    source: str
    agent: str
    version: str
    credential: str
    inform: bool
    trap_oid: str
    name: str
    uptime: int
    resource: str
    message: str
    severity: int
    trap_configuration: str
    variables: dict[str, str]


class TrapPage(msgspec.Struct, kw_only=True):
    """A page of received traps, newest first."""

    count: int
    next: str | None
    previous: str | None
    results: list[TrapMessage]
    max_page_limit: int
    total_pages: int


@trap_configurations.action("GET", "trap_msgs/")
async def trap_msgs(ctx: Context, query: TrapQuery) -> TrapPage:
    """The traps that were received, newest first, with their variables by name"""
    if not 1 <= query.items_per_page <= 500:
        raise Invalid.field("items_per_page", "items_per_page must be between 1 and 500.")
    if not 1 <= query.page <= 10_000:
        raise Invalid.field("page", "page must be between 1 and 10,000.")
    count, rows = await store.search(
        _telemetry(ctx), ctx.organization, text=query.search.strip(), source=query.source.strip(),
        name=query.trap.strip(), configured=query.configured, since=query.since, until=query.until,
        limit=query.items_per_page, offset=(query.page - 1) * query.items_per_page,
    )  # fmt: skip
    pages = max(1, ceil(count / query.items_per_page))
    link = f"{ctx.url}?items_per_page={query.items_per_page}&page="
    return TrapPage(
        count=count,
        next=f"{link}{query.page + 1}" if query.page < pages else None,
        previous=f"{link}{query.page - 1}" if query.page > 1 else None,
        results=[_shown(row) for row in rows],
        max_page_limit=500,
        total_pages=pages,
    )


def _telemetry(ctx: Context) -> Any:
    if ctx.platform.telemetry is None:
        raise Unavailable("The telemetry store is not open in this process.")
    return ctx.platform.telemetry


def _shown(row: dict[str, Any]) -> TrapMessage:
    # As text: JSON's readers in browsers lose the last digits of large numbers.
    return TrapMessage(
        id=str(row["id"]), received=row["received"], source=row["source"], agent=row["agent"], version=row["version"],
        credential=row["credential"], inform=bool(row["inform"]), trap_oid=row["oid"], name=row["name"],
        uptime=row["uptime"], resource=row["resource"], message=row["message"], severity=row["severity"],
        trap_configuration=row["configuration"], variables=dict(row["variables"]),
    )  # fmt: skip


class TrapDetail(msgspec.Struct, kw_only=True):
    """A received trap whole: the packet as it came, and its variables by the MIBs loaded now."""

    trap: TrapMessage
    raw: str
    """The packet, base64."""
    size: int
    description: str
    notification: Place | None
    values: list[Value]
    """Empty where the packet is encrypted."""


@trap_configurations.action("GET", "trap_msgs/{trap}/")
async def trap_msg(ctx: Context, trap: str) -> TrapDetail:
    """A received trap with its raw packet"""
    count = 0
    rows: list[dict[str, Any]] = []
    if trap.isascii() and trap.isdigit() and int(trap) < 2**64:
        count, rows = await store.search(_telemetry(ctx), ctx.organization, number=int(trap), limit=1)
    if not count:
        raise NotFound("There is no such trap.")
    row = rows[0]
    packet = base64.b64decode(row["raw"])
    tree = await tree_of(ctx)
    values: list[Value] = []
    try:
        got = message.decode(packet)
        pdu = got.pdu if isinstance(got, message.Message) else None
        if pdu is None and isinstance(got, message.Secured) and not got.flags & message.PRIVATE:
            _engine, _name, pdu = message.scoped(got.body)
        if pdu is not None:
            values = [value_of(tree, item) for item in message.notification(pdu).varbinds]
    except Malformed:
        values = []
    node = tree.by_oid.get(ber.parse_oid(row["oid"]))
    return TrapDetail(
        trap=_shown(row), raw=row["raw"], size=len(packet), values=values,
        description=node.description if node else "", notification=place(node.numbers, node) if node else None,
    )  # fmt: skip


class FromNotification(msgspec.Struct, kw_only=True):
    """The notification, by OID, name or MODULE::name, and what should differ from the proposal."""

    notification: str
    name: str = ""
    severity: Any = None
    alarm_msg: str = ""
    clear_msg: str = ""
    trap_clear_oid: str = ""
    set_criteria: Any = None
    reset_criteria: Any = None


@trap_configurations.action("POST", "from_notification/", privilege="add", status=201)
async def from_notification(ctx: Context, body: FromNotification) -> Saved:
    """Make a configuration from a notification of a loaded MIB

    Name, message, clearing trap and severity are proposed from what the MIB says; what is given here comes first.
    """
    tree = await tree_of(ctx)
    _oid, node = find(tree, body.notification, "notification")
    if node is None or node.kind != "notification":
        raise Invalid.field("notification", f"{body.notification.strip()[:80]!r} is no notification of a loaded MIB.")
    proposed = library.propose(tree, node)
    given = {name: value for name, value in msgspec.to_builtins(body).items() if value not in (None, "", {}, [])}
    given.pop("notification")
    row = await writing.create(ctx, trap_configurations, {**proposed, **given})
    out = await verbs.whole(ctx, trap_configurations, row["id"])
    answer = verbs.saved(trap_configurations, out, row["id"], "create")
    return Reply(answer, status=201, headers={"ETag": writing.etag(row["id"], row["version"])})  # type: ignore[return-value]


class Source(msgspec.Struct, kw_only=True):
    """A sender whose traps are accepted."""

    source: str
    accepted: int
    limited: int


class Refusal(msgspec.Struct, kw_only=True):
    """Traps that were not accepted: from whom, why, how many. Communities are shown masked."""

    source: str
    reason: str
    who: str
    count: int
    first: datetime
    last: datetime


class Statistics(msgspec.Struct, kw_only=True):
    """What the trap receiver of this process did since it started."""

    listening: bool
    port: int
    problem: str
    engine_id: str
    received: int
    accepted: int
    stored: int
    events: int
    informs: int
    repeated: int
    malformed: int
    refused: int
    other: int
    limited: int
    kernel_dropped: int
    lost: int
    buffer_bytes: int
    sources: list[Source]
    strangers: list[Refusal]


@trap_configurations.action("GET", "statistics/")
async def statistics(ctx: Context) -> Statistics:
    """What was received, accepted, refused and lost, and who was refused why"""
    service = ctx.platform.service(TrapReceiver)
    if service is None or service.receiver is None or service.decoder is None:
        blank = dict.fromkeys(
            ("received", "accepted", "stored", "events", "informs", "repeated", "malformed", "refused", "other",
             "limited", "kernel_dropped", "lost", "buffer_bytes"), 0)  # fmt: skip
        problem = service.problem if service else "This process does not receive traps."
        return Statistics(listening=False, port=0, problem=problem, engine_id="", sources=[], strangers=[], **blank)
    decoder, stats = service.decoder, service.receiver.stats.look()
    counts, by_source = decoder.counts, stats.by_source()
    accepted = {source: number for (name, source), number in list(decoder.accepted_from.items())
                if name == ctx.organization}  # fmt: skip
    # Whose a stranger is, nobody knows: the first organization looks after the installation.
    strangers = list(decoder.strangers.values()) if service.is_default(ctx.organization) else []
    return Statistics(
        listening=True, port=service.receiver.port, problem=service.problem,
        engine_id=decoder.engine.engine_id.hex(), received=stats.received, accepted=counts.accepted,
        stored=counts.stored, events=counts.events, informs=counts.informs, repeated=counts.repeated,
        malformed=counts.malformed, refused=counts.refused, other=counts.other, limited=stats.limited,
        kernel_dropped=stats.kernel_dropped, lost=service.lost, buffer_bytes=stats.buffer_bytes,
        sources=[
            Source(source=source, accepted=number, limited=by_source[source].limited if source in by_source else 0)
            for source, number in sorted(accepted.items(), key=lambda item: -item[1])[:500]
        ],
        strangers=[
            Refusal(source=item.source, reason=item.reason, who=item.who, count=item.count, first=item.first,
                    last=item.last)
            for item in reversed(strangers[-500:])
        ],
    )  # fmt: skip


__all__ = ["trap_configurations"]
