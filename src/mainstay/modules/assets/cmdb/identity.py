"""What identifies an item: the values of its category's unique identifiers, and those that devices carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from mainstay.kernel import direct, listed
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict
from mainstay.kernel.statements import plain
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.categories.service import Class
from mainstay.modules.assets.cmdb.tables import Ci, CiIdentity

CARRIED = ("serial_number", "engine_id", "chassis_id", "uuid")
"""What a device knows of itself. Found by them, but only unique where a category says so."""
SHARED = ("ssh_host_key",)
"""What a device shows, but may have in common with others: copies of one machine, keys that a maker delivers."""
_JUNK = frozenset(
    {
        "",
        "-",
        "none",
        "null",
        "n/a",
        "na",
        "unknown",
        "default string",
        "not specified",
        "not available",
        "0",
        "to be filled by o.e.m.",
        "system serial number",
        "chassis serial number",
        "123456789",
        "0123456789",
        "1234567890",
    }
)
"""What firmware says where nobody entered a value."""
_SEPARATORS = frozenset("-:")
_ALONE = tuple((name,) for name in (*CARRIED, *SHARED))
_TABLE: Any = CiIdentity.__table__
_INSERT = direct.Statement(insert(_TABLE), [column.key for column in _TABLE.columns])


class Key(NamedTuple):
    """One identifying value."""

    rule: str
    value: str
    enforced: bool


def clean(value: Any) -> str:
    """A value as it is compared; empty where it identifies nothing."""
    if value is None or value == "":
        return ""
    word = str(value).strip().lower()
    if word in _JUNK:
        return ""
    if len(word) > 3 and (word[0] == word[-1] or not _SEPARATORS.isdisjoint(word)):
        # Two ends that differ tell of most values that they are no row of one character.
        return "" if len(set(word) - _SEPARATORS) <= 1 else word
    return word


@lru_cache(1000)
def _plan(rules: tuple[tuple[str, ...], ...], enforced: bool) -> list[tuple[tuple[str, ...], str, bool]]:
    """The fields of each identifying value, its rule's name and whether it is enforced."""
    every = dict.fromkeys(rules if enforced else (*rules, *_ALONE))
    return [(names, "+".join(names)[:200], names in rules) for names in every]


def keys_of(one: Class | None, values: Mapping[str, Any]) -> list[Key]:
    """The identifying values of an item of a category."""
    (found,) = _keys(one, [values])
    return found


def keys_of_many(
    known: Mapping[str, Class], rows: Sequence[Mapping[str, Any]], *, enforced: bool = False
) -> list[list[Key]]:
    """The same of many items, each of its own category. ``enforced``: only what no second item may have."""
    groups: dict[Any, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.get("category"), []).append(index)
    found: list[list[Key]] = [[]] * len(rows)
    for category, places in groups.items():
        made = _keys(known.get(category), [rows[place] for place in places], enforced)
        for place, keys in zip(places, made, strict=True):
            found[place] = keys
    return found


def _keys(one: Class | None, rows: Sequence[Mapping[str, Any]], only: bool = False) -> list[list[Key]]:
    """Of items of one category: field by field, for most have few of what could identify them."""
    found: list[dict[tuple[str, str], Key]] = [{} for _ in rows]
    cleaned: dict[str, list[str]] = {}
    for names, rule, enforced in _plan(one.identifiers if one else (), only):
        for name in names:
            if name not in cleaned:
                cleaned[name] = _cleaned(name, rows)
        if not all(cleaned[name] for name in names):
            continue
        for made, parts in zip(found, zip(*[cleaned[name] for name in names], strict=True), strict=True):
            if all(parts):
                joined = "\x1f".join(parts)
                value = joined if len(joined) <= 400 else sha256(joined.encode()).hexdigest()
                made.setdefault((rule, value), Key(rule, value, enforced))
    return [list(made.values()) for made in found]


