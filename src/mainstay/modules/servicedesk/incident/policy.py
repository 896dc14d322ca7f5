"""What an organization decides about its incidents."""

from __future__ import annotations

from mainstay.kernel.options import option
from mainstay.modules.servicedesk.incident import engine

PREFIX = option("incident.prefix", "text", "INC", "Incident number prefix", section="Incidents")
AUTO_CLOSE = option(
    "incident.auto_close_days",
    "integer",
    7,
    "Days after which a resolved incident closes (0: never)",
    section="Incidents",
    minimum=0,
    maximum=365,
)
NOTE_REQUIRED = option(
    "incident.resolution_note_required", "boolean", True, "Resolving needs a note", section="Incidents"
)
MATRIX = option(
    "incident.priority_matrix",
    "json",
    engine.MATRIX,
    "Priority by impact and urgency",
    section="Incidents",
    help="Impact code → urgency code → priority code.",
)
ACKNOWLEDGE = option(
    "incident.acknowledge", "boolean", True, "Acknowledge new incidents to the requester by e-mail", section="Incidents"
)
ACKNOWLEDGEMENT = option(
    "incident.acknowledgement",
    "longtext",
    'Hello {{requester_name}},\n\nwe received your report "{{summary}}" and filed it as {{display_id}}.\n'
    "Answer this message to add to it.",
    "Acknowledgement text",
    section="Incidents",
    help="Merge fields: " + ", ".join(engine.MERGE_FIELDS) + ".",
)
