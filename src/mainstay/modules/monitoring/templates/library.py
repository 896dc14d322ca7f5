"""The rules that come with Mainstay, read from the package's data."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from mainstay.modules.monitoring.templates.engine import Ask, Library, System, compile_rule

_NAME = r"^([A-Z][A-Za-z]{0,9}-?\d[\w/+-]*)(?:[\s,;]|$)"
"""A product's name at the beginning of a description."""
_VERSION = r"(?i)\b(?:version|ver|rev|firmware|software|fw|sw|v)[ :.]*v?(\d+(?:\.\d+)+[\w.-]*)"


@cache
def shipped() -> Library:
    """The shipped rules and models."""
    return Library(systems(), models())


@cache
def systems() -> tuple[System, ...]:
    """The shipped rules, in their order."""
    groups = yaml.load(_data("systems.yaml"), yaml.CSafeLoader)
    found = []
    for group in groups:
        for oid in group.get("oids", [group.get("oid", "")]):
            for raw in group["systems"]:
                descr = raw.get("descr", group.get("descr", ""))
                found.append(_system({"oid": oid, **raw, "descr": descr}, group))
    for entry in yaml.load(_data("numbers.yaml"), yaml.CSafeLoader):
        found += [_numbered(entry, oid, found) for oid in map(str, entry["oids"])]
    # Last, so that whatever else is known of a maker's devices comes before.
    for entry in yaml.load(_data("makers.yaml"), yaml.CSafeLoader):
        found += [_made(entry, number) for number in entry["numbers"]]
    return tuple(found)


def _made(entry: dict[str, Any], number: int) -> System:
    """A device of which only the maker is known; its description may begin with a product's name."""
    vendor = entry["vendor"]
    made = System(
        vendor=vendor, os=vendor, oid=f"1.3.6.1.4.1.{number}", type=entry.get("type", ""),
        version=(_VERSION,), model=(_NAME, rf"(?i)^{re.escape(vendor)}[\s,:]+(\S*[a-z]\S*\d\S*)"),
    )  # fmt: skip
    return compile_rule(made)


def _numbered(entry: dict[str, Any], oid: str, known: list[System]) -> System:
    """A device told by its number; version and model stand where its system's other rules find them."""
    same = next((item for item in known if (item.vendor, item.os) == (entry["vendor"], entry["os"])), None)
    made = System(vendor=entry["vendor"], os=entry["os"], oid=oid, type=entry["type"])
    return replace(made, version=same.version, model=same.model, get=same.get) if same else made


@cache
def models() -> dict[str, list[str]]:
    """Model names by sysObjectID."""
    known: dict[str, dict[str, list[str]]] = yaml.load(_data("models.yaml"), yaml.CSafeLoader)
    return {oid: names for vendor in known.values() for oid, names in vendor.items()}


def _system(raw: dict[str, Any], group: dict[str, Any]) -> System:
    get = {}
    for name, value in raw.get("get", {}).items():
        oid, _, expression = str(value).partition(" ~ ")
        get[name] = Ask(oid=oid, expression=expression)
    return compile_rule(
        System(
            vendor=raw.get("vendor", group.get("vendor", "")),
            os=raw["os"],
            oid=str(raw["oid"]),
            descr=raw["descr"],
            type=raw.get("type", ""),
            version=tuple(raw.get("version", ())),
            model=tuple(raw.get("model", ())),
            get=get,
        )
    )


def _data(name: str) -> bytes:
    return (files(__package__) / "data" / name).read_bytes()
