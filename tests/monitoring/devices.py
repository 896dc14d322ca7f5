"""Devices to log in to: real SSH servers with a shell or a prompt, and web servers that ask for a password."""

from __future__ import annotations

import asyncio
import hashlib
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.monitoring.listening import Listening

REALM, NONCE = "Basic, of course", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
USER, PASSWORD, ENABLE = "operator", "Sw1tch-secret", "En4ble-secret"


class Door(asyncssh.SSHServer):
    """Lets the operator in, with a password or a key; notes what was tried."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self.device.passwords.append(password)
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key.get_fingerprint() == self.device.user_key.get_fingerprint()


class Device:
    """A machine whose shell is that of this one, with some of its commands answered otherwise."""

    banner = "OpenSSH_9.2p1 Debian-2+deb12u3"

    def __init__(self, answers: Mapping[str, str] | None = None) -> None:
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self.answers = dict(answers or {})
        self.commands: list[str] = []
        self.passwords: list[str] = []

    async def answer(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        self.commands.append(command)
        functions = "".join(f"{name}() {{ printf '%s\\n' '{text}'; }}; " for name, text in self.answers.items())
        done = await asyncio.create_subprocess_exec(
            "sh", "-c", functions + command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        out, _err = await done.communicate()
        process.stdout.write(out)
        process.exit(done.returncode or 0)

    @asynccontextmanager
    async def serving(self, address: str, port: int) -> AsyncIterator[None]:
        server = await asyncssh.create_server(
            lambda: Door(self), address, port, server_host_keys=[self.key], process_factory=self.answer,
            encoding=None, server_version=self.banner,
        )  # fmt: skip
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()


class Switch(Device):
    """A device with a prompt and no commands beside it, which shows long answers in pages. Where its prompt ends with
    ``>``, what it is it tells to privileged users only."""

    banner = "Cisco-1.25"
    page = 5
    stuck = ""
    """The command whose second page never comes."""

    def __init__(self, answers: Mapping[str, str] | None = None, prompt: str = "edge-1>") -> None:
        super().__init__(answers)
        self.prompt = prompt

    async def answer(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        if process.command:
            process.exit(1)
            return
        prompt, say = self.prompt, process.stdout.write
        say(b"\r\nAuthorised users only.\r\n" + prompt.encode())
        try:
            while line := (await process.stdin.readline()).decode().strip():
                self.commands.append(line)
                say(f"{line}\r\n".encode())
                if line == "enable":
                    say(b"Password: ")
                    given = (await process.stdin.readline()).decode().strip()
                    prompt = prompt.replace(">", "#") if given == ENABLE else prompt
                    say(b"\r\n" if given == ENABLE else b"\r\n% Access denied\r\n")
                elif line in self.answers and prompt.endswith("#"):
                    await self._pages(process, self.answers[line].split("\n"))
                else:
                    say(b"% Invalid input detected at '^' marker.\r\n")
                say(prompt.encode())
        except (asyncssh.BreakReceived, asyncssh.TerminalSizeChanged):
            pass
        process.exit(0)

    async def _pages(self, process: asyncssh.SSHServerProcess[bytes], lines: list[str]) -> None:
        for start in range(0, len(lines), self.page):
            if start:
                process.stdout.write(b" --More-- ")
                await process.stdin.read(1)
                if self.commands[-1] == self.stuck:
                    await process.wait_closed()
                process.stdout.write(b"\x08 \x08" * 9)
            process.stdout.write("".join(f"{line}\r\n" for line in lines[start : start + self.page]).encode())


class Web(Listening):
    """A device with web pages, one of them open."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.pages: dict[str, tuple[int, str]] = {}
        self.digests: list[str] = []
        """Algorithms by which it asks for a log-in, beside Basic where ``basic`` says so."""
        self.basic = True

    def lets_in(self, path: str, given: str) -> bool:
        if self.basic and given == f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}":
            return True
        if not self.digests or not given.startswith("Digest "):
            return given == f"Bearer {PASSWORD}"
        # RFC 7616, 3.4.1.
        told = {name: quoted or plain for name, quoted, plain in
                re.findall(r'([a-z]+)=(?:"([^"]*)"|([^",\s]+))', given)}  # fmt: skip
        wanted = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}[told.get("algorithm", "MD5").removesuffix("-sess")]

        def h(text: str) -> str:
            return wanted(text.encode()).hexdigest()

        secret = h(f"{told['username']}:{REALM}:{PASSWORD}")
        if told["algorithm"].endswith("-sess"):
            secret = h(f"{secret}:{NONCE}:{told['cnonce']}")
        right = h(f"{secret}:{NONCE}:{told['nc']}:{told['cnonce']}:{told['qop']}:{h(f'GET:{path}')}")
        return (told["algorithm"] in self.digests and told["uri"] == path and told["nonce"] == NONCE
                and told["opaque"] == "o, p" and told["response"] == right)  # fmt: skip

    def challenges(self) -> str:
        asks = [f'Digest realm="{REALM}", qop="auth, auth-int", algorithm={one}, nonce="{NONCE}", opaque="o, p"'
                for one in self.digests]  # fmt: skip
        asks += [f'Basic realm="{REALM}"'] if self.basic else []
        return "".join(f"WWW-Authenticate: {one}\r\n" for one in asks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        given = next(
            (line[15:].strip() for line in head.split("\r\n") if line.lower().startswith("authorization:")), ""
        )
        self.asked.append((path, given))
        if path in self.pages:
            status, text = self.pages[path]
        elif path == "/open" or self.lets_in(path, given):
            status, text = 200, "<html><title>Edge\n switch</title></html>"
        else:
            status, text = 401, "no"
        extra = f"Location: {text}\r\n" if status == 302 else self.challenges() if status == 401 else ""
        writer.write(f"HTTP/1.1 {status} X\r\nServer: tiny/1.0\r\n{extra}Content-Length: {len(text)}\r\n"
                     f"Connection: close\r\n\r\n{text}".encode())  # fmt: skip
        writer.close()


def self_signed(path: Path, address: str) -> Path:
    """A certificate and its key, as devices make them for themselves."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "device")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return path
