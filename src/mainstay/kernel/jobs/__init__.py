"""Durable jobs: work that outlives a request and a crash.

A job is an async function under a stable name, made of steps. What a step returned is stored, so that after a
crash the job continues with the first step that has no result. Jobs run on the application's event loop and
may use its sessions; their queues, timers and schedules live in the relational database.

    @job("import.rows", queue="bulk")
    async def import_rows(task: str) -> int:
        count = await step(count_rows, task)
        for first in range(0, count, 1000):
            await transact(open_session, import_batch, task, first)
        return count

    job_id = await enqueue("import.rows", task="...")

Code between steps runs again after a crash: it must decide only by the job's arguments and by what steps
returned.
"""

from mainstay.kernel.jobs.control import (
    Job,
    UnknownJob,
    cancel,
    enqueue,
    pause,
    resume,
    retire,
    status,
    wait,
)
from mainstay.kernel.jobs.maintenance import retire_old as _retire_old  # noqa: F401
from mainstay.kernel.jobs.registry import declare_queue, job, schedule
from mainstay.kernel.jobs.runtime import launch, services, shutdown
from mainstay.kernel.jobs.serializer import JobError
from mainstay.kernel.jobs.steps import sleep_until, step, step_key, transact

__all__ = [
    "Job",
    "JobError",
    "UnknownJob",
    "cancel",
    "declare_queue",
    "enqueue",
    "job",
    "launch",
    "pause",
    "resume",
    "retire",
    "schedule",
    "services",
    "shutdown",
    "sleep_until",
    "status",
    "step",
    "step_key",
    "transact",
    "wait",
]
