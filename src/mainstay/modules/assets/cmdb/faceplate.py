"""The front of an item: its panel, what a slot holds, and how its cards and ports are configured."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.modules.assets.cmdb import panel
from mainstay.modules.assets.cmdb.partlists import columns_of, item_of, shown
from mainstay.modules.assets.cmdb.parts import CiHardware, CiInterface
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci, CiAddress

MOST = 5000


class PanelQuery(msgspec.Struct, kw_only=True):
    """The item."""

    ci_id: str = ""


class PanelPort(msgspec.Struct, kw_only=True):
    """A port. ``state``: up, down, off (switched off by somebody) or unknown."""

    id: str
    name: str
    alias: str
    state: str
    speed: int | None
    if_index: int | None
    lag: str
    vlan: str


class PanelModule(msgspec.Struct, kw_only=True):
    """A card with its ports; without ``id`` the ports that are on no card."""

    id: str
    name: str
    slot: str
    model: str
    serial_number: str
    ports: list[PanelPort]


class PanelUnit(msgspec.Struct, kw_only=True):
    """A chassis, or a member of a stack. ``supplies``: its power supplies and fans."""

    id: str
    name: str
    model: str
    serial_number: str
    modules: list[PanelModule]
    supplies: list[dict[str, str]]


class Panel(msgspec.Struct, kw_only=True):
    """The front of an item. ``last_seen``: when its ports were read the last time."""

    ci_id: str
    name: str
    model: str
    states: dict[str, int]
    last_seen: datetime | None
    units: list[PanelUnit]


async def _hardware(ctx: Context, ci: str) -> list[dict[str, Any]]:
    wanted = select(*columns_of(CiHardware)).where(CiHardware.ci == ci, CiHardware.missing_since.is_(None))
    found = await ctx.session.execute(wanted.order_by(CiHardware.position, CiHardware.key).limit(MOST))
    return [shown(row) for row in found.all()]


async def _interfaces(ctx: Context, ci: str, *conditions: Any) -> list[dict[str, Any]]:
    wanted = select(*columns_of(CiInterface)).where(CiInterface.ci == ci, CiInterface.missing_since.is_(None))
    found = await ctx.session.execute(wanted.where(*conditions).order_by(CiInterface.if_index).limit(MOST))
    return [shown(row) for row in found.all()]


async def _front(ctx: Context, item: Ci) -> tuple[list[dict[str, Any]], list[panel.Unit]]:
    ports = await _interfaces(ctx, item.id, CiInterface.is_port.is_(True))
    return ports, panel.arrange(await _hardware(ctx, item.id), ports)


def _said(part: panel.Row | None, name: str) -> str:
    return str(part[name] or "") if part is not None else ""


@items.action("GET", "panel-view/")
async def panel_view(ctx: Context, query: PanelQuery) -> Panel:
    """The front of an item: chassis, cards and ports in their places, and whether each port is up"""
    item = await item_of(ctx, query.ci_id)
    ports, units = await _front(ctx, item)
    return Panel(
        ci_id=item.id, name=item.name, model=item.model, states=panel.count(ports),
        last_seen=max((port["last_seen"] for port in ports), default=None),
        units=[
            PanelUnit(
                id=_said(unit.part, "id"), name=_said(unit.part, "name") or item.name,
                model=_said(unit.part, "model") or item.model,
                serial_number=_said(unit.part, "serial_number") or item.serial_number,
                modules=[
                    PanelModule(
                        id=_said(one.part, "id"), name=_said(one.part, "name"), slot=one.slot,
                        model=_said(one.part, "model"), serial_number=_said(one.part, "serial_number"),
                        ports=[
                            PanelPort(state=panel.state(port), **{
                                name: port[name] for name in PanelPort.__struct_fields__ if name != "state"
                            })
                            for port in one.ports
                        ],
                    )
                    for one in unit.modules
                ],
                supplies=[{name: str(part[name] or "") for name in ("id", "name", "kind", "model", "serial_number")}
                          for part in unit.beside],
            )
            for unit in units
        ],
    )  # fmt: skip


class SlotQuery(msgspec.Struct, kw_only=True):
    """A slot of an item: its id, key or name, or that of the card in it."""

    ci_id: str = ""
    slot: str = ""


class Slot(msgspec.Struct, kw_only=True):
    """What a slot holds. ``path``: what it is in, from the outside; ``states``: of the ports on the card."""

    ci_id: str
    id: str
    name: str
    kind: str
    path: list[str]
    empty: bool
    card: dict[str, Any] | None
    parts: int
    states: dict[str, int]


@items.action("GET", "slottooltip/")
async def slot_tooltip(ctx: Context, query: SlotQuery) -> Slot:
    """What sits in a slot of an item, in a few words: the card, its serial number, and how many of its ports are up"""
    item = await item_of(ctx, query.ci_id)
    word = query.slot.strip()
    if not word:
        raise Invalid.field("slot", "Please provide the id, the key or the name of a slot.")
    parts = await _hardware(ctx, item.id)
    found = next((part for name in ("id", "key", "name") for part in parts if part[name] == word), None)
    if found is None:
        raise NotFound(f"{item.name} has no slot {word[:60]!r}.")
    by_key = {part["key"]: part for part in parts}
    below: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        below.setdefault(part["parent_key"], []).append(part)
    holder = found["kind"].lower() in ("container", "slot")
    card = next(iter(below.get(found["key"], [])), None) if holder else found
    on_it: dict[str, dict[str, Any]] = {}
    todo = [card] if card else []
    while todo:
        part = todo.pop()
        if part["key"] not in on_it:
            on_it[part["key"]] = part
            todo += below.get(part["key"], [])
    names = {part[name] for part in on_it.values() if part["kind"] == "port" for name in ("name", "description")}
    ports = await _interfaces(ctx, item.id, CiInterface.is_port.is_(True), CiInterface.name.in_(names - {""}))
    return Slot(
        ci_id=item.id, id=found["id"], name=found["name"], kind=found["kind"],
        path=[part["name"] for part in reversed(panel.path_of(found, by_key)[1:])], empty=card is None, card=card,
        parts=len(on_it), states=panel.count(ports),
    )  # fmt: skip


PORT_FIELDS = ("id", "name", "alias", "if_index", "admin_status", "oper_status", "speed", "duplex", "mtu", "vlan",
               "lag", "mac", "addresses")  # fmt: skip


class CardSetup(msgspec.Struct, kw_only=True):
    """A card, its revisions, and how each of its ports is configured."""

    id: str
    name: str
    slot: str
    model: str
    serial_number: str
    hardware_revision: str
    firmware: str
    software: str
    states: dict[str, int]
    ports: list[dict[str, Any]]


class CardSetups(msgspec.Struct, kw_only=True):
    """How the cards of an item are configured; ports that are on no card come under a card without an id."""

    ci_id: str
    results: list[CardSetup]


class CardSetupQuery(msgspec.Struct, kw_only=True):
    """The item; ``card``: only this one, by id or name."""

    ci_id: str = ""
    card: str = ""


@items.action("GET", "configuration-card-details/")
async def card_details(ctx: Context, query: CardSetupQuery) -> CardSetups:
    """The cards of an item with their revisions, and how each of their ports is configured"""
    item = await item_of(ctx, query.ci_id)
    _ports, units = await _front(ctx, item)
    results = [
        CardSetup(
            id=_said(one.part, "id"), name=_said(one.part, "name"), slot=one.slot, model=_said(one.part, "model"),
            serial_number=_said(one.part, "serial_number"), hardware_revision=_said(one.part, "hardware_revision"),
            firmware=_said(one.part, "firmware"), software=_said(one.part, "software"), states=panel.count(one.ports),
            ports=[{name: port[name] for name in PORT_FIELDS} for port in one.ports],
        )
        for unit in units
        for one in unit.modules
        if not query.card or (one.part is not None and query.card in (one.part["id"], one.part["name"]))
    ]  # fmt: skip
    if query.card and not results:
        raise NotFound(f"{item.name} has no card {query.card[:60]!r}.")
    return CardSetups(ci_id=item.id, results=results)


class Setup(msgspec.Struct, kw_only=True):
    """How an item is set up, as it was seen the last time."""

    ci_id: str
    name: str
    host_name: str
    manufacturer: str
    model: str
    os_name: str
    os_version: str
    firmware: str
    addresses: list[dict[str, Any]]
    """Each with the interface it is on, where that is known."""
    vlans: list[dict[str, Any]]
    aggregates: list[dict[str, Any]]
    interfaces: int
    switched_off: list[str]
    """Interfaces that somebody switched off."""
    unnamed: list[str]
    """Ports that are up and have no description by an administrator (alias)."""
    software: list[dict[str, str]]
    """What the cards run."""


@items.action("GET", "congiguration-inventory-details/")
async def setup_details(ctx: Context, query: PanelQuery) -> Setup:
    """How an item is set up: addresses, VLANs, aggregates, ports that are off or unnamed, software of its cards"""
    item = await item_of(ctx, query.ci_id)
    interfaces = await _interfaces(ctx, item.id)
    hardware = await _hardware(ctx, item.id)
    wanted = select(CiAddress.address, CiAddress.management, CiAddress.source).where(CiAddress.ci == item.id)
    known = (await ctx.session.execute(wanted.order_by(CiAddress.address).limit(MOST))).all()
    on = {address: one["name"] for one in interfaces for address in one["addresses"]}
    vlans: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    for one in interfaces:
        for vlan in filter(None, (word.strip() for word in one["vlan"].split(","))):
            vlans.setdefault(vlan, []).append(one["name"])
        if one["lag"]:
            members.setdefault(one["lag"], []).append(one["name"])
    names = {one["key"]: one["name"] for one in interfaces}
    return Setup(
        ci_id=item.id, name=item.name, host_name=item.host_name, manufacturer=item.manufacturer, model=item.model,
        os_name=item.os_name, os_version=item.os_version, firmware=item.firmware,
        addresses=[{**row._mapping, "interface": on.get(row.address, "")} for row in known],
        vlans=[{"vlan": vlan, "interfaces": listed}
               for vlan, listed in sorted(vlans.items(), key=lambda one: panel.natural(one[0]))],
        aggregates=[{"name": names.get(key, key), "members": listed} for key, listed in sorted(members.items())],
        interfaces=len(interfaces),
        switched_off=[one["name"] for one in interfaces if one["admin_status"] == "down"],
        unnamed=[one["name"] for one in interfaces if one["is_port"] and not one["alias"] and panel.state(one) == "up"],
        software=[{"part": part["name"], "firmware": part["firmware"], "software": part["software"]}
                  for part in hardware if part["firmware"] or part["software"]],
    )  # fmt: skip
