"""How an SSH server introduces itself: its identification string, and the key it proves to hold. Nobody logs in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from mainstay.kernel.late import asyncssh

SECONDS, LONGEST, LINES = 8.0, 255, 20
"""For the whole exchange; the longest line (RFC 4253, 4.2), and how many may come before the identification."""
KEYS = (
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-dss"
)
"""The kinds of keys, in one order: a server that has several shows the same one each time."""


@dataclass(slots=True)
class Greeting:
    """What a server said."""

    banner: str
    kind: str = ""
    key: str = ""
    """Fingerprint of the host key; empty: it could not be read."""

    def shown(self) -> dict[str, str]:
        """As findings keep it."""
        said = {"banner": self.banner, "key_type": self.kind, "host_key": self.key}
        return {name: value for name, value in said.items() if value}


@dataclass(slots=True)
class _Watch:
    """Keeps the connection, which knows the identification string even when no key came of it."""

    connection: asyncssh.SSHClientConnection | None = field(default=None)

    def client(self) -> asyncssh.SSHClient:
        watch = self

        class Client(asyncssh.SSHClient):
            def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
                watch.connection = conn

        return Client()


async def read(address: str, port: int, seconds: float = SECONDS) -> Greeting | None:
    """What the server at this port says; None: there is no SSH server. Never raises for what is said there."""
    watch = _Watch()
    # Old devices know old ciphers only. Nothing secret is sent, so each of them is good enough here.
    options = asyncssh.SSHClientConnectionOptions(
        client_factory=watch.client, config=None, client_keys=None, agent_path=None, pkcs11_provider=None,
        username="discovery", client_version="Mainstay", kex_algs="*", encryption_algs="*", mac_algs="*",
        server_host_key_algs=KEYS,
    )  # fmt: skip
    key: asyncssh.SSHKey | None = None
    try:
        async with asyncio.timeout(seconds):
            # Returns after the key exchange, whose signature shows that the server holds the key it names.
            key = await asyncssh.get_server_host_key(address, port, config=None, options=options)
    except (OSError, asyncssh.Error, ValueError):
        pass  # TimeoutError is an OSError
    if watch.connection is None:
        return None
    banner = _clean(str(watch.connection.get_extra_info("server_version") or ""))
    if not banner:
        banner = await _line(address, port, min(seconds, 3.0))
    if not banner:
        return None
    return Greeting(banner, key.get_algorithm() if key else "", key.get_fingerprint() if key else "")


async def _line(address: str, port: int, seconds: float) -> str:
    """The identification string alone: of servers that speak version 1 only, or not as they should."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(address, port, limit=4 * LONGEST)
            try:
                for _ in range(LINES):
                    line = await reader.readline()
                    if line.startswith(b"SSH-"):
                        return _clean(line.decode("ascii", "replace"))
                    if not line:
                        break
            finally:
                writer.transport.abort()
    except (OSError, ValueError):
        pass
    return ""


def _clean(line: str) -> str:
    return "".join(sign for sign in line.strip()[:LONGEST] if sign.isprintable())
