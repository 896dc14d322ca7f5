"""The Requester module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, or_, select

from mainstay.kernel import options, store, verbs, writing
from mainstay.kernel.access.tables import STAFF, Invitation, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.operation import Reply, Saved
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.people.invitations.service import HOURS
from mainstay.modules.people.requesters import service
from mainstay.modules.people.requesters.tables import TYPES, Requester
from mainstay.modules.people.users.resource import COLORS, Updated

MAX_NOTIFY = 20


class Requesters(Behaviour[Requester]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        made = dict(data)
        details = made.get("user_details")
        if isinstance(details, dict) and details.get("reporting_id") and "reporting_manager" not in made:
            made["reporting_manager"] = details["reporting_id"]
        base = made.get("base_location")
        if base and "site" not in made:
            made["site"] = base
        for name in ("notify_email", "notify_phone"):
            if isinstance(made.get(name), str):
                made[name] = [part for part in made[name].replace(";", ",").split(",") if part.strip()]
        return made

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            _check(row)
            row["source"] = service.MANUAL
            row.setdefault("is_login_enable", False)
        await service.open_accounts(ctx, rows, [_details(item) for item in given])

    async def change(self, ctx: Context, entity: Requester, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        _check(values)
        if values.get("reporting_manager") and values["reporting_manager"] == entity.profile_id:
            raise Invalid.field("reporting_manager", "Nobody reports to themselves.")

    async def saved(
        self, ctx: Context, entity: Requester, diff: list[dict[str, Any]], given: Mapping[str, Any]
    ) -> None:
        if diff or _details(given):
            await service.follow(ctx, entity, given)

    async def removing(self, ctx: Context, entities: Sequence[Requester]) -> None:
        await service.remove_accounts(ctx, entities)

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        ids = [row["profile_id"] for row in rows if row.get("profile_id")]
        accounts: dict[str, Any] = {}
        if ids:
            invited = select(Invitation.target).where(Invitation.accepted_at.is_(None), Invitation.expires_at > ctx.now)
            query = select(
                User.id,
                User.number,
                User.username,
                User.kind,
                User.is_2fa_enabled,
                User.is_ad,
                User.profile_image,
                User.id.in_(invited).label("invited"),
            ).where(User.id.in_(ids))
            accounts = {row.id: row for row in await ctx.session.execute(query)}
        for row in rows:
            account = accounts.get(row.get("profile_id") or "")
            colour = row.get("avatar_color") or COLORS[sum(map(ord, row["id"])) % len(COLORS)]
            row.update(
                user_id=account.number if account else None,
                username=account.username if account else "",
                is_staff=bool(account and account.kind == STAFF),
                invited_user=bool(account and account.invited),
                is_2fa_enabled=bool(account and account.is_2fa_enabled),
                is_ad=bool(account and account.is_ad),
                is_profile_image=bool(account and account.profile_image),
                avatar_color=colour,
                user_details={
                    "username": account.username if account else "",
                    "reporting_id": row.get("reporting_manager"),
                    "reporting_name": row.get("reporting_manager_name"),
                },
                base_location={"id": row["site"], "name": row.get("site_name")} if row.get("site") else {},
            )


def _details(given: Mapping[str, Any]) -> dict[str, Any]:
    details = given.get("user_details") or {}
    if not isinstance(details, dict):
        raise Invalid.field("user_details", "user_details must be an object.")
    return details


def _check(values: Mapping[str, Any]) -> None:
    for name in ("notify_email", "notify_phone"):
        if len(values.get(name) or ()) > MAX_NOTIFY:
            raise Invalid.field(name, f"At most {MAX_NOTIFY} addresses can be given.")
    if any("@" not in address for address in values.get("notify_email") or ()):
        raise Invalid.field("notify_email", "Every entry must be an e-mail address.")


requesters = Resource(
    Requester,
    module="Requester",
    path="/ux/common/requester/profile/",
    label="Requester",
    title="full_name",
    area="people",
    section="User Management",
    id_name="requester_id",
    mirrors={
        "requester_type": "type_name",
        "contact_number": "phone_number",
        "contact": "phone_number",
        "unmasked_full_name": "full_name",
        "unmasked_email": "email",
    },
    extra={
        "requester_type": str | None,
        "user_id": int | None,
        "username": str,
        "is_staff": bool,
        "invited_user": bool,
        "is_2fa_enabled": bool,
        "is_ad": bool,
        "is_profile_image": bool,
        "user_details": dict[str, Any],
        "base_location": dict[str, Any],
    },
    verbs={
        "import": ("upload-csv/", "create-csv/"),
        "template": "download-csv/",
        "columns": "csv-columns/",
        "validate": "validate-csv/",
    },
    behaviour=Requesters(),
    natural_key="email",
    output_name="RequesterList",
    sample={
        "full_name": "Meera Nair",
        "email": "meera@example.com",
        "phone_number": "+91 98400 11111",
        "phone_ext": "",
        "land_line": "",
        "is_login_active": True,
        "is_login_enable": False,
        "type": "Internal",
        "notify_email": [],
        "notify_phone": [],
        "tags": [],
        "designation": "Accountant",
        "emp_type": "Permanent",
        "joining_date": "2024-04-01",
        "user_details": {"username": "meera"},
        "location": {"street": "1 Beach Road", "city": "Chennai", "country": "India"},
    },
)


class Which(msgspec.Struct, kw_only=True):
    """One requester or several, by id."""

    requester_id: str = ""
    ids: list[str] = []


class NewManager(Which, kw_only=True):
    """``reporting_id``: a user or a requester with an account; empty for none."""

    reporting_id: str | None = None
    reporting_manager: str | None = None


class NewStatus(Which, kw_only=True):
    is_active: bool | None = None
    is_login_active: bool | None = None


class Lookup(msgspec.Struct, kw_only=True):
    """Any one of these says who is meant."""

    requester_id: str = ""
    email: str = ""
    profile_id: str = ""
    user_id: int | None = None


class InitConfig(msgspec.Struct, kw_only=True):
    """What the requester pages need to begin."""

    fields: list[dict[str, Any]]
    choices: dict[str, list[dict[str, Any]]]
    requester_types: list[dict[str, Any]]
    invitation_hours: int
    total: int
    active: int
    login_enabled: int
    at: datetime


async def _several(ctx: Context, body: Which) -> list[Requester]:
    wanted = list(dict.fromkeys([*body.ids, *([body.requester_id] if body.requester_id else [])]))
    if not wanted:
        raise Invalid.field("requester_id", "Please provide requester_id.")
    if len(wanted) > store.CHUNK:
        raise Invalid.field("ids", f"At most {store.CHUNK} requesters can be changed at once.")
    found = list((await ctx.session.execute(select(Requester).where(Requester.id.in_(wanted)))).scalars())
    missing = set(wanted) - {row.id for row in found}
    if missing:
        raise Invalid.field("requester_id", f"There is no requester {sorted(missing)[0][:64]!r}.")
    return found


@requesters.action("POST", "updateReportingMngr/", privilege="edit")
async def update_reporting_manager(ctx: Context, body: NewManager) -> Updated:
    """Say whom requesters report to."""
    rows = await _several(ctx, body)
    given = (body.reporting_id or body.reporting_manager or "").strip()
    manager = await service.manager_of(ctx, given) if given else None
    if manager and any(row.profile_id == manager for row in rows):
        raise Invalid.field("reporting_id", "Nobody reports to themselves.")
    ids = [row.id for row in rows]
    return Updated(updated=await store.update_many(ctx, Requester, ids, {"reporting_manager": manager}))


@requesters.action("POST", "updateRequesterStatus/", privilege="edit")
async def update_requester_status(ctx: Context, body: NewStatus) -> Updated:
    """Activate or deactivate requesters. Deactivation ends their log-ins at once."""
    wanted = body.is_active if body.is_active is not None else body.is_login_active
    if wanted is None:
        raise Invalid.field("is_active", "Please provide is_active.")
    return Updated(updated=await service.set_active(ctx, await _several(ctx, body), wanted))


@requesters.action("POST", "requester_details/", write=False, returns=requesters.output)
async def requester_details(ctx: Context, body: Lookup) -> Any:
    """One requester, found by id, e-mail address or account."""
    tests: list[Any] = []
    if body.requester_id:
        tests.append(Requester.id == body.requester_id)
    if body.email:
        tests.append(func.lower(Requester.email) == body.email.strip().lower())
    if body.profile_id:
        tests.append(Requester.profile_id == body.profile_id)
    if body.user_id is not None:
        tests.append(Requester.profile_id.in_(select(User.id).where(User.number == body.user_id)))
    if not tests:
        raise Invalid.field("requester_id", "Please provide requester_id, email, profile_id or user_id.")
    found = await store.find(ctx, select(Requester).where(or_(*tests)).order_by(Requester.id))
    if found is None:
        raise NotFound("There is no such requester.")
    return await verbs.whole(ctx, requesters, found.id)


@requesters.action(
    "POST",
    "create_new_requester/",
    privilege="add",
    body=requesters.input,
    returns=verbs.saved_of(requesters),
)
async def create_new_requester(ctx: Context, body: Any) -> Reply:
    """The requester with this e-mail address; a new one where there is none.

    For forms that need somebody now.
    """
    data = writing.document(body)
    email = str(data.get("email") or "").strip()
    if email:
        known = await store.find(ctx, select(Requester).where(func.lower(Requester.email) == email.lower()))
        if known is not None:
            out = await verbs.whole(ctx, requesters, known.id)
            return Reply(Saved(id=known.id, message="requester_found", msg="The requester exists already.", data=out))
        data.setdefault("full_name", data.get("name") or email.split("@")[0])
    row = await writing.create(ctx, requesters, data)
    return Reply(verbs.saved(requesters, await verbs.whole(ctx, requesters, row["id"]), row["id"], "create"))


@requesters.action("GET", "initconfig/")
async def initconfig(ctx: Context) -> InitConfig:
    """What the requester pages need to begin: fields, choices, how many there are."""
    form = await verbs.form_options(ctx, requesters)
    (hours,) = await options.get(ctx, HOURS)
    counts = select(
        func.count(),
        func.count().filter(Requester.is_login_active.is_(True)),
        func.count().filter(Requester.is_login_enable.is_(True)),
    ).select_from(Requester)
    total, active, enabled = (await ctx.session.execute(counts)).one()
    return InitConfig(
        fields=form.fields,
        choices=form.choices,
        invitation_hours=int(hours),
        total=total,
        active=active,
        login_enabled=enabled,
        at=ctx.now,
        requester_types=[{"id": item.id, "name": item.name} for item in TYPES],
    )
