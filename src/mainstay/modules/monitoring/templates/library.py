"""The rules that come with Mainstay, read from the package's data."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from mainstay.modules.monitoring.templates.engine import Ask, Library, System, compile_rule


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
        for raw in group["systems"]:
            descr = raw.get("descr", group.get("descr", ""))
            found.append(_system({**raw, "descr": descr}, group))
    for entry in yaml.load(_data("numbers.yaml"), yaml.CSafeLoader):
        found += [_numbered(entry, oid, found) for oid in map(str, entry["oids"])]
    return tuple(found)


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
            oid=str(raw.get("oid", group.get("oid", ""))),
            descr=raw["descr"],
            type=raw.get("type", ""),
            version=tuple(raw.get("version", ())),
            model=tuple(raw.get("model", ())),
            get=get,
        )
    )


def _data(name: str) -> bytes:
    return (files(__package__) / "data" / name).read_bytes()
