"""What a device says of itself at its shell: the commands that tell, and their output. Nothing on it is changed.

A Unix system answers one script; systems of the network are talked to at their prompt, as a person would, because few
of them take commands in any other way. What the output means is read by ``said``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

from mainstay.kernel.late import asyncssh
from mainstay.modules.monitoring.commands import lists, said, shell
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
MORE = re.compile(r" *-+ ?\(?more\)?[^\r\n]{0,20}-*>? *$", re.IGNORECASE)
PASSWORD = re.compile(r"(?:password|passcode)[^\r\n]{0,40}: ?$", re.IGNORECASE)
LONGEST, LONGEST_LIST, TAIL, MARGIN = 64 * 1024, 4 * 2**20, 200, 1024
"""Bytes that an answer at a prompt may have, and a list; characters at its end that are looked at for the prompt, and
bytes that are cleaned for them."""
UNREAD = "unread"
"""What could not be read, in what a device said: one line each."""
_ESCAPES = re.compile(
    # What wipes a line out that said there is more: back, spaces, back. The indentation of what follows stays.
    r"\x1b\[\d+D +\x1b\[\d+D|\x08(?:[ \x08]*\x08)?|\r +\r|\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]"
)


async def read(
    address: str, port: int, username: str, secrets: Mapping[str, str], trusted: asyncssh.SSHKey, *,
    banner: str = "", software: bool = True, parts: bool = True, neighbours: bool = True,
    patience: float = shell.CONNECT, seconds: float = 30.0,
) -> dict[str, str]:  # fmt: skip
    """What the device said, by the name of each part. Raises ``ShellError``; ``WrongKey`` before a secret is sent.

    ``parts``: also what a system of the network consists of; ``neighbours``: and whom it hears."""
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
        found: dict[str, str] = {}
        try:
            async with asyncio.timeout(seconds):
                talk = await _network(connection, said.SYSTEMS if family is None else (family, *said.SYSTEMS),
                                      secrets.get("enable_password", ""), found)  # fmt: skip
                if parts:
                    await _lists(talk, found, neighbours=neighbours)
        except TimeoutError:
            if not found:
                raise ShellError(f"{address} let {username} in, but showed no prompt that is known.") from None
            _unread(found, f"It was not done after {seconds:.0f} seconds; the rest was left out.")
        return found


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
    connection: asyncssh.SSHClientConnection, systems: tuple[said.System, ...], enable: str, found: dict[str, str]
) -> Talk:
    """Find out what it is; the dialogue, for whoever has more to ask."""
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
        known = said.recognised(system.command, text)
        if known is not None:
            more = {"more": await talk.ask(known.more)} if known.more else {}
            found |= {"system": known.key, "prompt": talk.shown, "version": text, **more}
            return talk
    raise ShellError("It let in, but does not say what it is at its prompt.")


async def _lists(talk: Talk, found: dict[str, str], *, neighbours: bool) -> None:
    """What it consists of, and whom it hears. A list that is not to be had costs nothing else."""
    for name, listing in lists.LISTS[found["system"]].items():
        if name in lists.NEIGHBOURS and not neighbours:
            continue
        try:
            text = await talk.ask(listing.command, LONGEST_LIST)
        except ShellError as error:
            _unread(found, f"{listing.command}: {error}")
            return
        if lists.forbidden(text) or (lists.absent(text) and name == lists.INTERFACES):
            _unread(found, f"{listing.command}: {text.strip().splitlines()[-1][:120]}")
        else:
            # A device without LLDP hears nobody by it; not all have a list of parts.
            found[name] = "" if lists.absent(text) else text


def _unread(found: dict[str, str], why: str) -> None:
    found[UNREAD] = f"{found[UNREAD]}\n{why}" if UNREAD in found else why


class Talk:
    """A dialogue at a prompt. How long it may take is the caller's business."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process
        self.shown = ""
        """The prompt, as it was shown last."""

    async def prompt(self) -> None:
        """Wait until the device prompts."""
        self._prompted(await self._until(_prompts))

    async def ask(self, command: str, most: int = LONGEST) -> str:
        """What a command says."""
        self._write(command)
        text = await self._until(lambda heard: heard.rstrip().endswith(self.shown) and "\n" in heard, most)
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

    async def _until(self, done: Done, most: int = LONGEST) -> str:
        """What is said until its end is as wanted; only the end is looked at, however long it grows."""
        raw = bytearray()
        while True:
            chunk = await self._process.stdout.read(32_768)
            if not chunk:
                raise ShellError("It hung up.")
            raw += chunk
            if len(raw) > most:
                raise ShellError("It says more than is wanted.")
            end = _clean(raw[-MARGIN:], "surrogateescape")
            more = MORE.search(end[-TAIL:])
            if more is not None:
                raw[-MARGIN:] = end[: len(end) - len(more.group())].encode("utf-8", "surrogateescape")
                self._process.stdin.write(b" ")
            elif done(end):
                return _clean(raw)


def _clean(raw: bytearray, errors: str = "replace") -> str:
    return _ESCAPES.sub("", raw.decode("utf-8", errors).replace("\x00", ""))


def _prompts(heard: str) -> bool:
    return PROMPT.search(heard[-TAIL:]) is not None


def _asks(heard: str) -> bool:
    return PASSWORD.search(heard[-TAIL:]) is not None
