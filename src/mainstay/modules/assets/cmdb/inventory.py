"""What items are made of, kept up to date set-wise: new parts, changed ones, and those that are no longer there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, String, bindparam, insert, select, update

from mainstay.kernel import changes
from mainstay.kernel.context import Context
from mainstay.kernel.record import new_id
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.cmdb import lookup, service
from mainstay.modules.assets.cmdb.parts import PARTS

OWN = frozenset({"id", "organization", "ci", "source", "first_seen", "last_seen", "missing_since"})
VOLATILE = frozenset({"used", "oper_status", "state", "if_index"})
"""What changes all the time: stored, but not worth a line in the history."""
ALIASES = {
    "ifindex": "if_index",
    "index": "if_index",
    "ifdescr": "description",
    "ifalias": "alias",
    "ifname": "name",
    "mac_address": "mac",
    "serial": "serial_number",
    "vendor": "manufacturer",
    "class": "kind",
    "type": "kind",
    "parent": "parent_key",
    "size": "total",
    "fs": "file_system",
    "interface_name": "name",
    "resource_name": "name",
    "resource_type": "kind",
    "ip_addresses": "addresses",
}
TOLD = 20
"""Names of parts that one line of the history tells."""
Parts = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""Item → kind → its parts."""


async def keep(ctx: Context, source: str, given: Parts, *, complete: bool = True) -> dict[str, list[str]]:
    """Store what the source found; returns the kinds that changed, by item.

    ``complete``: what the source reported before and does not now is missing. What another source reported is its
    own affair.
    """
    changed: dict[str, list[str]] = defaultdict(list)
    trail: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for kind, model in PARTS.items():
        wanted = {ci: clean(model, parts[kind]) for ci, parts in given.items() if kind in parts}
        if not wanted:
            continue
        for ci, diff in (await _settle(ctx, source, kind, model, wanted, complete)).items():
            changed[ci].append(kind)
            trail[ci] += diff
    await changes.record(ctx, "ci", "inventory", [(ci, 0, diff) for ci, diff in trail.items() if diff])
    return dict(changed)


def columns_of(model: Any) -> dict[str, Any]:
    """What a source may say of a part."""
    return {column.key: column for column in model.__table__.columns if column.key not in OWN}


def clean(model: Any, parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Parts by key, with values that their columns take; what has no column goes to the details."""
    columns = columns_of(model)
    made: dict[str, dict[str, Any]] = {}
    for part in parts:
        values: dict[str, Any] = {}
        details: dict[str, Any] = {}
        for raw, value in part.items():
            name = raw if raw in columns else ALIASES.get(raw.lower(), raw)
            if name == "details" and isinstance(value, dict):
                details.update(value)
            elif name in columns:
                values[name] = fit(columns[name], value)
            elif value is not None and raw not in OWN:
                details[raw[:80]] = value
        if "mac" in values:
            values["mac"] = service.mac(values["mac"] or "")[:23]
        if "addresses" in values:
            values["addresses"] = [one for one in map(lookup.canonical, map(str, values["addresses"] or [])) if one]
        key = values.get("key") or values.get("name") or values.get("if_index") or values.get("description")
        if key in (None, ""):
            continue
        values["key"] = str(key)[:200]
        values["name"] = values.get("name") or values["key"]
        if details:
            values["details"] = details
        made.setdefault(values["key"], values)
    return made


def fit(column: Any, value: Any) -> Any:
    """A value as its column takes it; a device that lies must not stop the others."""
    kind = column.type
    if isinstance(kind, Integer | BigInteger):
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            return None
        limit = 2**63 - 1 if isinstance(kind, BigInteger) else 2**31 - 1
        return number if abs(number) <= limit else None
    if isinstance(kind, Boolean):
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "yes")
    if isinstance(kind, String):
        text = "" if value is None else str(value).replace("\x00", "").encode("utf-8", "replace").decode()
        return text[: kind.length]
    if column.key in ("addresses", "tags"):
        return list(value) if isinstance(value, list | tuple | set) else [value] if value else []
    return value if isinstance(value, dict) else {}


async def _settle(
    ctx: Context,
    source: str,
    kind: str,
    model: Any,
    wanted: Mapping[str, Mapping[str, dict[str, Any]]],
    complete: bool,
) -> dict[str, list[dict[str, Any]]]:
    """One kind of parts of many items; returns what the history tells, by item."""
    columns = columns_of(model)
    have: dict[tuple[str, str], Any] = {}
    ids = sorted(wanted)
    for start in range(0, len(ids), CHUNK):
        query = select(model).where(model.ci.in_(ids[start : start + CHUNK]))
        for row in (await ctx.session.execute(query)).scalars():
            have[row.ci, row.key] = row
    blank = {name: _blank(column) for name, column in columns.items()}
    fresh: list[dict[str, Any]] = []
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    told: dict[str, list[dict[str, Any]]] = {}
    added: dict[str, list[str]] = defaultdict(list)
    lost: dict[str, list[str]] = defaultdict(list)
    seen: list[str] = []
    for ci, parts in wanted.items():
        for key, values in parts.items():
            row = have.get((ci, key))
            if row is None:
                stamps = {
                    "organization": ctx.organization,
                    "id": new_id(),
                    "ci": ci,
                    "source": source,
                    "first_seen": ctx.now,
                    "last_seen": ctx.now,
                    "missing_since": None,
                }
                fresh.append({**{name: make() for name, make in blank.items()}, **values, **stamps})
                added[ci].append(values["name"])
                continue
            seen.append(row.id)
            diff = {name: value for name, value in values.items() if getattr(row, name) != value}
            if row.missing_since is not None:
                diff["missing_since"] = None
                added[ci].append(row.name)
            if diff:
                groups[tuple(sorted(diff))].append({"part": row.id, **{f"new_{n}": v for n, v in diff.items()}})
                for name in diff.keys() - VOLATILE - {"missing_since", "details"}:
                    entry = changes.entry(f"{kind}.{row.name}.{name}"[:200], getattr(row, name), diff[name])
                    told.setdefault(ci, []).append(entry)
    for (ci, key), row in have.items():
        if complete and key not in wanted[ci] and row.missing_since is None and row.source == source:
            groups["missing_since",].append({"part": row.id, "new_missing_since": ctx.now})
            lost[ci].append(row.name)
    if fresh:
        await ctx.session.execute(insert(model.__table__), fresh)
    await _change(ctx, model, groups)
    await _seen(ctx, model, seen)
    for ci in {*added, *lost}:
        told.setdefault(ci, []).insert(0, changes.entry(kind, _list(lost[ci]), _list(added[ci])))
    return {ci: diff[:50] for ci, diff in told.items()}


def _blank(column: Any) -> Any:
    default = column.default
    if default is None:
        return lambda: None
    if default.is_callable:
        empty: Any = [] if column.key in ("addresses", "tags") else {}
        return lambda: type(empty)()
    return lambda: default.arg


def _list(names: Sequence[str]) -> str | None:
    if not names:
        return None
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(sorted(names)[:TOLD]) + more


async def _change(ctx: Context, model: Any, groups: Mapping[tuple[str, ...], list[dict[str, Any]]]) -> None:
    table = model.__table__
    for names, parameters in groups.items():
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        statement = update(table).where(table.c.organization == ctx.organization, table.c.id == bindparam("part"))
        await ctx.session.execute(statement.values(values), parameters)


async def _seen(ctx: Context, model: Any, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), CHUNK):
        statement = update(model).where(model.id.in_(list(ids[start : start + CHUNK]))).values(last_seen=ctx.now)
        await ctx.session.execute(statement.execution_options(synchronize_session=False))
