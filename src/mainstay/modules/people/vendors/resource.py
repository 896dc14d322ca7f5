"""The Vendor Managemment module of the API (the documented spelling)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mainstay.kernel import links, references
from mainstay.kernel.context import Context
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.kernel.validation import read
from mainstay.modules.people.vendors.tables import Vendor


class Vendors(Behaviour[Vendor]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        # The documented phone number and location are objects.
        out = dict(data)
        phone = out.get("phone_number")
        if isinstance(phone, Mapping):
            out["phone_number"] = flat_phone(phone)
        place = out.get("location")
        if isinstance(place, Mapping):
            out["location"] = place.get("location_id") or place.get("id") or place.get("location_name") or ""
        return out

    async def change(self, ctx: Context, entity: Vendor, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        # A record as read has phone and place twice; whichever was edited counts.
        phone, place = given.get("phone_number"), given.get("location")
        if phone is not None and values.get("phone") == entity.phone:
            values["phone"] = read(vendors.fields["phone"], phone)
        if place is not None and values.get("location_id") == entity.location_id != place:
            other = {"location_id": place or None}
            await links.resolve_one(ctx, {"location_id": vendors.fields["location_id"]}, other)
            values["location_id"] = other["location_id"]

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["phone_number"] = {"number": row["phone"]} if row.get("phone") else {}
            place = row.get("location_id")
            row["location"] = (
                {"id": place, "location_id": place, "location_name": row.get("location_id_name")} if place else {}
            )

    async def removing(self, ctx: Context, entities: Sequence[Vendor]) -> None:
        await references.release(ctx, "vendor", "The vendor", [entity.id for entity in entities], keep=("servicedesk",))


def flat_phone(phone: Mapping[str, Any]) -> str:
    """``{"code": "+1", "number": "555 0100"}`` as one text."""
    code = phone.get("code") or phone.get("country_code") or phone.get("phone_ext") or ""
    number = phone.get("number") or phone.get("phone_number") or phone.get("phone") or ""
    return f"{code} {number}".strip()


vendors = Resource(
    Vendor,
    module="Vendor Managemment",
    path="/ux/common/vendor/vendor/",
    label="Vendor",
    title="vendor_name",
    area="people",
    section="Organization",
    id_name="vendor_id",
    mirrors={"name": "vendor_name"},
    extra={"phone_number": dict[str, Any], "location": dict[str, Any]},
    behaviour=Vendors(),
    natural_key="vendor_name",
    sample={
        "vendor_name": "Northwind Networks",
        "status": 1,
        "type": 4,
        "web_url": "https://northwind.example",
        "contact_person": "Kim Lee",
        "email": "kim@northwind.example",
        "phone_number": {"number": "+1 555 0100"},
    },
)
