"""Words for messages: the macros there are, the shipped templates, and the values they are filled with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from sqlalchemy import select

from mainstay.kernel.access.tables import Organization
from mainstay.kernel.context import Context
from mainstay.kernel.layout import finish, layout
from mainstay.kernel.registry import Registry
from mainstay.kernel.richtext import plain
from mainstay.modules.integrations.messenger import templating
from mainstay.modules.integrations.messenger.tables import BEEP, EVENT, INCIDENT, SMS, SYSLOG, TRIGGER_NAMES
from mainstay.modules.integrations.messenger.templating import Part

PAGES = {EVENT: "/event/", INCIDENT: "/incident/"}
"""Where the console shows a record."""
BRIEF = (SMS, BEEP, SYSLOG)
ALONE = ("trigger", "trigger_name", "link", "organization", "now", "actor")


@dataclass(frozen=True, slots=True)
class Words:
    """A template, taken apart once."""

    subject: list[Part]
    body: list[Part]
    html: list[Part]


@dataclass(slots=True)
class Message:
    subject: str
    body: str
    html: str


SHIPPED: dict[str, tuple[str, str]] = {
    EVENT: (
        "{{#if event.cleared }}Cleared{{ else }}{{ event.severity_name }}{{/if}}: {{ event.host | default \"\" }} "
        "{{ event.message | truncate 200 }}",
        "{{ trigger_name }}: {{ event.message }}\n\n"
        "Severity: {{ event.severity_name }}\n"
        "{{#if event.host }}Host: {{ event.host }}{{#if event.address }} ({{ event.address }}){{/if}}\n{{/if}}"
        "{{#if event.resource }}Resource: {{ event.resource }}\n{{/if}}"
        "Class: {{ event.event_class | default \"none\" }}\n"
        "First seen: {{ event.first_seen }}\n"
        "Last seen: {{ event.last_seen }}, {{ event.count }} times\n"
        "{{#if event.cleared }}Cleared: {{ event.cleared_at }}\n{{/if}}"
        "\n{{ link }}\n",
    ),
    INCIDENT: (
        "[{{ incident.display_id }}] {{ trigger_name }}: {{ incident.summary | truncate 200 }}",
        "{{ incident.display_id }} {{ incident.summary }}\n\n"
        "{{ trigger_name }}{{#if actor }} by {{ actor }}{{/if}}\n"
        "Status: {{ incident.status_id_name }}\n"
        "Priority: {{ incident.priority_id_name }}\n"
        "{{#if incident.team_name }}Team: {{ incident.team_name }}\n{{/if}}"
        "{{#if incident.assignee_name }}Assignee: {{ incident.assignee_name }}\n{{/if}}"
        "{{#if incident.requester_name }}Requester: {{ incident.requester_name }}\n{{/if}}"
        "{{#if incident.resolution_note }}Resolution: {{ incident.resolution_note }}\n{{/if}}"
        "\n{{ link }}\n",
    ),
}  # fmt: skip


def macros(registry: Registry, about: str) -> dict[str, Collection[str] | None]:
    """First words of the macros, and the fields behind them."""
    known: dict[str, Collection[str] | None] = dict.fromkeys(ALONE)
    res = registry.resources.get(about)
    if res is None:
        known[about] = ()
        return known
    names = {"id", "creation_time", "last_update_time", "custom_field_data"}
    for name, spec in res.fields.items():
        if spec.kind != "secret":
            names |= {name, f"{name}_name"} if name in res.links or spec.kind == "choice" else {name}
    known[about] = names
    return known


def check(registry: Registry, about: str, text: str) -> str | None:
    """What is wrong with a text of a template, or nothing."""
    return templating.check(text, macros(registry, about))


def words(subject: str, body: str, html: str) -> Words:
    """Raises ``TemplateError``."""
    return Words(templating.parse(subject), templating.parse(body), templating.parse(html))


def shipped(about: str, kind: str = "") -> Words:
    """The words where no template was chosen; where a message is one line, they are one line."""
    subject, body = SHIPPED[about]
    return words(subject, subject if kind in BRIEF else body, "")


def render(template: Words, values: Mapping[str, Any], zone: tzinfo | None = None) -> Message:
    """The message. Values are escaped in HTML; the subject is one line."""
    subject = templating.line_of(templating.render(template.subject, values, zone=zone))[:500]
    body = templating.render(template.body, values, zone=zone)
    if template.html:
        html = templating.render(template.html, values, templating.html_of, zone)
    else:
        html = templating.html_of(body).replace("\n", "<br>\n")
    return Message(subject, body, html)


async def records(ctx: Context, about: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The records' values with the names of what they refer to, by id, in one statement."""
    res = ctx.platform.registry.resources[about]
    shape = layout(ctx, res, whole=True)
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), 500):
        statement = shape.statement.where(res.model.id.in_(list(ids[start : start + 500])))
        for raw in (await ctx.session.execute(statement)).all():
            row = finish(shape, raw)
            for name, spec in res.fields.items():
                if spec.kind == "html" and row.get(name):
                    row[name] = plain(row[name])
            found[row["id"]] = row
    return found


async def organization_name(ctx: Context) -> str:
    found = await ctx.session.scalar(select(Organization.name).where(Organization.id == ctx.organization))
    return str(found or "")


def values(
    ctx: Context, about: str, record: Mapping[str, Any], trigger: str, *, organization: str = "", actor: str = ""
) -> dict[str, Any]:
    """What a template is filled with."""
    return {
        about: record,
        "trigger": trigger,
        "trigger_name": TRIGGER_NAMES.get(trigger, trigger.capitalize()),
        "link": f"{ctx.platform.settings.base_url}{PAGES[about]}{record.get('id', '')}",
        "organization": organization,
        "now": ctx.now,
        "actor": actor,
    }
