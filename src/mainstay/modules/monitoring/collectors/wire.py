"""What a collector and its server tell each other. Nothing here needs a database: a collector has none."""

from __future__ import annotations

from typing import Any

import msgspec

from mainstay.modules.monitoring.credentials.service import Login
from mainstay.modules.monitoring.snmp.client import Access
from mainstay.modules.monitoring.snmp.message import V3
from mainstay.modules.monitoring.snmp.usm import User


class DeviceAccess(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How to ask devices, with its secrets: for the collector's memory only."""

    version: int
    port: int
    timeout: float
    retries: int
    community: str = ""
    username: str = ""
    auth_protocol: str = ""
    auth_password: str = ""
    privacy_protocol: str = ""
    privacy_password: str = ""

    def made(self) -> Access:
        """As the client takes it. The keys of a version 3 user take milliseconds to make."""
        user = None
        if self.version == V3:
            user = User(self.username, self.auth_protocol, self.auth_password, self.privacy_protocol,
                        self.privacy_password)  # fmt: skip
        return Access(version=self.version, community=self.community, user=user, port=self.port, timeout=self.timeout,
                      retries=self.retries)  # fmt: skip


class PolledDevice(msgspec.Struct, kw_only=True):
    """A device to poll."""

    ci: str
    address: str
    credential: str
    """Which of the credentials; empty: only echo."""
    ping: bool
    interval: int
    asked_at: float
    """When somebody asked for a poll at once, seconds since 1970; 0: nobody."""


class Scan(msgspec.Struct, kw_only=True):
    """Addresses that a discovery wants asked."""

    id: str
    addresses: list[str]
    ways: list[tuple[str, str, str]]
    """Credentials in their order: id, name, and the addresses they are for."""
    params: dict[str, Any]
    protocols: list[str]
    tables: list[str]
    insist: bool
    accounts: list[tuple[str, str, str]] = []
    """Credentials that log in, in their order: id, name, and the addresses they are for."""
    keys: list[tuple[str, int, str]] = []
    """SSH host keys that are trusted: address, port, key."""


class LoginAccess(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How to log in to devices, with its secrets: for the collector's memory only."""

    kind: str
    port: int
    username: str
    secrets: dict[str, str]
    seconds: float
    trust_new: bool = False

    def made(self) -> Login:
        """As it is used."""
        return Login(self.kind, self.port, self.username, self.secrets, self.seconds, self.trust_new)


class Work(msgspec.Struct, kw_only=True):
    """What a collector does beside receiving."""

    id: str
    name: str
    devices: list[PolledDevice]
    credentials: dict[str, DeviceAccess]
    note: str = ""
    """Why it is not given what it needs."""
    scans: list[Scan] = []
    logins: dict[str, LoginAccess] = {}


class Report(msgspec.Struct, kw_only=True):
    """How a collector is."""

    software: str = ""
    hostname: str = ""
    backlog: int = 0
    backlog_bytes: int = 0
    oldest: float = 0
    """When the oldest of what waits was received, seconds since 1970; 0: nothing waits."""
    received: int = 0
    lost: int = 0
    devices: int = 0
    error: str = ""
