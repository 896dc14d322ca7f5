"""What a source knows of one device, put in order: typed values, canonical addresses, identifying keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mainstay.kernel import customfields, links
from mainstay.kernel.context import Context
from mainstay.kernel.validation import BadValue, read
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.categories.service import Class
from mainstay.modules.assets.cmdb import identity, lookup, service
from mainstay.modules.assets.cmdb.identity import Key
from mainstay.modules.assets.cmdb.parts import PARTS

FALLBACK = "Other"
MAX_PARTS = 20_000
"""Parts of one kind that one device may have; an agent that reports more is wrong."""


class Facts(msgspec.Struct, kw_only=True):
    """What a source knows of one device. A kind of parts that was not looked at is left out, not empty."""

    ref: str = ""
    """What the caller knows it by; comes back in the outcome."""
    ci: str = ""
    """The item, where the caller knows it; else it is found by what identifies it."""
    category: str = ""
    attributes: dict[str, Any] = {}
    guesses: list[str] = []
    """Attributes (and ``category``) that only fill gaps: what is known already is surer."""
    addresses: list[str] = []
    interfaces: list[dict[str, Any]] | None = None
    hardware: list[dict[str, Any]] | None = None
    software: list[dict[str, Any]] | None = None
    storage: list[dict[str, Any]] | None = None
    resources: list[dict[str, Any]] | None = None


@dataclass(slots=True)
class Device:
    """Facts that were checked; those about one device from several facts are put together."""

    refs: list[str]
    ci: str
    one: Class | None
    values: dict[str, Any]
    extra: dict[str, Any]
    addresses: list[str]
    macs: set[str]
    parts: dict[str, list[dict[str, Any]]]
    guesses: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    matched_by: str = ""

    @property
    def keys(self) -> list[Key]:
        every = identity.keys_of(self.one, {**self.values, "custom_field_data": self.extra})
        return [key for key in every if key.rule not in identity.SHARED]

    @property
    def shared(self) -> list[Key]:
        """Marks that several devices may have: they count only where nothing speaks against it."""
        return [key for key in identity.keys_of(None, self.values) if key.rule in identity.SHARED]

    def carried(self) -> dict[str, str]:
        """What the device says of itself, that can be compared."""
        found = {name: identity.clean(self.values.get(name)) for name in identity.CARRIED}
        return {name: value for name, value in found.items() if value}

    def _sure(self) -> set[str]:
        return {*self.values, *(("category",) if self.one is not None else ())} - self.guesses

    def join(self, other: Device) -> None:
        """Take over what another look at the same device found; what is known already stays."""
        self.refs += other.refs
        surer = {name: value for name, value in other.values.items() if name in self.guesses - other.guesses}
        if "category" in self.guesses - other.guesses:
            self.one = other.one or self.one
        self.guesses = (self.guesses | other.guesses) - self._sure() - other._sure()
        self.values = {**other.values, **self.values, **surer}
        self.extra = {**other.extra, **self.extra}
        self.addresses = list(dict.fromkeys([*self.addresses, *other.addresses]))
        self.macs |= other.macs
        self.one = self.one or other.one
        self.problems += other.problems
        for kind, found in other.parts.items():
            self.parts.setdefault(kind, found)


async def read_all(ctx: Context, given: Sequence[Facts]) -> list[Device]:
    """Facts as checked values; what cannot be read is left out and told in ``problems``."""
    res = ctx.platform.registry.resources["ci"]
    common = {name: spec for name, spec in res.writable().items() if name not in ("category", "parent")}
    aliases = {alias: name for name, spec in common.items() for alias in spec.aliases}
    custom = await customfields.of(ctx, res)
    every = await categories.attributes(ctx)
    devices = []
    for facts in given:
        one = await categories.by_name(ctx, facts.category) if facts.category else None
        device = Device([facts.ref], facts.ci, one, {}, {}, [], set(), {}, guesses=set(facts.guesses))
        if facts.category and (one is None or one.abstract or not one.enabled):
            device.problems.append(f"There is no category {facts.category[:80]!r} for items.")
            device.one = None
        for name, raw in facts.attributes.items():
            key = aliases.get(name, name)
            spec = common.get(key) or (one.attributes.get(key) if one else None) or custom.get(key)
            if spec is None or raw in (None, ""):
                if spec is None:
                    device.problems.append(f"There is no attribute {name[:80]!r}.")
                continue
            if key in every and one is not None and key not in one.attributes:
                device.problems.append(f"{spec.label} is not an attribute of {one.name}.")
                continue
            try:
                value = read(spec, raw)
            except BadValue as bad:
                device.problems.append(str(bad))
                continue
            if spec.custom:
                device.extra[key] = value.isoformat() if hasattr(value, "isoformat") else value
            else:
                device.values[key] = value
        _addresses(device, facts.addresses)
        for kind in PARTS:
            found = getattr(facts, kind)
            if found is not None:
                device.parts[kind] = found[:MAX_PARTS]
                if len(found) > MAX_PARTS:
                    device.problems.append(f"More than {MAX_PARTS:,} {kind}; the rest was left out.")
        for interface in device.parts.get("interfaces", ()):
            mac = service.mac(str(interface.get("mac") or ""))
            if identity.clean(mac):
                device.macs.add(mac)
            _addresses(device, interface.get("addresses") or [], note=False)
        devices.append(device)
    for device, wrong in zip(
        devices, await links.resolve(ctx, common, [device.values for device in devices]), strict=True
    ):
        for name, messages in wrong.items():
            device.values.pop(name, None)
            device.problems += messages
    return devices


def _addresses(device: Device, given: Sequence[Any], *, note: bool = True) -> None:
    own = device.values.get("ip_address")
    if own:
        known = lookup.canonical(own)
        if not known:
            device.problems.append(f"{own!r} is not an IP address.")
            del device.values["ip_address"]
        else:
            device.values["ip_address"] = known
    if device.values.get("mac_address"):
        device.values["mac_address"] = service.mac(device.values["mac_address"])
    for raw in (device.values.get("ip_address"), *given):
        known = lookup.canonical(str(raw)) if raw else ""
        if known and known not in device.addresses and not _everywhere(known):
            device.addresses.append(known)
        elif raw and not known and note:
            device.problems.append(f"{str(raw)[:60]!r} is not an IP address.")


def _everywhere(address: str) -> bool:
    """Whether every device may have this address, so that it says nothing about which one it is."""
    from ipaddress import ip_address

    found = ip_address(address)
    return found.is_unspecified or found.is_link_local or found.is_multicast
