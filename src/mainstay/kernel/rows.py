"""Reading records: one statement for a page of rows with the labels of what they refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any, TypeVar
from urllib.parse import quote_plus

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, func, or_, select

from mainstay.kernel import counting, customfields, direct, query
from mainstay.kernel.anchors import FAR, Anchors
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.fields import Field
from mainstay.kernel.layout import finish, finish_all, layout
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery, Source
from mainstay.kernel.record import Record
from mainstay.kernel.resource import Resource
from mainstay.kernel.statements import confined, plain

R = TypeVar("R", bound=Record)


async def source(ctx: Context, res: Resource[Any]) -> Source:
    """What can be filtered and sorted on this resource by this organization."""
    if "columns" not in res.memory:
        res.memory["columns"] = {
            **{name: getattr(res.model, name) for name in res.fields},
            **{name: getattr(res.model, name) for name in res.stamps()},
        }
    # What is found by a hidden value, or sorted by it, tells the value.
    hidden = await customfields.hidden(ctx, res)
    custom = await customfields.of(ctx, res) if res.custom_fields else {}
    return Source(
        columns=res.memory["columns"],
        fields={name: spec for name, spec in {**res.fields, **res.stamps()}.items() if name not in hidden},
        custom={name: spec for name, spec in custom.items() if name not in hidden},
        document=res.model.custom_field_data,
        sqlite=ctx.platform.database.is_sqlite,
    )


async def answer(ctx: Context, res: Resource[Any], rows: list[dict[str, Any]]) -> list[Any]:
    """Rows in their documented shape."""
    await res.behaviour.decorate(ctx, rows)
    await customfields.conceal(ctx, res, rows)
    present, shape = res.behaviour.present, res.output
    return [shape(**present(row)) for row in rows]


def restricted(ctx: Context, res: Resource[Any], statement: Select[Any]) -> Select[Any]:
    """The statement confined to what the caller may see."""
    condition = res.behaviour.visible(ctx)
    return statement if condition is None else statement.where(condition)


async def one(ctx: Context, res: Resource[Any], condition: ColumnElement[bool], shown: str = "") -> dict[str, Any]:
    """The one row of a condition, whole. Raises ``NotFound``."""
    shape = layout(ctx, res, whole=True)
    statement = restricted(ctx, res, shape.statement.where(condition)).limit(1)
    raw = (await ctx.session.execute(statement)).first()
    if raw is None:
        raise NotFound(f"No {res.label.lower()} has the id {shown[:64]!r}.")
    return finish(shape, raw)


async def stored(ctx: Context, res: Resource[Any], record_id: str) -> dict[str, Any]:
    """The row of a record that this transaction has written, whole. Raises ``NotFound``."""
    shape = layout(ctx, res, whole=True)
    wanted = {"wanted": record_id, "in_organization": ctx.organization}
    database = ctx.platform.database
    found = await direct.run(database, ctx.session, shape.by_id.on(database), wanted)
    if not found:
        raise NotFound(f"No {res.label.lower()} has the id {record_id[:64]!r}.")
    return finish(shape, found[0])


def as_stored(ctx: Context, res: Resource[Any], full: dict[str, Any]) -> dict[str, Any] | None:
    """The row of a record that was inserted with these values just now; ``None`` where it takes a look to know."""
    shape = layout(ctx, res, whole=True)
    if not res.plain_inserts or any(full[name] is not None for name in shape.joined):
        return None
    return finish(shape, [full.get(name) for name in shape.names])


async def condition_of(
    ctx: Context, res: Resource[Any], wanted: ListQuery, document: Any
) -> tuple[Source, list[ColumnElement[bool]]]:
    """The SQL conditions of a list: its filters, its search, what the caller may see."""
    origin = await source(ctx, res)
    conditions = []
    filtered = query.where(origin, document)
    searched = query.search(origin, wanted.search)
    visible = res.behaviour.visible(ctx)
    conditions += [item for item in (filtered, searched, visible) if item is not None]
    return origin, conditions


def _order(origin: Source, res: Resource[Any], wanted: ListQuery) -> tuple[str, bool, Any, Field]:
    name, reverse = wanted.sort, wanted.reverse
    if name.startswith("-"):
        name, reverse = name[1:], not reverse
    if not name:
        name, reverse = res.sort, res.reverse != wanted.reverse
    if name == res.id_name:
        name = "creation_time"
    if name.startswith(query.CUSTOM) and name[len(query.CUSTOM) :] in origin.custom:
        spec = origin.custom[name[len(query.CUSTOM) :]]
        return name, reverse, query.custom_column(origin, spec), spec
    name = next((key for key, spec in origin.fields.items() if name in spec.aliases), name)
    spec_or_none = origin.fields.get(name) or origin.fields.get(name.removesuffix("_name"))
    if spec_or_none is None or not spec_or_none.sort:
        allowed = ", ".join(n for n, s in origin.fields.items() if s.sort)
        raise Invalid.field("sort", f"{wanted.sort[:60]!r} is not a field to sort by. Fields: {allowed}.")
    name = name if name in origin.columns else name.removesuffix("_name")
    return name, reverse, origin.columns[name], spec_or_none


async def page(
    ctx: Context,
    res: Resource[R],
    wanted: ListQuery,
    document: Any = None,
    *,
    extra: Sequence[Any] = (),
    offset: int | None = None,
) -> Page:
    """A page of rows in the documented envelope; at most three statements whatever its length."""
    size, number = wanted.items_per_page, wanted.page
    if not 1 <= size <= query.MAX_PAGE:
        raise Invalid.field("items_per_page", f"items_per_page must be between 1 and {query.MAX_PAGE}.")
    if not 1 <= number <= 10**9:
        raise Invalid.field("page", "page must be 1 or more.")
    plan = await _planned(ctx, res, wanted, document, extra)
    sort, reverse, keyed, key = plan.sort, plan.reverse, plan.keyed, plan.key
    if wanted.cursor and keyed:
        offset = 0
    elif offset is None:
        offset = (number - 1) * size
    total = -1
    raw = await _from_anchor(ctx, res, wanted, plan, offset, size)
    if not raw:
        if offset:
            total = await counting.count(ctx, res, plan.conditions, key)
        # Beyond the last row nothing has to be counted off to find nothing.
        raw = await _counted_off(ctx, res, wanted, plan, offset, size, total) if offset < max(1, total) else ()
    shape = layout(ctx, res, whole=False)
    width = len(shape.names)
    # The count's validity comes along with the rows.
    head = raw[0][width:] if raw and key is not None else None
    if total < 0:
        total = await counting.count(ctx, res, plan.conditions, key, head)
    rows = finish_all(shape, raw)
    last = (rows[-1].get(sort), rows[-1]["id"]) if rows and keyed and sort in rows[-1] else None
    if plan.anchors is not None and last is not None and head is not None and head[1]:
        plan.anchors.keep(head[0], offset + len(rows), *last)
    pages = max(1, ceil(total / size))
    more = number < pages and len(rows) == size
    results = await answer(ctx, res, rows)
    links = _Links(ctx, wanted)
    return Page(
        count=total,
        next=links.to(number + 1, _cursor(sort, reverse, last)) if more else None,
        previous=links.to(number - 1) if number > 1 else None,
        results=results,
        max_page_limit=query.MAX_PAGE,
        total_pages=pages,
    )


@dataclass(slots=True)
class Plan:
    """A list without the number of its page: what it is made of, and its statements once they ran."""

    conditions: list[ColumnElement[bool]]
    sort: str
    reverse: bool
    column: Any
    spec: Field
    keyed: bool
    """Whether pages can go on after the last row's value."""
    key: Any
    """What tells its count from others; see ``counting.counted_as``."""
    kept: bool = False
    anchors: Anchors | None = None
    """Where its pages begin, where its rows change with the resource only."""
    made: dict[tuple[bool, bool, bool], direct.Direct] = field(default_factory=dict)


