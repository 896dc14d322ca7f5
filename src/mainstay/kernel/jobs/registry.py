"""What may run: jobs, queues and schedules by stable name, declared at import."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from croniter import croniter

JobFunction = Callable[..., Awaitable[Any]]
Function = TypeVar("Function", bound=JobFunction)

OPTIONS = frozenset({"job_id", "unique", "run_at", "priority", "session"})
"""Names that ``enqueue`` takes itself, so no job may have a parameter called so."""

INTERNAL = "mainstay."


@dataclass(frozen=True, slots=True)
class QueueDeclaration:
    name: str
    concurrency: int
    """Jobs of the queue that one process runs at once."""
    poll_seconds: float


@dataclass(frozen=True, slots=True)
class JobDeclaration:
    name: str
    queue: str
    function: JobFunction


@dataclass(frozen=True, slots=True)
class ScheduleDeclaration:
    name: str
    cron: str
    queue: str
    timezone: str
    catch_up: bool
    function: Callable[[datetime], Awaitable[Any]]


queues: dict[str, QueueDeclaration] = {}
jobs: dict[str, JobDeclaration] = {}
schedules: dict[str, ScheduleDeclaration] = {}


def declare_queue(name: str, *, concurrency: int, poll_seconds: float = 1.0) -> None:
    """A queue: ``concurrency`` of its jobs run per process; it looks for work each ``poll_seconds``."""
    if concurrency < 1:
        raise ValueError("A queue runs at least one job at a time.")
    queues[name] = QueueDeclaration(name, concurrency, poll_seconds)


declare_queue("default", concurrency=8, poll_seconds=0.5)
declare_queue("bulk", concurrency=2)


def job(name: str, *, queue: str = "default") -> Callable[[Function], Function]:
    """Register an async function as the job ``name``; it takes keyword arguments that JSON can hold.

    The name is stored with every job that waits or runs, so a rename must keep the old name alive. Raises
    ``ValueError`` when the name is taken or the function cannot be a job.
    """

    def register(function: Function) -> Function:
        if not _is_async(function):
            raise ValueError(f"The job {name} must be an async function.")
        if taken := OPTIONS & set(inspect.signature(function).parameters):
            raise ValueError(f"The job {name} has a parameter that enqueue() takes itself: {sorted(taken)}.")
        known = jobs.get(name)
        if known is not None and _origin(known.function) != _origin(function):
            raise ValueError(f"Two jobs are called {name}.")
        jobs[name] = JobDeclaration(name, queue, function)
        return function

    return register


def schedule(
    cron: str, *, name: str, queue: str = "default", timezone: str = "UTC", catch_up: bool = False
) -> Callable[[Function], Function]:
    """Run an async function ``f(due: datetime)`` at the times of a cron expression (five fields, or six with
    seconds first), once per installation, up to ten seconds late.

    With ``catch_up``, every run that was due while nothing ran is made up for at the next start; without,
    they are skipped. Raises ``ValueError`` for a bad expression, time zone or name.
    """
    if not croniter.is_valid(cron, second_at_beginning=True):
        raise ValueError(f"{cron!r} is not a cron expression.")
    ZoneInfo(timezone)

    def register(function: Function) -> Function:
        if not _is_async(function):
            raise ValueError(f"The schedule {name} must be an async function.")
        known = schedules.get(name)
        if known is not None and _origin(known.function) != _origin(function):
            raise ValueError(f"Two schedules are called {name}.")
        schedules[name] = ScheduleDeclaration(name, cron, queue, timezone, catch_up, function)
        return function

    return register


def _is_async(function: object) -> bool:
    return inspect.iscoroutinefunction(function)


def _origin(function: Callable[..., Any]) -> tuple[str, str]:
    return function.__module__, function.__qualname__
