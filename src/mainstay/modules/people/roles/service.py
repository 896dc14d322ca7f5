"""The default roles of a new organization, and the rules of the permission document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select, true

from mainstay.kernel import numbering, store
from mainstay.kernel.access.auth import flatten
from mainstay.kernel.access.bootstrap import ADMIN_ROLE
from mainstay.kernel.access.tables import Role, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Forbidden, Invalid

REQUESTER_ROLE = "Requester"

EVERY = ("view", "add", "edit", "delete", "execute", "export", "approve")
WORK = ("view", "add", "edit", "export")

# name → (description, portal only, {module: privileges}); "*" is every module.
DEFAULTS: dict[str, tuple[str, bool, dict[str, Iterable[str]]]] = {
    "IT Manager": (
        "Runs the asset life cycle, dashboards and discovery; sees all work.",
        False,
        {
            "*": ("view", "export"),
            "incident": EVERY,
            "asset": EVERY,
            "asset_audit": EVERY,
            "discovery": EVERY,
            "credential": EVERY,
            "device_template": EVERY,
            "monitor_threshold": EVERY,
            "maintenance": EVERY,
            "ci_category": EVERY,
            "ci_relation": EVERY,
            "device_group": EVERY,
            "item_classification": EVERY,
            "log_grok_pattern": EVERY,
            "log_pipeline": EVERY,
            "vendor": EVERY,
            "department": WORK,
            "location": WORK,
            "tag": WORK,
            "team": WORK,
            "announcement": WORK,
            "requester": WORK,
            "leave": EVERY,
            "leave_config": EVERY,
            "user": ("view", "export"),
        },
    ),
    "IT Support Operator": (
        "Answers tickets.",
        False,
        {
            "incident": (*WORK, "execute"),
            "asset": WORK,
            "asset_audit": ("view", "edit"),
            "ci_category": ("view",),
            "ci_relation": ("view", "add", "edit"),
            "device_group": ("view",),
            "item_classification": ("view",),
            "requester": WORK,
            "tag": ("view", "add"),
            "team": ("view",),
            "department": ("view",),
            "location": ("view",),
            "announcement": ("view",),
            "vendor": ("view",),
            "user": ("view",),
            "leave": ("view", "add"),
            "leave_config": ("view",),
        },
    ),
    "NOC Operator": (
        "Watches the network: alarms, events and notifications, and the tickets from them.",
        False,
        {
            "incident": (*WORK, "execute"),
            "event": EVERY,
            "event_trigger": ("view",),
            "event_rule": ("view",),
            "maintenance": (*WORK, "delete"),
            "trap_configuration": ("view", "export"),
            "mib": ("view", "execute"),
            "discovery": ("view", "execute"),
            "jobs": ("view", "execute"),
            "device_template": ("view",),
            "monitor_threshold": ("view",),
            "collector": ("view",),
            "business_hours": ("view",),
            "log_search": EVERY,
            "log_integration": ("view", "export"),
            "log_rule": ("view",),
            "log_grok_pattern": ("view",),
            "log_pipeline": ("view",),
            "asset": ("view", "export"),
            "ci_category": ("view",),
            "ci_relation": ("view",),
            "device_group": ("view",),
            "item_classification": ("view",),
            "requester": ("view",),
            "team": ("view",),
            "location": ("view",),
            "announcement": WORK,
            "user": ("view",),
            "leave": ("view", "add"),
            "leave_config": ("view",),
            "department": ("view",),
            "tag": ("view",),
            "vendor": ("view",),
        },
    ),
    "Approver": (
        "Approves from the portal.",
        True,
        {"incident": ("view", "approve"), "announcement": ("view",)},
    ),
    "Requester": (
        "Raises and follows own tickets in the portal.",
        True,
        {"incident": ("view", "add"), "announcement": ("view",)},
    ),
    "Site User": (
        "Vendor side: keeps locations, holidays, password policy and leaves; sees the rest.",
        False,
        {
            "location": EVERY,
            "leave": EVERY,
            "leave_config": EVERY,
            "settings": ("view", "edit"),
            "user": ("view",),
            "vendor": ("view",),
            "announcement": ("view",),
            "department": ("view",),
            "tag": ("view",),
        },
    ),
    "Vendor Admin": (
        "A site user who also keeps users and vendors.",
        False,
        {
            "location": EVERY,
            "leave": EVERY,
            "leave_config": EVERY,
            "settings": ("view", "edit"),
            "user": EVERY,
            "vendor": EVERY,
            "announcement": ("view",),
            "department": ("view",),
            "tag": ("view",),
        },
    ),
}


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
    first = await numbering.take(ctx, "role", 1 + len(DEFAULTS))
    rows: list[dict[str, Any]] = [
        {
            "role_name": ADMIN_ROLE,
            "description": "Everything. Cannot be edited or deleted.",
            "is_admin": True,
            "is_preconfigured": True,
            "selected_permissions": permissions(grantable, {"*": EVERY}),
            "group_id": first,
        }
    ]
    for number, (name, (description, portal, wanted)) in enumerate(DEFAULTS.items(), first + 1):
        rows.append(
            {
                "role_name": name,
                "description": description,
                "portal_only": portal,
                "is_preconfigured": True,
                "selected_permissions": permissions(grantable, wanted),
                "group_id": number,
            }
        )
    ids = [row["id"] for row in await store.add_many(ctx, Role, rows)]
    found = await ctx.session.execute(select(Role).where(Role.id.in_(ids)).order_by(Role.group_id))
    return {role.role_name: role for role in found.scalars()}


def complete(
    grantable: dict[str, dict[str, dict[str, bool]]], given: Any, before: dict[str, Any] | None = None
) -> dict[str, dict[str, dict[str, bool]]]:
    """The whole permission document: what is given, else as ``before``, else off.

    A module is known by its name, whatever section it is given under. Raises ``Invalid``.
    """
    wanted: dict[str, dict[str, bool]] = {}
    known = {module: privileges for modules in grantable.values() for module, privileges in modules.items()}
    for modules in (given if isinstance(given, dict) else _refuse("The privileges must be an object.")).values():
        if not isinstance(modules, dict):
            _refuse("Every section of the privileges must be an object of modules.")
        for module, privileges in modules.items():
            if module not in known:
                _refuse(f"There is no module {module[:60]!r} to give privileges on.")
            wanted.setdefault(module, {}).update(_privileges(module, privileges, known[module]))
    old = {module: granted for modules in (before or {}).values() for module, granted in modules.items()}
    return {
        section: {
            module: {
                name: wanted.get(module, {}).get(name, (old.get(module) or {}).get(name) is True) for name in privileges
            }
            for module, privileges in modules.items()
        }
        for section, modules in grantable.items()
    }


_ON, _OFF = (True, 1, "true", "True", "1"), (False, 0, None, "false", "False", "0", "")


def _privileges(module: str, given: Any, known: dict[str, bool]) -> dict[str, bool]:
    if not isinstance(given, dict):
        _refuse(f'The privileges on {module} must be an object such as {{"view": true}}.')
    made = {}
    for name, on in given.items():
        if isinstance(on, list | dict) or (on not in _ON and on not in _OFF):
            _refuse(f"{module}.{str(name)[:40]} must be true or false.")
        if name not in known:
            if on in _ON:
                _refuse(f"{module} has no privilege {str(name)[:40]!r}. It has: {', '.join(known)}.")
            continue
        made[name] = on in _ON
    return made


def _refuse(message: str) -> Any:
    raise Invalid.field("selected_permissions", message)


def may_hold(ctx: Context, document: dict[str, Any]) -> None:
    """Nobody makes a role that holds more than they do. Raises ``Forbidden``."""
    if ctx.principal.is_admin:
        return
    beyond = sorted(flatten(document) - ctx.principal.privileges)
    if beyond:
        module, privilege = beyond[0]
        raise Forbidden(
            f"You cannot make a role that may {privilege} {module.replace('_', ' ')}: you may not yourself."
        )


async def holders(ctx: Context, role_ids: Sequence[str]) -> dict[str, int]:
    """How many users hold each of these roles; one statement."""
    each: Any
    if ctx.platform.database.is_sqlite:
        each = func.json_each(User.role_ids).table_valued("value", name="held")
    else:
        each = func.jsonb_array_elements_text(User.role_ids).table_valued("value", name="held").render_derived()
    query = (
        select(each.c.value, func.count())
        .select_from(User)
        .join(each, true())
        .where(each.c.value.in_(list(role_ids)))
        .group_by(each.c.value)
    )
    return {row[0]: row[1] for row in (await ctx.session.execute(query)).all()}


async def portal_role(ctx: Context) -> Role:
    """The role that requesters get with their log-in."""
    query = select(Role).where(Role.role_name == REQUESTER_ROLE, Role.is_preconfigured.is_(True))
    found = await store.find(ctx, query)
    if found is None:
        raise Conflict(f"The role {REQUESTER_ROLE} is missing: requesters cannot get a log-in.")
    return found
