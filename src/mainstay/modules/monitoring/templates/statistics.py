"""What a device template measures besides what is measured on every device: its own objects. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

SCALAR, COLUMN = "scalar", "column"
GAUGE, COUNTER = "gauge", "counter"
MOST = 100
_OID = re.compile(r"\.?\d+(\.\d+){1,60}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")


class BadStatistic(ValueError):
    """A statistic that cannot be measured; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """One object to measure: a single one, or every row of a column of a table.

    ``oid``: of a single one with its instance (the .0 at the end), of a column without. ``kind``: a gauge is taken as
    it is, of a counter the change a second. ``scale``: what the value is multiplied with. ``label_oid``: the column
    that holds the names of the rows; without it they are called by their index.
    """

    key: str
    name: str
    oid: str
    type: str = SCALAR
    kind: str = GAUGE
    unit: str = ""
    scale: float = 1.0
    label_oid: str = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        return numbers(self.oid)


def numbers(oid: str) -> tuple[int, ...]:
    """An OID as its numbers."""
    return tuple(int(arc) for arc in oid.strip(".").split("."))


def parse(raw: Any) -> Statistic:
    """A statistic from what was given. Raises ``BadStatistic``."""
    if not isinstance(raw, Mapping):
        raise BadStatistic("A statistic is an object with key, name and oid.")
    unknown = sorted(set(map(str, raw)) - set(Statistic.__dataclass_fields__))
    if unknown:
        raise BadStatistic(f"{unknown[0][:60]!r} is not known of statistics. Known are: "
                           f"{', '.join(Statistic.__dataclass_fields__)}.")  # fmt: skip
    words = {name: str(raw.get(name) or "").strip() for name in Statistic.__dataclass_fields__ if name != "scale"}
    name = words["name"] or words["key"]
    key = words["key"] or re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not _KEY.fullmatch(key):
        raise BadStatistic(f"The key {key[:60]!r} must be a lower-case word such as fan_speed.")
    for field in ("oid", "label_oid"):
        if (words[field] or field == "oid") and not (len(words[field]) <= 300 and _OID.fullmatch(words[field])):
            raise BadStatistic(f"{key}: {field} must be numbers with dots, such as 1.3.6.1.4.1.9.9.13.1.4.1.3.")
        if any(int(arc) > 2**32 - 1 for arc in words[field].strip(".").split(".") if arc):
            raise BadStatistic(f"{key}: {field} holds a number that is too big.")
    kind, type_ = words["kind"].lower() or GAUGE, words["type"].lower() or SCALAR
    if kind not in (GAUGE, COUNTER):
        raise BadStatistic(f"{key}: kind is {GAUGE} or {COUNTER}.")
    if type_ not in (SCALAR, COLUMN):
        raise BadStatistic(f"{key}: type is {SCALAR} or {COLUMN}.")
    try:
        scale = float(raw.get("scale", 1) if raw.get("scale") is not None else 1)
    except (TypeError, ValueError):
        scale = float("nan")
    if not 0 < abs(scale) < 1e15:
        raise BadStatistic(f"{key}: scale must be a number other than 0.")
    return Statistic(key=key, name=name[:120], oid=words["oid"].strip("."), type=type_, kind=kind,
                     unit=words["unit"][:20], scale=scale, label_oid=words["label_oid"].strip("."))  # fmt: skip


def checked(given: Any, taken: Iterable[str] = ()) -> tuple[list[Statistic], list[dict[str, Any]]]:
    """Those that can be measured, and what is wrong with the others, by their place in the list."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        return [], [{"row": 0, "error": "Statistics are a list."}]
    good: list[Statistic] = []
    wrong: list[dict[str, Any]] = []
    seen = set(taken)
    for number, raw in enumerate(given, 1):
        try:
            one = parse(raw)
            if one.key in seen:
                raise BadStatistic(f"The key {one.key!r} is taken; give another one.")
            if len(good) >= MOST:
                raise BadStatistic(f"A template holds at most {MOST} statistics.")
        except BadStatistic as bad:
            wrong.append({"row": number, "error": str(bad)})
            if len(wrong) >= MOST:
                break
            continue
        seen.add(one.key)
        good.append(one)
    return good, wrong


def plain(one: Statistic) -> dict[str, Any]:
    """A statistic as it is stored."""
    return asdict(one)
