"""Installations as people run them: the ``mainstay`` program in its own processes, on its own folder."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import DATABASE

once = pytest.mark.skipif(DATABASE != "sqlite", reason="the same on every database: run once, with SQLite")

_template: dict[str, Path | str] = {}


class Installation:
    """A data folder, a database, and the processes on them. Use as a context manager."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.folder = folder
        self.key = ""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.server: subprocess.Popen[bytes] | None = None
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
        # An installed program has its byte code; without it every start costs seconds of compiling.
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environment = {
            **kept,
            "MAINSTAY_DATA_DIR": str(folder),
            "MAINSTAY_DATABASE_URL": database_url,
            "MAINSTAY_HTTP_PORT": str(self.port),
            "MAINSTAY_LOG_LEVEL": "error",
            "MAINSTAY_SYSLOG_PORT": "0",
            "MAINSTAY_SYSLOG_TLS_PORT": "0",
            "MAINSTAY_TRAP_PORT": "0",
        }
        self.log = folder.with_name(folder.name + ".log")

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.server is not None:
            self.kill()

    def run(self, *arguments: str, expect: int = 0, **environment: str) -> str:
        """Run a command to its end; what it printed."""
        done = subprocess.run(
            self.command(*arguments),
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == expect, f"mainstay {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start_command(self, *arguments: str, before: Any = None) -> subprocess.Popen[bytes]:
        """Start a command and do not wait for it."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command(*arguments), env=self.environment, stdout=log, stderr=log, preexec_fn=before
            )

    @staticmethod
    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "mainstay.cli", *arguments]

    def set_up(self) -> None:
        """Make the first organization and a key for it."""
        fresh = not self.environment["MAINSTAY_DATABASE_URL"]
        if fresh and "key" in _template:
            # Made once in this run and copied: two program starts less.
            shutil.copytree(_template["folder"], self.folder, dirs_exist_ok=True)
            self.key = str(_template["key"])
            return
        self.run("init", "--organization", "acme")
        self.key = re.findall(r"ms_\S+", self.run("apikey", "add", "tests", "--user", "admin"))[0]
        if fresh:
            folder = Path(tempfile.mkdtemp(prefix="mainstay-tests-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            shutil.copytree(self.folder, folder, dirs_exist_ok=True)
            _template.update(folder=folder, key=self.key)

    def serve(self, before: Any = None) -> None:
        """Start the server and wait for its first answer."""
        self.server = self.start_command("serve", before=before)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz", timeout=5).is_success:
                    return
            assert self.server.poll() is None, self.log.read_text()[-3000:]
            time.sleep(0.05)
        raise AssertionError(f"The server did not answer: {self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """kill -9."""
        assert self.server is not None
        self.server.kill()
        self.server.wait(30)
        self.server = None

    def stop(self) -> float:
        """SIGTERM; the seconds until the process has ended well."""
        assert self.server is not None
        started = time.monotonic()
        self.server.send_signal(signal.SIGTERM)
        assert self.server.wait(30) == 0, self.log.read_text()[-3000:]
        self.server = None
        return time.monotonic() - started

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"ApiKey {self.key}"}

    def get(self, path: str, **options: Any) -> Any:
        answer = httpx.get(self.url + path, headers=self.headers, timeout=30, **options)
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, json: Any, **headers: str) -> httpx.Response:
        return httpx.post(self.url + path, json=json, headers={**self.headers, **headers}, timeout=30)

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every record of a list, over its pages."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = self.get(path, params={"items_per_page": 200, "page": page, "sort": "creation_time"})
            found += answer["results"]
            if not answer["next"]:
                return found
            page += 1
