"""The standard verbs of every resource, as operations made from its declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import customfields, listcache, query, rows, store, trail, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Forbidden, Invalid, NotFound
from mainstay.kernel.fields import LINKS, MANY, Choice, Field
from mainstay.kernel.operation import Deleted, Operation, Page, Reply, Saved, operation
from mainstay.kernel.query import ListQuery
from mainstay.kernel.record import Record
from mainstay.kernel.resource import Resource


class Ids(msgspec.Struct, kw_only=True):
    """Which records: by id, or all that a filter finds."""

    ids: list[str] = []
    filters: Any = None


class OptionsAnswer(msgspec.Struct, kw_only=True):
    """What a form needs: the fields and the choices of each."""

    fields: list[dict[str, Any]]
    choices: dict[str, list[dict[str, Any]]]
    extra: dict[str, Any] = {}


Res = Resource[Any]


def operations(res: Res) -> list[Operation]:
    """The operations of the standard verbs this resource has."""
    made: list[Operation] = []
    for verb, spellings in res.verbs.items():
        makers = _MAKERS.get(verb)
        if makers is None:
            continue
        for spelling in spellings:
            made.extend(maker(res, spelling) for maker in makers)
    return made


def _made(res: Res, verb: str, method: str, spelling: str, privilege: str, handler: Any, **options: Any) -> Operation:
    options.setdefault("module", res.module)
    module = options.pop("module")
    return operation(handler, method, res.path + spelling, module, permission=(res.permission, privilege), stage=verb,
                     resource=res.name, **options)  # fmt: skip


async def entity_of(ctx: Context, res: Res, record_id: str, *, lock: bool = False) -> Any:
    """The entity a path names, as far as the caller may see it. Raises ``NotFound``."""
    statement = select(res.model).where(identity(res, record_id))
    visible = res.behaviour.visible(ctx)
    if visible is not None:
        statement = statement.where(visible)
    found: Record | None = await store.find(ctx, statement, lock=lock)
    if found is None:
        raise NotFound(f"No {res.label.lower()} has the id {record_id[:64]!r}.")
    return found


def identity(res: Res, record_id: str) -> Any:
    """The condition for a path's id; a display id is accepted where the resource has one."""
    if "\x00" in record_id:
        raise NotFound(f"No {res.label.lower()} has this id.")
    return store.named(res.model, record_id) if "display_id" in res.fields else res.model.id == record_id


async def whole(ctx: Context, res: Res, record_id: str) -> Any:
    """The record as it is answered; the caller has read or written it in this transaction."""
    row = await rows.stored(ctx, res, record_id)
    (out,) = await rows.answer(ctx, res, [row])
    return out


def saved(res: Res, out: Any, record_id: str, what: str) -> Saved:
    """The documented answer of a write."""
    word = {"create": "created", "update": "updated", "delete": "deleted"}[what]
    return Saved(id=record_id, message=f"{res.name}_{word}", msg=f"{res.label} {word}.", data=out)


def _list(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, query: ListQuery, body: Any) -> Page | Reply:
        document = query_filters(query, body)
        return await listcache.answer(ctx, res, query, document)

    return _made(res, "list", "GET", spelling, "view", handler, summary=f"List {res.plural.lower()}",
                 returns=page_of(res), body=None)  # fmt: skip


def page_of(res: Res) -> Any:
    """The list envelope with this resource's rows in it."""
    if "page" not in res.memory:
        rows_of: Any = list[res.output]  # type: ignore[name-defined]
        shape = [(item.name, rows_of if item.name == "results" else item.type) for item in msgspec.structs.fields(Page)]
        res.memory["page"] = msgspec.defstruct(res.output_name + "Page", shape, kw_only=True)
    return res.memory["page"]


def saved_of(res: Res) -> Any:
    """The write's answer with this resource's record in it."""
    if "saved" not in res.memory:
        res.memory["saved"] = msgspec.defstruct(
            res.output_name + "Saved",
            [("status", str), ("id", str), ("message", str), ("msg", str), ("data", res.output)],
            kw_only=True,
        )
    return res.memory["saved"]


def query_filters(wanted: ListQuery, body: Any) -> Any:
    """The filter document: from the query parameter, else from the JSON body that clients send with GET."""
    document = query.parse_filters(wanted.filters)
    if document is None and isinstance(body, dict):
        document = query.parse_filters(body.get("filters"))
    return document


