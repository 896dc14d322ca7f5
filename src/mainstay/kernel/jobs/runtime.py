"""The jobs engine of a process: DBOS on the relational database, started and stopped with the application.

DBOS keeps its tables in the application's own database: in the schema ``dbos`` on PostgreSQL, in the same
file on SQLite. The same file, because then a job can be enqueued in the transaction that needs it and one
backup holds both. Locking allows it: on two cores, small write transactions (``synchronous=FULL``) took 0.40
ms (median) and 0.65 ms (95 %) beside an idle engine, against 0.39 and 0.58 in a file of their own; beside a
job that did nothing but store 250 steps a second, 0.35 and 3.7 ms, against 0.36 and 1.6.

Jobs run as tasks on the event loop that called ``launch``, so they may await the application's own code; only
DBOS's short bookkeeping runs in threads. Nothing listens on a port and nothing is sent outside.

Every process that runs jobs takes an executor slot, a lock that ends with the process. A job belongs to the
slot that runs it: a process that starts takes the lowest free slot and goes on with its jobs at once, and the
jobs of a slot that stays free are taken over by the others within half a minute.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, DBOSConfig
from sqlalchemy.pool import NullPool

from mainstay.kernel.jobs import registry
from mainstay.kernel.jobs.control import VERSION
from mainstay.kernel.jobs.locks import AdvisoryLocks, FileLocks, Lease, Locks
from mainstay.kernel.jobs.serializer import JsonSerializer
from mainstay.kernel.jobs.state import Runtime, current, install, remove
from mainstay.kernel.jobs.steps import create_tables, run_job
from mainstay.settings import Settings

log = structlog.stdlib.get_logger("mainstay.jobs")

APPLICATION = "mainstay"
SLOTS = 64
THREADS = 16
TAKE_OVER_SECONDS = 30.0


async def launch(settings: Settings, *, work: bool | None = None, services: Any = None) -> None:
    """Start the engine on the running event loop; jobs left by a crash go on.

    ``work`` (default ``settings.worker``) false: this process only enqueues and controls. ``services`` is
    what ``services()`` hands to jobs, e.g. the application's platform. Blocks the loop for some tenths of a
    second, so call it before serving. Raises ``RuntimeError`` when it runs already or no slot is free.
    """
    queues = {item.name: item.queue for item in registry.jobs.values()}
    for name, queue in (queues | {item.name: item.queue for item in registry.schedules.values()}).items():
        if queue not in registry.queues:
            raise RuntimeError(f"{name} runs on the queue {queue}, which nobody declares.")
    _quiet_logging()
    url = settings.sync_database_url
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": 30} if settings.is_sqlite else {})
    await asyncio.to_thread(_prepare, engine, url)
    client = DBOSClient(
        system_database_url=url,
        serializer=JsonSerializer(),
        application_name=APPLICATION,
        system_database_pool_size=3,
        lazy=True,
    )
    runtime = Runtime(
        settings=settings,
        client=client,
        engine=engine,
        locks=_locks(settings, engine),
        services=services,
        loop=asyncio.get_running_loop(),
    )
    runtime.quiet.set()
    install(runtime)
    try:
        if settings.worker if work is None else work:
            runtime.executor, runtime.lease = await asyncio.to_thread(_slot, runtime.locks)
            await _start(runtime, url)
            runtime.watcher = asyncio.create_task(_watch(runtime), name="jobs-watcher")
    except BaseException:
        await shutdown(seconds=0)
        raise
    log.info("jobs engine started", executor=runtime.executor or None, jobs=len(registry.jobs))


async def shutdown(seconds: float = 10.0) -> None:
    """Stop: no new step starts, steps that run get ``seconds`` to end, unfinished jobs go on at the next
    start.
    """
    runtime = current()
    runtime.stopping.set()
    if runtime.watcher is not None:
        runtime.watcher.cancel()
    try:
        async with asyncio.timeout(seconds):
            await runtime.quiet.wait()
    except TimeoutError:
        log.warning("steps of jobs cut off at stop; they will be repeated", steps=runtime.steps_running)
    # Not the loop's own threads: DBOS lends its own to the loop and takes them away while it stops.
    with ThreadPoolExecutor(1, thread_name_prefix="jobs-stop") as stopper:
        if runtime.lease is not None:
            await runtime.loop.run_in_executor(stopper, DBOS.destroy)
        runtime.loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
        for task in tuple(runtime.tasks):
            task.cancel()
        if runtime.tasks:
            await asyncio.wait(tuple(runtime.tasks), timeout=5)
        await runtime.loop.run_in_executor(stopper, runtime.client.destroy)
        if runtime.lease is not None:
            await runtime.loop.run_in_executor(stopper, runtime.lease.release)
        runtime.engine.dispose()
    remove()


def services() -> Any:
    """What ``launch`` was given for jobs to work with."""
    return current().services


def _prepare(engine: sa.Engine, url: str) -> None:
    if engine.dialect.name == "sqlite":
        Path(str(engine.url.database)).parent.mkdir(parents=True, exist_ok=True)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    DBOS.migrate(url)
    create_tables(engine)


def _locks(settings: Settings, engine: sa.Engine) -> Locks:
    if settings.is_sqlite:
        return FileLocks(Path(str(engine.url.database)).parent / "locks")
    return AdvisoryLocks(engine)


def _slot(locks: Locks) -> tuple[str, Lease]:
    for number in range(SLOTS):
        name = f"executor-{number}"
        if (lease := locks.claim(name)) is not None:
            return name, lease
    raise RuntimeError(f"{SLOTS} processes run jobs already.")


async def _start(runtime: Runtime, url: str) -> None:
    for declared in registry.jobs.values():
        _as_workflow(declared.name, declared.function)
    scheduled = {
        item.name: _as_scheduled(f"{registry.INTERNAL}schedule.{item.name}", item.function)
        for item in registry.schedules.values()
    }
    DBOS(
        config=DBOSConfig(
            name=APPLICATION,
            system_database_url=url,
            application_version=VERSION,
            executor_id=runtime.executor,
            serializer=JsonSerializer(),
            sys_db_pool_size=6,
            max_executor_threads=THREADS,
            log_level="WARNING",
            enable_otlp=False,
            run_migrations=False,
        )
    )
    # On this thread: DBOS takes the loop that runs here as the one for jobs.
    DBOS.launch()
    _keep_to(runtime.loop)
    for queue in registry.queues.values():
        await DBOS.register_queue_async(
            queue.name, worker_concurrency=queue.concurrency, polling_interval_sec=queue.poll_seconds
        )
    await DBOS.apply_schedules_async(
        [
            {
                "schedule_name": item.name,
                "workflow_fn": scheduled[item.name],
                "schedule": item.cron,
                "context": None,
                "automatic_backfill": item.catch_up,
                "cron_timezone": item.timezone,
                "queue_name": item.queue,
            }
            for item in registry.schedules.values()
        ]
    )
    for known in await DBOS.list_schedules_async():
        if known["schedule_name"] not in registry.schedules:
            await DBOS.delete_schedule_async(known["schedule_name"])


def _keep_to(loop: asyncio.AbstractEventLoop) -> None:
    """Jobs run on this loop and on no other.

    DBOS would start one on a loop of its own whenever this one stands still, as a loop does between the calls of
    ``run_until_complete``. Locks, connections and sessions are shared with requests and belong to one loop: used from
    two, they wait for a wake-up that never comes. A job that is started meanwhile waits until the loop goes on.
    """
    from dbos._dbos import _get_dbos_instance

    background: Any = _get_dbos_instance()._background_event_loop
    background.target_loop = lambda: loop


_workflows: dict[str, tuple[Any, Any]] = {}


def _as_workflow(name: str, function: registry.JobFunction) -> None:
    async def run(args: dict[str, Any]) -> Any:
        return await run_job(str(DBOS.workflow_id), function, **args)

    _register(name, function, run)


def _as_scheduled(name: str, function: Any) -> Any:
    async def run(due: Any, _context: Any) -> Any:
        return await run_job(str(DBOS.workflow_id), function, due)

    return _register(name, function, run)


def _register(name: str, function: Any, run: Any) -> Any:
    """DBOS keeps its registry for the life of the process, so each job is handed to it once."""
    known = _workflows.get(name)
    if known is None or known[0] is not function:
        run.__qualname__ = run.__name__ = name
        _workflows[name] = function, DBOS.workflow(name=name, max_recovery_attempts=50)(run)
    return _workflows[name][1]


async def _watch(runtime: Runtime) -> None:
    """Keep the slot, and take over the jobs of processes that are gone."""
    while True:
        await asyncio.sleep(TAKE_OVER_SECONDS)
        try:
            await asyncio.to_thread(_take_over, runtime)
        except Exception:
            log.exception("looking after other processes' jobs failed, will be repeated")


def _take_over(runtime: Runtime) -> None:
    assert runtime.lease is not None
    if not runtime.lease.alive():
        renewed = runtime.locks.claim(runtime.executor)
        if renewed is None:
            log.error("the executor slot was lost to another process: restart this one", slot=runtime.executor)
            return
        runtime.lease = renewed
    running = runtime.client.list_workflows(status="PENDING", app_version=VERSION, load_input=False, load_output=False)
    for executor in {str(job.executor_id) for job in running} - {runtime.executor}:
        if (lease := runtime.locks.claim(executor)) is None:
            continue
        try:
            recovered = DBOS._recover_pending_workflows([executor])
            log.warning("took over jobs of a process that is gone", executor=executor, jobs=len(recovered))
        finally:
            lease.release()


class _Quiet(logging.Filter):
    """Drops what DBOS reports about pausing: we asked for it."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return "was cancelled during execution" not in text and "asynchronous workflow" not in text


def _quiet_logging() -> None:
    """DBOS's log lines go through the application's handlers, from warnings on, instead of a console of its
    own.
    """
    logger = logging.getLogger("dbos")
    if not any(isinstance(item, logging.NullHandler) for item in logger.handlers):
        # With a handler present, DBOS installs none.
        logger.addHandler(logging.NullHandler())
        logger.addFilter(_Quiet())
    logger.propagate = True
    logger.setLevel(logging.WARNING)
