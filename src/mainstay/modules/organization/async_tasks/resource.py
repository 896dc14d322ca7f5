"""The Async Tasks module of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import files, store, tasks, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.files import Media
from mainstay.kernel.operation import Reply
from mainstay.kernel.platform import Platform
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.kernel.tasks import AsyncTask, TaskError
from mainstay.kernel.transfer import csv_bytes, open_table
from mainstay.kernel.writing import etag
from mainstay.modules.organization.async_tasks import service


class Tasks(Behaviour[AsyncTask]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            path = row.get("task_path") or ""
            if path not in service.RECURRING:
                raise Invalid.field(
                    "task_path", "task_path must be one of: " + ", ".join(sorted(service.RECURRING)) + "."
                )
            row.update(
                status=tasks.SCHEDULED,
                queue_name="default",
                actor=tasks.actor_of(ctx.principal),
                next_run=service.next_run(row.get("task_trigger_data") or "", ctx.now),
            )

    async def change(self, ctx: Context, entity: AsyncTask, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        if "task_path" in values and values["task_path"] != entity.task_path:
            raise Invalid.field("task_path", "The job of a task cannot be changed. Create another task.")
        if "is_enabled" in values and values["is_enabled"] != entity.is_enabled:
            await service.switch(ctx, entity, values["is_enabled"])
            values["status"] = entity.status
        if "task_trigger_data" in values and values["task_trigger_data"] != entity.task_trigger_data:
            if entity.task_path not in service.RECURRING:
                raise Invalid.field("task_trigger_data", "This task runs once; it has no schedule.")
            values["next_run"] = service.next_run(values["task_trigger_data"], ctx.now)

    async def removing(self, ctx: Context, entities: Sequence[AsyncTask]) -> None:
        for entity in entities:
            if (
                entity.status in (tasks.RUNNING, tasks.QUEUED, tasks.PAUSED)
                and entity.task_path not in service.RECURRING
            ):
                await service.cancel(ctx, entity)
        await tasks.forget_errors(ctx, [entity.id for entity in entities])

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            beat = row.get("last_heart_beat")
            row["task_id"] = row["id"]
            row["async_task_status"] = row["status"]
            row["conv_task_name"] = str(row.get("task_name") or "").replace("_", " ").capitalize()
            row["last_heartbeat_time"] = beat.isoformat() if beat else ""
            row["last_heartbeat_tooltip"] = beat.strftime("%d %b %Y %H:%M:%S UTC") if beat else "never"
            row["errors_file"] = f"{async_tasks.path}{row['id']}/errors/" if row.get("failed") else None


class TaskDetail(msgspec.Struct, kw_only=True):
    """Which task."""

    id: str = ""
    task_id: str = ""


async_tasks = Resource(
    AsyncTask,
    module="Async Tasks",
    path="/ux/common/async_tasks/",
    label="Background task",
    title="task_name",
    area="settings",
    section="Configuration",
    privileges=("view", "add", "edit", "delete", "execute"),
    verbs={
        "template": None,
        "columns": None,
        "validate": None,
        "import": None,
        "export": None,
        "attachments": None,
        "comments": None,
    },
    extra={
        "task_id": str,
        "async_task_status": str,
        "conv_task_name": str,
        "last_heartbeat_time": str,
        "last_heartbeat_tooltip": str,
        "errors_file": str | None,
        "errors": list[dict[str, Any]],
    },
    behaviour=Tasks(),
    custom_fields=False,
    page="tasks",
    sample={
        "task_name": "Close resolved incidents",
        "task_path": "incident.auto_close",
        "task_trigger_data": "*/5 * * * *",
    },
)


@async_tasks.action("GET", "{id}/", returns=async_tasks.output)
async def read(ctx: Context, id: str) -> Any:
    """A task with the first hundred rows that it refused."""
    task = await verbs.entity_of(ctx, async_tasks, id)
    out = await verbs.whole(ctx, async_tasks, task.id)
    out.errors = await tasks.errors_of(ctx, task.id)
    return Reply(out, headers={"ETag": etag(task.id, task.version)})


@async_tasks.action("GET", "disable_task/", privilege="execute", write=True, returns=async_tasks.output)
async def disable_task(ctx: Context, query: TaskDetail) -> Any:
    """Pause a task: a running one stops after its present batch, a recurring one is not started."""
    return await _switched(ctx, query, False)


@async_tasks.action("GET", "enable_task/", privilege="execute", write=True, returns=async_tasks.output)
async def enable_task(ctx: Context, query: TaskDetail) -> Any:
    """Resume a paused task where it stopped; a recurring one is started at its times again."""
    return await _switched(ctx, query, True)


async def _switched(ctx: Context, query: TaskDetail, on: bool) -> Any:
    wanted = query.id or query.task_id
    if not wanted:
        raise Invalid.field("id", "Please provide id: which task?")
    task = await verbs.entity_of(ctx, async_tasks, wanted, lock=True)
    await service.switch(ctx, task, on)
    await store.save(ctx, task, action="resume" if on else "pause")
    return await verbs.whole(ctx, async_tasks, task.id)


@async_tasks.action("POST", "{id}/pause/", privilege="execute", returns=async_tasks.output)
async def pause(ctx: Context, id: str) -> Any:
    """Pause a task after its present batch."""
    return await _switched(ctx, TaskDetail(id=id), False)


@async_tasks.action("POST", "{id}/resume/", privilege="execute", returns=async_tasks.output)
async def resume(ctx: Context, id: str) -> Any:
    """Resume a paused task where it stopped."""
    return await _switched(ctx, TaskDetail(id=id), True)


@async_tasks.action("POST", "{id}/cancel/", privilege="execute", returns=async_tasks.output)
async def cancel(ctx: Context, id: str) -> Any:
    """Cancel a task; what it has stored stays."""
    task = await verbs.entity_of(ctx, async_tasks, id, lock=True)
    if task.status in tasks.FINISHED:
        raise Conflict(f"This task is over already: {task.status}.")
    await service.cancel(ctx, task)
    await store.save(ctx, task, action="cancel")
    return await verbs.whole(ctx, async_tasks, task.id)


@async_tasks.action("GET", "{id}/errors/", returns=Media)
async def errors(ctx: Context, id: str) -> Any:
    """The refused rows of an import as CSV, each with its reason: correct them and import the file again."""
    task = await verbs.entity_of(ctx, async_tasks, id)
    digest = task.arguments.get("digest")
    headers = open_table(files.path_of(ctx.platform.settings, digest)).headers if digest else []
    return Reply(
        stream=_error_rows(ctx.platform, ctx.organization, task.id, headers),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="errors.csv"'},
    )


async def _error_rows(platform: Platform, organization: str, task: str, headers: list[str]) -> AsyncIterator[bytes]:
    yield csv_bytes([[*headers, "Row", "Reason"]], start=True)
    last = 0
    async with platform.work(organization, write=False) as ctx:
        while True:
            query = (
                select(TaskError)
                .where(TaskError.task == task, TaskError.row > last)
                .order_by(TaskError.row)
                .limit(1000)
            )
            found = list((await ctx.session.execute(query)).scalars())
            if not found:
                return
            last = found[-1].row
            blank = [""] * len(headers)
            yield csv_bytes([[*(row.cells + blank)[: len(headers)], row.row, row.reason] for row in found])