async def _planned(ctx: Context, res: Resource[Any], wanted: ListQuery, document: Any, extra: Sequence[Any]) -> Plan:
    """The plan of a list; kept where it depends on nothing but the organization's configuration and the roles."""
    who, info = ctx.principal, ctx.session.sync_session.info
    key = None if extra else counting.counted_as(res, ctx, wanted, document)
    keep = (
        key is not None and not wanted.cursor and who.generation >= 0
        and info.get("reading") and info.get("organization") == ctx.organization
    )  # fmt: skip
    memory: dict[Any, Plan] = ctx.platform.memory.setdefault("plans", {})
    name = (key, who.kind, who.generation, wanted.sort, wanted.reverse) if keep else None
    if name in memory:
        return memory[name]
    origin, conditions = await condition_of(ctx, res, wanted, document)
    sort, reverse, column, spec = _order(origin, res, wanted)
    keyed = not spec.custom and getattr(res.model, sort).property.columns[0].nullable is False
    plan = Plan([*conditions, *extra], sort, reverse, column, spec, keyed, key, kept=name is not None)
    if name is not None:
        if len(memory) > 500:
            memory.clear()
        if res.cache_lists and keyed:
            plan.anchors = Anchors()
        memory[name] = plan
    return plan


async def _from_anchor(
    ctx: Context, res: Resource[Any], wanted: ListQuery, plan: Plan, offset: int, size: int
) -> Sequence[Any]:
    """The rows of a page by the nearest known position before it; none where there is none, or it has changed."""
    near = plan.anchors.before(offset) if plan.anchors is not None and offset else None
    if plan.anchors is None or near is None:
        return ()
    known = plan.anchors.head
    position, value, record_id = near
    bounds = {"take": size, "skip": offset - position, "after_value": value, "after_id": record_id}
    if plan.spec.coarse is not None:
        bounds["after_step"] = plan.spec.coarse.of(value)
    raw = await _found(ctx, res, wanted, plan, bounds, anchored=True)
    return raw if raw and tuple(raw[0][-2:]) == (known, True) else ()


