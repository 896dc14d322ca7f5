"""Cards and transceivers of a device read again, below the Cmdb module; those that are gone taken off its record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import delete, select, update

from mainstay.kernel import changes
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid, NotFound
from mainstay.kernel.operation import Group
from mainstay.modules.assets.cmdb import inventory
from mainstay.modules.assets.cmdb.partlists import CARDS, columns_of, item_of, shown
from mainstay.modules.assets.cmdb.parts import CiHardware
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.discovery import describing
from mainstay.modules.monitoring.discovery.reading import read_tables
from mainstay.modules.monitoring.discovery.run import SOURCE
from mainstay.modules.monitoring.polling.service import way_to
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.client import SnmpError

PATIENCE = 30
MOST = 5000
# The names of MSA form factors (SFF-8472, SFF-8636, CMIS), as makers write them into ENTITY-MIB.
_OPTIC = re.compile(
    r"\b(?:q?sfp(?:\+|-?dd|28|56)?|xfp|cfp[248]?|osfp|gbic|xenpak|x2-10gb|transceiver)(?![a-z0-9])", re.IGNORECASE
)
_HOLDERS = ("container", "chassis", "backplane", "stack", "sensor")
cards = Group("Cmdb", "/ux/common/cmdb/profile/")


def is_transceiver(part: Mapping[str, Any]) -> bool:
    """Whether a part of ENTITY-MIB is a transceiver: its kind does not say so, its words do. The cage is none."""
    if part["kind"].lower() in _HOLDERS:
        return False
    return any(_OPTIC.search(str(part.get(name) or "")) for name in ("model", "description", "name"))


class CardQuery(msgspec.Struct, kw_only=True):
    """The item. ``credential``: id or name of the one to ask with, instead of the one it is polled with."""

    ci_id: str = ""
    credential: str = ""


class Cards(msgspec.Struct, kw_only=True):
    """The cards of an item as the device told them now, and what came, changed or went."""

    ci_id: str
    address: str
    parts: int
    """All parts that it told, cards or not."""
    changed: bool
    missing: int
    cards: list[dict[str, Any]]


@cards.route("GET", "update-card-inventory/", permission=("asset", "execute"), write=False)
async def update_cards(ctx: Context, query: CardQuery) -> Cards:
    """Read the hardware of an item from the device now, and store it (ENTITY-MIB)"""
    item = await item_of(ctx, query.ci_id)
    address, told = await _told(ctx, item, query.credential)
    async with ctx.platform.work(ctx.organization, ctx.principal, request_id=ctx.request_id) as keeping:
        changed = await inventory.keep(keeping, SOURCE, {item.id: {"hardware": told}})
        found = await _stored(keeping, item.id)
    return Cards(
        ci_id=item.id, address=address, parts=len(told), changed=item.id in changed,
        missing=sum(1 for one in found if one["missing_since"] is not None),
        cards=[one for one in found if one["kind"].lower() in CARDS and one["missing_since"] is None],
    )  # fmt: skip


async def _told(ctx: Context, item: Ci, credential: str) -> tuple[str, list[dict[str, Any]]]:
    """The parts that the device of an item tells now, and its address. No transaction is open for writing."""
    way = await way_to(ctx, item, credential)
    try:
        found = await read_tables(way.address, way.access, ["entity"], PATIENCE)
    except TimeoutError:
        raise Invalid(f"The device did not finish within {PATIENCE} seconds.", address=way.address) from None
    except (SnmpError, Malformed) as error:
        raise Invalid(str(error), address=way.address) from None
    if found.problems:
        raise Invalid(found.problems[0], address=way.address)
    if not found.rows("entity"):
        raise Conflict("The device does not tell its hardware (ENTITY-MIB).")
    return way.address, describing.hardware(found.rows("entity"))


async def _stored(ctx: Context, ci: str) -> list[dict[str, Any]]:
    wanted = select(*columns_of(CiHardware)).where(CiHardware.ci == ci).order_by(CiHardware.key).limit(MOST)
    return [shown(row) for row in (await ctx.session.execute(wanted)).all()]


class SfpInput(msgspec.Struct, kw_only=True):
    """The item. ``credential``: id or name of the one to ask with, instead of the one it is polled with."""

    ci_id: str
    credential: str = ""


class Transceivers(msgspec.Struct, kw_only=True):
    """The transceivers of an item as the device told them now; ``gone``: names of those that were there before."""

    status: str = "success"
    ci_id: str
    address: str
    changed: bool
    gone: list[str]
    transceivers: list[dict[str, Any]]


@cards.route("POST", "save-latest-sfp/", permission=("asset", "execute"), write=False)
async def save_transceivers(ctx: Context, body: SfpInput) -> Transceivers:
    """Read the transceivers of an item from the device now, and store them; its other parts stay as they are"""
    item = await item_of(ctx, body.ci_id)
    address, told = await _told(ctx, item, body.credential)
    optics = [part for part in told if is_transceiver(part)]
    async with ctx.platform.work(ctx.organization, ctx.principal, request_id=ctx.request_id) as keeping:
        changed = await inventory.keep(keeping, SOURCE, {item.id: {"hardware": optics}}, complete=False)
        keys = {part["key"] for part in optics}
        before = [one for one in await _stored(keeping, item.id) if one["source"] == SOURCE and is_transceiver(one)]
        gone = [one for one in before if one["key"] not in keys and one["missing_since"] is None]
        if gone:
            lost = update(CiHardware).where(CiHardware.id.in_([one["id"] for one in gone]))
            lost = lost.values(missing_since=keeping.now).execution_options(synchronize_session=False)
            await keeping.session.execute(lost)
            note = [changes.entry("hardware", ", ".join(one["name"] for one in gone), None)]
            await changes.record(keeping, "ci", "inventory", [(item.id, 0, note)])
        found = [one for one in await _stored(keeping, item.id) if one["key"] in keys]
    return Transceivers(
        ci_id=item.id, address=address, changed=item.id in changed or bool(gone), gone=[one["name"] for one in gone],
        transceivers=found,
    )  # fmt: skip


class GoneQuery(msgspec.Struct, kw_only=True):
    """The item, or one card of it (``id``)."""

    ci_id: str = ""
    id: str = ""


class Removed(msgspec.Struct, kw_only=True):
    """What was taken off the record of an item."""

    status: str = "success"
    ci_id: str
    removed: int
    names: list[str]


@cards.route("GET", "delate-card-inventory/", permission=("asset", "edit"), write=True)
async def remove_cards(ctx: Context, query: GoneQuery) -> Removed:
    """Take cards that the device no longer reports off its record, with what was on them

    Without ``id`` all of the item's. A card that is still reported is refused: it would be back with the next look."""
    ci = query.ci_id
    if query.id and not ci:
        ci = await ctx.session.scalar(select(CiHardware.ci).where(CiHardware.id == query.id)) or ""
        if not ci:
            raise NotFound("There is no such part.")
    item = await item_of(ctx, ci)
    every = await _stored(ctx, item.id)
    if query.id:
        one = next((part for part in every if part["id"] == query.id), None)
        if one is None:
            raise NotFound("There is no such part.")
        if one["missing_since"] is None:
            raise Conflict(f"{one['name']} is still reported by the device.")
        wanted = [one]
    else:
        wanted = [part for part in every if part["missing_since"] is not None and part["kind"].lower() in CARDS]
    gone = _with_what_is_on_them(wanted, [part for part in every if part["missing_since"] is not None])
    if gone:
        removal = delete(CiHardware).where(CiHardware.id.in_([part["id"] for part in gone]))
        await ctx.session.execute(removal.execution_options(synchronize_session=False))
        note = [changes.entry("hardware", ", ".join(part["name"] for part in gone), None)]
        await changes.record(ctx, "ci", "inventory removed", [(item.id, 0, note)])
    return Removed(ci_id=item.id, removed=len(gone), names=[part["name"] for part in gone])


def _with_what_is_on_them(wanted: list[dict[str, Any]], missing: list[dict[str, Any]]) -> list[dict[str, Any]]:
    below: dict[str, list[dict[str, Any]]] = {}
    for part in missing:
        below.setdefault(part["parent_key"], []).append(part)
    found: dict[str, dict[str, Any]] = {}
    todo = list(wanted)
    while todo:
        part = todo.pop(0)
        if part["id"] not in found:
            found[part["id"]] = part
            todo += below.get(part["key"], [])
    return list(found.values())
