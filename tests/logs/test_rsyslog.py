"""A real rsyslogd with the configuration that is made for it: over TCP and TLS, trusting the right and a wrong one."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mainstay.kernel.intake.certificate import certificate_files, server_context
from mainstay.kernel.platform import Platform
from mainstay.modules.logs.agents.engine import CA_FILE
from mainstay.modules.logs.intake.service import LogIntake
from mainstay.modules.logs.intake.sources import SourceRule
from mainstay.settings import Settings
from tests.logs.lines import stored
from tests.support import World

RSYSLOGD = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
NOBODY = 65534
SECONDS = 30
pytestmark = pytest.mark.skipif(not Path(RSYSLOGD).exists(), reason="rsyslog is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that an account without privileges may write to, as pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="mainstay-rsyslog-") as folder:
        for path in (Path(folder), Path(folder) / "rsyslog"):
            path.mkdir(exist_ok=True)
            path.chmod(0o777)
        (Path(folder) / "app.log").touch(0o644)
        yield Path(folder)


@asynccontextmanager
async def listening(world: World, folder: Path, **settings: Any) -> AsyncIterator[LogIntake]:
    """The log intake on ports of its own, in the installation of the test."""
    platform, before = world.platform, world.platform.settings
    ports = {"syslog_port": free_port(), "syslog_tls_port": free_port()}
    platform.settings = replace(before, data_dir=folder, intake_host="127.0.0.1", **ports, **settings)
    service = LogIntake(platform)
    platform._services[LogIntake] = service
    try:
        await service.start()
        await service.sources.look(now=True)
        assert service.troubles == {}
        yield service
    finally:
        del platform._services[LogIntake]
        await service.stop()
        platform.settings = before


@dataclass
class Rsyslog:
    folder: Path
    said: list[str]

    def log(self, text: str) -> None:
        """A line of the system, as programs hand it to syslog."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(str(self.folder / "log"))
            sock.send(text.encode())


@asynccontextmanager
async def rsyslog(folder: Path, configuration: str) -> AsyncIterator[Rsyslog]:
    """rsyslogd as somebody without privileges; its own system log is a socket in the folder."""
    config, own = folder / "rsyslog.conf", folder / "rsyslog"
    config.write_text(
        f'global(workDirectory="{own}")\nmodule(load="imuxsock" SysSock.Use="off")\n'
        f'input(type="imuxsock" Socket="{own}/log")\n' + configuration
    )
    somebody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    command = [RSYSLOGD, "-n", "-f", str(config), "-i", str(own / "pid")]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, **somebody)
    made = Rsyslog(own, [])
    assert process.stderr is not None
    errors = process.stderr

    async def listen() -> None:
        async for line in errors:
            made.said.append(line.decode())

    listener = asyncio.create_task(listen())
    try:
        await until((own / "log").exists, made.said)
        yield made
    finally:
        process.kill()
        await process.wait()
        await listener


async def until(happened: Callable[[], bool], told: Any) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            while not happened():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"It has not happened. {told}")


async def made_for(world: World, folder: Path, authority: Path, **fields: Any) -> str:
    """The configuration of a new agent; only the file of the authority has another place than on a real machine."""
    answer = await world.post(
        "/ux/log_agent/log_agent_config/",
        {"name": "host", "agent_type": "rsyslog", "server": "localhost", "files": [f"{folder}/app.log"], **fields},
    )
    shutil.copy(authority, folder / "authority.pem")
    (folder / "authority.pem").chmod(0o644)
    text = str(answer["data"]["configuration"])
    assert (CA_FILE in text) == (fields.get("transport") == "tls")
    return text.replace(CA_FILE, str(folder / "authority.pem"))


def other_authority(folder: Path) -> Path:
    settings = Settings(data_dir=folder / "other")
    server_context(settings)
    return certificate_files(settings)[0]


@pytest.mark.parametrize(("transport", "own"), [("tcp", False), ("tls", False), ("tls", True)])
async def test_lines_of_files_and_of_the_system_arrive(world: World, place: Path, transport: str, own: bool) -> None:
    """``own``: with a certificate from the settings, in which the agent looks for the server's name."""
    settings: dict[str, Any] = {}
    if own:
        certificate = other_authority(place)
        settings = {"syslog_tls_cert": str(certificate), "syslog_tls_key": str(certificate.with_suffix(".key"))}
    async with listening(world, place / "data", **settings) as intake:
        authority, _key = certificate_files(world.platform.settings)
        text = await made_for(world, place, authority, transport=transport)
        assert ("x509/name" in text) is own
        async with rsyslog(place, text) as agent:
            agent.log("<34>Oct 11 22:14:15 su[12]: by the system")
            with (place / "app.log").open("a") as file:
                file.write("by a file\n")
            taken = {item.name: item for item in intake.listeners}[f"syslog-{transport}"]
            await until(lambda: taken.received >= 2, (agent.said, intake.listeners))
        health = await world.get("/api/intake/")
        told = {item["name"]: (item["received"], item["refused"]) for item in health["listeners"]}
        assert told[f"syslog-{transport}"] == (2, 0)
        assert health["refused"] == []
    # What was taken is stored when the intake has stopped.
    rows = sorted(await stored(world), key=lambda row: str(row["message"]))
    assert [(row["message"], row["app"], row["tags"]) for row in rows] == [
        ("by a file", "app", []), ("by the system", "su", []),
    ]  # fmt: skip
    # The token said whose lines they are, and is not kept.
    assert all("token" not in str(row["fields"]) for row in rows)


async def test_a_wrong_authority_is_refused_and_both_sides_say_why(
    world: World, stranger: World, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ours(_platform: Platform) -> list[SourceRule]:
        return [SourceRule(network="127.0.0.1", organization=world.organization)]

    monkeypatch.setattr("mainstay.modules.logs.intake.sources._rules", [ours])
    async with listening(world, place / "data") as intake:
        text = await made_for(world, place, other_authority(place), transport="tls")
        async with rsyslog(place, text) as agent:
            agent.log("<34>Oct 11 22:14:15 su: not for everybody")
            await until(lambda: any("certificate verify failed" in line for line in agent.said), agent.said)
            await until(lambda: any(item.refusals for item in intake.listeners), intake.listeners)
            health = await world.get("/api/intake/")
            assert (await stranger.get("/api/intake/"))["refused"] == []
    assert [(item["source"], item["listener"], item["reason"]) for item in health["refused"]] == [
        ("127.0.0.1", "syslog-tls", "The sender does not trust this server's certificate."),
    ]  # fmt: skip
    assert health["refused"][0]["count"] >= 1
    assert await stored(world) == []
