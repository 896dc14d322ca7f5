"""The spool: an append-only log of records in segment files, each of which is handed over as a whole.

The newest segment is open; the others are sealed and do not change any more, so that a segment is the same whenever it
is sent. A record is on the disk when ``append`` returns. After a kill the next process cuts off a record that was torn
and seals what there is. The numbers of segments rise for as long as the spool exists, also when it is empty.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import threading
from pathlib import Path

import structlog

from mainstay.kernel.handover import record, records
from mainstay.settings import SettingError

log = structlog.stdlib.get_logger("mainstay.collector")
SEGMENT_BYTES = 4 * 2**20


class Full(Exception):
    """There is no room: the spool has reached its size, or the disk is full."""


class Spool:
    """One process has it open at a time. May be used by several threads."""

    def __init__(self, folder: Path, limit_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder = folder
        self.limit = limit_bytes
        self.id = ""
        self.first = 1
        """Where this spool begins, as far as the server is concerned."""
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._sizes: dict[int, int] = {}
        """By number; the last is the open one."""
        self._number = 0
        self._file = -1
        self._claim = -1

    def open(self) -> None:
        """Take it over as it is. Raises ``SettingError`` when another process has it, or it is no spool."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._claim = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._claim)
            self._claim = -1
            raise SettingError(f"Another collector uses the folder {self.folder}. Stop it, or choose another folder "
                               "with MAINSTAY_DATA_DIR.") from None  # fmt: skip
        found = sorted(int(path.stem) for path in self.folder.glob("*.seg") if path.stem.isdigit())
        self._identify(found)
        for number in found:
            self._sizes[number] = self._path(number).stat().st_size
        if found:
            self._mend(found[-1])
        last = found[-1] if found else self.first - 1
        # An empty one was never sent: it stays the open one.
        self._begin(last if found and not self._sizes[last] else last + 1)

    def _identify(self, found: list[int]) -> None:
        path = self.folder / "spool.json"
        try:
            kept = json.loads(path.read_text())
            self.id, self.first = str(kept["id"]), int(kept["first"])
        except FileNotFoundError:
            self._name(found[0] if found else 1)
        except (ValueError, KeyError, TypeError):
            raise SettingError(f"{path} cannot be read. Put it back, or remove it: the server then takes what is in "
                               "the folder for new.") from None  # fmt: skip

    def _name(self, first: int) -> None:
        self.id, self.first = secrets.token_hex(16), first
        write_whole(self.folder / "spool.json", json.dumps({"id": self.id, "first": first}).encode())

    def _mend(self, number: int) -> None:
        path = self._path(number)
        raw = path.read_bytes()
        _found, whole = records(raw)
        if whole < len(raw):
            log.warning("a record that was being written when the collector was stopped is cut off",
                        segment=number, bytes=len(raw) - whole)  # fmt: skip
            with path.open("r+b") as file:
                file.truncate(whole)
                os.fsync(file.fileno())
            self._sizes[number] = whole

    def _begin(self, number: int) -> None:
        self._file = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._number = number
        self._sizes[number] = os.fstat(self._file).st_size
        _sync(self.folder)

    def close(self) -> None:
        with self._lock:
            for handle in (self._file, self._claim):
                if handle >= 0:
                    os.close(handle)
            self._file = self._claim = -1

    def append(self, kind: str, data: bytes) -> None:
        """Keep a record: it outlives the process when this returns. Raises ``Full``."""
        made = record(kind, data)
        with self._lock:
            if sum(self._sizes.values()) + len(made) > self.limit:
                raise Full(f"The spool has reached {self.limit // 2**20} MiB.")
            size = self._sizes[self._number]
            if size and size + len(made) > self._segment_bytes:
                self._seal()
                size = 0
            try:
                _write(self._file, made)
                os.fdatasync(self._file)
            except OSError as error:
                # Half a record before others would hide them.
                os.ftruncate(self._file, size)
                raise Full(f"The spool cannot be written: {error.strerror or error}.") from error
            self._sizes[self._number] = size + len(made)

    def _seal(self) -> None:
        try:
            before = self._file
            self._begin(self._number + 1)
        except OSError as error:
            raise Full(f"The spool cannot be written: {error.strerror or error}.") from error
        os.close(before)

    def next(self) -> int | None:
        """The number of the oldest segment that is to be handed over; ``None``: nothing waits."""
        with self._lock:
            oldest = min(self._sizes)
            if oldest == self._number:
                if not self._sizes[oldest]:
                    return None
                self._seal()
            return oldest

    def read(self, number: int) -> bytes:
        """A sealed segment."""
        raw = self._path(number).read_bytes()
        _found, whole = records(raw)
        if whole < len(raw):
            log.error("a segment is damaged on the disk; what is behind the damage is lost",
                      segment=number, bytes=len(raw) - whole)  # fmt: skip
        return raw[:whole]

    def done(self, number: int) -> None:
        """Forget a segment that was acknowledged. The open one behind it keeps the count."""
        with self._lock:
            self._path(number).unlink(missing_ok=True)
            del self._sizes[number]

    def start_over(self) -> None:
        """Go on under a new name, from the oldest segment that is here: the server has lost count of the old one."""
        with self._lock:
            self._name(min(self._sizes))

    @property
    def backlog(self) -> tuple[int, int]:
        """Segments and bytes that wait."""
        with self._lock:
            sizes = [size for size in self._sizes.values() if size]
        return len(sizes), sum(sizes)

    @property
    def oldest(self) -> float:
        """When the oldest segment that waits was last written, seconds since 1970; 0: nothing waits."""
        with self._lock:
            waiting = min((number for number, size in self._sizes.items() if size), default=None)
        try:
            return self._path(waiting).stat().st_mtime if waiting is not None else 0.0
        except FileNotFoundError:
            return 0.0

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:016d}.seg"


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file so that there is either the old or the new one."""
    temporary = path.with_suffix(".tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    temporary.replace(path)
    _sync(path.parent)
