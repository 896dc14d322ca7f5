"""The running jobs engine of this process, of which there is at most one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient

from mainstay.kernel.jobs.locks import Lease, Locks
from mainstay.settings import Settings


@dataclass(slots=True)
class Runtime:
    settings: Settings
    client: DBOSClient
    engine: sa.Engine
    locks: Locks
    services: Any
    loop: asyncio.AbstractEventLoop
    lease: Lease | None = None
    """The executor slot of this process; None when it only enqueues."""
    executor: str = ""
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    """Jobs that run here."""
    watcher: asyncio.Task[None] | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    steps_running: int = 0
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while no step runs."""


_current: list[Runtime] = []


def current() -> Runtime:
    """The running engine; ``RuntimeError`` before ``launch`` and after ``shutdown``."""
    if not _current:
        raise RuntimeError("The jobs engine is not running. Call mainstay.kernel.jobs.launch() first.")
    return _current[0]


def install(runtime: Runtime) -> None:
    if _current:
        raise RuntimeError("The jobs engine is already running in this process.")
    _current.append(runtime)


def remove() -> None:
    _current.clear()
