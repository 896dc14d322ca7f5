"""Tables of what items are made of. Discovery fills them set-wise; nobody edits them one by one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, func
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from mainstay.kernel.record import Base, Identifier, JsonType, Scoped, Timestamp, new_id


class Part(Scoped):
    """What every part has: the item, a key that is stable between two looks at it, and who saw it when."""

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    ci: Mapped[str] = mapped_column(Identifier)
    key: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(255), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)
    source: Mapped[str] = mapped_column(String(16), default="manual")
    first_seen: Mapped[datetime] = mapped_column(Timestamp)
    last_seen: Mapped[datetime] = mapped_column(Timestamp)
    missing_since: Mapped[datetime | None] = mapped_column(Timestamp)
    """Since when the source that knew it no longer reports it."""

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        name = cls.__tablename__  # type: ignore[attr-defined]
        return (Index(f"uq_{name}_ci_key", "organization", "ci", "key", unique=True),)


class CiInterface(Part, Base):
    """A network interface (IF-MIB) or port."""

    __tablename__ = "ci_interface"

    if_index: Mapped[int | None] = mapped_column(Integer)
    alias: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(String(255), default="")
    kind: Mapped[str] = mapped_column(String(60), default="")
    speed: Mapped[int | None] = mapped_column(BigInteger)
    """Bits per second."""
    mtu: Mapped[int | None] = mapped_column(Integer)
    mac: Mapped[str] = mapped_column(String(23), default="")
    admin_status: Mapped[str] = mapped_column(String(16), default="")
    oper_status: Mapped[str] = mapped_column(String(16), default="")
    duplex: Mapped[str] = mapped_column(String(16), default="")
    vlan: Mapped[str] = mapped_column(String(64), default="")
    lag: Mapped[str] = mapped_column(String(200), default="")
    """Key of the aggregate (IEEE 802.1AX) that it is a member of."""
    slot: Mapped[str] = mapped_column(String(64), default="")
    addresses: Mapped[list[str]] = mapped_column(JsonType, default=list)
    is_port: Mapped[bool] = mapped_column(Boolean, default=False)
    """A physical port, not a logical interface."""


Index("ix_ci_interface_mac", CiInterface.organization, CiInterface.mac)


class CiHardware(Part, Base):
    """A hardware part: one entry of the tree of ENTITY-MIB (RFC 6933)."""

    __tablename__ = "ci_hardware"

    parent_key: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(40), default="")
    """chassis, module, port, powerSupply, fan, sensor, container, stack, cpu, memory, disk ..."""
    position: Mapped[int | None] = mapped_column(Integer)
    description: Mapped[str] = mapped_column(String(500), default="")
    serial_number: Mapped[str] = mapped_column(String(120), default="")
    manufacturer: Mapped[str] = mapped_column(String(120), default="")
    model: Mapped[str] = mapped_column(String(160), default="")
    part_number: Mapped[str] = mapped_column(String(120), default="")
    hardware_revision: Mapped[str] = mapped_column(String(120), default="")
    firmware: Mapped[str] = mapped_column(String(120), default="")
    software: Mapped[str] = mapped_column(String(120), default="")
    is_fru: Mapped[bool] = mapped_column(Boolean, default=False)


class CiSoftware(Part, Base):
    """Something installed or running on an item."""

    __tablename__ = "ci_software"

    kind: Mapped[str] = mapped_column(String(40), default="application")
    """application, service, environment, driver, update, process"""
    version: Mapped[str] = mapped_column(String(160), default="")
    publisher: Mapped[str] = mapped_column(String(160), default="")
    path: Mapped[str] = mapped_column(String(500), default="")
    state: Mapped[str] = mapped_column(String(40), default="")
    start_mode: Mapped[str] = mapped_column(String(40), default="")
    installed_on: Mapped[str] = mapped_column(String(32), default="")


Index("ix_ci_software_name", CiSoftware.organization, func.lower(CiSoftware.name))


class CiStorage(Part, Base):
    """A disk, a file system, memory: something with a size (HOST-RESOURCES-MIB)."""

    __tablename__ = "ci_storage"

    kind: Mapped[str] = mapped_column(String(40), default="filesystem")
    total: Mapped[int | None] = mapped_column(BigInteger)
    used: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes, both."""
    file_system: Mapped[str] = mapped_column(String(60), default="")


class CiResource(Part, Base):
    """What is watched on an item: a processor, an interface, a disk, a process, a service."""

    __tablename__ = "ci_resource"

    kind: Mapped[str] = mapped_column(String(40), default="other")
    alias: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(String(500), default="")
    criticality: Mapped[int] = mapped_column(Integer, default=3)
    is_monitored: Mapped[bool] = mapped_column(Boolean, default=True)
    tags: Mapped[list[str]] = mapped_column(JsonType, default=list)


class CiSighting(Scoped, Base):
    """When a source first and last saw an item."""

    __tablename__ = "ci_sighting"

    ci: Mapped[str] = mapped_column(Identifier, primary_key=True)
    source: Mapped[str] = mapped_column(String(16), primary_key=True)
    first_seen: Mapped[datetime] = mapped_column(Timestamp)
    last_seen: Mapped[datetime] = mapped_column(Timestamp)


class CiClaim(Scoped, Base):
    """A value that a source of lower precedence claims for an attribute: a conflict until somebody decides."""

    __tablename__ = "ci_claim"
    __table_args__ = (
        Index("uq_ci_claim_ci_attribute_source", "organization", "ci", "attribute", "source", unique=True),
        Index("ix_ci_claim_open", "organization", "decision", "seen"),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    ci: Mapped[str] = mapped_column(Identifier)
    attribute: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(16))
    value: Mapped[Any] = mapped_column(JsonType)
    seen: Mapped[datetime] = mapped_column(Timestamp)
    decision: Mapped[str] = mapped_column(String(16), default="open")
    """open, kept (the item's value stays), taken (the claim was put in its place)"""
    decided_by: Mapped[str] = mapped_column(String(255), default="")
    decided_at: Mapped[datetime | None] = mapped_column(Timestamp)


PARTS: dict[str, type[Any]] = {
    "interfaces": CiInterface,
    "hardware": CiHardware,
    "software": CiSoftware,
    "storage": CiStorage,
    "resources": CiResource,
}
