"""The catalogue of event classes: what each means, how bad it is, and what ends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from mainstay.modules.monitoring.eventrules import severity

RAISE, LOG, IGNORE = "raise", "log", "ignore"
DATA = files(__package__ or "") / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClass:
    """One kind of event. ``type`` and ``cause`` are X.733's event type and probable cause."""

    name: str
    severity: int = severity.INFORMATIONAL
    disposition: str = RAISE
    """raise: a row in the events; log: known, but kept in the history only; ignore: noise."""
    clears: tuple[str, ...] = ()
    """The classes that an event of this class ends."""
    cleared_by: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    """The variables that tell two events of this class on one device apart."""
    type: str = ""
    cause: str = ""
    meaning: str = ""
    action: str = ""
    outage: bool = False
    """The device itself cannot be reached: what depends on it is unknown rather than down."""


def documents(folder: str) -> Iterator[tuple[str, Any]]:
    """The data files of a folder, by name."""
    found: list[Traversable] = sorted((DATA / folder).iterdir(), key=lambda item: item.name)
    for item in found:
        if item.name.endswith(".yaml"):
            yield item.name.removesuffix(".yaml"), yaml.load(item.read_text("utf-8"), Loader=_loader())  # noqa: S506 - the safe loader


def _loader() -> Any:
    """The parser in C where it was built: the data are read at every start."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def classes() -> dict[str, EventClass]:
    """Every shipped class by name."""
    made: dict[str, dict[str, Any]] = {}
    for _name, groups in documents("classes"):
        for group in groups:
            prefix = group.pop("group")
            members = group.pop("classes")
            for short, given in members.items():
                full = _full(prefix, short)
                if full in made:
                    raise ValueError(f"Two event classes are named {full!r}.")
                made[full] = _read(prefix, {**group, **(given or {})})
    for full, given in list(made.items()):
        for ended in given.get("clears", ()):
            made[ended]["cleared_by"] = (*made[ended].get("cleared_by", ()), full)
    return {name: EventClass(name=name, **given) for name, given in made.items()}


def _full(prefix: str, short: str) -> str:
    if short.startswith("/"):
        return short[1:]
    return f"{prefix} | {short}" if prefix else short


def _read(prefix: str, given: dict[str, Any]) -> dict[str, Any]:
    out = dict(given)
    if "severity" in out:
        out["severity"] = severity.WORDS[str(out["severity"])]
    for name in ("clears", "key"):
        if name in out:
            many = [out[name]] if isinstance(out[name], str) else out[name]
            out[name] = tuple(_full(prefix, item) for item in many) if name == "clears" else tuple(many)
    return out


UNCLASSIFIED = EventClass(name="Unclassified", type="other", meaning="A message that no rule knows.",
                          action="Read the message; write a rule when it comes again.")  # fmt: skip


def find(name: str) -> EventClass:
    """The class of this name; one that the organization made up behaves like an unclassified one."""
    known = classes().get(name)
    if known is not None:
        return known
    return _made_up(name) if name else UNCLASSIFIED


@lru_cache(maxsize=10_000)
def _made_up(name: str) -> EventClass:
    return EventClass(name=name)
