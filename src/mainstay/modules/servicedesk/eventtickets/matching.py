"""Which events a trigger's conditions fit, decided by the database with the filters that lists take."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, true, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from mainstay.kernel import query, rows, store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.query import Source
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.events.resource import events
from mainstay.modules.monitoring.events.tables import NEWEST_FIRST, SEVERITIES, Event
from mainstay.modules.organization.locations.tables import Location
from mainstay.modules.people.teams.tables import Team
from mainstay.modules.servicedesk.eventtickets import engine
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger

VARIABLE = "variables."
_NAME = re.compile(r"[\w.-]{1,100}")
_SEVERITY = {choice.id: choice.name for choice in SEVERITIES}


async def condition(ctx: Context, document: Any) -> ColumnElement[bool]:
    """The SQL of a trigger's conditions. Raises ``Invalid`` that names ``conditions``."""
    try:
        parsed = query.parse_filters(document)
        found = query.where(_with_variables(await rows.source(ctx, events), parsed), parsed)
    except Invalid as wrong:
        raise Invalid.field("conditions", wrong.error) from None
    return true() if found is None else found


def _with_variables(source: Source, document: Any) -> Source:
    """The source, with the site, and every ``variables.<name>`` that the conditions mention as a field of text."""
    columns, fields = dict(source.columns), dict(source.fields)
    for name in set(_mentioned(document, 0)):
        key = name[len(VARIABLE) :]
        if not _NAME.fullmatch(key):
            raise Invalid.field("conditions", f"{key[:60]!r} is not the name of a variable.")
        if source.sqlite:
            columns[name] = func.json_extract(Event.variables, f'$."{key}"')
        else:
            columns[name] = type_coerce(Event.variables, JSONB)[key].astext
        fields[name] = Field(name=name, label=name, kind="text")
    columns["site"] = select(Ci.location).where(Ci.id == Event.ci).scalar_subquery()
    fields["site"] = Field(name="site", label="Site", kind="reference", reference="location")
    return Source(columns=columns, fields=fields, custom=source.custom, document=source.document, sqlite=source.sqlite)


def _mentioned(node: Any, depth: int) -> Iterator[str]:
    if depth > 10:
        return
    if isinstance(node, list):
        for item in node:
            yield from _mentioned(item, depth + 1)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            named = value if key == "field" else key
            if isinstance(named, str) and named.startswith(VARIABLE):
                yield named
            yield from _mentioned(value, depth + 1)


async def fitting(ctx: Context, trigger: EventTrigger, ids: Sequence[str]) -> set[str]:
    """Those of the events that the trigger's conditions fit as they are now."""
    wanted = await _wanted(ctx, trigger)
    found: set[str] = set()
    for start in range(0, len(ids), store.CHUNK):
        part = select(Event.id).where(Event.id.in_(list(ids[start : start + store.CHUNK])), wanted)
        found |= set((await ctx.session.execute(part)).scalars())
    return found


async def newest(ctx: Context, trigger: EventTrigger, last: int) -> tuple[int, list[Event]]:
    """Of the last events: how many there are, and those that fit."""
    recent: Select[Any] = select(Event.id).order_by(*NEWEST_FIRST).limit(last)
    examined = int(await ctx.session.scalar(select(func.count()).select_from(recent.subquery())) or 0)
    wanted = await _wanted(ctx, trigger, live=False)
    found = select(Event).where(Event.id.in_(recent), wanted).order_by(*NEWEST_FIRST)
    return examined, list((await ctx.session.execute(found)).scalars())


async def _wanted(ctx: Context, trigger: EventTrigger, *, live: bool = True) -> ColumnElement[bool]:
    wanted = await condition(ctx, trigger.conditions)
    if live and trigger.only_if_not_cleared:
        wanted = and_(wanted, Event.cleared.is_(False))
    if trigger.skip_suppressed:
        wanted = and_(wanted, Event.suppressed.is_(False), Event.maintenance.is_(None))
    return wanted


async def facts(ctx: Context, found: Collection[Event]) -> dict[str, dict[str, Any]]:
    """What expressions may name of each event, by its id; at most two statements."""
    places = await _places(ctx, {event.ci for event in found if event.ci})
    return {event.id: _facts(event, places.get(event.ci or "", ("", "", "", ""))) for event in found}


def _facts(event: Event, place: tuple[str, str, str, str]) -> dict[str, Any]:
    ci_name, site_id, site, ci_team = place
    return {
        "event_id": event.id, "event_class": event.event_class, "message": event.message,
        "severity": _SEVERITY[_raised(event)], "severity_id": _raised(event), "host": event.host,
        "address": event.address, "device": ci_name or event.host or event.address, "resource": event.resource,
        "source": event.source, "rule": event.rule, "reference": event.reference, "ci": event.ci or "",
        "ci_name": ci_name, "ci_team": ci_team, "site": site, "site_id": site_id, "tags": ", ".join(event.tags or []),
        "count": event.count, "first_seen": event.first_seen, "assignee": event.assignee or "",
        "fingerprint": event.fingerprint, "variables": event.variables or {}, "cleared": event.cleared,
        "device_key": event.ci or event.address or event.host.lower() or event.fingerprint,
    }  # fmt: skip


def _raised(event: Event) -> int:
    """The severity that counts: the one it was raised with, while a state of the product hides it."""
    return event.severity if event.severity <= 4 else event.original_severity


async def _places(ctx: Context, ids: set[str]) -> dict[str, tuple[str, str, str, str]]:
    """Name, site's id, site's name and team's name of configuration items."""
    if not ids:
        return {}
    statement = (
        select(Ci.id, Ci.name, Ci.location, Location.location_name, Team.name)
        .outerjoin(Location, Location.id == Ci.location)
        .outerjoin(Team, Team.id == Ci.team)
        .where(Ci.id.in_(sorted(ids)))
    )
    found = (await ctx.session.execute(statement)).all()
    return {row[0]: (row[1], row[2] or "", row[3] or "", row[4] or "") for row in found}


def check_expressions(values: Mapping[str, Any]) -> None:
    """Raises ``Invalid`` naming a field whose expression mentions what no event has."""
    for name in ("group_expression", "summary_template", "description_template", "team_from", "assignee_from",
                 "resolution_note"):  # fmt: skip
        unknown = engine.unknown_places(values.get(name) or "")
        if unknown:
            known = ", ".join(engine.FIELDS)
            raise Invalid.field(name, f"{{{{{unknown[0]}}}}} is nothing an event has. Use {known} or variables.<name>.")
