"""Background tasks as people see them: what runs, how far it is, what went wrong. The work itself is a durable job."""

from __future__ import annotations

import os
import socket
from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel import store
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Base, Identifier, JsonType, Record, Scoped

QUEUED, RUNNING, PAUSED, SUCCEEDED, FAILED, CANCELLED, SCHEDULED = (
    "queued", "running", "paused", "succeeded", "failed", "cancelled", "scheduled",
)  # fmt: skip
STATES = tuple(
    Choice(name, name.capitalize(), color)
    for name, color in (
        (QUEUED, "#6b7280"), (RUNNING, "#2563eb"), (PAUSED, "#a16207"), (SUCCEEDED, "#15803d"), (FAILED, "#b91c1c"),
        (CANCELLED, "#475569"), (SCHEDULED, "#6b7280"),
    )
)  # fmt: skip
FINISHED = frozenset({SUCCEEDED, FAILED, CANCELLED})


class AsyncTask(Record):
    """A background task. ``task_path`` names the job; ``task_trigger_data`` is a cron expression, or empty."""

    __tablename__ = "async_task"

    task_name: Mapped[str] = f.text(label="Task", required=True, search=True, column=True)
    description: Mapped[str] = f.text(label="Description", length=500, column=True)
    status: Mapped[str] = f.choice(STATES, default=QUEUED, label="Status", read_only=True, column=True)
    total: Mapped[int] = f.integer(default=0, label="Total", read_only=True, column=True)
    done: Mapped[int] = f.integer(default=0, label="Done", read_only=True, column=True)
    created: Mapped[int] = f.integer(default=0, label="Created records", read_only=True)
    updated: Mapped[int] = f.integer(default=0, label="Updated records", read_only=True)
    failed: Mapped[int] = f.integer(default=0, label="Failed rows", read_only=True, column=True)
    error: Mapped[str] = f.text(label="Error", length=1000, read_only=True)
    queue_name: Mapped[str] = f.text(label="Queue", length=64, read_only=True)
    task_path: Mapped[str] = f.text(label="Job", length=120)
    task_trigger_data: Mapped[str] = f.text(label="Schedule", length=120, help="Cron expression, such as 0 3 * * *.")
    is_enabled: Mapped[bool] = f.boolean(default=True, label="Enabled")
    worker_name: Mapped[str] = f.text(label="Worker", read_only=True)
    worker_ip: Mapped[str] = f.text(label="Worker address", length=64, read_only=True)
    worker_hostname: Mapped[str] = f.text(label="Worker host", read_only=True)
    last_heart_beat: Mapped[datetime | None] = f.instant(label="Last sign of life", read_only=True)
    started_at: Mapped[datetime | None] = f.instant(label="Started", read_only=True)
    finished_at: Mapped[datetime | None] = f.instant(label="Finished", read_only=True, column=True)
    next_run: Mapped[datetime | None] = f.instant(label="Next run", read_only=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)
    actor: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)
    """Who started it: the work is done in this person's name and with this person's privileges."""


class TaskError(Scoped, Base):
    """A row that could not be taken, kept whole so that it can be corrected and sent again."""

    __tablename__ = "async_task_error"
    __table_args__ = (Index("ix_async_task_error_task", "task", "row"),)

    task: Mapped[str] = mapped_column(Identifier, primary_key=True)
    row: Mapped[int] = mapped_column(Integer, primary_key=True)
    field: Mapped[str] = mapped_column(String(128), default="")
    value: Mapped[str] = mapped_column(String(500), default="")
    reason: Mapped[str] = mapped_column(String(1000), default="")
    cells: Mapped[list[str]] = mapped_column(JsonType, default=list)


def actor_of(who: Principal) -> dict[str, Any]:
    """A principal as a task keeps it."""
    return {
        "user": who.user, "profile_id": who.profile_id, "username": who.username, "name": who.name, "email": who.email,
        "kind": who.kind, "roles": list(who.roles), "groups": list(who.groups),
        "privileges": sorted(map(list, who.privileges)), "is_admin": who.is_admin,
    }  # fmt: skip


def principal_of(task: AsyncTask) -> Principal:
    """The principal that a task works as."""
    kept = dict(task.actor)
    return Principal(
        organization=task.organization,
        roles=tuple(kept.pop("roles", ())),
        groups=tuple(kept.pop("groups", ())),
        privileges=frozenset((pair[0], pair[1]) for pair in kept.pop("privileges", ())),
        **kept,
    )


def mark_worker(ctx: Context, task: AsyncTask) -> None:
    """Note that the task is under way, in which process, and that this lives."""
    if task.status == QUEUED:  # who paused or cancelled it meanwhile is not contradicted
        task.status = RUNNING
    host = socket.gethostname()
    task.worker_hostname, task.worker_name = host, f"{host}:{os.getpid()}"
    task.last_heart_beat = ctx.now
    task.started_at = task.started_at or ctx.now


async def add_errors(ctx: Context, task: AsyncTask, errors: list[dict[str, Any]]) -> None:
    """Keep rows that were refused: ``row``, ``field``, ``value``, ``reason``, ``cells`` each."""
    if errors:
        rows = [{"organization": ctx.organization, "task": task.id, **error} for error in errors]
        await ctx.session.execute(insert(TaskError.__table__), rows)  # type: ignore[arg-type]


async def errors_of(ctx: Context, task_id: str, limit: int = 100) -> list[dict[str, Any]]:
    """The first refused rows."""
    query = select(TaskError).where(TaskError.task == task_id).order_by(TaskError.row).limit(limit)
    return [
        {"row": row.row, "field": row.field, "value": row.value, "error": row.reason}
        for row in (await ctx.session.execute(query)).scalars()
    ]


async def forget_errors(ctx: Context, task_ids: list[str]) -> None:
    """Drop the refused rows of deleted tasks."""
    for start in range(0, len(task_ids), store.CHUNK):
        part = task_ids[start : start + store.CHUNK]
        await ctx.session.execute(
            delete(TaskError).where(TaskError.task.in_(part)).execution_options(synchronize_session=False)
        )


def progress(ctx: Context, task: AsyncTask) -> None:
    """Tell the console how far the task is, once this transaction is committed."""
    live = ctx.platform.live
    if live is not None:
        data = {"id": task.id, "status": task.status, "done": task.done, "total": task.total, "failed": task.failed,
                "created": task.created, "updated": task.updated}  # fmt: skip
        ctx.after_commit.append(lambda: live.publish(task.organization, "task", data))
