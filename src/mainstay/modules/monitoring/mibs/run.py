"""Asking a device from the explorer: get, get-next, get-bulk, walk and set, answered with names and readable values."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from typing import Any

import msgspec
from sqlalchemy import func, or_, select

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.credentials.tables import Credential
from mainstay.modules.monitoring.mibs.explore import dotted, find
from mainstay.modules.monitoring.mibs.model import Node
from mainstay.modules.monitoring.mibs.resource import mibs
from mainstay.modules.monitoring.mibs.service import tree_of
from mainstay.modules.monitoring.mibs.tree import Tree
from mainstay.modules.monitoring.mibs.values import shown
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import Malformed, Oid, Varbind
from mainstay.modules.monitoring.snmp.client import Client, SnmpError

VERBS = {
    "get": "get", "next": "get_next", "get_next": "get_next", "getnext": "get_next", "bulk": "get_bulk",
    "get_bulk": "get_bulk", "getbulk": "get_bulk", "walk": "walk", "set": "set",
}  # fmt: skip
MAX_OIDS = 50
MAX_WALK = 10_000
MAX_SECONDS = 60
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{2}(?:[: -]?[0-9a-fA-F]{2})*")


class RunInput(msgspec.Struct, kw_only=True):
    """What to ask of which device.

    ``verb``: get, next, bulk, walk or set. ``oids``: numbers or names, such as ifDescr.3. ``credential``: id or name;
    empty: the first that is for the address. For set ``value``, and ``type`` where no MIB knows it: integer, string,
    hex, oid, ip_address, gauge, counter, counter64 or timeticks.
    """

    address: str
    verb: str = "get"
    oids: list[str] = []
    oid: str = ""
    credential: str = ""
    value: Any = None
    type: str = ""
    limit: int = 1000
    repetitions: int = 20
    non_repeaters: int = 0


class Value(msgspec.Struct, kw_only=True):
    """A value that the device answered. ``value`` is readable, ``raw`` what came: a number, or octets in hex."""

    oid: str
    name: str
    module: str
    type: str
    value: str
    raw: int | str | None
    exists: bool


class RunResult(msgspec.Struct, kw_only=True):
    """What the device answered. ``truncated``: there is more than the limit."""

    status: str = "success"
    address: str
    verb: str
    credential: str
    count: int
    truncated: bool
    milliseconds: float
    results: list[Value]


@mibs.action("POST", "run/", privilege="execute", write=False)
async def run(ctx: Context, body: RunInput) -> RunResult:
    """Get, get-next, get-bulk, walk or set on a device"""
    verb = VERBS.get(body.verb.strip().lower().replace("-", "_"))
    if verb is None:
        raise Invalid.field("verb", "verb must be get, next, bulk, walk or set.")
    tree = await tree_of(ctx)
    wanted = [*body.oids, *([body.oid] if body.oid else [])]
    if not 1 <= len(wanted) <= MAX_OIDS:
        raise Invalid.field("oids", f"Please name one to {MAX_OIDS} objects.")
    names = [_instance(tree, text, verb) for text in wanted]
    if verb == "set":
        ctx.principal.require(mibs.permission, "edit")
    items = [_item(tree, name, body) for name in names] if verb == "set" else []
    address = await credentials.allowed(ctx, body.address)
    credential = await _credential(ctx, body.credential, address)
    access = await credentials.access_of(credentials.values_of(credential), credentials.opened(ctx, credential))
    limit = max(1, min(body.limit, MAX_WALK))
    started = time.perf_counter()
    try:
        async with asyncio.timeout(MAX_SECONDS), Client(address, access) as device:
            found = await _ask(device, verb, names, items, body, limit)
    except SnmpError as error:
        raise Invalid(f"{error}", address=address) from None
    except TimeoutError:
        raise Invalid(f"{address} did not finish within {MAX_SECONDS} seconds. Ask for less.") from None
    took = (time.perf_counter() - started) * 1000
    truncated = verb == "walk" and len(found) > limit
    return RunResult(
        address=address, verb=verb, credential=credential.name, truncated=truncated, milliseconds=took,
        count=min(len(found), limit), results=[value_of(tree, item) for item in found[:limit]],
    )  # fmt: skip


async def _ask(
    device: Client, verb: str, names: list[Oid], items: list[Varbind], body: RunInput, limit: int
) -> list[Varbind]:
    if verb == "get":
        return await device.get(names)
    if verb == "get_next":
        return await device.get_next(names)
    if verb == "get_bulk":
        return await device.get_bulk(names, body.repetitions, max(0, min(body.non_repeaters, len(names))))
    if verb == "set":
        return await device.set(items)
    found: list[Varbind] = []
    for name in names:
        found += await device.walk(name, limit + 1 - len(found), max(1, min(body.repetitions, 50)))
        if len(found) > limit:
            break
    return found


async def _credential(ctx: Context, given: str, address: str) -> Credential:
    if not given:
        found = await credentials.for_address(ctx, address)
        if not found:
            raise Invalid.field("credential", f"No credential is for {address}. Add one, or name the one to use.")
        return found[0]
    query = select(Credential).where(or_(Credential.id == given, func.lower(Credential.name) == given.lower()))
    row = await store.find(ctx, query)
    if row is None:
        raise NotFound(f"There is no credential {given[:80]!r}.")
    if row.kind not in credentials.VERSIONS:
        raise Invalid.field("credential", f"The credential {row.name} is not for SNMP.")
    if not credentials.fits(row, address):
        raise Invalid.field("credential", f"The credential {row.name} is not for {address}.")
    return row


def _instance(tree: Tree, text: str, verb: str) -> Oid:
    """The OID to ask for; of a scalar its one instance."""
    oid, node = find(tree, text, "oids")
    if len(oid) < 2:
        if verb == "walk" and len(oid) == 1:
            return (oid[0], 0 if oid[0] == 0 else 3)
        raise Invalid.field("oids", f"{text[:60]!r} is too short to ask for.")
    if verb in ("get", "set") and node is not None and node.kind == "scalar":
        return (*oid, 0)
    return oid


_TYPES = {
    "integer": ber.INTEGER, "integer32": ber.INTEGER, "i": ber.INTEGER, "gauge": ber.GAUGE32, "gauge32": ber.GAUGE32,
    "unsigned": ber.GAUGE32, "unsigned32": ber.GAUGE32, "u": ber.GAUGE32, "counter": ber.COUNTER32,
    "counter32": ber.COUNTER32, "counter64": ber.COUNTER64, "timeticks": ber.TIME_TICKS, "t": ber.TIME_TICKS,
    "string": ber.OCTET_STRING, "octet string": ber.OCTET_STRING, "s": ber.OCTET_STRING, "hex": ber.OCTET_STRING,
    "x": ber.OCTET_STRING, "bits": ber.OCTET_STRING, "oid": ber.OBJECT_IDENTIFIER, "o": ber.OBJECT_IDENTIFIER,
    "object identifier": ber.OBJECT_IDENTIFIER, "ip_address": ber.IP_ADDRESS, "ipaddress": ber.IP_ADDRESS,
    "networkaddress": ber.IP_ADDRESS, "a": ber.IP_ADDRESS,
}  # fmt: skip


def _item(tree: Tree, name: Oid, body: RunInput) -> Varbind:
    """The variable to set, its value by the type that the MIB or the caller names. Raises ``Invalid``."""
    node, _rest = tree.locate(name)
    if node is not None and node.kind not in ("scalar", "column"):
        node = None
    word = (body.type or (node.base if node else "")).strip().lower()
    tag = _TYPES.get(word)
    if tag is None:
        raise Invalid.field("type", "No MIB says what type the object has. Name it: integer, string, hex, oid, ...")
    if node is not None and node.access in ("read-only", "not-accessible", "accessible-for-notify") and not body.type:
        raise Invalid.field("oids", f"{node.name} can only be read.")
    if body.value is None:
        raise Invalid.field("value", "Please provide the value to set.")
    try:
        return ber.oid_bytes(name), tag, _encoded(tree, tag, word, node, body.value)
    except (ValueError, OverflowError):
        raise Invalid.field("value", f"{str(body.value)[:60]!r} is not a value of the type {word}.") from None


def _encoded(tree: Tree, tag: int, word: str, node: Node | None, value: Any) -> bytes:
    text = str(value)
    if tag == ber.OCTET_STRING:
        by_octets = word in ("hex", "x", "bits") or (node is not None and node.hint.startswith("1x"))
        if by_octets and _HEX.fullmatch(text):
            return bytes.fromhex(re.sub(r"^0x|[: -]", "", text))
        if by_octets and word in ("hex", "x"):
            raise ValueError(text)
        return text.encode()
    if tag == ber.OBJECT_IDENTIFIER:
        return ber.oid_bytes(find(tree, text, "value")[0])
    if tag == ber.IP_ADDRESS:
        return ipaddress.IPv4Address(text).packed
    labels = {label.lower(): number for number, label in node.enums.items()} if node is not None else {}
    number = int(labels.get(text.strip().lower(), text))
    low, high = (-(2**31), 2**31 - 1) if tag == ber.INTEGER else (0, 2**64 - 1 if tag == ber.COUNTER64 else 2**32 - 1)
    if not low <= number <= high:
        raise ValueError(text)
    return ber.integer(number)[2:]


def value_of(tree: Tree, item: Varbind) -> Value:
    """A variable as the console shows it."""
    name, tag, content = item
    oid = ber.oid_of(name)
    node, _rest = tree.locate(oid)
    if node is not None and node.kind not in ("scalar", "column"):
        node = None
    raw: int | str | None
    try:
        plain = ber.plain(tag, content)
        raw = plain.hex() if isinstance(plain, bytes) else plain
    except Malformed:
        raw = content.hex()
    text = shown(node, tag, content)
    if tag == ber.OBJECT_IDENTIFIER and isinstance(raw, str):
        text = tree.name(tuple(map(int, raw.split(".")))) if raw[:1].isdigit() and "." in raw else text
    exists = tag not in ber.EXCEPTIONS
    return Value(
        oid=dotted(oid), name=tree.name(oid), module=node.module if node else "",
        type=(node.type if node else "") or ber.TYPE_NAMES.get(tag, f"{tag:#04x}"),
        value=text if exists else ber.TYPE_NAMES[tag], raw=raw, exists=exists,
    )  # fmt: skip
