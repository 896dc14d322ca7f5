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

_PRIORITY = {choice.id: choice.name for choice in engine.PRIORITIES}


async def tell(ctx: Context, trigger: EventTrigger, what: str, found: Sequence[tuple[Incident, str]]) -> None:
    """Mail that incidents were opened, reopened or resolved, each with the rich text that says more."""
    if not ctx.platform.settings.smtp_host or not (
        trigger.notify_users or trigger.notify_emails or trigger.notify_team
    ):
        return
    recipients = await people.addresses(ctx, trigger, [incident for incident, _text in found])
    await mail.queue_many(
        ctx,
        [
            mail.Mail(to, *_text(ctx, trigger, what, incident, shown), reference=incident.id)
            for incident, shown in found
            for to in recipients[incident.id]
        ],
    )


def _text(ctx: Context, trigger: EventTrigger, what: str, incident: Incident, shown: str) -> tuple[str, str, str]:
    """Subject, text and rich text."""
    url = f"{ctx.platform.settings.base_url}/incident/{incident.id}"
    head = (
        f"{incident.display_id} was {what} by the trigger {trigger.name}. Priority: {_PRIORITY[incident.priority_id]}."
    )
    subject = f"[{incident.display_id}] {what.capitalize()}: {incident.summary}"
    rich = f'<p>{html.escape(head)}</p>{shown}<p><a href="{html.escape(url)}">{html.escape(url)}</a></p>'
    return subject, f"{head}\n\n{plain(shown)}\n\n{url}\n", rich