async def _counted_off(
    ctx: Context, res: Resource[Any], wanted: ListQuery, plan: Plan, offset: int, size: int, total: int
) -> Sequence[Any]:
    """The rows of a page by the number of rows before or behind it."""
    flipped, take = False, size
    if total // 2 < offset < total:
        # The far half is nearer from the other end.
        flipped, take = True, min(size, total - offset)
        offset = total - offset - take
    return await _found(ctx, res, wanted, plan, {"take": take, "skip": offset}, flipped=flipped)


async def _found(
    ctx: Context,
    res: Resource[Any],
    wanted: ListQuery,
    plan: Plan,
    bounds: dict[str, Any],
    *,
    flipped: bool = False,
    anchored: bool = False,
) -> Sequence[Any]:
    """The rows of a page: its columns, and those of ``counting.head`` where its count is kept."""
    given = {**bounds, "in_organization": ctx.organization}
    # With conditions the index alone does not tell which rows to skip.
    by_steps = plan.spec.coarse if bounds["skip"] >= FAR and not plan.conditions and not anchored else None
    variant = (flipped, anchored, by_steps is not None)
    made = plan.made.get(variant)
    database = ctx.platform.database
    if made is None:
        model = res.model
        ids = confined(ctx.session, model, select(model.id).where(*plan.conditions))
        if anchored:
            value, step = bindparam("after_value", type_=plan.column.type), bindparam("after_step", type_=Integer)
            after_id = bindparam("after_id", type_=model.id.type)
            ids = ids.where(_behind(res, plan.column, plan.spec, plan.reverse, value, after_id, step))
        elif wanted.cursor and plan.keyed:
            ids = _after(ids, res, plan.column, plan.spec, wanted.cursor, plan.sort, plan.reverse)
        take: Any = bindparam("take", type_=Integer)
        skip: Any = bindparam("skip", type_=Integer)
        backwards = plan.reverse != flipped
        if by_steps is not None:
            ids, skip = _by_steps(ids, query.steps(plan.column, by_steps), backwards, skip, take)
        page_ids = ids.order_by(*_ordering(res, plan, backwards)).limit(take).offset(skip).subquery("page")
        statement = layout(ctx, res, whole=False).page(page_ids, model)
        statement = statement.order_by(*_ordering(res, plan, plan.reverse))
        if plan.key is not None:
            statement = statement.add_columns(*counting.head(ctx, res))
        # The rows' organization is that of their ids, which is in the inner statement.
        if not plan.kept:
            plainly: Sequence[Any] = (await ctx.session.execute(plain(statement), given)).all()
            return plainly
        made = plan.made[variant] = direct.Direct(plain(statement), database.engine.dialect)
    found: Sequence[Any] = await direct.run(database, ctx.session, made, given)
    return found