def _create(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, body: Any) -> Any:
        if isinstance(body, list):
            made = await writing.create_many(ctx, res, body)
            return Reply({"status": "success", "count": len(made), "ids": [row["id"] for row in made],
                          "message": f"{res.name}_created", "msg": f"{len(made)} {res.plural.lower()} created."},
                         status=201)  # fmt: skip
        row = await writing.create(ctx, res, body)
        known = rows.as_stored(ctx, res, row)
        out = await whole(ctx, res, row["id"]) if known is None else (await rows.answer(ctx, res, [known]))[0]
        answer = saved(res, out, row["id"], "create")
        reply = Reply(answer, status=201, headers={"ETag": writing.etag(row["id"], row["version"])})
        created = ctx.cache.get("created")  # what is only known now, such as a key
        if created:
            reply.content = msgspec.to_builtins(answer)
            reply.content["data"].update(created)
        return reply

    return _made(res, "create", "POST", spelling, "add", handler, summary=f"Create a {res.label.lower()}",
                 description="A list of objects creates them all, or none.", status=201, body=res.input,
                 returns=saved_of(res), example=res.sample or None)  # fmt: skip


def _read(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, id: str) -> Any:
        row = await rows.one(ctx, res, identity(res, id), id)
        tag = writing.etag(row["id"], row["version"])
        (out,) = await rows.answer(ctx, res, [row])
        return Reply(await res.behaviour.detail(ctx, out), headers={"ETag": tag})

    returns = res.memory.get("detail", res.output)
    return _made(res, "read", "GET", spelling, "view", handler, summary=f"Read a {res.label.lower()}", returns=returns)


def _write(verb: str, method: str) -> Callable[[Res, str], Operation]:
    def maker(res: Res, spelling: str) -> Operation:
        async def handler(ctx: Context, id: str, body: Any) -> Any:
            entity = await entity_of(ctx, res, id, lock=True)
            if ctx.headers.get("if-match"):
                writing.check_version(ctx, entity, await whole(ctx, res, entity.id))
            await writing.update(ctx, res, entity, body, partial=method == "PATCH")
            out = await whole(ctx, res, entity.id)
            return Reply(
                saved(res, out, entity.id, "update"),
                headers={"ETag": writing.etag(entity.id, entity.version)},
            )

        summary = f"{'Change some fields of' if method == 'PATCH' else 'Change'} a {res.label.lower()}"
        return _made(res, verb, method, spelling, "edit", handler, summary=summary, body=res.input,
                     returns=saved_of(res))  # fmt: skip

    return maker


def _delete(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, id: str) -> Any:
        entity = await entity_of(ctx, res, id, lock=True)
        if ctx.headers.get("if-match"):
            writing.check_version(ctx, entity, await whole(ctx, res, entity.id))
        await writing.remove_many(ctx, res, [entity.id])
        return Reply(None, status=204)

    return _made(res, "delete", "DELETE", spelling, "delete", handler, summary=f"Delete a {res.label.lower()}",
                 status=204, returns=None)  # fmt: skip


def _multidelete(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, body: Ids) -> Deleted:
        ids = body.ids
        if not ids and body.filters is not None:
            _origin, conditions = await rows.condition_of(ctx, res, ListQuery(), query.parse_filters(body.filters))
            found = await ctx.session.execute(select(res.model.id).where(*conditions).limit(10_000))
            ids = list(found.scalars())
        elif not ids:
            raise Invalid.field("ids", "Please provide ids.")
        if len(ids) > 10_000:
            raise Invalid.field("ids", "At most 10,000 records can be deleted at once.")
        return Deleted(deleted=await writing.remove_many(ctx, res, ids))

    return _made(res, "multidelete", "POST", spelling, "delete", handler,
                 summary=f"Delete several {res.plural.lower()}")  # fmt: skip


def _options(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context) -> OptionsAnswer:
        return await form_options(ctx, res)

    return _made(res, "options", "GET", spelling, "view", handler, summary=f"Form options of {res.plural.lower()}")


