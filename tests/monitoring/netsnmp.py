"""Real SNMP around the tests: net-snmp's agent, and its command line tools."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from mainstay.modules.monitoring.snmp.usm import AUTHS, PRIVACIES, User

AUTH_PASSWORD, PRIVACY_PASSWORD = "correct-horse-1", "staple-battery-2"
# What net-snmp calls the protocols.
PRIVACY_OPTION = {"DES": "DES", "AES": "AES", "AES-192": "AES-192", "AES-256": "AES-256",
                  "AES-192-C": "AES-192-C", "AES-256-C": "AES-256-C"}  # fmt: skip
LEVELS: list[tuple[str, str]] = [
    ("", ""),
    *[(auth, "") for auth in AUTHS],
    ("MD5", "DES"),
    ("SHA", "AES"),
    ("SHA-256", "AES-192"),
    ("SHA", "AES-256"),
    ("SHA-512", "AES-256"),
    ("MD5", "AES-256-C"),
    ("SHA-224", "AES-192-C"),
]


def user_name(auth: str, privacy: str) -> str:
    return f"u{auth}{privacy}".replace("-", "").lower()


def user(auth: str, privacy: str) -> User:
    return User(user_name(auth, privacy), auth, AUTH_PASSWORD if auth else "", privacy,
                PRIVACY_PASSWORD if privacy else "")  # fmt: skip


def options(auth: str, privacy: str) -> list[str]:
    """The options of net-snmp's tools for a user."""
    level = "authPriv" if privacy else "authNoPriv" if auth else "noAuthNoPriv"
    made = ["-v3", "-l", level, "-u", user_name(auth, privacy)]
    if auth:
        made += ["-a", auth, "-A", AUTH_PASSWORD]
    if privacy:
        made += ["-x", PRIVACY_OPTION[privacy], "-X", PRIVACY_PASSWORD]
    return made


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"The test needs net-snmp's {name}: run tools/debian-packages."
    return found


async def run(name: str, *arguments: str) -> tuple[int, str]:
    """Run a tool with its own state, no MIB files and no configuration of this machine; exit code and output."""
    process = await asyncio.create_subprocess_exec(
        tool(name), *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "MIBS": "", "SNMPCONFPATH": "/nonexistent", "SNMP_PERSISTENT_DIR": "/nonexistent"},
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")


class Agent:
    """net-snmp's agent with communities public and private, and a user for every level."""

    def __init__(
        self, folder: Path, address: str = "127.0.0.1", port: int = 0, lines: Sequence[str] = (), without: str = ""
    ) -> None:
        """``lines`` in the place of the usual description; ``without``: modules that are left out."""
        self.port = port or free_port()
        self.address = address
        self.folder = folder
        self.without = without
        self.more: list[str] = []
        """Further addresses to answer on."""
        lines = [
            "rocommunity public", "rwcommunity private",
            *(lines or ("syslocation Test bench", "sysdescr A device for tests")),
            'extend answer /bin/echo "forty two"',
        ]  # fmt: skip
        for auth, privacy in LEVELS:
            name = user_name(auth, privacy)
            parts = ["createUser", name]
            if auth:
                parts += [auth, AUTH_PASSWORD]
            if privacy:
                parts += [PRIVACY_OPTION[privacy], PRIVACY_PASSWORD]
            lines.append(" ".join(parts))
            lines.append(f"rwuser {name} {'priv' if privacy else 'auth' if auth else 'noauth'}")
        (folder / "snmpd.conf").write_text("\n".join(lines) + "\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        env = {**os.environ, "SNMP_PERSISTENT_DIR": str(self.folder / "state"), "MIBS": "",
               "SNMPCONFPATH": str(self.folder)}  # fmt: skip
        with (self.folder / "snmpd.log").open("wb") as output:
            self.process = subprocess.Popen(
                [tool("snmpd"), "-f", "-Lo", "-C", "-c", str(self.folder / "snmpd.conf"), "-p",
                 str(self.folder / "pid"), *(["-I", f"-{self.without}"] if self.without else []),
                 ",".join(f"udp:{address}:{self.port}" for address in (self.address, *self.more))],
                stdout=output, stderr=subprocess.STDOUT, env=env,
            )  # fmt: skip
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            probe = subprocess.run(
                [tool("snmpget"), "-v2c", "-c", "public", "-t", "0.3", "-r", "0", f"{self.address}:{self.port}",
                 ".1.3.6.1.2.1.1.3.0"], capture_output=True, env=env, check=False,
            )  # fmt: skip
            if probe.returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"snmpd did not start: {(self.folder / 'snmpd.log').read_text()}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(5)


__all__ = ["AUTHS", "LEVELS", "PRIVACIES", "Agent", "free_port", "options", "run", "user", "user_name"]
