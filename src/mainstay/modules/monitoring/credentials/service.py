"""Using credentials: which fits an address, and a device asked with it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, select

from mainstay.kernel import options
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.options import option
from mainstay.kernel.secrets import SecretError
from mainstay.modules.monitoring.credentials import tables
from mainstay.modules.monitoring.credentials.tables import ACTIVE, SNMP, SNMP_V1, SNMP_V2C, SNMP_V3, Credential
from mainstay.modules.monitoring.snmp.client import Access
from mainstay.modules.monitoring.snmp.message import V1, V2C, V3
from mainstay.modules.monitoring.snmp.usm import User

ALLOWED = option(
    "devices.allowed_networks",
    "text",
    "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 127.0.0.0/8, fc00::/7, ::1/128",
    "Networks whose devices may be asked",
    section="Devices",
    help="Addresses and networks, separated by commas. A request to any other address is refused.",
)
VERSIONS = {SNMP_V1: V1, SNMP_V2C: V2C, SNMP_V3: V3}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Span = tuple[Address, Address]


@dataclass(slots=True)
class Login:
    """How to log in to devices."""

    kind: str
    port: int
    username: str
    secrets: dict[str, str] = field(repr=False)
    seconds: float
    trust_new: bool


def purpose(credential: str, name: str) -> str:
    """What a secret is sealed for."""
    return f"credential/{credential}/{name}"


def spans(text: str, field: str = "scope") -> list[Span]:
    """Addresses, networks and ranges as first and last address. Raises ``Invalid``."""
    found: list[Span] = []
    for item in (part.strip() for part in text.replace("\n", ",").replace(";", ",").split(",")):
        if not item:
            continue
        try:
            low, dash, high = item.partition("-")
            if dash:
                first, last = ipaddress.ip_address(low.strip()), ipaddress.ip_address(_whole(low.strip(), high.strip()))
            else:
                network = ipaddress.ip_network(item, strict=False)
                first, last = network[0], network[-1]
            if first.version != last.version or int(first) > int(last):
                raise ValueError
        except ValueError:
            raise Invalid.field(field, f"{item[:60]!r} is no address, network or range such as 192.0.2.0/24.") from None
        found.append((first, last))
    return found


def _whole(low: str, high: str) -> str:
    """The end of a range of which only the last number is written: 192.0.2.10-40."""
    return f"{low.rpartition('.')[0]}.{high}" if high.isdecimal() and "." in low else high


def inside(address: Address, given: list[Span]) -> bool:
    return any(first.version == address.version and int(first) <= int(address) <= int(last) for first, last in given)


async def allowed(ctx: Context, host: str, field: str = "address") -> str:
    """The address of a device that may be asked; names are looked up here, once. Raises ``Invalid``."""
    word = host.strip().strip("[]")
    if not word:
        raise Invalid.field(field, "Please provide the address of a device.")
    try:
        addresses: list[Address] = [ipaddress.ip_address(word)]
    except ValueError:
        addresses = await _look_up(word, field)
    return permit(addresses, await permitted(ctx), field)


async def permitted(ctx: Context) -> list[Span]:
    """The networks whose devices may be asked."""
    (text,) = await options.get(ctx, ALLOWED)
    return spans(str(text), "address")


def permit(addresses: Sequence[Address], permitted: list[Span], field: str = "address") -> str:
    """The first of these addresses that may be asked. Raises ``Invalid`` where there is none."""
    for address in addresses:
        if inside(getattr(address, "ipv4_mapped", None) or address, permitted):
            return str(address)
    raise Invalid.field(
        field,
        f"{addresses[0]} is outside the networks whose devices may be asked. An administrator can add it in the "
        "settings under Devices.",
    )


async def _look_up(name: str, field: str) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name[:255], None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        raise Invalid.field(field, f"{name[:80]!r} is neither an address nor a name that can be looked up.") from None
    return [ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found]


def opened(ctx: Context, row: Credential) -> dict[str, str]:
    """A credential's secrets. Raises ``Conflict`` when this installation's key does not open them."""
    try:
        return {name: ctx.platform.vault.open(text, purpose(row.id, name)) for name, text in row.sealed.items()}
    except SecretError as error:
        raise Conflict(f"The credential {row.name} cannot be used: {error}") from error


async def access_of(values: Mapping[str, Any], secrets: Mapping[str, str]) -> Access:
    """How to ask by SNMP, from a credential's values. Raises ``Conflict`` for a credential of another kind."""
    kind = values["kind"]
    if kind not in VERSIONS:
        raise Conflict(f"The credential is for {kind.upper()}, not for SNMP.")
    made = Access(
        version=VERSIONS[kind], community=secrets.get("community", ""), port=values.get("port") or 161,
        write_community=secrets.get("write_community", ""), timeout=values.get("timeout") or 2.0,
        retries=values["retries"] if values.get("retries") is not None else 2,
    )  # fmt: skip
    if kind == SNMP_V3:
        made.user = await asyncio.to_thread(user_of, values, secrets)
    return made


