"""The Incident module of the API: the resource. Its actions are in ``actions``, ``content`` and ``lookups``."""

from __future__ import annotations

from mainstay.kernel import verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.operation import Reply
from mainstay.kernel.resource import Resource
from mainstay.modules.servicedesk.incident import service
from mainstay.modules.servicedesk.incident.shape import IncidentDetail, IncidentRecord
from mainstay.modules.servicedesk.incident.tables import Incident

PATH = "/ux/sd/inci/incident/"

incidents = Resource(
    Incident,
    module="Incident",
    path=PATH,
    label="Incident",
    title="summary",
    area="servicedesk",
    section="Service Desk",
    id_name="incident_id",
    privileges=("view", "add", "edit", "delete", "execute", "export", "approve"),
    behaviour=service.Incidents(),
    output=IncidentRecord,
    detail=IncidentDetail,
    output_name="Incident",
    page="incident",
    cache_lists=True,
    plain_inserts=True,
    natural_key="display_id",
    sample={
        "summary": "Mail cannot be sent",
        "description": "<p>Since this morning.</p>",
        "urgency": "High",
        "impact": "Department",
        "requester_email": "rita@example.com",
        "requester_name": "Rita Requester",
        "requester_phone": "",
        "reporter_name": "",
        "reporter_email": "",
        "reporter_phone": "",
        "catalogue": "",
        "impact_service": "",
        "impact_service_name": "",
        "service_classification": "",
        "service_classification_name": "",
        "incident_source": {"id": 3, "name": "Phone"},
        "tag": [],
        "assets": [],
        "custom_field": [{}],
        "attachment": {},
    },
)

SAVED = verbs.saved_of(incidents)


async def answered(ctx: Context, entity: Incident) -> Reply:
    """The answer of an action that changed an incident."""
    out = await verbs.whole(ctx, incidents, entity.id)
    return Reply(
        verbs.saved(incidents, out, entity.id, "update"), headers={"ETag": writing.etag(entity.id, entity.version)}
    )
