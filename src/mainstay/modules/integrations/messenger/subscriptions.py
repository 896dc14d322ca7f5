"""Notification subscriptions: who is told what, where and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from mainstay.kernel import query, rows
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.integrations.messenger import engine
from mainstay.modules.integrations.messenger.tables import (
    ABOUT,
    API,
    BEEP,
    EMAIL,
    EVENT,
    OF,
    SMS,
    SYSLOG,
    TRIGGER_NAMES,
    Channel,
    Subscription,
    Template,
)

WITHOUT_PEOPLE = frozenset({API, SYSLOG})


class Subscriptions(Behaviour[Subscription]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        if "filters" in data and "conditions" not in data:
            data = {**data, "conditions": data["filters"]}
        return data

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            await check(ctx, row)

    async def change(
        self, ctx: Context, entity: Subscription, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        await check(ctx, {name: getattr(entity, name) for name in subscriptions.fields} | values)

    async def options(self, ctx: Context) -> dict[str, Any]:
        return {"triggers": {about: [{"id": name, "name": TRIGGER_NAMES[name]} for name in names]
                             for about, names in OF.items()}}  # fmt: skip


async def check(ctx: Context, row: Mapping[str, Any]) -> None:
    """Raises ``Invalid`` naming what does not fit together."""
    about = row.get("about") or EVENT
    strange = [name for name in row.get("triggers") or () if name not in OF[about]]
    if strange:
        label = next(choice.name for choice in ABOUT if choice.id == about)
        known = ", ".join(TRIGGER_NAMES[name] for name in OF[about])
        raise Invalid.field("triggers", f"{TRIGGER_NAMES[strange[0]]} does not happen to {label.lower()}: {known}.")
    await _conditions(ctx, about, row.get("conditions"))
    for name in ("quiet_from", "quiet_until"):
        try:
            engine.clock(row.get(name) or "")
        except ValueError:
            raise Invalid.field(name, "Please give a time of day such as 22:00.") from None
    if bool(row.get("quiet_from")) != bool(row.get("quiet_until")):
        missing = "quiet_until" if row.get("quiet_from") else "quiet_from"
        raise Invalid.field(missing, "Quiet hours need a beginning and an end.")
    try:
        ZoneInfo(row.get("timezone") or "UTC")
    except (KeyError, ValueError, OSError):
        raise Invalid.field("timezone", "The time zone must be a name such as Europe/Berlin.") from None
    kinds = set(
        (await ctx.session.execute(select(Channel.kind).where(Channel.id.in_(row.get("channels") or [])))).scalars()
    )
    _recipients(row, kinds, about)
    if row.get("template"):
        subject = await ctx.session.scalar(select(Template.about).where(Template.id == row["template"]))
        if subject != about:
            raise Invalid.field("template", f"This template is about {subject}s, the subscription about {about}s.")


async def _conditions(ctx: Context, about: str, conditions: Any) -> None:
    res = ctx.platform.registry.resources.get(about)
    if not conditions or res is None:
        return
    try:
        query.where(await rows.source(ctx, res), query.parse_filters(conditions))
    except Invalid as wrong:
        raise Invalid.field("conditions", wrong.error) from None


def _recipients(row: Mapping[str, Any], kinds: set[str], about: str) -> None:
    people = row.get("people") or []
    if about == EVENT and set(people) - {"assignee"}:
        raise Invalid.field("people", "Events have an assignee, but no team, watchers or requester.")
    anybody = any(row.get(name) for name in ("users", "teams", "people"))
    addresses = row.get("addresses") or []
    for word in addresses:
        if not ("@" in word and " " not in word) and not _phone(word):
            raise Invalid.field("addresses", f"{word[:60]!r} is neither an e-mail address nor a phone number.")
    reached = {
        EMAIL: anybody or any("@" in word for word in addresses),
        SMS: anybody or any(_phone(word) for word in addresses),
        BEEP: anybody,
    }
    for kind in sorted(kinds - WITHOUT_PEOPLE):
        if not reached[kind]:
            raise Invalid.field("users", f"Nobody would be told by {kind}: please provide users, teams or addresses.")


def _phone(word: str) -> bool:
    digits = sum(char.isdigit() for char in word)
    return digits >= 3 and all(char.isdigit() or char in "+ ()-./" for char in word)


subscriptions = Resource(
    Subscription,
    module="Notification Subscriptions",
    path="/api/notification-subscriptions/",
    label="Notification subscription",
    title="name",
    area="settings",
    section="Configuration",
    behaviour=Subscriptions(),
    custom_fields=False,
    sample={
        "name": "Critical events to the night shift", "about": "event", "triggers": ["raised", "cleared"],
        "conditions": {"severity": [1, 2]}, "channels": ["E-mail"], "teams": ["Network"], "repeat_minutes": 15,
    },
)  # fmt: skip
