"""The peer: Nautobot from PyPI in an environment of its own, on the same PostgreSQL, with a Redis of its own.

The load is its VLANs: a plain model with a status, a role, a tenant and a group, as an incident has a status,
a team, an assignee and a requester. The caller is an ordinary user whose rights are checked, with a token.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.load import Call
from bench.postgres import Postgres
from bench.process import CACHE, Process, free_port

DATABASE = "nautobot_bench"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
LIST = "/api/ipam/vlans/?limit=50&status=Active&sort=name"
PATH = "/api/ipam/vlans/"
SEED = Path(__file__).with_name("nautobot_seed.py")


class Nautobot:
    """A running Nautobot."""

    name = "Nautobot"
    headers = {"Authorization": f"Token {TOKEN}"}

    def __init__(self, base: str, process: Process, version: str) -> None:
        self.base, self.process, self.version = base, process, version

    @staticmethod
    def listing(_number: int) -> Call:
        return Call("GET", LIST)

    @staticmethod
    def wandering(number: int) -> Call:
        return Call("GET", f"{LIST}&offset={50 * (number % 400)}")

    @staticmethod
    def creating(number: int) -> Call:
        return Call("POST", PATH, Nautobot.body(number))

    @staticmethod
    def body(number: int) -> dict[str, Any]:
        return {"vid": number % 4000 + 1, "name": f"Single {number}", "status": {"name": "Active"},
                "description": "The printer on the second floor does not answer."}  # fmt: skip

    @staticmethod
    def bulk(count: int) -> Call:
        return Call("POST", PATH, [Nautobot.body(number) for number in range(count)])


def _environment() -> tuple[Path, str]:
    """The peer's interpreter and version; installed at the first run."""
    home = CACHE / "nautobot-venv"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        print("Installing Nautobot (once, some minutes) ...", file=sys.stderr)
        uv = shutil.which("uv") or os.environ.get("UV", "uv")
        subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(home)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), "nautobot"], check=True)
        (home / "ready").touch()
    line = subprocess.run(
        [str(home / "bin" / "nautobot-server"), "--version"], check=True, capture_output=True, text=True
    )
    return python, next((row.split(":")[1].strip() for row in line.stdout.splitlines() if "Nautobot" in row), "")


def _redis(log: Path) -> tuple[Process, int]:
    binary = shutil.which("redis-server")
    if binary is None:
        raise RuntimeError("Nautobot needs Redis: apt-get install redis-server")
    port = free_port()
    command = [
        binary,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(CACHE),
    ]
    return Process(command, os.environ, log), port


@contextmanager
def nautobot(server: Postgres, *, rows: int, processes: int) -> Iterator[Nautobot]:
    """Nautobot with ``rows`` VLANs, serving with ``processes`` processes."""
    python, version = _environment()
    home, tool = CACHE / "nautobot", python.with_name("nautobot-server")
    migrated = home / "migrated"
    redis, redis_port = _redis(CACHE / "redis.log")
    environ = {
        **os.environ,
        "NAUTOBOT_ROOT": str(home),
        "NAUTOBOT_DB_HOST": server.socket,
        "NAUTOBOT_DB_USER": "postgres",
        "NAUTOBOT_DB_NAME": DATABASE,
        "NAUTOBOT_REDIS_HOST": "127.0.0.1",
        "NAUTOBOT_REDIS_PORT": str(redis_port),
        "NAUTOBOT_ALLOWED_HOSTS": "127.0.0.1",
        "NAUTOBOT_INSTALLATION_METRICS_ENABLED": "false",
        "NAUTOBOT_LOG_LEVEL": "WARNING",
    }

    def run(*arguments: str, **more: str) -> None:
        done = subprocess.run(
            [str(tool), *arguments], env={**environ, **more}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"nautobot-server {arguments[0]}: {(done.stdout + done.stderr)[-3000:]}")

    serving: Process | None = None
    try:
        if not (home / "nautobot_config.py").exists():
            run("init", "--disable-installation-metrics", str(home / "nautobot_config.py"))
        if not server.exists(DATABASE):
            print("Preparing Nautobot's database (once, some minutes) ...", file=sys.stderr)
            server.fresh(DATABASE)
            migrated.unlink(missing_ok=True)
        if not migrated.exists() or migrated.read_text() != version:
            run("migrate", "--no-input")
            migrated.write_text(version)
        run("shell", "--command", SEED.read_text(), BENCH_ROWS=str(rows), BENCH_TOKEN=TOKEN)
        server.analyse(DATABASE)
        port = free_port()
        command = [
            *(str(tool), "start", "--http-socket", f"127.0.0.1:{port}", "--master"),
            *("--processes", str(processes), "--buffer-size", "65535", "--listen", "128", "--enable-threads"),
            *("--single-interpreter", "--need-app", "--disable-logging", "--post-buffering", "1048576"),
        ]
        serving = Process(command, environ, CACHE / "nautobot.log", home)
        base = f"http://127.0.0.1:{port}"
        serving.wait_for(f"{base}/api/")
        yield Nautobot(base, serving, version)
    finally:
        if serving is not None:
            serving.stop()
        redis.stop()
