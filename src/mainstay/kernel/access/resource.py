"""API keys: made once, shown once, revocable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mainstay.kernel import store, verbs
from mainstay.kernel.access.auth import KEY_PREFIX
from mainstay.kernel.access.tables import ApiKey, Role
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Forbidden, Invalid
from mainstay.kernel.operation import Saved
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.kernel.secrets import new_token, token_hash


class ApiKeys(Behaviour[ApiKey]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            await may_grant(ctx, row["role"])
            if row.get("expires_at") and row["expires_at"] <= ctx.now:
                raise Invalid.field("expires_at", "The key would have expired already.")
            key = KEY_PREFIX + new_token()
            row.update(key_hash=token_hash(key), prefix=key[:10], acts_as=ctx.principal.profile_id or None)
            ctx.cache["created"] = {"key": key}

    async def change(self, ctx: Context, entity: ApiKey, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        if values.get("role"):
            await may_grant(ctx, values["role"])


async def may_grant(ctx: Context, role_id: str) -> None:
    """Nobody hands out more than they hold. Raises ``Forbidden``."""
    from mainstay.kernel.access.auth import privileges

    role = await store.get(ctx, Role, role_id)
    who = ctx.principal
    if who.is_admin:
        return
    if role.is_admin or not privileges(ctx, role) <= who.privileges:
        raise Forbidden("You cannot grant a role that has privileges you do not have.")


apikeys = Resource(
    ApiKey,
    module="API Keys",
    path="/api/keys/",
    label="API key",
    title="name",
    area="settings",
    section="Configuration",
    verbs={"template": None, "columns": None, "validate": None, "import": None, "attachments": None,
           "comments": None},
    extra={"key": str},
    behaviour=ApiKeys(),
    custom_fields=False,
    page="apikeys",
    sample={"name": "Monitoring", "role": "Service Desk Agent"},
)  # fmt: skip


@apikeys.action("POST", "{id}/revoke/", privilege="edit")
async def revoke(ctx: Context, id: str) -> Saved:
    """Revoke an API key: it stops working at once, for good."""
    key = await verbs.entity_of(ctx, apikeys, id, lock=True)
    key.revoked = True
    await store.save(ctx, key, action="revoke")
    return verbs.saved(apikeys, await verbs.whole(ctx, apikeys, key.id), key.id, "update")
