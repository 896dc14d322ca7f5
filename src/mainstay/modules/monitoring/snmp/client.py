"""Asking a device: get, get-next, get-bulk, walk and set, with SNMPv1, v2c and v3.

It polls, and is what people look at a device with: it keeps the type of every value, writes values, and speaks the
SHA-2 and AES-256 protocols.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from mainstay.modules.monitoring.snmp import ber, message, usm
from mainstay.modules.monitoring.snmp.batch import Batch, Refused, Values
from mainstay.modules.monitoring.snmp.ber import EXCEPTIONS, Oid, Varbind
from mainstay.modules.monitoring.snmp.lines import Line, Lines
from mainstay.modules.monitoring.snmp.message import GET, GET_BULK, GET_NEXT, SET, V1, V2C, V3, Pdu, Secured

ERRORS = {
    1: "The answer would be too big for one packet", 2: "There is no such name", 3: "The value does not fit",
    4: "It can only be read", 5: "The device reports a general error", 6: "Access is refused", 7: "The type is wrong",
    8: "The length is wrong", 9: "The encoding is wrong", 10: "The value is not allowed", 11: "It cannot be created",
    12: "The value is inconsistent", 13: "The resource is not available", 14: "The change failed",
    15: "Undoing the change failed",
    16: "The device does not let this user in so: it wants authentication or privacy, or allows it nothing there",
    17: "It cannot be written", 18: "The name is inconsistent",
}  # fmt: skip
MAX_REPETITIONS = 50
_Found = TypeVar("_Found")


class SnmpError(Exception):
    """The device did not do what was asked; the text says why. ``index``: which variable, from 1; 0: none."""

    def __init__(self, text: str, index: int = 0, status: int = 0) -> None:
        super().__init__(text)
        self.index = index
        self.status = status


class NoAnswer(SnmpError):
    """Nothing came back in time."""


@dataclass(slots=True, kw_only=True)
class Access:
    """How to ask a device. ``user`` for version 3, else the communities."""

    version: int = V2C
    community: str = ""
    write_community: str = ""
    user: usm.User | None = None
    port: int = 161
    timeout: float = 2.0
    retries: int = 2


@dataclass(slots=True)
class Peer:
    """What is known of the device's engine; it may be kept for the next conversation."""

    engine_id: bytes = b""
    boots: int = 0
    time: int = 0
    at: float = 0.0


