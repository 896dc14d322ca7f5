"""Search over everything: a table of titles and words that follows the change feed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, String, bindparam, delete, false, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import customfields, direct, listed, rows
from mainstay.kernel import query as lists
from mainstay.kernel.context import Context
from mainstay.kernel.feed import Entry, consumer
from mainstay.kernel.record import Base, Identifier, Scoped
from mainstay.kernel.resource import Resource
from mainstay.kernel.statements import plain

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform


class SearchEntry(Scoped, Base):
    """One record as search finds it: ``words`` is everything searchable, in lower case."""

    __tablename__ = "search_entry"
    __table_args__ = (Index("ix_search_entry_recent", "organization", "record_id"),)

    resource: Mapped[str] = mapped_column(String(64), primary_key=True)
    record_id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    title: Mapped[str] = mapped_column(String(300))
    subtitle: Mapped[str] = mapped_column(String(300))
    words: Mapped[str] = mapped_column(String)


def _searched(platform: Platform, name: str) -> bool:
    resource = platform.registry.resources.get(name)
    return resource is not None and any(spec.search for spec in resource.fields.values())


@consumer("search", _searched)
async def follow(ctx: Context, changes: Sequence[Entry]) -> None:
    """Bring the entries of the changed records up to date, set-wise."""
    touched: dict[str, set[str]] = {}
    for change in changes:
        touched.setdefault(change.resource, set()).add(change.record_id)
    for name, ids in touched.items():
        resource = ctx.platform.registry.resources[name]
        await _refresh(ctx, resource, sorted(ids))


_TABLE: Any = SearchEntry.__table__
_ADD = direct.Statement(insert(_TABLE), [each.key for each in _TABLE.columns])
_REMOVE = {
    sqlite: direct.Statement(
        plain(
            delete(_TABLE).where(
                _TABLE.c.organization == bindparam("in_organization"),
                _TABLE.c.resource == bindparam("of"),
                listed.among(sqlite, _TABLE.c.record_id, listed.bound(sqlite, "ids")),
            )
        )
    )
    for sqlite in (True, False)
}


def _reading(res: Resource[Any], names: list[str], sqlite: bool) -> direct.Statement:
    key = ("searched", sqlite)
    if key not in res.memory:
        table = res.model.__table__
        res.memory[key] = direct.Statement(
            plain(
                select(table.c.id, *(getattr(res.model, name) for name in names)).where(
                    table.c.organization == bindparam("in_organization"),
                    table.c.is_deleted == false(),
                    listed.among(sqlite, table.c.id, listed.bound(sqlite, "ids")),
                )
            )
        )
    found: direct.Statement = res.memory[key]
    return found


async def _refresh(ctx: Context, res: Resource[Any], ids: list[str]) -> None:
    database, session = ctx.platform.database, ctx.session
    given = {"in_organization": ctx.organization, "of": res.name, "ids": listed.value(database.is_sqlite, ids)}
    await direct.run(database, session, _REMOVE[database.is_sqlite].on(database), given)
    names = [name for name, spec in res.fields.items() if spec.search]
    reading = _reading(res, names, database.is_sqlite).on(database)
    rows = await direct.run(database, session, reading, given)
    entries = []
    for row in rows:
        values = {name: str(value) for name, value in zip(names, row[1:], strict=True) if value}
        title, subtitle = _words(res, values)
        words = " ".join(values.values()).lower()
        entries.append({"record_id": row[0], "title": title, "subtitle": subtitle, "words": words})
    if entries:
        common = {"organization": ctx.organization, "resource": res.name}
        await direct.insert(database, session, _ADD.on(database), entries, common)


async def find(ctx: Context, text: str, limit: int) -> list[dict[str, Any]]:
    """Records whose words hold every given word, newest first, of the resources the caller may view."""
    terms = text.replace("\x00", "").lower().split()[:8]
    if not terms:
        return []
    readable = {
        name: res for name, res in ctx.platform.registry.resources.items()
        if ctx.principal.can(res.permission, "view") and res.in_menu
        # Resources that show each caller different rows are searched in their own list.
        and res.behaviour.visible(ctx) is None
    }  # fmt: skip
    # The words of a record are those of every searched field: who may not see all of them is answered from the records.
    partly = {name for name, res in readable.items() if await _hides(ctx, res)}
    query = (
        select(SearchEntry.resource, SearchEntry.record_id, SearchEntry.title, SearchEntry.subtitle)
        .where(
            SearchEntry.resource.in_(readable.keys() - partly),
            *[SearchEntry.words.contains(term, autoescape=True) for term in terms],
        )
        .order_by(SearchEntry.record_id.desc())
        .limit(limit)
    )
    found = [
        {"resource": row.resource, "id": row.record_id, "title": row.title, "subtitle": row.subtitle,
         "label": readable[row.resource].label}
        for row in (await ctx.session.execute(query)).all()
    ]  # fmt: skip
    for name in sorted(partly):
        found += await _seen(ctx, readable[name], text, limit)
    return sorted(found, key=lambda item: str(item["id"]), reverse=True)[:limit]


async def _hides(ctx: Context, res: Resource[Any]) -> bool:
    """Whether a searched field of a resource is hidden from the caller."""
    hidden = await customfields.hidden(ctx, res)
    return any(res.fields[name].search for name in hidden if name in res.fields)


async def _seen(ctx: Context, res: Resource[Any], text: str, limit: int) -> list[dict[str, Any]]:
    """What a search finds by the fields that the caller sees, and shows of them."""
    origin = await rows.source(ctx, res)
    condition = lists.search(origin, text)
    if condition is None:
        return []
    names = [name for name, spec in origin.fields.items() if spec.search]
    columns = [origin.columns[name] for name in names]
    query = select(res.model.id, *columns).where(condition).order_by(res.model.id.desc()).limit(limit)
    return [
        _entry(res, dict(zip(["id", *names], row, strict=True))) for row in (await ctx.session.execute(query)).all()
    ]


def _entry(res: Resource[Any], row: dict[str, Any]) -> dict[str, Any]:
    title, subtitle = _words(res, {name: str(value) for name, value in row.items() if value and name != "id"})
    return {"resource": res.name, "id": row["id"], "title": title, "subtitle": subtitle, "label": res.label}


def _words(res: Resource[Any], values: dict[str, str]) -> tuple[str, str]:
    """Title and second line of a record, out of its searched fields."""
    title = values.get(res.title) or next(iter(values.values()), "")
    rest = [value for name, value in values.items() if name != res.title]
    return title[:300], " · ".join(rest)[:300]
