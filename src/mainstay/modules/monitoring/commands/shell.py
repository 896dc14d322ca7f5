"""One command on one device by SSH, within limits of time and of output. Nothing is read from this machine: no
configuration, no agent, no keys of its user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mainstay.kernel.late import asyncssh

CONNECT, MOST = 15.0, 256 * 1024
"""Seconds to connect and log in; bytes of output, of each kind."""


class ShellError(Exception):
    """It could not be run; the text says why."""


class WrongKey(ShellError):
    """The device shows another host key than the one that is trusted."""


@dataclass(slots=True)
class Done:
    """What a command said. ``status`` is None where a signal or the time limit ended it."""

    status: int | None
    signal: str
    out: str
    err: str
    truncated: bool
    late: bool


async def host_key(address: str, port: int) -> asyncssh.SSHKey:
    """The host key that a device shows; nobody logs in. Raises ``ShellError``."""
    try:
        async with asyncio.timeout(CONNECT):
            found = await asyncssh.get_server_host_key(address, port, config=None)
    except TimeoutError:
        raise ShellError(f"{address} did not answer on port {port} in time.") from None
    except (OSError, asyncssh.Error) as error:
        raise ShellError(f"{address} port {port}: {_words(error)}") from None
    if found is None:
        raise ShellError(f"{address} shows no host key.")
    return found


async def run(
    address: str, port: int, username: str, secrets: Mapping[str, str], trusted: asyncssh.SSHKey, command: str,
    seconds: float,
) -> Done:  # fmt: skip
    """Run a command. Raises ``WrongKey`` before anything secret is sent, ``ShellError`` for the rest."""
    async with connected(address, port, username, secrets, trusted) as connection:
        return await execute(connection, command, seconds)


@asynccontextmanager
async def connected(
    address: str, port: int, username: str, secrets: Mapping[str, str], trusted: asyncssh.SSHKey,
    patience: float = CONNECT,
) -> AsyncIterator[asyncssh.SSHClientConnection]:  # fmt: skip
    """Logged in. Raises ``WrongKey`` before anything secret is sent, ``ShellError`` for the rest, also for what goes
    wrong while it is used."""
    keys = []
    if secrets.get("private_key"):
        # One with a passphrase takes a tenth of a second of work.
        passphrase = secrets.get("passphrase") or None
        keys.append(await asyncio.to_thread(asyncssh.import_private_key, secrets["private_key"], passphrase))
    try:
        async with asyncio.timeout(patience):
            connection = await asyncssh.connect(
                address, port, config=None, username=username, password=secrets.get("password"),
                client_keys=keys or None, agent_path=None, known_hosts=([trusted], [], []), gss_host=None,
            )  # fmt: skip
    except TimeoutError:
        raise ShellError(f"{address} did not let {username} in within {patience:.0f} seconds.") from None
    except asyncssh.HostKeyNotVerifiable:
        raise WrongKey(
            f"{address} shows another host key than the one that is trusted. Somebody may listen in; nothing secret "
            "was sent. If the device was replaced or set up anew, forget its key: POST /api/ssh-host-keys/forget/."
        ) from None
    except asyncssh.PermissionDenied:
        raise ShellError(f"{address} does not let {username} in.") from None
    except (OSError, asyncssh.Error) as error:
        raise ShellError(f"{address} port {port}: {_words(error)}") from None
    try:
        yield connection
    except (OSError, asyncssh.Error) as error:
        raise ShellError(f"{address}: {_words(error)}") from None
    finally:
        # Not waited for: a device that does not answer must not hold this up.
        connection.abort()


async def execute(connection: asyncssh.SSHClientConnection, command: str, seconds: float) -> Done:
    """Run a command where somebody is logged in."""
    process = await connection.create_process(command, encoding=None, stdin=asyncssh.DEVNULL)
    out, err = bytearray(), bytearray()
    late = cut = False
    try:
        async with asyncio.timeout(seconds):
            whole = await asyncio.gather(_read(process.stdout, out), _read(process.stderr, err))
            cut = not all(whole)
            if not cut:
                await process.wait_closed()
    except TimeoutError:
        late = True
    if late or cut:
        process.close()
    signal = process.exit_signal[0] if process.exit_signal else ""
    status = None if late or cut or signal else process.exit_status
    return Done(status, signal, _text(out), _text(err), cut, late)


async def _read(source: asyncssh.SSHReader[bytes], into: bytearray) -> bool:
    """Whether all of it fits."""
    while chunk := await source.read(32_768):
        into += chunk[: MOST - len(into)]
        if len(into) >= MOST:
            return False
    return True


def _text(raw: bytearray) -> str:
    return raw.decode("utf-8", "replace").replace("\x00", "")


def _words(error: Exception) -> str:
    if isinstance(error, asyncssh.Error):
        return error.reason[:300]
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error))[:300]