async def form_options(ctx: Context, res: Res) -> OptionsAnswer:
    """Field descriptions and their choices; links list the first hundred targets by title."""
    described = await describe_fields(ctx, res)
    choices: dict[str, list[dict[str, Any]]] = {}
    targets: dict[str, list[dict[str, Any]]] = {}
    for item in described:
        if item["choices"]:
            choices[item["name"]] = item["choices"]
        elif item["reference"]:
            target = ctx.platform.registry.resources.get(item["reference"])
            if target is None:
                continue
            if target.name not in targets:
                title = getattr(target.model, target.title)
                statement: Any = select(target.model.id, title.label("name")).order_by(title).limit(100)
                found = (await ctx.session.execute(rows.restricted(ctx, target, statement))).all()
                targets[target.name] = [{"id": row.id, "name": row.name} for row in found]
            choices[item["name"]] = targets[target.name]
    return OptionsAnswer(fields=described, choices=choices, extra=await res.behaviour.options(ctx))


async def describe_fields(ctx: Context, res: Res) -> list[dict[str, Any]]:
    """The fields as the console and ``options/`` see them, custom ones and the caller's rules included."""
    custom = await customfields.of(ctx, res) if res.custom_fields else {}
    behaviour = await customfields.rules(ctx, res) if res.custom_fields else {}
    every = [spec for spec in res.fields.values() if spec.kind != "secret"]
    every += [*res.secrets, *res.stamps().values(), *custom.values()]
    return [_describe(spec, behaviour.get(spec.name, "visible")) for spec in every]


def _choice(option: Choice) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": option.id, "name": option.name}
    return {**shown, "color": option.color} if option.color else shown


def _describe(spec: Field, behaviour: str) -> dict[str, Any]:
    return {
        "name": spec.name, "label": spec.label, "kind": spec.kind, "required": spec.required,
        "read_only": spec.read_only, "unique": spec.unique, "max_length": spec.max_length,
        "minimum": spec.minimum, "maximum": spec.maximum,
        "choices": [_choice(option) for option in spec.choices] or None,
        "reference": spec.reference or None, "filterable": spec.filter,
        "sortable": spec.sort and spec.kind not in MANY, "searchable": spec.search, "csv": spec.csv,
        "section": spec.section, "help": spec.help, "default": spec.default, "custom": spec.custom,
        "column": spec.column, "behaviour": behaviour, "listed": spec.listed, "link": spec.kind in LINKS,
        "only": dict(spec.only),
    }  # fmt: skip


def _insiders_only(ctx: Context, res: Res) -> None:
    if not res.behaviour.insider(ctx):
        raise Forbidden(f"You do not have permission to view the inner records of a {res.label.lower()}.")


def _history(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, id: str, query: ListQuery) -> Page:
        entity = await entity_of(ctx, res, id)
        _insiders_only(ctx, res)
        return await trail.history(ctx, res, entity.id, query)

    return _made(res, "history", "GET", spelling, "view", handler, summary=f"History of a {res.label.lower()}")


def _comments(method: str) -> Callable[[Res, str], Operation]:
    def maker(res: Res, spelling: str) -> Operation:
        async def listing(ctx: Context, id: str, query: ListQuery) -> Page:
            entity = await entity_of(ctx, res, id)
            _insiders_only(ctx, res)
            return await trail.comments(ctx, res.name, entity.id, query)

        async def adding(ctx: Context, id: str, body: trail.CommentInput) -> Any:
            entity = await entity_of(ctx, res, id)
            _insiders_only(ctx, res)
            made = await trail.comment(ctx, res.name, entity.id, body)
            return Reply(Saved(id=made["id"], message="comment_created", msg="Comment added.", data=made), status=201)

        if method == "GET":
            return _made(
                res,
                "comments",
                "GET",
                spelling,
                "view",
                listing,
                summary=f"Comments on a {res.label.lower()}",
            )
        return _made(res, "comments", "POST", spelling, "edit", adding, status=201, returns=Saved,
                     summary=f"Comment on a {res.label.lower()}")  # fmt: skip

    return maker


_MAKERS: dict[str, list[Callable[[Res, str], Operation]]] = {
    "list": [_list],
    "create": [_create],
    "read": [_read],
    "replace": [_write("replace", "PUT")],
    "patch": [_write("patch", "PATCH")],
    "delete": [_delete],
    "options": [_options],
    "multidelete": [_multidelete],
    "history": [_history],
    "comments": [_comments("GET"), _comments("POST")],
}


def extend(verb: str, *makers: Callable[[Res, str], Operation]) -> None:
    """Add a standard verb (files and CSV are declared in their own modules)."""
    _MAKERS[verb] = list(makers)
