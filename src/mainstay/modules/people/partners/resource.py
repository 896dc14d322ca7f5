"""The Partner module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func

from mainstay.kernel import rows, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.people.partners import service
from mainstay.modules.people.partners.tables import Partner
from mainstay.modules.people.persons import whos
from mainstay.modules.people.vendors.resource import flat_phone


class Partners(Behaviour[Partner]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        out = dict(data)
        if isinstance(out.get("phone"), Mapping):
            out["phone"] = flat_phone(out["phone"])
        if "partner_operators" in out:
            out["partner_operators"] = whos(out["partner_operators"])
        return out

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row, data in zip(rows, given, strict=True):
            if data.get("password"):
                account = await service.make_account(ctx, row["partner_name"], row.get("email", ""), data["password"])
                row.update(profile_id=account.id, user_id=account.number)

    async def change(self, ctx: Context, entity: Partner, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        # The record as read has the phone twice; whichever was edited counts.
        phone = given.get("phone")
        if phone is not None and values.get("contact_number") == entity.contact_number:
            values["contact_number"] = str(phone)
        password = given.get("password")
        if password and entity.profile_id:
            await service.change_password(ctx, entity.profile_id, password)
        elif password:
            name, email = values.get("partner_name", entity.partner_name), values.get("email", entity.email)
            account = await service.make_account(ctx, name, email, password)
            entity.profile_id, entity.user_id = account.id, account.number

    async def removing(self, ctx: Context, entities: Sequence[Partner]) -> None:
        await service.close_accounts(ctx, [entity.profile_id for entity in entities if entity.profile_id])

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["phone"] = {"number": row["contact_number"]} if row.get("contact_number") else {}
            row["profile_image"] = ""


partners = Resource(
    Partner,
    module="Partner",
    path="/ux/common/partner/partner/",
    label="Partner",
    title="partner_name",
    area="people",
    section="User Management",
    id_name="partner_id",
    mirrors={"business_email": "email"},
    extra={"phone": dict[str, Any], "profile_image": str},
    behaviour=Partners(),
    natural_key="partner_name",
    sample={
        "partner_name": "Harbour Services",
        "business_email": "desk@harbour.example",
        "phone": "+1 555 0101",
        "address": "2 Quay Road",
        "partner_operators": [],
    },
)


class PartnerQuery(ListQuery, kw_only=True):
    """Which partners: by a part of the name or e-mail, or by one of the operators."""

    partner_name: str = ""
    email: str = ""
    operator: str = ""


@partners.action("GET", "filter/", returns=verbs.page_of(partners))
async def filtered(ctx: Context, query: PartnerQuery) -> Page:
    """Partners by name, e-mail or operator"""
    extra: list[Any] = []
    if query.partner_name:
        extra.append(func.lower(Partner.partner_name).contains(query.partner_name.lower(), autoescape=True))
    if query.email:
        extra.append(func.lower(Partner.email).contains(query.email.lower(), autoescape=True))
    if query.operator:
        extra.append(service.operated_by(ctx, query.operator))
    return await rows.page(ctx, partners, query, verbs.query_filters(query, None), extra=extra)