def _cleaned(name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each item has in a field, as it is compared; nothing at all where none has anything."""
    held = [row[name] if name in row else (row.get("custom_field_data") or {}).get(name) for row in rows]
    return [clean(value) for value in held] if any(held) else []


_HOLDERS = {
    sqlite: direct.Statement(
        plain(
            select(_TABLE.c.value, _TABLE.c.ci, _TABLE.c.enforced)
            .where(
                _TABLE.c.organization == bindparam("in_organization"),
                _TABLE.c.rule == bindparam("of"),
                listed.among(sqlite, _TABLE.c.value, listed.bound(sqlite, "values")),
            )
            .order_by(_TABLE.c.ci)
        )
    )
    for sqlite in (True, False)
}


async def holders(ctx: Context, keys: Iterable[Key]) -> dict[tuple[str, str], list[tuple[str, bool]]]:
    """Who has these values: (rule, value) → items, and whether theirs is enforced; oldest item first."""
    by_rule: dict[str, set[str]] = {}
    for key in keys:
        by_rule.setdefault(key.rule, set()).add(key.value)
    found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    database = ctx.platform.database
    for rule, values in by_rule.items():
        given = {
            "in_organization": ctx.organization,
            "of": rule,
            "values": listed.value(database.is_sqlite, sorted(values)),
        }
        for value, ci, enforced in await direct.run(
            database, ctx.session, _HOLDERS[database.is_sqlite].on(database), given
        ):
            found.setdefault((rule, value), []).append((ci, enforced))
    return found


async def names_of(ctx: Context, ids: Iterable[str]) -> dict[str, str]:
    """Items as an error names them."""
    wanted = sorted(set(ids))[:CHUNK]
    rows = (await ctx.session.execute(select(Ci.id, Ci.name, Ci.display_id).where(Ci.id.in_(wanted)))).all()
    return {row.id: f"{row.name} ({row.display_id})" for row in rows}


async def taken(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str] | None]:
    """For each item about to be stored: the field whose value another one has, and the refusal; else ``None``.

    A row with an ``id`` does not stand in its own way.
    """
    known = await categories.classes(ctx)
    keys = keys_of_many(known, rows, enforced=True)
    held = await holders(ctx, (key for each in keys for key in each))
    wanted = {ci for found in held.values() for ci, enforced in found if enforced}
    names = await names_of(ctx, wanted) if wanted else {}
    out: list[tuple[str, str] | None] = []
    within: dict[tuple[str, str], int] = {}
    for index, (row, each) in enumerate(zip(rows, keys, strict=True)):
        problem = None
        for key in each:
            other = next((ci for ci, enforced in held.get(key[:2], ()) if enforced and ci != row.get("id")), None)
            if other is not None or within.setdefault(key[:2], index) != index:
                fields = key.rule.split("+")
                label = " and ".join(name.replace("_", " ") for name in fields)
                who = names.get(other, "Another item") if other is not None else "An earlier row"
                problem = (fields[0], f"{who} has this {label} already.")
                break
        out.append(problem)
    return out


async def keep(ctx: Context, rows: Sequence[Mapping[str, Any]], *, new: bool) -> None:
    """Note the identifying values of items that were stored. Raises ``Conflict``."""
    known = await categories.classes(ctx)
    if not new:
        await forget(ctx, [row["id"] for row in rows])
    made = [
        {"ci": row["id"], "rule": key.rule, "value": key.value, "enforced": key.enforced}
        for row, keys in zip(rows, keys_of_many(known, rows), strict=True)
        for key in keys
    ]
    database = ctx.platform.database
    if made:
        try:
            await direct.insert(database, ctx.session, _INSERT.on(database), made, {"organization": ctx.organization})
        except IntegrityError:
            raise Conflict("Another item was given the same identifying value at this moment. Try again.") from None


async def forget(ctx: Context, ids: Sequence[str]) -> None:
    """Drop what identifies items, because they go or change."""
    for start in range(0, len(ids), CHUNK):
        part = list(ids[start : start + CHUNK])
        statement = delete(CiIdentity).where(CiIdentity.ci.in_(part)).execution_options(synchronize_session=False)
        await ctx.session.execute(statement)


async def rebuild(ctx: Context, category_ids: Sequence[str]) -> None:
    """Bring the values up to date after categories changed what identifies. Raises ``Conflict``."""
    columns = {c.key: getattr(Ci, c.key) for c in Ci.__table__.columns}
    last = ""
    while True:
        query = select(*columns.values()).where(Ci.category.in_(list(category_ids)), Ci.id > last)
        found = (await ctx.session.execute(query.order_by(Ci.id).limit(1000))).all()
        if not found:
            return
        rows = [dict(zip(columns, row, strict=True)) for row in found]
        last = rows[-1]["id"]
        await forget(ctx, [row["id"] for row in rows])
        problems = await taken(ctx, rows)
        for row, problem in zip(rows, problems, strict=True):
            if problem:
                raise Conflict(f"{row['name']} ({row['display_id']}) stands in the way: {problem[1]}")
        await keep(ctx, rows, new=True)
