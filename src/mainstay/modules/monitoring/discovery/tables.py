"""Tables of discovery: what is to be looked for, each run, and what became of each address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Base, Identifier, JsonType, Record, Scoped, Timestamp, new_id, unique

SNMP, ICMP, TCP, SSH, WINRM = "snmp", "icmp", "tcp", "ssh", "winrm"
PROTOCOLS = (
    Choice(SNMP, "SNMP"), Choice(ICMP, "ICMP"), Choice(TCP, "TCP ports"), Choice(SSH, "SSH"),
    Choice(WINRM, "WinRM (Windows)"),
)  # fmt: skip
FOLLOW = (Choice("lldp", "LLDP"), Choice("cdp", "CDP"), Choice("arp", "ARP"), Choice("routes", "Routes"))
SEEDS = "Seeds"


class Discovery(Record):
    """A discovery configuration."""

    __tablename__ = "discovery"
    __table_args__ = (unique("discovery", "lower:label"),)

    label: Mapped[str] = f.text(
        label="Name", required=True, search=True, unique=True, column=True, aliases=("name", "discovery_name")
    )
    description: Mapped[str] = f.text(label="Description", length=2000, search=True)
    host: Mapped[str] = f.longtext(
        label="Addresses", length=20_000, column=True, aliases=("ip_range", "addresses", "hosts"),
        help="Networks, ranges and addresses, separated by commas: 192.0.2.0/24, 198.51.100.10-198.51.100.40.",
    )  # fmt: skip
    secondary_host: Mapped[str] = f.longtext(label="Further addresses", length=20_000)
    protocol: Mapped[list[str]] = f.choices(
        PROTOCOLS, label="Protocols",
        help="Empty: SNMP, and SSH or WinRM where a credential below is for it. With ICMP, TCP or SSH, addresses that "
        "answer only these become items, too.",
    )  # fmt: skip
    params: Mapped[dict[str, Any]] = f.json(label="How to look", help="See the fields of the scanner.")
    credentials: Mapped[list[str]] = f.references(
        "credential", label="Credentials", help="In the order in which to try. Empty: all that are for the address."
    )
    schedule: Mapped[dict[str, Any]] = f.json(
        label="Schedule", help="period (once, every, daily, weekly, monthly), hour, min, unit, days; empty: by hand."
    )
    seeds: Mapped[str] = f.longtext(
        label="Seed devices", length=4000, section=SEEDS,
        help="Addresses of devices whose neighbours are followed by SNMP, separated by commas.",
    )  # fmt: skip
    seed_follow: Mapped[list[str]] = f.choices(
        FOLLOW, label="Follow", section=SEEDS, help="Which tables of a device lead on. Empty: all of them."
    )
    seed_depth: Mapped[int | None] = f.integer(
        default=2, minimum=0, maximum=20, label="Depth", section=SEEDS, help="Steps from a seed, at most."
    )
    seed_limit: Mapped[int | None] = f.integer(
        default=1000, minimum=1, maximum=20_000, label="Addresses at most", section=SEEDS,
        help="How many addresses a run asks that way, the seeds included.",
    )  # fmt: skip
    seed_ranges: Mapped[str] = f.longtext(
        label="Within", length=20_000, section=SEEDS,
        help="Networks, ranges and addresses that may be followed to. Empty: all whose devices may be asked "
        "(settings, Devices).",
    )  # fmt: skip
    dry_run: Mapped[bool] = f.boolean(label="Dry run", help="Look, and change nothing.")
    approval_required: Mapped[bool] = f.boolean(
        label="Approve before adding", help="New devices wait until somebody approves them."
    )
    csv_data: Mapped[list[Any]] = f.json(list, label="Listed addresses")
    is_enabled: Mapped[bool] = f.boolean(True, label="Enabled", column=True)
    agent_id: Mapped[str] = f.text(
        label="Collector", length=64, help="Name or id of the collector that asks, in its networks. Empty: this server."
    )
    next_run: Mapped[datetime | None] = f.instant(label="Next run", read_only=True, column=True, csv=False)
    last_run: Mapped[datetime | None] = f.instant(label="Last run", read_only=True, column=True, csv=False)
    job_iteration_id: Mapped[str] = f.text(label="Last run's id", length=25, read_only=True, csv=False)
    last_scan_result: Mapped[dict[str, Any]] = f.json(label="Last result", read_only=True)


class Iteration(Scoped, Base):
    """One run of a discovery. Its id is that of the background task and of the durable job."""

    __tablename__ = "discovery_iteration"
    __table_args__ = (Index("ix_discovery_iteration_discovery", "organization", "discovery", "started_at"),)

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    discovery: Mapped[str] = mapped_column(Identifier)
    started_at: Mapped[datetime] = mapped_column(Timestamp)
    finished_at: Mapped[datetime | None] = mapped_column(Timestamp)
    state: Mapped[str] = mapped_column(String(16), default="running")
    dry_run: Mapped[bool] = mapped_column(Boolean, default=False)
    trigger: Mapped[str] = mapped_column(String(16), default="manual")
    started_by: Mapped[str] = mapped_column(String(255), default="")
    total: Mapped[int] = mapped_column(Integer, default=0)
    counts: Mapped[dict[str, int]] = mapped_column(JsonType, default=dict)
    error: Mapped[str] = mapped_column(String(1000), default="")
    plan: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)
    """The configuration as it was when the run began."""


class Finding(Scoped, Base):
    """What became of one address in one run."""

    __tablename__ = "discovery_finding"
    __table_args__ = (Index("ix_discovery_finding_result", "organization", "iteration", "result"),)

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    iteration: Mapped[str] = mapped_column(Identifier, primary_key=True)
    address: Mapped[str] = mapped_column(String(45), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    result: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(1000), default="")
    seen: Mapped[datetime] = mapped_column(Timestamp)
    name: Mapped[str] = mapped_column(String(255), default="")
    ci: Mapped[str] = mapped_column(String(25), default="")
    credential: Mapped[str] = mapped_column(String(25), default="")
    rtt: Mapped[float | None] = mapped_column(Float)
    """Milliseconds until the answer to an echo."""
    open_ports: Mapped[list[int]] = mapped_column(JsonType, default=list)
    ssh: Mapped[dict[str, str]] = mapped_column(JsonType, default=dict)
    """How the SSH server introduced itself (banner, key_type, host_key), and the credential that logged in."""
    depth: Mapped[int | None] = mapped_column(Integer)
    """Steps from a seed; None: it was in the ranges."""
    leads: Mapped[list[list[str]]] = mapped_column(JsonType, default=list)
    """Addresses that the device told of: address, way, port. Kept only until they are followed."""
    identity: Mapped[dict[str, str]] = mapped_column(JsonType, default=dict)
    problems: Mapped[list[str]] = mapped_column(JsonType, default=list)
    neighbours: Mapped[list[dict[str, str]]] = mapped_column(JsonType, default=list)
    facts: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)
    """Kept only while the device waits for approval."""


class Order(Scoped, Base):
    """Addresses of a run that a collector is to ask."""

    __tablename__ = "discovery_order"
    __table_args__ = (Index("ix_discovery_order_collector", "organization", "collector"),)

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    iteration: Mapped[str] = mapped_column(Identifier, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Position of its first address."""
    collector: Mapped[str] = mapped_column(Identifier)
    content: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)


class Brought(Scoped, Base):
    """What one address of an order answered, as a collector brought it."""

    __tablename__ = "discovery_brought"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    iteration: Mapped[str] = mapped_column(Identifier, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    address: Mapped[str] = mapped_column(String(45), primary_key=True)
    heard: Mapped[bytes] = mapped_column(LargeBinary)
