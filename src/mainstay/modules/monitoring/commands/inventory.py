"""What a device says of itself at its shell: the commands that tell, and their output. Nothing on it is changed.

A Unix system answers one script; systems of the network are talked to at their prompt, as a person would, because few
of them take commands in any other way. What the output means is read by ``said``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

import asyncssh

from mainstay.modules.monitoring.commands import said, shell
from mainstay.modules.monitoring.commands.shell import ShellError

KERNEL = "uname -srm"
SCRIPT = {
    "os": "cat /etc/os-release",
    "host": "hostname",
    "ip": "ip -j addr",
    "physical": "ls -d /sys/class/net/*/device",
    "speed": "grep -H . /sys/class/net/*/speed",
    "dmi": "grep -H . /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name /sys/class/dmi/id/product_serial "
    "/sys/class/dmi/id/product_uuid",
    "board": "tr -d '\\000' < /proc/device-tree/model",
    "board_serial": "tr -d '\\000' < /proc/device-tree/serial-number",
    "cpus": "getconf _NPROCESSORS_ONLN",
    "memory": "grep MemTotal /proc/meminfo",
    "df": "df -kPT || df -kP",
}
PACKAGES = (
    r"dpkg-query -W -f='${db:Status-Abbrev}\t${Package}\t${Version}\n' 2>/dev/null || "
    r"rpm -qa --qf 'ii\t%{NAME}\t%{VERSION}-%{RELEASE}\n' 2>/dev/null"
)
MARK = "@@mainstay "
Done = Callable[[str], bool]
UNIX = ("Linux", "FreeBSD", "OpenBSD", "NetBSD", "Darwin", "SunOS", "AIX")
PROMPT = re.compile(r"(?:^|[\r\n])([^\r\n]{1,80}[>#\]$%]) ?$")
MORE = re.compile(r"-+ ?\(?more\)?[^\r\n]{0,20}-*>? *$", re.IGNORECASE)
PASSWORD = re.compile(r"(?:password|passcode)[^\r\n]{0,40}: ?$", re.IGNORECASE)
LONGEST, TAIL = 64 * 1024, 200
"""Bytes that an answer at a prompt may have; characters at its end that are looked at for the prompt."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|(?:\x08+ *)+")


async def read(
    address: str, port: int, username: str, secrets: Mapping[str, str], trusted: asyncssh.SSHKey, *,
    banner: str = "", software: bool = True, patience: float = shell.CONNECT, seconds: float = 30.0,
) -> dict[str, str]:  # fmt: skip
    """What the device said, by the name of each part. Raises ``ShellError``; ``WrongKey`` before a secret is sent."""
    family = said.family(banner)
    if family is None:
        async with shell.connected(address, port, username, secrets, trusted, patience) as connection:
            try:
                kernel = await shell.execute(connection, KERNEL, seconds)
            except (OSError, asyncssh.Error):
                kernel = None  # it has no such channel: systems of the network often do not
            if kernel is not None and kernel.out.startswith(UNIX):
                return await _unix(connection, kernel.out, seconds, software=software)
    async with shell.connected(address, port, username, secrets, trusted, patience) as connection:
        try:
            async with asyncio.timeout(seconds):
                return await _network(connection, said.SYSTEMS if family is None else (family, *said.SYSTEMS),
                                      secrets.get("enable_password", ""))  # fmt: skip
        except TimeoutError:
            raise ShellError(f"{address} let {username} in, but showed no prompt that is known.") from None


async def _unix(
    connection: asyncssh.SSHClientConnection, kernel: str, seconds: float, *, software: bool
) -> dict[str, str]:  # fmt: skip
    script = "; ".join(f"echo '{MARK}{name}'; {{ {command}; }} 2>/dev/null" for name, command in SCRIPT.items())
    done = await shell.execute(connection, script, seconds)
    found = {"kernel": kernel.strip()}
    for part in done.out.split(MARK)[1:]:
        name, _newline, text = part.partition("\n")
        if name.strip() in SCRIPT:
            found[name.strip()] = text.strip()
    if software:
        packages = await shell.execute(connection, PACKAGES, seconds)
        # A list that was cut off says nothing about what is not in it.
        if packages.out and not packages.truncated and not packages.late:
            found["packages"] = packages.out
    return found


async def _network(
    connection: asyncssh.SSHClientConnection, systems: tuple[said.System, ...], enable: str
) -> dict[str, str]:
    process = await connection.create_process(term_type="dumb", term_size=(200, 1000), encoding=None)
    talk = Talk(process)
    await talk.prompt()
    if enable:
        await talk.raise_rights(enable)
    tried: set[str] = set()
    for system in systems:
        if system.command in tried:
            continue
        tried.add(system.command)
        text = await talk.ask(system.command)
        found = said.recognised(system.command, text)
        if found is not None:
            return {"system": found.key, "prompt": talk.shown, "version": text,
                    **({"more": await talk.ask(found.more)} if found.more else {})}  # fmt: skip
    raise ShellError("It let in, but does not say what it is at its prompt.")


class Talk:
    """A dialogue at a prompt. How long it may take is the caller's business."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process
        self.shown = ""
        """The prompt, as it was shown last."""

    async def prompt(self) -> None:
        """Wait until the device prompts."""
        self._prompted(await self._until(_prompts))

    async def ask(self, command: str) -> str:
        """What a command says."""
        self._write(command)
        text = await self._until(lambda heard: heard.rstrip().endswith(self.shown) and "\n" in heard)
        lines = text.replace("\r", "").split("\n")
        # The first line is the echo of the command, the last one the prompt.
        return "\n".join(lines[1:-1] if command in lines[0] else lines[:-1]).strip()

    async def raise_rights(self, password: str) -> None:
        """Become privileged, where the device knows that. Raises ``ShellError`` for a wrong password."""
        self._write("enable")
        heard = await self._until(lambda heard: _asks(heard) or _prompts(heard))
        if _asks(heard):
            self._write(password)
            heard = await self._until(lambda heard: _asks(heard) or _prompts(heard))
            if _asks(heard) or not heard.rstrip().endswith("#"):
                raise ShellError("The password for enable is not accepted.")
        self._prompted(heard)

    def _prompted(self, heard: str) -> None:
        found = PROMPT.search(heard[-TAIL:])
        self.shown = found.group(1).strip() if found else self.shown

    def _write(self, line: str) -> None:
        self._process.stdin.write(f"{line}\n".encode())

    async def _until(self, done: Done) -> str:
        heard = ""
        raw = bytearray()
        while True:
            chunk = await self._process.stdout.read(8192)
            if not chunk:
                raise ShellError("It hung up.")
            raw += chunk
            if len(raw) > LONGEST:
                raise ShellError("It says more than is wanted.")
            heard = _ESCAPES.sub("", raw.decode("utf-8", "replace").replace("\x00", ""))
            more = MORE.search(heard[-TAIL:])
            if more is not None:
                raw = bytearray(heard[: len(heard) - len(more.group())].encode())
                self._process.stdin.write(b" ")
            elif done(heard):
                return heard


def _prompts(heard: str) -> bool:
    return PROMPT.search(heard[-TAIL:]) is not None


def _asks(heard: str) -> bool:
    return PASSWORD.search(heard[-TAIL:]) is not None
