"""A real installation for the browser: ``mainstay init`` and ``mainstay serve`` as a person would run them."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from mainstay.kernel.http.site import CONSOLE

START_SECONDS = 120
STOP_SECONDS = 30
FIRST_PASSWORD = "Given-by-an-admin-1"
PASSWORD = "Correct-horse-7"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in."""

    username: str
    password: str
    full_name: str
    email: str


class Installation:
    """A served data folder, the administrator that ``init`` made, and an API key to prepare things with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
        self._environment |= {"MAINSTAY_DATA_DIR": str(folder / "data"), "MAINSTAY_LOG_LEVEL": "warning"}
        self.syslog_port = _free_port()
        self._environment |= {"MAINSTAY_SYSLOG_PORT": str(self.syslog_port)}
        self._environment |= dict.fromkeys(("MAINSTAY_SYSLOG_TLS_PORT", "MAINSTAY_TRAP_PORT"), "0")
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "server.log"

    async def start(self) -> None:
        """Set up and serve; returns when requests are answered."""
        assert (CONSOLE / "index.html").is_file(), "The console is not built. Run `make console` first."
        told = self._run("init")
        found = re.search(r"^Password:\s+(\S+)", told, re.MULTILINE)
        assert found, told
        self.first_admin = Account("admin", found.group(1), "Administrator", "admin@localhost")
        found = re.search(
            r"^API key:\s+(\S+)", self._run("apikey", "add", "browser tests", "--user", "admin"), re.MULTILINE
        )
        assert found
        self.api = httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"ApiKey {found.group(1)}"}, timeout=60
        )
        self._process = self._serve()
        until = time.monotonic() + START_SECONDS
        while not await self._answers():
            assert self._process.poll() is None, f"The server ended at once:\n{self._log.read_text()}"
            assert time.monotonic() < until, f"The server does not answer:\n{self._log.read_text()}"
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)
        if hasattr(self, "api"):
            await self.api.aclose()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mainstay.cli", *arguments]

    def _serve(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            command = self._command("serve", "--port", str(self.port))
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            self._command(*arguments), env=self._environment, capture_output=True, text=True, timeout=START_SECONDS
        )
        assert done.returncode == 0, f"mainstay {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    async def _answers(self) -> bool:
        try:
            return (await self.api.get("/readyz")).is_success
        except httpx.TransportError:
            return False

    async def call(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """What the API answers to the administrator; fails where it refuses."""
        response = await self.api.request(method, path, json=json, **options)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text[:600]}"
        return response.json() if response.content else None

    async def person(self, role: str = "IT Support Operator", full_name: str = "") -> Account:
        """A new account whose password its owner has chosen already."""
        number = next(_numbers)
        name = f"person{number}"
        made = Account(name, PASSWORD, full_name or f"Person {number}", f"{name}@example.com")
        await self.call(
            "POST",
            "/ux/common/user/profile/",
            {"username": name, "email": made.email, "full_name": made.full_name, "role": role, "is_active": True,
             "password": FIRST_PASSWORD, "confirm_password": FIRST_PASSWORD},
        )  # fmt: skip
        await self._choose_password(name)
        return made

    async def requester(self, full_name: str) -> Account:
        """A requester who can sign in, and has chosen a password."""
        name = f"requester{next(_numbers)}"
        made = Account(name, PASSWORD, full_name, f"{name}@example.com")
        await self.call(
            "POST",
            "/ux/common/requester/profile/",
            {"full_name": full_name, "email": made.email, "is_login_enable": True,
             "user_details": {"username": name, "password": FIRST_PASSWORD, "confirm_password": FIRST_PASSWORD}},
        )  # fmt: skip
        await self._choose_password(name)
        return made

    async def _choose_password(self, username: str) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as client:
            answer = await client.post("/api/session", json={"username": username, "password": FIRST_PASSWORD})
            assert answer.is_success, answer.text
            answer = await client.post(
                "/api/session/password",
                json={"current_password": FIRST_PASSWORD, "new_password": PASSWORD},
                headers={"X-CSRF-Token": answer.json()["csrf"]},
            )
            assert answer.is_success, answer.text

    async def role(self, granted: dict[str, dict[str, dict[str, bool]]]) -> str:
        """A new role with these privileges only; returns its name."""
        name = f"Role {next(_numbers)}"
        await self.call("POST", "/ux/common/roles/profile/", {"role_name": name, "selected_permissions": granted})
        return name

    async def ticket(self, summary: str, **values: Any) -> str:
        """A new ticket; returns its display id."""
        body = {"summary": summary, "description": f"<p>{summary}.</p>", "requester_email": "rita@example.com",
                "requester_name": "Rita Requester", "urgency": "High", "impact": "User", **values}  # fmt: skip
        answer = await self.call("POST", "/ux/sd/inci/incident/", body)
        return str(answer["data"]["display_id"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
