"""Table of locations."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, unique


class Location(Record):
    """A place: a country, a city, a site, a floor. ``parent`` is the place around it."""

    __tablename__ = "location"
    __table_args__ = (unique("location", "lower:location_name"),)

    location_name: Mapped[str] = f.text(
        label="Name", length=256, required=True, search=True, unique=True, column=True, aliases=("name",)
    )
    parent: Mapped[str | None] = f.reference(
        "location", label="Part of", column=True, index=True, aliases=("parent_location",)
    )
    address_type: Mapped[str] = f.text(label="Type of address", help="Head office, branch, vendor address …")
    region: Mapped[str] = f.text(label="Region", length=100)
    country: Mapped[str] = f.text(label="Country", length=100, search=True, column=True)
    state: Mapped[str] = f.text(label="State", length=100, column=True)
    district: Mapped[str] = f.text(label="District", length=100)
    city: Mapped[str] = f.text(label="City", length=100, search=True, column=True)
    area: Mapped[str] = f.text(label="Area line", length=100)
    subarea: Mapped[str] = f.text(label="Building line", length=100)
    address: Mapped[str] = f.text(label="Address", length=1000, search=True)
    pincode: Mapped[str] = f.text(label="Postal code", length=100, search=True, column=True)
    landmark: Mapped[str] = f.text(label="Landmark", length=100)
    description: Mapped[str] = f.text(label="Extra information", length=1000)
    latitude: Mapped[float | None] = f.number(label="Latitude", minimum=-90, maximum=90, section="Map")
    longitude: Mapped[float | None] = f.number(label="Longitude", minimum=-180, maximum=180, section="Map")
    base_radius: Mapped[float | None] = f.number(label="Radius in km", minimum=0, maximum=20_000, section="Map")
    city_bb: Mapped[str] = f.text(label="Bounding box of the city", length=100, section="Map")
    created_by_gis: Mapped[bool] = f.boolean(label="From a map", section="Map")
    is_ci: Mapped[bool] = f.boolean(label="Configuration item")
    is_preconfigured: Mapped[bool] = f.boolean(label="Built in", read_only=True)
