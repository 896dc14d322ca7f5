"""Search over everything: a table of titles and words that follows the change feed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, String, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel.context import Context
from mainstay.kernel.feed import Entry, consumer
from mainstay.kernel.record import Base, Identifier, Scoped
from mainstay.kernel.resource import Resource
from mainstay.kernel.store import CHUNK

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
        every = sorted(ids)
        for start in range(0, len(every), CHUNK):
            await _refresh(ctx, resource, every[start : start + CHUNK])


async def _refresh(ctx: Context, res: Resource[Any], ids: list[str]) -> None:
    await ctx.session.execute(
        delete(SearchEntry)
        .where(SearchEntry.resource == res.name, SearchEntry.record_id.in_(ids))
        .execution_options(synchronize_session=False)
    )
    names = [name for name, spec in res.fields.items() if spec.search]
    columns = [getattr(res.model, name) for name in names]
    rows = (await ctx.session.execute(select(res.model.id, *columns).where(res.model.id.in_(ids)))).all()
    entries = []
    for row in rows:
        values = {name: str(value) for name, value in zip(names, row[1:], strict=True) if value}
        title = values.get(res.title) or next(iter(values.values()), "")
        rest = [value for name, value in values.items() if name != res.title]
        entries.append({
            "organization": ctx.organization, "resource": res.name, "record_id": row[0], "title": title[:300],
            "subtitle": " · ".join(rest)[:300], "words": " ".join(values.values()).lower(),
        })  # fmt: skip
    if entries:
        await ctx.session.execute(insert(SearchEntry.__table__), entries)  # type: ignore[arg-type]


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
    query = (
        select(SearchEntry.resource, SearchEntry.record_id, SearchEntry.title, SearchEntry.subtitle)
        .where(
            SearchEntry.resource.in_(readable),
            *[SearchEntry.words.contains(term, autoescape=True) for term in terms],
        )
        .order_by(SearchEntry.record_id.desc())
        .limit(limit)
    )
    return [
        {"resource": row.resource, "id": row.record_id, "title": row.title, "subtitle": row.subtitle,
         "label": readable[row.resource].label}
        for row in (await ctx.session.execute(query)).all()
    ]  # fmt: skip
