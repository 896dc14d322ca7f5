"""The event loop of what goes on until it is told to stop: servers, workers, collectors."""

from __future__ import annotations

import resource
from collections.abc import Coroutine
from typing import Any

import uvloop

FILES = 65_536


def run_on(work: Coroutine[Any, Any, None]) -> None:
    """Run it, with as many open files as the system lets this process have.

    The usual 1,024 are few: each client, each device that is asked and each thread of the telemetry engine has some.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    uvloop.run(work)
