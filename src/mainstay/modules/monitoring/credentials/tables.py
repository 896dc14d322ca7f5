"""Table of device credentials."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import JsonType, Record, unique
from mainstay.modules.monitoring.snmp.usm import AUTHS, PRIVACIES

SNMP_V1, SNMP_V2C, SNMP_V3, SSH, HTTP, HTTPS = "snmp_v1", "snmp_v2c", "snmp_v3", "ssh", "http", "https"
WINRM, WINRM_TLS = "winrm", "winrm_https"
KINDS = (
    Choice(SNMP_V1, "SNMP v1"), Choice(SNMP_V2C, "SNMP v2c"), Choice(SNMP_V3, "SNMP v3"), Choice(SSH, "SSH"),
    Choice(HTTP, "HTTP"), Choice(HTTPS, "HTTPS"), Choice(WINRM, "WinRM (Windows)"),
    Choice(WINRM_TLS, "WinRM by HTTPS (Windows)"),
)  # fmt: skip
SNMP, WEB, WINDOWS = (SNMP_V1, SNMP_V2C, SNMP_V3), (HTTP, HTTPS), (WINRM, WINRM_TLS)
SPELLED = {
    "SHA": "SHA-1", "AES": "AES-128", "AES-192-C": "AES-192 (Cisco's keys)", "AES-256-C": "AES-256 (Cisco's keys)",
}  # fmt: skip
AUTH_CHOICES = tuple(Choice(name, SPELLED.get(name, name)) for name in AUTHS)
PRIVACY_CHOICES = tuple(Choice(name, SPELLED.get(name, name)) for name in PRIVACIES)
ACTIVE, INACTIVE = 1, 0
STATUSES = (Choice(ACTIVE, "Active", "#16a34a"), Choice(INACTIVE, "Inactive", "#6b7280"))
DEFAULT_PORTS = {**dict.fromkeys(SNMP, 161), SSH: 22, HTTP: 80, HTTPS: 443, WINRM: 5985, WINRM_TLS: 5986}


class Credential(Record):
    """How to ask devices. What is secret is sealed and never answered."""

    __tablename__ = "credential"
    __table_args__ = (unique("credential", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", required=True, search=True, unique=True, column=True)
    kind: Mapped[str] = f.choice(KINDS, default=SNMP_V2C, label="Kind", column=True, aliases=("type", "protocol"))
    description: Mapped[str] = f.text(label="Description", length=2000, search=True)
    scope: Mapped[str] = f.text(
        label="For addresses", length=4000, column=True,
        help="Addresses, networks and ranges, separated by commas. Empty: for all.",
    )  # fmt: skip
    priority: Mapped[int | None] = f.integer(
        default=100, minimum=1, maximum=1000, label="Priority", column=True, help="The lowest that fits is tried first."
    )
    port: Mapped[int | None] = f.integer(
        minimum=1,
        maximum=65535,
        label="Port",
        help="Empty: the usual one, such as 161 for SNMP, 22 for SSH, 5985 for WinRM.",
    )
    timeout: Mapped[float | None] = f.number(
        minimum=0.1, maximum=60, label="Time-out", help="Seconds. Empty: 2 for SNMP, 15 for the others."
    )
    retries: Mapped[int | None] = f.integer(default=2, minimum=0, maximum=10, label="Retries", only={"kind": SNMP})
    username: Mapped[str] = f.text(
        label="User name", search=True, column=True, only={"kind": (SNMP_V3, SSH, *WEB, *WINDOWS)},
        help="Of Windows also DOMAIN\\user or user@domain.",
    )  # fmt: skip
    trust_new: Mapped[bool] = f.boolean(
        label="Trust whoever answers first", only={"kind": (SSH, HTTPS, *WINDOWS)},
        help="SSH: the host key of a device that is met for the first time is accepted and kept; off, somebody "
        "compares it. HTTPS: any certificate will do; off, an authority that this server trusts must have signed it. "
        "WinRM without HTTPS shows no sign of who answers, and is asked only where this is on.",
    )  # fmt: skip
    auth_protocol: Mapped[str | None] = f.choice(AUTH_CHOICES, label="Authentication", only={"kind": (SNMP_V3,)})
    privacy_protocol: Mapped[str | None] = f.choice(
        PRIVACY_CHOICES, label="Privacy", only={"kind": (SNMP_V3,)},
        help="AES-192 and AES-256 lengthen keys in one of two ways: most makers in Cisco's, net-snmp in the other.",
    )  # fmt: skip
    status: Mapped[int] = f.choice(STATUSES, default=ACTIVE, label="Status", column=True)
    sealed: Mapped[dict[str, str]] = mapped_column(JsonType, default=dict)
