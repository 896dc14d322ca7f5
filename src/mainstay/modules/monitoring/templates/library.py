"""The rules that come with Mainstay, read from the package's data."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from mainstay.modules.monitoring.templates.engine import Ask, General, Library, System, compile_rule

_NAME = r"^([A-Z][A-Za-z]{0,9}-?\d[\w/+-]*)(?:[\s,;]|$)"
"""A product's name at the beginning of a description."""
_VERSION = r"(?i)\b(?:version|ver|rev|firmware|software|fw|sw|v)[ :.]*v?(\d+(?:\.\d+)+[\w.-]*)"


@cache
def shipped() -> Library:
    """The shipped rules and models."""
    return Library(systems(), models(), general())


@cache
def systems() -> tuple[System, ...]:
    """The shipped rules, in their order."""
    found: list[System] = []
    for file in sorted(files(__package__).joinpath("data", "systems").iterdir(), key=lambda one: one.name):
        for group in yaml.load(file.read_bytes(), yaml.CSafeLoader):
            for oid in group.get("oids", [group.get("oid", "")]):
                # What a group says holds for each of its rules that does not say otherwise.
                found += [_system({**group, "oid": oid, **raw}) for raw in _rules(group)]
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


@cache
def general() -> General:
    """What holds for every device."""
    raw = yaml.load(_data("general.yaml"), yaml.CSafeLoader)
    asks = {kind: {name: _ask(value) for name, value in each.items()} for kind, each in raw["get"].items()}
    made = General(get=asks, version=tuple(raw["version"]), model=tuple(raw["model"]), maker=maker)
    for each in asks.values():
        compile_rule(System(vendor="", os="", version=made.version, model=made.model, get=each))
    return made


@lru_cache(1000)
def maker(number: int) -> str:
    """Who holds an enterprise number, as registered. The register is read again for each: it is seldom needed."""
    lines = gzip.decompress(_data("register.txt.gz"))
    start = lines.find(b"\n%d\t" % number) + 1
    return lines[start : lines.index(b"\n", start)].partition(b"\t")[2].decode() if start else ""


def _rules(group: dict[str, Any]) -> list[dict[str, Any]]:
    """A group of a single rule may be written without a list."""
    rules: list[dict[str, Any]] = group.get("systems") or [group]
    return rules


def _ask(raw: Any) -> Ask:
    """``oid ~ expression``; of several the first that is answered counts."""
    found: Ask | None = None
    for text in reversed(raw if isinstance(raw, list) else [raw]):
        oid, _, expression = str(text).partition(" ~ ")
        found = Ask(oid=oid, expression=expression, orelse=found)
    assert found is not None
    return found


def _system(raw: dict[str, Any]) -> System:
    return compile_rule(
        System(
            vendor=raw.get("vendor", ""),
            os=raw["os"],
            oid=str(raw["oid"]),
            descr=raw.get("descr", ""),
            has=_ask(raw["has"]) if "has" in raw else None,
            type=raw.get("type", ""),
            version=_several(raw.get("version", ())),
            model=_several(raw.get("model", ())),
            version_form=raw.get("version_form", ""),
            written=raw.get("written", False),
            get={name: _ask(value) for name, value in raw.get("get", {}).items()},
        )
    )


def _several(raw: Any) -> tuple[str, ...]:
    return (raw,) if isinstance(raw, str) else tuple(raw)


def _data(name: str) -> bytes:
    return (files(__package__) / "data" / name).read_bytes()