def _by_steps(ids: Select[Any], steps: Any, reverse: bool, skip: Any, take: Any) -> tuple[Select[Any], Any]:
    """The rows of the steps that a page is in, and how many of them are left to skip.

    Whole steps are counted off in the index; the order within one takes the rows themselves.
    """
    order = steps.desc() if reverse else steps.asc()
    begins = ids.with_only_columns(steps.label("step")).order_by(order).limit(1).offset(skip).cte("begins")
    first = select(begins.c.step).scalar_subquery()
    # They are no more than are to be skipped; told so, and in this order, PostgreSQL takes them from the index.
    passed = ids.with_only_columns(steps).where(steps > first if reverse else steps < first)
    passed_over = passed.order_by(order).limit(skip).subquery("passed_over")
    counted = select(func.count().label("rows")).select_from(passed_over).cte("passed")
    left = skip - select(counted.c.rows).scalar_subquery()
    onward = ids.where(steps <= first if reverse else steps >= first)
    # Without an end PostgreSQL, which cannot know where that is, makes ready to sort a third of the table.
    ends = onward.with_only_columns(steps.label("step")).order_by(order).limit(1).offset(left + take - 1).cte("ends")
    last = func.coalesce(select(ends.c.step).scalar_subquery(), -_MOST if reverse else _MOST)
    return onward.where(steps >= last if reverse else steps <= last), left


_MOST = 2**31 - 1


def _ordering(res: Resource[Any], plan: Plan, reverse: bool) -> list[Any]:
    column = plan.column
    if plan.keyed:
        columns = [column, res.model.id]
        if plan.spec.coarse is not None:
            # The index goes by steps; within a step the database sorts.
            columns.insert(0, query.steps(column, plan.spec.coarse))
        return [each.desc() if reverse else each.asc() for each in columns]
    # Where a value may be missing, both databases put it last when ascending.
    blank = column.is_(None)
    if reverse:
        return [blank.desc(), column.desc(), res.model.id.desc()]
    return [blank.asc(), column.asc(), res.model.id.asc()]


def _cursor(sort: str, reverse: bool, last: tuple[Any, str] | None) -> str:
    if last is None:
        return ""
    value = last[0].isoformat() if isinstance(last[0], datetime) else last[0]
    return query.encode_cursor(sort, reverse, value, last[1])


def _after(
    ids: Select[Any], res: Resource[Any], column: Any, spec: Field, cursor: str, sort: str, reverse: bool
) -> Select[Any]:
    was, was_reverse, value, record_id = query.decode_cursor(cursor)
    if was != sort or was_reverse != reverse:
        raise Invalid.field("cursor", "The cursor belongs to another order. Start again from page 1.")
    if spec.kind == "datetime":
        try:
            value = datetime.fromisoformat(str(value)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Invalid.field("cursor", "The cursor is not valid. Start again from page 1.") from None
    elif not isinstance(value, spec.python_type):
        raise Invalid.field("cursor", "The cursor is not valid. Start again from page 1.")
    step = spec.coarse.of(value) if spec.coarse is not None else None
    return ids.where(_behind(res, column, spec, reverse, value, record_id, step))


def _behind(
    res: Resource[Any], column: Any, spec: Field, reverse: bool, value: Any, record_id: Any, step: Any
) -> ColumnElement[bool]:
    """The rows that come after the one with this value and id, of this step where the field has steps."""
    found = [column <= value, or_(column < value, res.model.id < record_id)] if reverse else [
        column >= value, or_(column > value, res.model.id > record_id)
    ]  # fmt: skip
    if spec.coarse is not None:
        steps = query.steps(column, spec.coarse)
        found.insert(0, steps <= step if reverse else steps >= step)
    return and_(*found)


class _Links:
    """Addresses of other pages of a list."""

    __slots__ = ("_begin", "_end")

    def __init__(self, ctx: Context, wanted: ListQuery) -> None:
        more = {"sort": wanted.sort, "reverse": "true" if wanted.reverse else "", "search": wanted.search,
                "filters": wanted.filters}  # fmt: skip
        self._begin = f"{ctx.url}?items_per_page={wanted.items_per_page}&page="
        self._end = "".join(f"&{name}={quote_plus(value)}" for name, value in more.items() if value)

    def to(self, number: int, cursor: str = "") -> str:
        tail = f"&cursor={quote_plus(cursor)}" if cursor else ""
        return f"{self._begin}{number}{self._end}{tail}"