def login_of(values: Mapping[str, Any], secrets: Mapping[str, str]) -> Login:
    """How to log in, from the values of a credential that logs in."""
    return Login(
        kind=values["kind"], username=values.get("username") or "", secrets=dict(secrets),
        port=values.get("port") or tables.DEFAULT_PORTS[values["kind"]], seconds=values.get("timeout") or 15.0,
        trust_new=bool(values.get("trust_new")),
    )  # fmt: skip


def user_of(values: Mapping[str, Any], secrets: Mapping[str, str]) -> User:
    """The user of a version 3 credential. Its keys take milliseconds to make."""
    return User(
        values.get("username") or "", values.get("auth_protocol") or "", secrets.get("auth_password", ""),
        values.get("privacy_protocol") or "", secrets.get("privacy_password", ""),
    )  # fmt: skip


def check_user(values: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with the name, protocols and passwords of a version 3 user, by field."""
    wrong: dict[str, list[str]] = {}
    if not values.get("username"):
        wrong["username"] = ["Please provide the user name."]
    elif len(str(values["username"]).encode()) > 32:
        wrong["username"] = ["A user name has at most 32 bytes."]
    if values.get("privacy_protocol") and not values.get("auth_protocol"):
        wrong["auth_protocol"] = ["Privacy needs an authentication protocol, too."]
    for protocol, secret in (("auth_protocol", "auth_password"), ("privacy_protocol", "privacy_password")):
        if values.get(protocol) and len(str(secrets.get(secret) or "")) < 8:
            # RFC 3414, section 11.2.
            wrong[secret] = ["The password must have at least 8 characters."]
    return wrong


def active(kinds: Sequence[str] = SNMP) -> Select[Credential]:
    """Active credentials of these kinds, in the order in which they are to be tried."""
    query = select(Credential).where(Credential.status == ACTIVE, Credential.kind.in_(kinds))
    return query.order_by(Credential.priority, Credential.id)


async def for_address(ctx: Context, address: str) -> list[Credential]:
    """Active credentials for SNMP whose scope holds the address, in the order in which they are to be tried."""
    return [row for row in (await ctx.session.execute(active())).scalars() if fits(row, address)]


def fits(row: Credential, address: str) -> bool:
    """Whether the credential is for this address."""
    given = spans(row.scope)
    return not given or inside(ipaddress.ip_address(address), given)


def values_of(row: Credential) -> dict[str, Any]:
    """A credential's fields, without its secrets."""
    return {name: getattr(row, name) for name in NAMES}


NAMES = (
    "kind", "port", "timeout", "retries", "username", "auth_protocol", "privacy_protocol", "scope", "trust_new",
)  # fmt: skip
__all__ = ["access_of", "active", "allowed", "check_user", "fits", "for_address", "login_of", "opened", "purpose",
           "spans", "values_of"]  # fmt: skip
