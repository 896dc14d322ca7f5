"""Purge configuration in the API."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from mainstay.kernel import verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.organization.purge import service as _service  # noqa: F401 - declares the job
from mainstay.modules.organization.purge.tables import KINDS, Purge

SPELLED = {"upload_job": "upload job", "assets_scan_history": "assets scan history"}
"""Names as the API documents them, where they are no names of fields."""
NOT_KEPT = {
    "daydata": "Measurements are not summed up by day: hourly summaries are the coarsest.",
    "download jobs": "Exports are answered at once: there are no jobs to purge.",
    **dict.fromkeys(("incident", "problem", "request", "change"), "Tickets are not purged by age."),
}


class Purges(Behaviour[Purge]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        made = {**data, **(data["purge_configuration"] if isinstance(data.get("purge_configuration"), dict) else {})}
        made.pop("purge_configuration", None)
        for name, why in NOT_KEPT.items():
            for spelled in {name, name.replace(" ", "_")}:
                if made.pop(spelled, None) not in (None, "", 0):
                    raise Invalid.field(spelled, why)
        # Zero days is how other clients say that nothing goes.
        for name in (*KINDS, *SPELLED.values()):
            if name in made and str(made[name]) == "0":
                made[name] = None
        return made

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["config_id"] = row["purge_UUID"] = row.get("id", "")
            row["purge_configuration"] = {SPELLED.get(name, name): row.get(name) for name in KINDS}


purges = Resource(
    Purge,
    module="Purge Configuration",
    path="/ux/ims/purge_configuration/",
    label="Purge configuration",
    title="name",
    area="organization",
    section="Configuration",
    verbs=dict.fromkeys(("template", "columns", "validate", "import", "export")),
    extra={"config_id": str, "purge_UUID": str, "purge_configuration": dict[str, Any]},
    behaviour=Purges(),
    privileges=("view", "add", "edit", "delete"),
    sample={"name": "Usual", "rawdata": 7, "events": 90, "audits": 730},
)


@purges.action("GET", "fetch-save-data/", returns=purges.output)
async def saved(ctx: Context) -> Any:
    """The purge configuration that was saved last"""
    query = select(Purge.id).order_by(Purge.last_update_time.desc(), Purge.id.desc()).limit(1)
    there = (await ctx.session.execute(query)).scalar()
    if there is None:
        raise NotFound("There is no purge configuration: everything is kept as long as the installation keeps it.")
    return await verbs.whole(ctx, purges, there)
