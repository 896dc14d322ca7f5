"""The default roles of a new organization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mainstay.kernel import store
from mainstay.kernel.access.bootstrap import ADMIN_ROLE
from mainstay.kernel.access.tables import Role
from mainstay.kernel.context import Context

EVERY = ("view", "add", "edit", "delete", "execute", "export", "approve")
WORK = ("view", "add", "edit", "export")

# name → (description, portal only, {module: privileges}); "*" is every module.
DEFAULTS: dict[str, tuple[str, bool, dict[str, Iterable[str]]]] = {
    "IT Manager": (
        "Runs the asset life cycle, dashboards and discovery; sees all work.", False,
        {"*": ("view", "export"), "incident": EVERY, "asset": EVERY, "vendor": EVERY, "department": WORK,
         "location": WORK, "tag": WORK, "team": WORK, "announcement": WORK, "requester": WORK, "leave": EVERY,
         "user": ("view", "export")},
    ),
    "IT Support Operator": (
        "Answers tickets.", False,
        {"incident": (*WORK, "execute"), "requester": WORK, "tag": ("view", "add"), "team": ("view",),
         "department": ("view",), "location": ("view",), "announcement": ("view",), "vendor": ("view",),
         "user": ("view",), "leave": ("view", "add")},
    ),
    "NOC Operator": (
        "Watches the network: alarms, events and notifications, and the tickets from them.", False,
        {"incident": (*WORK, "execute"), "event": EVERY, "requester": ("view",), "team": ("view",),
         "location": ("view",), "announcement": WORK, "user": ("view",), "leave": ("view", "add"),
         "department": ("view",), "tag": ("view",), "vendor": ("view",)},
    ),
    "Approver": ("Approves from the portal.", True, {"incident": ("view", "approve"), "announcement": ("view",)}),
    "Requester": ("Raises and follows own tickets in the portal.", True,
                  {"incident": ("view", "add"), "announcement": ("view",)}),
    "Site User": (
        "Vendor side: keeps locations, holidays, password policy and leaves; sees the rest.", False,
        {"location": EVERY, "leave": EVERY, "settings": ("view", "edit"), "user": ("view",), "vendor": ("view",),
         "announcement": ("view",), "department": ("view",), "tag": ("view",)},
    ),
    "Vendor Admin": (
        "A site user who also keeps users and vendors.", False,
        {"location": EVERY, "leave": EVERY, "settings": ("view", "edit"), "user": EVERY, "vendor": EVERY,
         "announcement": ("view",), "department": ("view",), "tag": ("view",)},
    ),
}  # fmt: skip


def permissions(grantable: dict[str, dict[str, dict[str, bool]]], wanted: dict[str, Iterable[str]]) -> dict[str, Any]:
    """The permission document that grants ``wanted`` where this installation has the module."""
    made: dict[str, Any] = {}
    for section, modules in grantable.items():
        for module, privileges in modules.items():
            granted = set(wanted.get(module, wanted.get("*", ())))
            made.setdefault(section, {})[module] = {name: name in granted for name in privileges}
    return made


async def make_defaults(ctx: Context) -> dict[str, Role]:
    """The default roles, by name; the administrator's has every privilege and cannot be changed."""
    grantable = ctx.platform.registry.grantable()
    made = {
        ADMIN_ROLE: Role(role_name=ADMIN_ROLE, description="Everything. Cannot be edited or deleted.", is_admin=True,
                         is_preconfigured=True, selected_permissions=permissions(grantable, {"*": EVERY})),
    }  # fmt: skip
    for name, (description, portal, wanted) in DEFAULTS.items():
        made[name] = Role(role_name=name, description=description, portal_only=portal, is_preconfigured=True,
                          selected_permissions=permissions(grantable, wanted))  # fmt: skip
    for role in made.values():
        await store.add(ctx, role)
    return made
