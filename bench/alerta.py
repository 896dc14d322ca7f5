"""The peer for events: alerta-server from PyPI in an environment of its own, on the same PostgreSQL.

It is told of one alert per request, which is the only way it has, and de-duplicates by resource and event as Mainstay
does by fingerprint.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import Call, once
from bench.postgres import Postgres
from bench.process import CACHE, Process, free_port

DATABASE = "alerta_bench"


class Alerta:
    """A running alerta."""

    headers: dict[str, str] = {}

    def __init__(self, base: str, version: str) -> None:
        self.base, self.version = base, version

    @staticmethod
    def alert(number: int, rows: int) -> Call:
        """One of ``rows`` problems again."""
        which = number % rows
        body = {"resource": f"sw{which // 50}", "event": f"LinkDown{which % 50}", "environment": "Production",
                "severity": "major", "service": ["Network"], "text": f"Port {which % 50} is down"}  # fmt: skip
        return Call("POST", "/alert", body)

    def status(self, alert: str, number: int) -> Call:
        return Call("PUT", f"/alert/{alert}/status", {"status": "ack" if number % 2 else "open"})

    def some(self) -> str:
        """The id of an alert."""
        answer, _took = once(self.base, self.headers, Call("GET", "/alerts?page-size=1"))
        return str(answer.json()["alerts"][0]["id"])


def _environment() -> Path:
    """The peer's interpreter; installed at the first run."""
    home = CACHE / "alerta-venv"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        print("Installing alerta-server (once) ...", file=sys.stderr)
        uv = shutil.which("uv") or os.environ.get("UV", "uv")
        subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(home)], check=True)
        packages = ["alerta-server[postgres]", "gunicorn", "setuptools<81"]
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *packages], check=True)
        (home / "ready").touch()
    return python


@contextmanager
def alerta(server: Postgres, *, processes: int) -> Iterator[Alerta]:
    """alerta on a fresh database, served by gunicorn with ``processes`` processes."""
    python = _environment()
    find = "from importlib.metadata import version; print(version('alerta-server'))"
    version = subprocess.run([str(python), "-c", find], check=True, capture_output=True, text=True).stdout.strip()
    server.fresh(DATABASE)
    port = free_port()
    environ = {
        **os.environ,
        "DATABASE_URL": f"postgresql://postgres@/{DATABASE}?host={server.socket}",
        "DATABASE_NAME": DATABASE,
        "SECRET_KEY": "bench",
        "AUTH_REQUIRED": "False",
        "PLUGINS": "",
        "HOUSEKEEPING_ENABLED": "False",
    }
    command = [
        *(str(python), "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(processes)),
        *("--log-level", "warning", "alerta:create_app()"),
    ]
    process = Process(command, environ, CACHE / "alerta.log")
    base = f"http://127.0.0.1:{port}"
    try:
        process.wait_for(f"{base}/management/gtg")
        yield Alerta(base, version)
    finally:
        process.stop()