class Client:
    """A conversation with one device: ``async with Client("192.0.2.1", access) as device: ...``."""

    def __init__(self, address: str, access: Access, peer: Peer | None = None, lines: Lines | None = None) -> None:
        """``lines``: kept sockets to take one of, else it opens its own."""
        self.address, self._family = _canonical(address)
        self.access = access
        self.peer = peer or Peer()
        # The system tells where an answer came from without a zone: such a device gets a socket of its own.
        self._lines = lines if "%" not in self.address else None
        self._line: Line | None = None
        self._met = False
        """Whether its engine has told of itself just now, and has not answered anything else yet."""

    async def __aenter__(self) -> Client:
        there = (self.address, self.access.port)
        try:
            if self._lines is not None:
                self._line = await self._lines.take(self._family, there)
            else:
                self._line = await Line().open(self._family, there)
        except OSError as error:
            raise SnmpError(f"{self.address} cannot be reached: {error.strerror}.") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        line, self._line = self._line, None
        if line is not None and self._lines is not None:
            self._lines.give(self._family, line)
        elif line is not None:
            line.close()

    async def get(self, names: Sequence[Oid]) -> list[Varbind]:
        return await self._ask(GET, [_blank(name) for name in names])

    async def get_batch(self, batch: Batch) -> Values:
        """The values of a batch, in its order; of one that the device has not got the tag says so."""
        if self.access.version == V3:
            return batch.ordered(await self._ask(GET, batch.items))
        request_id = _number()
        packet = batch.request(self.access.version, self.access.community.encode(), request_id)
        try:
            return await self._exchange(packet, lambda data: batch.values(data, request_id))
        except Refused as refused:
            raise _error(refused.status, refused.index, batch.items) from None

    async def get_next(self, names: Sequence[Oid]) -> list[Varbind]:
        return await self._ask(GET_NEXT, [_blank(name) for name in names])

    async def get_bulk(self, names: Sequence[Oid], repetitions: int = 10, non_repeaters: int = 0) -> list[Varbind]:
        """The next values of several names at once; from a version 1 device, one each."""
        if self.access.version == V1:
            return await self.get_next(names)
        repetitions = max(1, min(repetitions, MAX_REPETITIONS))
        return await self._ask(GET_BULK, [_blank(name) for name in names], non_repeaters, repetitions)

    async def set(self, items: Sequence[Varbind]) -> list[Varbind]:
        return await self._ask(SET, list(items))

    async def walk(self, root: Oid, limit: int = 1000, repetitions: int = 20) -> list[Varbind]:
        """The values below ``root``, at most ``limit``. Raises ``SnmpError`` when the device goes in circles."""
        found: list[Varbind] = []
        last = root
        below = True
        while below and len(found) < limit:
            try:
                batch = await self.get_bulk([last], min(repetitions, limit - len(found)))
            except SnmpError as error:
                if error.status == 2:  # how a version 1 device says that nothing follows
                    break
                raise
            below = bool(batch)
            for item in batch:
                name = ber.oid_of(item[0])
                if item[1] == ber.END_OF_MIB_VIEW or name[: len(root)] != root:
                    below = False
                    break
                if name <= last:
                    raise SnmpError(f"The device goes in circles after {'.'.join(map(str, last))}.")
                found.append(item)
                last = name
        # Nothing is below a single value; the walk of one is the value.
        return found[:limit] if found else await self._existing(root)

    async def _existing(self, name: Oid) -> list[Varbind]:
        try:
            return [item for item in await self.get([name]) if item[1] not in EXCEPTIONS]
        except SnmpError as error:
            if error.status:
                return []
            raise

    async def _ask(self, kind: int, items: list[Varbind], first: int = 0, second: int = 0) -> list[Varbind]:
        request_id = _number()
        pdu = Pdu(kind, request_id, first, second, items)
        if self.access.version == V3:
            if not self.peer.engine_id:
                await self._discover()
            answer = await self._secure(pdu)
        else:
            community = self.access.community
            if kind == SET:
                community = self.access.write_community or community
            packet = message.encode(self.access.version, community.encode(), pdu)
            answer = await self._exchange(packet, lambda data: self._plain(data, request_id))
        if answer.error_status:
            raise _error(answer.error_status, answer.error_index, items)
        return answer.varbinds

    async def _exchange(self, packet: bytes, accept: Callable[[bytes], _Found | None]) -> _Found:
        """Send, and again after each time-out; the first answer that ``accept`` takes."""
        assert self._line is not None
        for _ in range(self.access.retries + 1):
            found: _Found | None = await self._line.ask(packet, self.access.timeout, accept)
            if found is not None:
                return found
        raise NoAnswer(
            f"{self.address} did not answer on port {self.access.port}. Check that SNMP is on there, lets this server "
            "in, and has this version and credential."
        )

    def _plain(self, data: bytes, request_id: int) -> Pdu | None:
        got = message.decode(data)
        if isinstance(got, Secured) or not isinstance(got.pdu, Pdu):
            return None
        return got.pdu if got.pdu.kind == message.RESPONSE and got.pdu.request_id == request_id else None

    async def _discover(self) -> None:
        """Ask for the engine's id, boots and time (RFC 3414, section 4)."""
        message_id = _number()
        pdu = Pdu(GET, message_id, 0, 0, [])
        packet = usm.seal(None, pdu, message_id=message_id, engine_id=b"", boots=0, engine_time=0,
                          flags=message.REPORTABLE)  # fmt: skip

        def accept(data: bytes) -> Pdu | None:
            got = message.decode(data)
            if not isinstance(got, Secured) or got.message_id != message_id or not got.engine_id:
                return None
            self._learn(got)
            return pdu

        await self._exchange(packet, accept)
        self._met = True

    def _learn(self, got: Secured) -> None:
        self.peer.engine_id, self.peer.boots, self.peer.time = got.engine_id, got.boots, got.time
        self.peer.at = asyncio.get_running_loop().time()

    async def _secure(self, pdu: Pdu) -> Pdu:
        for turn in range(2):
            try:
                answer = await self._secured_exchange(pdu)
            except NoAnswer as error:
                if self._met and self.access.user is not None and self.access.user.privacy is not None:
                    # Many drop what they cannot decrypt without a word.
                    raise NoAnswer(f"{self.address} speaks SNMPv3, but did not answer this user. {HIDDEN}") from error
                raise
            self._met = False
            if answer.kind != message.REPORT:
                return answer
            stat = ber.oid_of(answer.varbinds[0][0])[len(usm.STATS)] if answer.varbinds else 0
            if stat == usm.UNKNOWN_ENGINE and not turn:
                # What was known is of another device at this address.
                await self._discover()
            elif stat != usm.NOT_IN_WINDOW:
                raise SnmpError(REPORTED.get(stat, "The device refused the request."))
        raise SnmpError("The device's clock for SNMPv3 could not be followed.")

    async def _secured_exchange(self, pdu: Pdu) -> Pdu:
        user, peer = self.access.user, self.peer
        if user is None:
            raise SnmpError("SNMPv3 needs a user.")
        passed = int(asyncio.get_running_loop().time() - peer.at)
        message_id = _number()
        packet = usm.seal(user, pdu, message_id=message_id, engine_id=peer.engine_id, boots=peer.boots,
                          engine_time=peer.time + passed, flags=message.REPORTABLE)  # fmt: skip

        def accept(data: bytes) -> Pdu | None:
            got = message.decode(data)
            if not isinstance(got, Secured) or got.message_id != message_id:
                return None
            if got.flags & message.AUTHENTICATED or not user.level:
                return self._unseal(got, user, pdu.request_id)
            # Only a report may come without the safety that was asked for.
            _engine, _name, found = message.scoped(got.body)
            return found if found.kind == message.REPORT else None

        return await self._exchange(packet, accept)

    def _unseal(self, got: Secured, user: usm.User, request_id: int) -> Pdu | None:
        body = got.body
        if user.auth is not None:
            auth_key, privacy_key = user.keys(got.engine_id)
            if got.engine_id != self.peer.engine_id or not usm.authentic(user.auth, auth_key, got):
                return None
            self._learn(got)
            if got.flags & message.PRIVATE:
                if user.privacy is None:
                    return None
                start, stop = ber.expect(body, 0, len(body), ber.OCTET_STRING)
                try:
                    body = usm.decrypt(user.privacy, privacy_key, body[start:stop], got.boots, got.time, got.salt)
                except usm.Refused:
                    return None
        _engine, _name, found = message.scoped(body)
        if found.kind == message.REPORT:
            return found
        if user.privacy is not None and not got.flags & message.PRIVATE:
            return None
        return found if found.kind == message.RESPONSE and found.request_id == request_id else None


