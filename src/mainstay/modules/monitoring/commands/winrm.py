"""What a computer with Windows says of itself by WS-Management (WinRM). Nothing on it is changed.

The password is not sent: NTLM shows that it is known, and over HTTP its key encrypts the messages. pypsrp speaks the
protocol, in threads of its own; where it connects to and how much it reads is decided here.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import msgspec

from mainstay.modules.monitoring.commands import cim
from mainstay.modules.monitoring.credentials.service import Login
from mainstay.modules.monitoring.credentials.tables import WINRM_TLS

if TYPE_CHECKING:
    from pypsrp.wsman import WSMan

CONNECT, TOTAL = 10.0, 32 * 2**20
"""Seconds to connect; bytes of all answers of one computer."""
ELEMENTS, ROUNDS = 50, 200
"""Rows of one answer, and answers to one question."""
CIMV2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/*"
REGISTRY = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/default/StdRegProv"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
WSMAN, WSEN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd", "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
LOCAL_MACHINE = "2147483650"
UNINSTALL = (
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
    r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
)
MOST_PROGRAMS = 1000
# It tells whole stack traces of computers that do not answer.
logging.getLogger("pypsrp").setLevel(logging.CRITICAL)


class WinError(Exception):
    """It could not be asked; the text says why."""


async def read(
    address: str, port: int, username: str, password: str, *, tls: bool, verify: bool, parts: bool = True,
    software: bool = True, seconds: float = 30.0,
) -> dict[str, str]:  # fmt: skip
    """What the computer said, by the name of each part. Raises ``WinError``.

    ``parts``: also what it consists of; ``software``: and what is installed."""
    talk = _Talk(address, port, username, password, tls, verify, seconds)
    try:
        async with asyncio.timeout(seconds + CONNECT):
            return await _in_thread(lambda: talk.everything(parts, software))
    except TimeoutError:
        talk.end = 0.0  # the thread gives up with the next bytes
        raise WinError(f"{address} did not answer in time.") from None


def _in_thread(work: Callable[[], dict[str, str]]) -> asyncio.Future[dict[str, str]]:
    """In a thread of its own: one that a computer holds up holds up no other, nor the end of this process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[dict[str, str]] = loop.create_future()

    def settle(found: dict[str, str], error: WinError | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(found)

    def run() -> None:
        found: dict[str, str] = {}
        failed = None
        try:
            found = work()
        except WinError as error:
            failed = error
        with suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(settle, found, failed)

    Thread(target=run, name="winrm", daemon=True).start()
    return done


async def look(
    address: str, login: Login, *, parts: bool = True, software: bool = True, seconds: float
) -> dict[str, str]:  # fmt: skip
    """The same with a credential. Raises ``WinError``, also where nobody could tell who answers."""
    tls = login.kind == WINRM_TLS
    if not tls and not login.trust_new:
        raise WinError(
            "Without HTTPS nothing shows who answers, so nothing was sent: use WinRM by HTTPS, or trust whoever "
            "answers."
        )
    return await read(
        address, login.port, login.username, login.secrets["password"], tls=tls, verify=not login.trust_new,
        parts=parts, software=software, seconds=seconds,
    )  # fmt: skip


class _Talk:
    """One computer, in one thread."""

    def __init__(
        self, address: str, port: int, username: str, password: str, tls: bool, verify: bool, seconds: float
    ) -> None:
        self.address, self.port, self.username, self.password = address, port, username, password
        self.tls, self.verify, self.seconds = tls, verify, seconds
        self.end = float("inf")
        self.read = 0

    def everything(self, parts: bool, software: bool) -> dict[str, str]:
        self.end = min(self.end, time.monotonic() + self.seconds)
        found: dict[str, str] = {}
        try:
            with self._connected() as computer:
                for name, query in cim.QUERIES.items():
                    if parts or name in cim.IDENTITY:
                        found[name] = msgspec.json.encode(list(self._rows(computer, query))).decode()
                if parts and software:
                    found[cim.SOFTWARE] = msgspec.json.encode(list(self._programs(computer))).decode()
        except Exception as error:
            words = self._words(error)
            if not all(name in found for name in cim.IDENTITY):
                raise WinError(words) from None
            found[cim.UNREAD] = words
        return found

    def _connected(self) -> WSMan:
        # Few installations ask Windows.
        from pypsrp.negotiate import HTTPNegotiateAuth
        from pypsrp.wsman import WSMan

        from mainstay.modules.monitoring.commands.winsession import Bounded

        made = WSMan(
            self.address, port=self.port, username=self.username, password=self.password, ssl=self.tls, auth="ntlm",
            cert_validation=self.verify, no_proxy=True, operation_timeout=max(1, int(self.seconds)),
            connection_timeout=int(CONNECT), read_timeout=max(1, int(self.seconds)),
        )  # fmt: skip
        session = Bounded(made.transport.endpoint, self._count)
        trusted = ssl.get_default_verify_paths()
        session.verify = (trusted.cafile or trusted.capath or True) if self.verify else False
        session.auth = HTTPNegotiateAuth(
            username=self.username, password=self.password, auth_provider="ntlm",
            wrap_required=made.transport.wrap_required,
        )  # fmt: skip
        made.transport.session = session
        return made

    def _count(self, size: int) -> None:
        """Called with what was read of an answer. Raises ``WinError`` where that is enough."""
        self.read += size
        if self.read > TOTAL:
            raise WinError("it says more than is wanted")
        if time.monotonic() > self.end:
            raise WinError("it takes too long")

    def _rows(self, computer: WSMan, query: str) -> Iterator[dict[str, Any]]:
        """The rows of a question in WQL (WS-Enumeration, with its optimised form)."""
        ask = ElementTree.Element(f"{{{WSEN}}}Enumerate")
        ElementTree.SubElement(ask, f"{{{WSMAN}}}OptimizeEnumeration")
        ElementTree.SubElement(ask, f"{{{WSMAN}}}MaxElements").text = str(ELEMENTS)
        ElementTree.SubElement(ask, f"{{{WSMAN}}}Filter", {"Dialect": WQL}).text = query
        body = computer.enumerate(CIMV2, ask)
        for _ in range(ROUNDS):
            for holder in body.iter():
                if _local(holder) == "Items":
                    yield from (_row(one) for one in holder)
            context = next((one.text for one in body.iter() if _local(one) == "EnumerationContext"), None)
            if not context or any(_local(one) == "EndOfSequence" for one in body.iter()):
                return
            self._count(0)
            pull = ElementTree.Element(f"{{{WSEN}}}Pull")
            ElementTree.SubElement(pull, f"{{{WSEN}}}EnumerationContext").text = context
            ElementTree.SubElement(pull, f"{{{WSEN}}}MaxElements").text = str(ELEMENTS)
            body = computer.pull(CIMV2, pull)
        raise WinError("it says more than is wanted")

    def _programs(self, computer: WSMan) -> Iterator[dict[str, Any]]:
        """What is installed, from the registry: the class for it (Win32_Product) checks and repairs what it lists."""
        found = 0
        for root in UNINSTALL:
            for key in self._registry(computer, "EnumKey", {"sSubKeyName": root}).get("sNames", [])[:MOST_PROGRAMS]:
                told: dict[str, Any] = {}
                for value in ("DisplayName", "DisplayVersion", "Publisher"):
                    asked = {"sSubKeyName": f"{root}\\{key}", "sValueName": value}
                    told[value] = next(iter(self._registry(computer, "GetStringValue", asked).get("sValue", [])), "")
                    if not told["DisplayName"]:
                        break  # an update, or a part of something else
                else:
                    found += 1
                    yield told
                if found >= MOST_PROGRAMS:
                    return

    def _registry(self, computer: WSMan, method: str, given: Mapping[str, str]) -> dict[str, list[str]]:
        self._count(0)
        ask = ElementTree.Element(f"{{{REGISTRY}}}{method}_INPUT")
        for name, value in {"hDefKey": LOCAL_MACHINE, **given}.items():
            ElementTree.SubElement(ask, f"{{{REGISTRY}}}{name}").text = value
        made: dict[str, list[str]] = {}
        for output in computer.invoke(f"{REGISTRY}/{method}", REGISTRY, ask).iter():
            if _local(output) == f"{method}_OUTPUT":
                for one in output:
                    made.setdefault(_local(one), []).append(one.text or "")
        return made

    def _words(self, error: Exception) -> str:
        from pypsrp.exceptions import AuthenticationError, WSManFaultError
        from requests.exceptions import RequestException, SSLError, Timeout

        if isinstance(error, WinError):
            return f"{self.address}: {error}."
        if isinstance(error, AuthenticationError):
            return f"{self.address} does not let {self.username} in."
        if isinstance(error, WSManFaultError):
            return f"{self.address} answers: {' '.join(str(error.reason or error.code).split())[:300]}"
        if isinstance(error, SSLError):
            return f"{self.address}: its certificate is not trusted."
        if isinstance(error, Timeout):
            return f"{self.address} did not answer in time."
        if isinstance(error, RequestException):
            return f"{self.address} port {self.port} cannot be connected to, or hung up."
        # A stranger may answer anything, and the library takes it apart in many places.
        return f"{self.address} does not answer as WinRM does ({type(error).__name__})."


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _row(element: ElementTree.Element) -> dict[str, Any]:
    """An instance: its values by name, as a list where one comes several times."""
    made: dict[str, Any] = {}
    for one in element:
        name, value = _local(one), (one.text or "").strip()[:2000]
        if name not in made:
            made[name] = value
        elif isinstance(made[name], list):
            made[name].append(value)
        else:
            made[name] = [made[name], value]
    return made
