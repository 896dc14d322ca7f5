"""Collectors in the API: what people do with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mainstay.kernel import store, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Saved
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.monitoring.collectors import service
from mainstay.modules.monitoring.collectors.tables import Collector
from mainstay.modules.monitoring.credentials.service import spans


class Collectors(Behaviour[Collector]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        if len(rows) > 1:
            raise Invalid("Please add collectors one at a time: each answer shows a token once.")
        for row in rows:
            _may_name(ctx, row.get("networks") or "")
            row["key"], row["token_prefix"], token = await service.new_key(ctx, row["name"])
            ctx.cache["created"] = {"token": token, "command": command(ctx, token)}

    async def change(self, ctx: Context, entity: Collector, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        _may_name(ctx, values.get("networks") or "")

    async def removing(self, ctx: Context, entities: Sequence[Collector]) -> None:
        await service.revoke_keys(ctx, [entity.key for entity in entities if entity.key])
        await service.forget(ctx, [entity.id for entity in entities])


def _may_name(ctx: Context, networks: str) -> None:
    """Whoever holds a collector's token is given the credentials of the devices in its networks: to have both is for
    those who may use credentials. Raises ``Forbidden``, or ``Invalid`` for what are no networks."""
    if spans(networks, "networks"):
        ctx.principal.require("credential", "execute")


def command(ctx: Context, token: str) -> str:
    """What to run at the site."""
    url = ctx.platform.settings.base_url
    return f"MAINSTAY_SERVER_URL={url} MAINSTAY_COLLECTOR_TOKEN={token} mainstay collector"


collectors = Resource(
    Collector,
    module="Collectors",
    path="/api/collectors/",
    label="Collector",
    title="name",
    area="monitoring",
    section="IT Operations",
    privileges=("view", "add", "edit", "delete", "export"),
    verbs={"template": None, "columns": None, "validate": None, "import": None, "attachments": None, "comments": None},
    extra={"token": str, "command": str},
    behaviour=Collectors(),
    sample={"name": "Branch office Lyon", "networks": "10.20.0.0/16"},
)


@collectors.action("POST", "{id}/new_token/", privilege="edit")
async def renew(ctx: Context, id: str) -> Saved:
    """Give a collector a new token; the old one ends at once. The answer shows it, once"""
    entity = await verbs.entity_of(ctx, collectors, id, lock=True)
    _may_name(ctx, entity.networks)
    if entity.key:
        await service.revoke_keys(ctx, [entity.key])
    entity.key, entity.token_prefix, token = await service.new_key(ctx, entity.name)
    await store.save(ctx, entity, action="new_token")
    out = {**_plain(await verbs.whole(ctx, collectors, entity.id)), "token": token, "command": command(ctx, token)}
    return verbs.saved(collectors, out, entity.id, "update")


def _plain(row: Any) -> dict[str, Any]:
    import msgspec

    made: dict[str, Any] = msgspec.to_builtins(row)
    return made
