"""Asking addresses in every way that a discovery may, at its pace and within its limits. No database: collectors, too.

What comes of it is judged by the server (``probing``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import msgspec

from mainstay.kernel.late import asyncssh
from mainstay.modules.monitoring.commands import inventory, shell, winrm
from mainstay.modules.monitoring.credentials.service import Login, Span, inside
from mainstay.modules.monitoring.credentials.tables import SSH as SSH_KIND
from mainstay.modules.monitoring.credentials.tables import WINDOWS
from mainstay.modules.monitoring.discovery import greeting, reading
from mainstay.modules.monitoring.discovery.knocking import Knocker
from mainstay.modules.monitoring.discovery.ping import Pace, Pinger
from mainstay.modules.monitoring.discovery.reading import Answers
from mainstay.modules.monitoring.discovery.tables import SNMP, SSH, TCP, WINRM
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.client import Access, NoAnswer, SnmpError
from mainstay.modules.monitoring.templates.engine import Library


@dataclass(slots=True)
class Way:
    """A credential as it is used."""

    id: str
    name: str
    scope: list[Span]
    access: Access | None
    problem: str = ""


@dataclass(slots=True)
class Account:
    """A credential that logs in, as it is used."""

    id: str
    name: str
    scope: list[Span]
    login: Login | None
    problem: str = ""


@dataclass(slots=True)
class How:
    """How addresses are asked."""

    ways: Sequence[Way]
    library: Library
    params: Mapping[str, Any]
    protocols: Sequence[str]
    tables: Sequence[str]
    insist: bool = False
    """Ask also what does not answer echo requests: seeds were named by somebody."""
    accounts: Sequence[Account] = ()
    keys: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """The SSH host keys that are trusted, by address and port."""

    @property
    def hears(self) -> bool:
        """Whether neighbours are asked for: for the topology, or because they lead on."""
        return "lldp" in self.tables or "cdp" in self.tables


@dataclass(slots=True)
class Heard:
    """What one address answered."""

    address: str
    able: bool = True
    """Whether echo requests could be sent at all."""
    rtt: float | None = None
    """Milliseconds."""
    open_ports: list[int] = field(default_factory=list)
    passed: bool = False
    """Passed over: no sign of life, and only what gives one is asked further."""
    fitting: bool = False
    """Whether a credential is for it."""
    credential: str = ""
    answers: Answers | None = None
    told: list[str] = field(default_factory=list)
    """What came of each credential that did not open it."""
    ssh: dict[str, str] = field(default_factory=dict)
    account: str = ""
    """The credential that logged in."""
    said: dict[str, str] = field(default_factory=dict)
    """What its shell said."""
    refused: list[str] = field(default_factory=list)
    """What came of each credential that did not log in."""
    met: tuple[int, str] | None = None
    """Port and SSH host key that is trusted from now on."""


class Envelope(msgspec.Struct, kw_only=True, array_like=True):
    """One address of an order, as a collector hands it over."""

    scan: str
    address: str
    heard: bytes


KIND = "discovery"
"""Of the records that collectors hand over."""
LARGEST = 4 * 2**20
"""Bytes of one address' record."""
Taker = Callable[[Heard], Awaitable[None]]
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Heard)


def encoded(heard: Heard, most: int = LARGEST) -> bytes:
    """As it travels from a collector, of bounded size: the longest tables are left out where it would be larger."""
    try:
        made = _ENCODER.encode(heard)
    except (OverflowError, ValueError):
        heard.answers, heard.credential = None, ""
        heard.told.append("it answered numbers that are none")
        made = _ENCODER.encode(heard)
    while len(made) > most and heard.answers is not None and heard.answers.tables:
        tables = heard.answers.tables
        name = max(tables, key=lambda each: len(tables[each]))
        del tables[name]
        heard.answers.problems.append(f"Table {name} was left out: altogether they are too large to be handed over.")
        made = _ENCODER.encode(heard)
    while len(made) > most and heard.said:
        name = max(heard.said, key=lambda each: len(heard.said[each]))
        del heard.said[name]
        heard.refused.append(f"The list {name} was left out: altogether they are too large to be handed over.")
        made = _ENCODER.encode(heard)
    return made


def decoded(raw: bytes) -> Heard:
    """Raises ``ValueError``."""
    try:
        return _DECODER.decode(raw)
    except msgspec.MsgspecError as error:
        raise ValueError(f"What an address answered cannot be read: {str(error)[:200]}.") from None


