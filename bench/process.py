"""Processes that a benchmark starts: free ports, waiting for the first answer, memory, an orderly end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mainstay-bench"


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A server in a process group of its own, so that its workers end with it."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], log: Path, folder: Path | None = None
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self.started = time.perf_counter()
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                list(command),
                env=dict(environ),
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, url: str, seconds: float = 120.0) -> float:
        """Seconds from the start until ``url`` answered. Raises ``RuntimeError`` with the end of the log."""
        while time.perf_counter() - self.started < seconds:
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(url, timeout=30):
                    return time.perf_counter() - self.started
            except urllib.error.HTTPError:
                return time.perf_counter() - self.started
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{url} does not answer. {self.log}:\n{self.log.read_text(errors='replace')[-3000:]}")

    def memory(self) -> float:
        """Resident memory of the process and everything it started, in MiB; shared pages count once (PSS)."""
        total = 0
        for pid in self._family():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total / 1024

    def cpu(self) -> float:
        """Seconds of processor time that the process and everything it started took so far."""
        ticks = 0
        for pid in self._family():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                ticks += int(words[11]) + int(words[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _family(self) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, ValueError):
                    stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                    if int(stat[3]) == self.pid:  # its session: the group we made
                        found.append(int(entry.name))
        return found

    def stop(self) -> None:
        """Ask it to end; insist after 20 s."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                self._process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