HIDDEN = "The privacy password or protocol is probably wrong."
REPORTED = {
    usm.UNSUPPORTED_LEVEL: "The device does not allow this user that security level.",
    usm.UNKNOWN_USER: "The device does not know this user.",
    usm.UNKNOWN_ENGINE: "The device does not accept its own engine id.",
    usm.WRONG_DIGEST: "The authentication password or protocol is wrong.",
    usm.DECRYPTION_ERROR: "The privacy password or protocol is wrong.",
}


def _number() -> int:
    """The number of a message, which nobody else can guess; always of four bytes."""
    return 2**24 + secrets.randbelow(2**31 - 2**24)


@lru_cache(maxsize=10_000)
def _canonical(address: str) -> tuple[str, int]:
    """An address as the system writes it, and its family. Raises ``ValueError``."""
    made = ipaddress.ip_address(address)
    return str(made), socket.AF_INET6 if made.version == 6 else socket.AF_INET


def _error(status: int, index: int, items: Sequence[Varbind]) -> SnmpError:
    text = ERRORS.get(status, f"The device reports error {status}")
    index = max(0, index)
    if index and index <= len(items):
        text += f" ({ber.oid_text(items[index - 1][0])})"
    return SnmpError(f"{text}.", index, status)


def _blank(name: Oid) -> Varbind:
    return (ber.oid_bytes(name), ber.NULL, b"")
