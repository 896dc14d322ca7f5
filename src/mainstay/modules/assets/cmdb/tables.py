"""Tables of items: the item, and the addresses it answers on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Index, String, column, func, text
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.record import Base, Identifier, JsonType, Record, Scoped, Timestamp, live_index, unique
from mainstay.modules.assets.cmdb.engine import IN_USE, STATES

IT_ASSET, FIXED_ASSET, CONSUMABLE, SOFTWARE = 1, 2, 3, 4
TYPES = (
    f.Choice(IT_ASSET, "IT asset"),
    f.Choice(FIXED_ASSET, "Fixed asset"),
    f.Choice(CONSUMABLE, "Consumable"),
    f.Choice(SOFTWARE, "Software"),
)
CRITICALITIES = (
    f.Choice(1, "Critical", "#b91c1c"),
    f.Choice(2, "High", "#c2410c"),
    f.Choice(3, "Medium", "#a16207"),
    f.Choice(4, "Low", "#15803d"),
)
UP, DEGRADED, DOWN, UNKNOWN = 1, 2, 3, 4
OPERATIONAL = (
    f.Choice(UP, "Up", "#15803d"),
    f.Choice(DEGRADED, "Degraded", "#a16207"),
    f.Choice(DOWN, "Down", "#b91c1c"),
    f.Choice(UNKNOWN, "Unknown", "#6b7280"),
)
ENVIRONMENTS = tuple(
    f.Choice(name.lower().replace(" ", "_"), name)
    for name in ("Production", "Staging", "Test", "Development", "Disaster recovery")
)
ALLOCATIONS = (f.Choice("allocated", "Allocated"), f.Choice("deallocated", "Deallocated"))
SOURCES = (
    f.Choice("manual", "By hand"),
    f.Choice("csv", "CSV import"),
    f.Choice("api", "API"),
    f.Choice("discovery", "Discovery"),
    f.Choice("agent", "Agent"),
)

PEOPLE = ("owner", "managed_by", "used_by", "requester")
"""The links from an item to people."""


def held(name: str) -> Index:
    """An index over the items that have this reference; the others cost nothing."""
    where = text(f"is_deleted = 0 AND {name} IS NOT NULL")
    return Index(
        f"ix_ci_{name}",
        column("organization"),
        column(name),
        column("creation_time"),
        column("id"),
        sqlite_where=where,
        postgresql_where=text(f"is_deleted = false AND {name} IS NOT NULL"),
    )


def _by(name: str, *columns: Any) -> Index:
    return live_index(f"ix_ci_{name}", column("organization"), *columns)


def _filtered(name: str, *beside: str) -> Index:
    """For lists filtered by ``name`` in their usual order; with what else they are filtered by (and whether an item is
    deleted) in the index, no item is read to be passed over."""
    return _by(name, *[column(one) for one in (name, "creation_time", "id", *beside, "is_deleted")])


class Ci(Record):
    """A configuration item. Attributes of its category are in ``custom_field_data``, typed and filterable."""

    __tablename__ = "ci"
    __table_args__ = (
        unique("ci", "display_id"),
        _filtered("category", "status", "criticality"),
        _filtered("status", "category", "criticality"),
        _filtered("criticality", "category", "status"),
        *(held(name) for name in ("location", "department", "vendor", "parent", *PEOPLE)),
        _by("name", column("name"), column("id")),
        _by("lower_name", func.lower(column("name"))),
        _by("serial", func.lower(column("serial_number"))),
        _by("asset_tag", func.lower(column("asset_tag"))),
    )

    name: Mapped[str] = f.text(label="Name", required=True, search=True, column=True, aliases=("ci_name", "asset_name"))
    display_id: Mapped[str] = f.text(label="Asset ID", length=40, read_only=True, search=True, column=True, csv=False)
    category: Mapped[str] = f.reference(
        "ci_category",
        label="Category",
        required=True,
        column=True,
        aliases=("category_id", "ci_category", "cmdb_class"),
    )
    asset_type: Mapped[int] = f.choice(TYPES, default=IT_ASSET, label="Type")
    status: Mapped[int] = f.choice(
        STATES, default=IN_USE, label="Status", column=True, aliases=("state", "life_cycle_state")
    )
    status_reason: Mapped[str] = f.text(
        label="Reason for the status", length=500, listed=False, aliases=("reason", "retire_reason")
    )
    operational_status: Mapped[int] = f.choice(OPERATIONAL, default=UNKNOWN, label="Operational status")
    criticality: Mapped[int] = f.choice(CRITICALITIES, default=3, label="Criticality", column=True)
    environment: Mapped[str | None] = f.choice(ENVIRONMENTS, label="Environment")
    business_function: Mapped[str] = f.text(label="Business function", listed=False)
    usage_type: Mapped[str] = f.text(label="Usage", length=120, listed=False)
    description: Mapped[str] = f.longtext(label="Description")
    tags: Mapped[list[str]] = f.tags(label="Tags", aliases=("tag",))
    parent: Mapped[str | None] = f.reference("ci", label="Part of", listed=False, aliases=("parent_ci",))

    ip_address: Mapped[str] = f.text(
        label="IP address", length=45, search=True, column=True, section="Network", aliases=("ip", "management_address")
    )
    host_name: Mapped[str] = f.text(label="Host name", search=True, section="Network", aliases=("hostname", "fqdn"))
    mac_address: Mapped[str] = f.text(label="MAC address", length=23, section="Network", listed=False)

    serial_number: Mapped[str] = f.text(
        label="Serial number", length=120, search=True, column=True, section="Identity", aliases=("serial",)
    )
    asset_tag: Mapped[str] = f.text(label="Asset tag", length=120, search=True, section="Identity")
    manufacturer: Mapped[str] = f.text(
        label="Manufacturer", length=120, section="Identity", column=True, aliases=("make",)
    )
    model: Mapped[str] = f.text(label="Model", length=160, section="Identity", column=True)
    part_number: Mapped[str] = f.text(label="Part number", length=120, section="Identity", listed=False)
    engine_id: Mapped[str] = f.text(label="SNMP engine ID", length=80, section="Identity", listed=False)
    chassis_id: Mapped[str] = f.text(label="Chassis ID", length=80, section="Identity", listed=False)
    uuid: Mapped[str] = f.text(label="System UUID", length=64, section="Identity", listed=False)
    ssh_host_key: Mapped[str] = f.text(
        label="SSH host key", length=80, section="Identity", listed=False, help="Its fingerprint, such as SHA256:…"
    )
    sys_object_id: Mapped[str] = f.text(label="sysObjectID", length=160, section="Identity", listed=False)

    os_name: Mapped[str] = f.text(label="Operating system", length=160, section="System", aliases=("os",))
    os_version: Mapped[str] = f.text(label="Version", length=120, section="System", aliases=("version",))
    firmware: Mapped[str] = f.text(label="Firmware", length=120, section="System", listed=False)
    cpu: Mapped[str] = f.text(label="Processor", length=160, section="System", listed=False)
    cpu_count: Mapped[int | None] = f.integer(label="Processors", minimum=0, section="System", listed=False)
    memory_mb: Mapped[int | None] = f.integer(label="Memory in MB", minimum=0, section="System", listed=False)
    disk_gb: Mapped[int | None] = f.integer(label="Disk in GB", minimum=0, section="System", listed=False)

    owner: Mapped[str | None] = f.user(label="Owner", section="People")
    managed_by: Mapped[str | None] = f.user(label="Managed by", section="People")
    used_by: Mapped[str | None] = f.user(label="Used by", section="People", column=True)
    requester: Mapped[str | None] = f.reference("requester", label="Requester", section="People")
    team: Mapped[str | None] = f.reference("team", label="Support team", section="People", listed=False)
    allocation: Mapped[str | None] = f.choice(ALLOCATIONS, label="Allocation", section="People", read_only=True)
    allocated_at: Mapped[datetime | None] = f.instant(
        label="Allocated since", section="People", read_only=True, listed=False
    )

    location: Mapped[str | None] = f.reference("location", label="Location", section="Place", column=True)
    department: Mapped[str | None] = f.reference("department", label="Department", section="Place")
    rack: Mapped[str] = f.text(label="Rack", length=80, section="Place", listed=False)
    rack_unit: Mapped[int | None] = f.integer(label="Rack unit", minimum=0, maximum=100, section="Place", listed=False)

    vendor: Mapped[str | None] = f.reference("vendor", label="Vendor", section="Procurement")
    purchase_order: Mapped[str] = f.text(label="Purchase order", length=80, section="Procurement", listed=False)
    invoice: Mapped[str] = f.text(label="Invoice", length=80, section="Procurement", listed=False)
    purchase_date: Mapped[date | None] = f.day(label="Purchased", section="Procurement", listed=False)
    cost: Mapped[float | None] = f.number(label="Cost", minimum=0, section="Procurement", aliases=("purchase_cost",))
    currency: Mapped[str] = f.text(label="Currency", length=3, section="Procurement", listed=False)
    cost_center: Mapped[str] = f.text(label="Cost centre", length=80, section="Procurement", listed=False)
    warranty_start: Mapped[date | None] = f.day(label="Warranty from", section="Procurement", listed=False)
    warranty_expiry: Mapped[date | None] = f.day(
        label="Warranty until", section="Procurement", aliases=("warranty_end",)
    )
    amc_vendor: Mapped[str | None] = f.reference("vendor", label="Maintenance by", section="Procurement", listed=False)
    amc_cost: Mapped[float | None] = f.number(
        label="Maintenance cost a year", minimum=0, section="Procurement", listed=False
    )
    amc_expiry: Mapped[date | None] = f.day(label="Maintenance until", section="Procurement", listed=False)
    lease_end: Mapped[date | None] = f.day(label="Leased until", section="Procurement", listed=False)
    expiry_date: Mapped[date | None] = f.day(label="Expires", section="Procurement", listed=False)
    installed_on: Mapped[date | None] = f.day(
        label="Installed", section="Procurement", listed=False, aliases=("installation_date",)
    )
    uninstalled_on: Mapped[date | None] = f.day(
        label="Uninstalled", section="Procurement", listed=False, aliases=("uninstall_date",)
    )

    source: Mapped[str] = f.choice(SOURCES, default="manual", label="First source", section="Discovery", read_only=True)
    last_seen: Mapped[datetime | None] = f.instant(label="Last seen", section="Discovery", read_only=True)
    state_changed_at: Mapped[datetime | None] = f.instant(label="In this status since", read_only=True, listed=False)
    origins: Mapped[dict[str, str]] = mapped_column(JsonType, default=dict)
    """Attribute → source that set it. An attribute without an entry belongs to ``source``."""


class CiAddress(Scoped, Base):
    """A network address of an item, in its canonical form. Several items may claim one."""

    __tablename__ = "ci_address"
    __table_args__ = (Index("ix_ci_address_ci", "organization", "ci"),)

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    address: Mapped[str] = mapped_column(String(45), primary_key=True)
    ci: Mapped[str] = mapped_column(Identifier, primary_key=True)
    management: Mapped[bool] = mapped_column(Boolean, default=False)
    """The address of the item's own record, or one that it is managed by; identifies it."""
    source: Mapped[str] = mapped_column(String(16), default="manual")
    last_seen: Mapped[datetime] = mapped_column(Timestamp)


class CiIdentity(Scoped, Base):
    """A value that identifies an item: of a unique identifier of its category, or one that devices carry.

    ``enforced``: no second item may have it; the index stands behind the check.
    """

    __tablename__ = "ci_identity"
    __table_args__ = (
        Index("ix_ci_identity_ci", "organization", "ci"),
        Index(
            "uq_ci_identity_rule_value",
            "organization",
            "rule",
            "value",
            unique=True,
            sqlite_where=text("enforced = 1"),
            postgresql_where=text("enforced = true"),
        ),
    )

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    rule: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[str] = mapped_column(String(400), primary_key=True)
    ci: Mapped[str] = mapped_column(Identifier, primary_key=True)
    enforced: Mapped[bool] = mapped_column(Boolean, default=False)