async def ask(addresses: Sequence[str], how: How, take: Taker) -> None:
    """Ask them all; ``take`` gets each as soon as it is done."""
    pinger, pace = Pinger(), Pace(how.params["rate"])
    alive = await pinger.alive(addresses, pace)
    taking: dict[str, list[int]] = {}
    if TCP in how.protocols:
        knocker = Knocker(pace, how.params["tcp_at_once"])
        taking = await knocker.open(addresses, how.params["tcp_ports"])
    turn = asyncio.Semaphore(how.params["at_once"])

    async def each(address: str) -> None:
        one = Heard(address, pinger.able, alive[address] * 1000 if address in alive else None,
                    taking.get(address, []))  # fmt: skip
        one.passed = (
            one.able and one.rtt is None and not one.open_ports and how.params["filter_by_ping"] and not how.insist
        )
        if not one.passed:
            async with turn:
                if SNMP in how.protocols:
                    await _snmp(one, how, pace)
                if SSH in how.protocols:
                    await pace.turn()
                    heard = await greeting.read(address, how.params["ssh_port"])
                    one.ssh = heard.shown() if heard is not None else {}
                    if one.answers is None:
                        await _log_in(one, how, pace)
                if WINRM in how.protocols and one.answers is None and not one.said:
                    await _windows(one, how, pace)
        await take(one)

    await asyncio.gather(*map(each, addresses))


async def _log_in(one: Heard, how: How, pace: Pace) -> None:
    """Ask a device at its shell that SNMP does not open."""
    for account, login in _accounts(one, how, (SSH_KIND,)):
        if not one.ssh and login.port == how.params["ssh_port"]:
            continue  # there is no SSH server
        await pace.turn()
        try:
            key = await _trusted(one, how, login)
            one.said = await inventory.read(
                one.address, login.port, login.username, login.secrets, key, banner=one.ssh.get("banner", ""),
                software=how.params["software"], neighbours=how.hears,
                patience=login.seconds, seconds=how.params["device_seconds"],
            )  # fmt: skip
        except (shell.ShellError, ValueError) as error:
            one.refused.append(f"SSH credential {account.name}: {str(error)[:300]}")
            continue
        one.account = account.id
        if (one.address, login.port) not in how.keys:
            one.met = login.port, key.export_public_key().decode().strip()
        return


def _accounts(one: Heard, how: How, kinds: Collection[str]) -> Iterator[tuple[Account, Login]]:
    """The accounts of these kinds that are for the address; of those that cannot be used it is told why."""
    address = ip_address(one.address)
    for account in how.accounts:
        if account.scope and not inside(address, account.scope):
            continue
        if account.login is None:
            told = f"Credential {account.name}: {account.problem}"
            one.refused += [told] if told not in one.refused else []
        elif account.login.kind in kinds:
            yield account, account.login


async def _windows(one: Heard, how: How, pace: Pace) -> None:
    """Ask a computer with Windows that neither SNMP nor SSH opens."""
    for account, login in _accounts(one, how, WINDOWS):
        await pace.turn()
        try:
            one.said = await winrm.look(
                one.address, login, software=how.params["software"], seconds=how.params["device_seconds"]
            )
        except winrm.WinError as error:
            one.refused.append(f"WinRM credential {account.name}: {str(error)[:300]}")
            continue
        one.account = account.id
        return


async def _trusted(one: Heard, how: How, login: Login) -> asyncssh.SSHKey:
    """The host key to expect. Raises ``ShellError``, also where nobody has accepted it."""
    known = how.keys.get((one.address, login.port))
    if known:
        return asyncssh.import_public_key(known)
    key = await shell.host_key(one.address, login.port)
    # A private key does not leave this machine, whoever answers; passwords do.
    if not login.trust_new and (login.secrets.get("password") or login.secrets.get("enable_password")):
        raise shell.ShellError(
            f"its host key {key.get_fingerprint()} is not known, so no password was sent: accept it by asking the "
            "device in the form of the credential"
        )
    return key


async def _snmp(one: Heard, how: How, pace: Pace) -> None:
    address = ip_address(one.address)
    fitting = [way for way in how.ways if not way.scope or inside(address, way.scope)]
    one.fitting = bool(fitting)
    for way in fitting:
        if way.access is None:
            one.told.append(f"{way.name}: {way.problem}")
            continue
        await pace.turn()
        try:
            one.answers = await reading.read(
                one.address, way.access, how.library, how.tables, how.params["device_seconds"]
            )
        except NoAnswer:
            one.told.append(f"{way.name}: no answer")
        except (SnmpError, Malformed, ValueError, OSError) as error:
            one.told.append(f"{way.name}: {str(error)[:200]}")
        else:
            one.credential = way.id
            return
