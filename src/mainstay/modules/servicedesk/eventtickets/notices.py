"""E-mail about what a trigger did with incidents."""

from __future__ import annotations

import html
from collections.abc import Sequence

from mainstay.kernel import mail
from mainstay.kernel.context import Context
from mainstay.kernel.richtext import plain
from mainstay.modules.servicedesk.eventtickets import people
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger
from mainstay.modules.servicedesk.incident import engine
from mainstay.modules.servicedesk.incident.tables import Incident

SINGLE = 10
"""Incidents at once, up to which each has a mail of its own."""
_PRIORITY = {choice.id: choice.name for choice in engine.PRIORITIES}


async def tell(ctx: Context, trigger: EventTrigger, what: str, found: Sequence[tuple[Incident, str]]) -> None:
    """Mail that incidents were opened, reopened or resolved, each with the rich text that says more."""
    if not ctx.platform.settings.smtp_host or not (
        trigger.notify_users or trigger.notify_emails or trigger.notify_team
    ):
        return
    recipients = await people.addresses(ctx, trigger, [incident for incident, _text in found])
    by_address: dict[str, list[tuple[Incident, str]]] = {}
    for incident, shown in found:
        for to in recipients[incident.id]:
            by_address.setdefault(to, []).append((incident, shown))
    mails: list[mail.Mail] = []
    for to, items in by_address.items():
        if len(items) > SINGLE:
            mails.append(mail.Mail(to, *_digest(ctx, trigger, what, [incident for incident, _shown in items])))
            continue
        mails += [mail.Mail(to, *_text(ctx, trigger, what, *item), reference=item[0].id) for item in items]
    await mail.queue_many(ctx, mails)


def _digest(ctx: Context, trigger: EventTrigger, what: str, found: Sequence[Incident]) -> tuple[str, str, str]:
    """One mail for many at once: a storm must not become one of mail."""
    subject = f"{len(found)} incidents were {what} by the trigger {trigger.name}"
    lines = [f"{row.display_id}  {_PRIORITY[row.priority_id]}  {row.summary}" for row in found[:200]]
    url = f"{ctx.platform.settings.base_url}/incident"
    rich = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    rich = f'<p>{html.escape(subject)}</p><ul>{rich}</ul><p><a href="{html.escape(url)}">{html.escape(url)}</a></p>'
    return subject, "\n".join([subject, "", *lines, "", url, ""]), rich


def _text(ctx: Context, trigger: EventTrigger, what: str, incident: Incident, shown: str) -> tuple[str, str, str]:
    """Subject, text and rich text."""
    url = f"{ctx.platform.settings.base_url}/incident/{incident.id}"
    head = (
        f"{incident.display_id} was {what} by the trigger {trigger.name}. Priority: {_PRIORITY[incident.priority_id]}."
    )
    subject = f"[{incident.display_id}] {what.capitalize()}: {incident.summary}"
    rich = f'<p>{html.escape(head)}</p>{shown}<p><a href="{html.escape(url)}">{html.escape(url)}</a></p>'
    return subject, f"{head}\n\n{plain(shown)}\n\n{url}\n", rich
