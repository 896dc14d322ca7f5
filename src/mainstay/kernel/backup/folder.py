"""Whose data folder it is: one process owns a folder with embedded stores, and says how to reach it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mainstay.settings import Settings

LOCK = "serve.lock"
MARKER = "restore.unfinished"
"""Present while a restore fills the folder: nothing may start on it, and all in it came from the restore."""


class FolderInUse(RuntimeError):
    """Another process owns the data folder; the text says which and what to do."""


class Claim:
    """The held lock of a folder."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def publish(self, **facts: Any) -> None:
        """Tell other processes how to reach the owner."""
        content = json.dumps(facts).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)


def embedded(settings: Settings) -> bool:
    """Whether the telemetry store is in the data folder, which then belongs to one process."""
    return settings.clickhouse_dsn.startswith("chdb:")


@contextmanager
def claim(settings: Settings, purpose: str, seconds: float = 0.0) -> Iterator[Claim]:
    """Own the data folder for the body.

    Raises ``FolderInUse`` when another process owns it and still does after ``seconds``.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(settings.data_dir / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + seconds
        while not _lock(descriptor):
            if time.monotonic() >= until:
                raise FolderInUse(_sentence(settings, owner(settings)))
            time.sleep(0.1)
        made = Claim(descriptor)
        made.publish(pid=os.getpid(), purpose=purpose)
        yield made
    finally:
        os.close(descriptor)


def owner(settings: Settings) -> dict[str, Any] | None:
    """What the owner of the folder published (``pid``, ``purpose``, ``socket``); None when nobody owns it."""
    try:
        descriptor = os.open(settings.data_dir / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _lock(descriptor):
            return None
        facts = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
        return facts if isinstance(facts, dict) else {}
    except ValueError:
        return {}
    finally:
        os.close(descriptor)


def check_folder(settings: Settings) -> None:
    """Raise ``FolderInUse`` when a restore into the folder did not finish."""
    if (settings.data_dir / MARKER).exists():
        raise FolderInUse(f"A restore into {settings.data_dir} did not finish. Run `mainstay restore` again.")


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sentence(settings: Settings, facts: dict[str, Any] | None) -> str:
    known = facts or {}
    who = f"`mainstay {known['purpose']}` (process {known['pid']})" if "pid" in known else "another process"
    return (
        f"The data folder {settings.data_dir} is in use by {who}. Stop it first, or choose another folder "
        "with MAINSTAY_DATA_DIR."
    )
