"""The standard verbs on files: template, columns, validate, import, export."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import exporting, files, importing, query, rows, store, tasks, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.files import Attachment, Media
from mainstay.kernel.importjob import start
from mainstay.kernel.operation import Operation, Reply, Upload, operation
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Resource
from mainstay.kernel.tasks import AsyncTask
from mainstay.kernel.transfer import TransferError, csv_bytes, guess_mapping, inspect, open_table

AT_ONCE = 200
"""Rows that are imported while the client waits; more become a background task."""
CHECKED = 20_000
"""Rows that are validated while the client waits."""
UPLOADS = "upload"

Res = Resource[Any]


class ImportInput(msgspec.Struct, kw_only=True):
    """An uploaded file and which of its headers goes into which field (left out: guessed)."""

    file: str = ""
    mapping: Any = None


class ColumnList(msgspec.Struct, kw_only=True):
    columns: list[dict[str, Any]]


class UploadAnswer(msgspec.Struct, kw_only=True):
    """What an uploaded file holds, and the guessed mapping of its headers to fields."""

    columns: list[dict[str, Any]]
    headers: list[str]
    sample: list[list[str]]
    mapping: dict[str, str]
    file: str
    rows: int
    problems: list[str]


class Validation(msgspec.Struct, kw_only=True):
    """``checked`` of ``rows`` rows; the first hundred errors."""

    valid: int
    invalid: int
    checked: int
    rows: int
    errors: list[dict[str, Any]]


class ImportAnswer(msgspec.Struct, kw_only=True):
    """What an import did, or (202) the task that does it."""

    status: str = "success"
    task: str
    created: int = 0
    updated: int = 0
    failed: int = 0
    errors: list[dict[str, Any]] = []


class ExportQuery(ListQuery, kw_only=True):
    format: str = "csv"
    columns: str = ""
    ids: str = ""


def _table(path: Path) -> Any:
    try:
        return open_table(path)
    except TransferError as error:
        raise Invalid.field("file", str(error)) from None


async def received(ctx: Context, upload: Upload | None, data: Any) -> tuple[Attachment, dict[str, str] | None]:
    """The file of a request, uploaded now or before, and the mapping that came with it."""
    given = upload.fields if upload is not None else data if isinstance(data, Mapping) else {}
    mapping = given.get("mapping")
    if isinstance(mapping, str) and mapping:
        mapping = query.parse_filters(mapping)
    if mapping is not None and not isinstance(mapping, Mapping):
        raise Invalid.field("mapping", "mapping must be an object of header and field.")
    chosen = {str(key): str(value or "") for key, value in mapping.items()} if mapping else None
    if upload is not None and upload.content:
        digest = await asyncio.to_thread(files.keep, ctx.platform.settings, upload.content)
        row = Attachment(
            resource=UPLOADS,
            record_id=_owner(ctx),
            name=files.clean_name(upload.name),
            size=len(upload.content),
            content_type="application/octet-stream",
            digest=digest,
            created_by_name=ctx.principal.name,
        )
        await store.add(ctx, row)
        return row, chosen
    wanted = given.get("file")
    if not isinstance(wanted, str) or not wanted:
        raise Invalid.field("file", "Please provide file: a CSV or XLSX file, or the id of an uploaded one.")
    found = await store.find(
        ctx,
        select(Attachment).where(
            Attachment.id == wanted, Attachment.resource == UPLOADS, Attachment.record_id == _owner(ctx)
        ),
    )
    if found is None:
        raise NotFound("There is no such uploaded file.")
    return found, chosen


def _owner(ctx: Context) -> str:
    return ctx.principal.profile_id or ctx.principal.session_id


def described(known: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "label": spec.label,
            "required": spec.required,
            "kind": spec.kind,
            "choices": [choice.name for choice in spec.choices],
            "help": spec.help,
        }
        for name, spec in known.items()
    ]


def _template(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, query: ExportQuery) -> Any:
        known = await importing.columns(ctx, res)
        headers = [spec.label for spec in known.values()]
        example = [_example(spec) for spec in known.values()]
        return _attached(csv_bytes([headers, example], start=True), f"{res.name}_template.csv", "text/csv")

    return _made(
        res,
        "template",
        "GET",
        spelling,
        "view",
        handler,
        summary=f"CSV template of {res.plural.lower()}",
        returns=Media,
    )


def _example(spec: Any) -> str:
    if spec.choices:
        return str(spec.choices[0].name)
    samples = {
        "integer": "1",
        "number": "1.5",
        "boolean": "true",
        "date": "2026-01-31",
        "datetime": "2026-01-31T09:30:00Z",
        "email": "name@example.com",
        "url": "https://example.com",
    }
    return samples.get(spec.kind, "") or ("Example" if spec.required else "")


def _attached(content: bytes, name: str, kind: str) -> Reply:
    return Reply(
        content,
        media_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def _columns_get(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context) -> ColumnList:
        return ColumnList(columns=described(await importing.columns(ctx, res)))

    return _made(
        res,
        "columns",
        "GET",
        spelling,
        "view",
        handler,
        summary=f"Columns that {res.plural.lower()} are imported by",
    )


async def read_columns(ctx: Context, res: Res, upload: Upload | None, body: Any) -> UploadAnswer:
    """What an uploaded file holds."""
    known = await importing.columns(ctx, res)
    file, _mapping = await received(ctx, upload, body)
    path = files.path_of(ctx.platform.settings, file.digest)
    try:
        seen = await asyncio.to_thread(inspect, path)
    except TransferError as error:
        raise Invalid.field("file", str(error)) from None
    return UploadAnswer(
        columns=described(known),
        headers=seen.headers,
        sample=seen.sample,
        rows=seen.rows,
        file=file.id,
        mapping=guess_mapping(seen.headers, importing.spellings(known)),
        problems=seen.problems,
    )


def _columns_post(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, upload: Upload | None, body: Any) -> UploadAnswer:
        return await read_columns(ctx, res, upload, body)

    return _made(
        res,
        "columns",
        "POST",
        spelling,
        "add",
        handler,
        body=ImportInput,
        write=True,
        summary=f"Upload a file of {res.plural.lower()} and see its columns",
    )


async def _ready(
    ctx: Context, res: Res, upload: Upload | None, body: Any, *, whole: bool = True
) -> tuple[Attachment, Any, dict[str, str]]:
    """The file, its table and the mapping to use. Raises ``Invalid``."""
    file, chosen = await received(ctx, upload, body)
    known = await importing.columns(ctx, res)
    table = await asyncio.to_thread(_table, files.path_of(ctx.platform.settings, file.digest))
    mapping = chosen if chosen is not None else guess_mapping(table.headers, importing.spellings(known))
    used = importing.check_mapping(known, table.headers, mapping)
    if not used:
        raise Invalid.field(
            "mapping",
            "No column of the file is mapped to a field. Columns that are known: "
            + ", ".join(spec.label for spec in known.values())
            + ".",
        )
    absent = importing.missing(res, known, used) if whole else []
    if absent:
        raise Invalid.field("mapping", f"The file has no column for {', '.join(absent)}, which every row needs.")
    return file, table, used


def _validate(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, upload: Upload | None, body: Any) -> Validation:
        file, table, mapping = await _ready(ctx, res, upload, body)
        valid, checked, bad = 0, 0, 0
        errors: list[dict[str, Any]] = []
        total = (await asyncio.to_thread(inspect, files.path_of(ctx.platform.settings, file.digest))).rows
        for batch in table.batches(importing.BATCH):
            outcome = await importing.check(ctx, res, table.headers, mapping, batch)
            valid += outcome.created + outcome.updated
            bad += len(outcome.errors)
            checked += len(batch)
            errors += outcome.errors[: 100 - len(errors)]
            if checked >= CHECKED:
                break
        shown = [{"row": e["row"], "field": e["field"], "value": e["value"], "error": e["reason"]} for e in errors]
        return Validation(valid=valid, invalid=bad, checked=checked, rows=total, errors=shown)

    return _made(
        res,
        "validate",
        "POST",
        spelling,
        "add",
        handler,
        body=ImportInput,
        write=True,
        summary=f"Check a file of {res.plural.lower()} without storing it",
    )


async def run_import(ctx: Context, res: Res, upload: Upload | None, body: Any, *, store_as: str = "") -> Any:
    """Import a file: now, or as a task where it is long. ``store_as``: one of ``importing.STORES``."""
    file, table, mapping = await _ready(ctx, res, upload, body, whole=not store_as)
    keep: Any = importing.STORES.get(store_as, importing.store)
    task = AsyncTask(
        task_name=f"Import {res.plural.lower()}",
        description=file.name,
        queue_name="bulk",
        task_path="import.rows",
        status=tasks.QUEUED,
        actor=tasks.actor_of(ctx.principal),
        arguments={"resource": res.name, "digest": file.digest, "mapping": mapping, "store": store_as},
    )
    first = list(islice(table.rows(), AT_ONCE + 1))
    if len(first) > AT_ONCE:
        await store.add(ctx, task)
        await start(ctx, task)
        return Reply(ImportAnswer(task=task.id), status=202)
    outcome = await keep(ctx, res, table.headers, mapping, first)
    task.status, task.total, task.done = tasks.SUCCEEDED, len(first), len(first)
    task.created, task.updated, task.failed = outcome.created, outcome.updated, len(outcome.errors)
    task.finished_at = ctx.now
    tasks.mark_worker(ctx, task)
    await store.add(ctx, task)
    await tasks.add_errors(ctx, task, outcome.errors)
    shown = [{"row": e["row"], "field": e["field"], "value": e["value"], "error": e["reason"]} for e in outcome.errors]
    return ImportAnswer(
        task=task.id, created=outcome.created, updated=outcome.updated, failed=len(outcome.errors), errors=shown
    )


def _import(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, upload: Upload | None, body: Any) -> Any:
        return await run_import(ctx, res, upload, body)

    return _made(
        res,
        "import",
        "POST",
        spelling,
        "add",
        handler,
        body=ImportInput,
        returns=ImportAnswer,
        summary=f"Import {res.plural.lower()} from a file",
        description="Valid rows go in, bad rows come back with reasons. More than 200 rows become a background "
        "task: 202 and its id.",
    )


def _export(res: Res, spelling: str) -> Operation:
    async def handler(ctx: Context, query: ExportQuery, body: Any) -> Any:
        if query.format not in ("csv", "xlsx"):
            raise Invalid.field("format", "format must be csv or xlsx.")
        _origin, conditions = await rows.condition_of(ctx, res, query, verbs.query_filters(query, body))
        ids = [part for part in query.ids.split(",") if part]
        if ids:
            conditions.append(res.model.id.in_(ids[:1000]))
        shown = await exporting.columns(ctx, res, [part for part in query.columns.split(",") if part])
        make = exporting.csv_stream if query.format == "csv" else exporting.xlsx_stream
        kind = (
            "text/csv" if query.format == "csv" else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        )
        return Reply(
            stream=make(ctx.platform, ctx, res, conditions, shown),
            media_type=kind,
            headers={"Content-Disposition": f'attachment; filename="{res.name}.{query.format}"'},
        )

    return _made(
        res,
        "export",
        "GET",
        spelling,
        "export",
        handler,
        summary=f"Export {res.plural.lower()} as CSV or XLSX",
        returns=Media,
        body=None,
    )


def _made(
    res: Res,
    verb: str,
    method: str,
    spelling: str,
    privilege: str,
    handler: Callable[..., Any],
    **options: Any,
) -> Operation:
    return operation(
        handler,
        method,
        res.path + spelling,
        res.module,
        permission=(res.permission, privilege),
        stage=verb,
        resource=res.name,
        **options,
    )


verbs.extend("template", _template)
verbs.extend("columns", _columns_get, _columns_post)
verbs.extend("validate", _validate)
verbs.extend("import", _import)
verbs.extend("export", _export)
