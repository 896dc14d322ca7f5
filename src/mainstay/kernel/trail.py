"""The history of a record and the comments on it."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import Any

import msgspec
from sqlalchemy import Index, Select, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import changes, customfields, query, store
from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.record import Identifier, Record
from mainstay.kernel.resource import Resource
from mainstay.kernel.richtext import sanitise


class Comment(Record):
    """A remark on any record; ``text`` is sanitised HTML."""

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_record", "organization", "resource", "record_id", "creation_time"),)

    resource: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[str] = mapped_column(Identifier)
    type: Mapped[str] = mapped_column(String(64), default="note")
    text: Mapped[str] = mapped_column(default="")
    author_name: Mapped[str] = mapped_column(String(255), default="")


class CommentInput(msgspec.Struct, kw_only=True):
    """A comment: text or HTML, and what kind of remark it is."""

    text: str
    type: str = "note"


class HistoryEntry(msgspec.Struct, kw_only=True):
    """One change of a record."""

    id: int
    at: datetime
    actor: int
    actor_name: str
    action: str
    version: int
    changes: list[dict[str, Any]]


def envelope(wanted: ListQuery, total: int, results: list[Any]) -> Page:
    """A page of what is not a resource."""
    pages = max(1, ceil(total / wanted.items_per_page))
    step = f"?items_per_page={wanted.items_per_page}&page="
    return Page(
        count=total, results=results, total_pages=pages, max_page_limit=query.MAX_PAGE,
        next=f"{step}{wanted.page + 1}" if wanted.page < pages else None,
        previous=f"{step}{wanted.page - 1}" if wanted.page > 1 else None,
    )  # fmt: skip


async def paged(ctx: Context, statement: Select[Any], wanted: ListQuery) -> tuple[int, list[Any]]:
    """The total and one page of a statement's rows. Raises ``Invalid`` for a page that cannot be."""
    if not 1 <= wanted.items_per_page <= query.MAX_PAGE:
        raise Invalid.field("items_per_page", f"items_per_page must be between 1 and {query.MAX_PAGE}.")
    if not 1 <= wanted.page <= 10**9:
        raise Invalid.field("page", "page must be 1 or more.")
    total = int(await ctx.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0)
    page = statement.limit(wanted.items_per_page).offset((wanted.page - 1) * wanted.items_per_page)
    return total, list((await ctx.session.execute(page)).all())


async def history(ctx: Context, res: Resource[Any], record_id: str, wanted: ListQuery) -> Page:
    """The record's changes, newest first, with the labels of the fields; without fields hidden from the caller."""
    statement = (
        select(Change).where(Change.resource == res.name, Change.record_id == record_id).order_by(Change.seq.desc())
    )
    total, found = await paged(ctx, statement, wanted)
    results = []
    hidden = await customfields.hidden(ctx, res)
    for (row,) in found:
        marked = [
            {"label": _label(res, change["field"]), **_seen(change, hidden)}
            for change in row.changes
            if change["field"].removesuffix("_name") not in hidden
        ]
        results.append(
            HistoryEntry(id=row.seq, at=row.at, actor=row.actor, actor_name=row.actor_name, action=row.action,
                         version=row.version, changes=marked)
        )  # fmt: skip
    return envelope(wanted, total, results)


def _seen(change: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    """A change without the custom fields in it that are hidden."""
    if not hidden or change["field"] != "custom_field_data":
        return change
    return {
        name: {key: held for key, held in value.items() if key not in hidden} if isinstance(value, dict) else value
        for name, value in change.items()
    }


def _label(res: Resource[Any], name: str) -> str:
    spec = res.fields.get(name)
    return spec.label if spec else name.replace("_", " ").capitalize()


async def comment(ctx: Context, resource: str, record_id: str, body: CommentInput) -> dict[str, Any]:
    """Add a comment and its trail. Raises ``Invalid`` when it is empty."""
    text = sanitise(body.text.replace("\x00", "")).strip()
    if not text:
        raise Invalid.field("text", "Please provide text.")
    if len(text) > 200_000:
        raise Invalid.field("text", "The comment is too long; 200,000 characters are the most.")
    made = Comment(resource=resource, record_id=record_id, type=body.type[:64], text=text,
                   author_name=ctx.principal.name)  # fmt: skip
    await store.add(ctx, made)
    note = [changes.entry("comment", None, text), changes.entry("type", None, made.type)]
    await changes.record(ctx, resource, "comment", [(record_id, 0, note)])
    return _shown(made)


async def comments(ctx: Context, resource: str, record_id: str, wanted: ListQuery) -> Page:
    """The record's comments, oldest first."""
    statement = (
        select(Comment)
        .where(Comment.resource == resource, Comment.record_id == record_id)
        .order_by(Comment.creation_time, Comment.id)
    )
    total, found = await paged(ctx, statement, wanted)
    return envelope(wanted, total, [_shown(row) for (row,) in found])


def _shown(row: Comment) -> dict[str, Any]:
    return {"id": row.id, "text": row.text, "type": row.type, "author": row.created_by,
            "author_name": row.author_name, "creation_time": row.creation_time}  # fmt: skip
