"""What the web console asks for besides the documented API: metadata of the resources, and search."""

from __future__ import annotations

from typing import Any

import msgspec

from mainstay import __version__
from mainstay.kernel import customfields, search, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Group
from mainstay.kernel.resource import Resource

console = Group("Console")

AREAS = (
    ("servicedesk", "Service desk"), ("assets", "Assets"), ("monitoring", "Monitoring"), ("ipam", "IPAM"),
    ("logs", "Logs"), ("netconfig", "Network configuration"), ("people", "People"),
    ("organization", "Organization"), ("settings", "Configuration"),
)  # fmt: skip
"""The navigation, top to bottom."""


class Metadata(msgspec.Struct, kw_only=True):
    """Everything the console's generic pages are made from, as far as the caller may see it."""

    version: str
    product: str
    areas: list[dict[str, str]]
    resources: list[dict[str, Any]]
    hidden: list[str]
    """Names of the resources that the caller may not see: an address below them is known, and refused."""


class Search(msgspec.Struct, kw_only=True):
    q: str = ""
    limit: int = 8


class Found(msgspec.Struct, kw_only=True):
    results: list[dict[str, Any]]


@console.route("GET", "/api/metadata")
async def metadata(ctx: Context) -> Metadata:
    """The declared resources, their fields, verbs and the caller's privileges."""
    shown = [
        await _resource(ctx, res)
        for res in ctx.platform.registry.resources.values()
        if ctx.principal.can(res.permission, "view")
    ]
    used = {item["area"] for item in shown}
    seen = {item["name"] for item in shown}
    return Metadata(
        version=__version__,
        product="Mainstay",
        areas=[{"name": name, "label": label} for name, label in AREAS if name in used],
        resources=shown,
        hidden=sorted(ctx.platform.registry.resources.keys() - seen),
    )


async def _resource(ctx: Context, res: Resource[Any]) -> dict[str, Any]:
    fields = await verbs.describe_fields(ctx, res)
    return {
        "name": res.name, "label": res.label, "plural": res.plural, "area": res.area, "path": res.path,
        "id": res.id_name, "title": res.title, "permission": res.permission,
        "privileges": [name for name in res.privileges if ctx.principal.can(res.permission, name)],
        "verbs": {verb: spellings[0] for verb, spellings in res.verbs.items()},
        "default_sort": res.sort, "default_reverse": res.reverse,
        "default_columns": [item["name"] for item in fields if item["column"]] or [res.title],
        "custom_fields": res.custom_fields, "hidden_in_menu": not res.in_menu, "page": res.page, "fields": fields,
        "by_status": await customfields.by_status(ctx, res) if res.custom_fields else {},
    }  # fmt: skip


@console.route("GET", "/api/search")
async def find(ctx: Context, query: Search) -> Found:
    """Records of any kind by their words."""
    if not 1 <= query.limit <= 50:
        raise Invalid.field("limit", "limit must be between 1 and 50.")
    return Found(results=await search.find(ctx, query.q, query.limit))
