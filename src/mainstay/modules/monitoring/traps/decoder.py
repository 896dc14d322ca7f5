"""From received packets to rows, events and answers; pure but for the clock of the security model."""

from __future__ import annotations

import binascii
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog

from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.snmp import message, usm
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.message import INFORM, Message, Pdu, Secured
from mainstay.modules.monitoring.traps.doors import Door, Doors
from mainstay.modules.monitoring.traps.naming import Namer, Variable, resource_of
from mainstay.modules.monitoring.traps.rules import Rule, Trap, Verdict, judge, summary

log = structlog.get_logger("mainstay.traps")
Sender = tuple[str, int]
Packet = tuple[bytes, Sender, int]
"""What came, from whom, and when in microseconds since 1970."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_INFORMS = 10_000
MAX_STRANGERS = 1000
EVENT = 4
"""Severity of a trap that nobody configured."""


@dataclass(slots=True)
class Setup:
    """What one organization knows and wants."""

    namer: Namer
    rules: Mapping[str, list[Rule]] = field(default_factory=dict)
    """By the OID of the trap."""
    unconfigured: bool = True
    """Whether traps without a configuration are events, too."""


class Said(msgspec.Struct, gc=False):
    """A trap of any version, its variables named."""

    oid: bytes
    uptime: int
    agent: str
    items: list[Variable]
    version: str
    inform: bool


@dataclass(slots=True)
class Stranger:
    """What was sent by somebody who may not."""

    source: str
    reason: str
    who: str
    count: int = 0
    first: datetime = EPOCH
    last: datetime = EPOCH
    organization: str = ""


@dataclass(slots=True)
class Outcome:
    """What a batch of packets came to."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[RawEvent] = field(default_factory=list)
    latest: dict[tuple[str, ...], RawEvent] = field(default_factory=dict)
    """The newest event of each problem: the same again only adds to its count."""
    answers: list[tuple[bytes, Sender]] = field(default_factory=list)
    """To be sent at once: reports, and informs that are stored already."""
    confirmations: list[tuple[bytes, Sender]] = field(default_factory=list)
    """Answers to informs, to be sent when their rows are stored."""
    informs: list[tuple[Any, ...]] = field(default_factory=list)
    """What is remembered of these informs once they are stored."""


@dataclass(slots=True)
class Counts:
    """Since the start of this process."""

    accepted: int = 0
    malformed: int = 0
    failed: int = 0
    """Not decoded because of a fault in the program; the log has the packet."""
    refused: int = 0
    other: int = 0
    """Valid messages that are neither traps nor informs."""
    informs: int = 0
    repeated: int = 0
    """Informs sent again by their sender: answered again, not stored again."""
    stored: int = 0
    events: int = 0


class Decoder:
    """Holds what decoding needs from batch to batch. Used by one thread at a time."""

    def __init__(self, engine: usm.Engine) -> None:
        self.engine = engine
        self.doors = Doors()
        self.setups: dict[str, Setup] = {}
        self.counts = Counts()
        self.strangers: OrderedDict[tuple[str, str, str], Stranger] = OrderedDict()
        self.accepted_from: dict[tuple[str, str], int] = {}
        self._informs: OrderedDict[tuple[Any, ...], None] = OrderedDict()
        self._last_id = 0

    def take(self, packets: Iterable[Packet]) -> Outcome:
        """Decode a batch. Never raises for what is in a packet."""
        out = Outcome()
        for packet, sender, received in packets:
            try:
                self._one(packet, sender, received, out)
            except Malformed as error:
                self.counts.malformed += 1
                self._stranger(sender[0], "malformed", str(error), received)
            except Exception:
                # A fault of ours with one trap must not take the others of the batch along.
                self.counts.failed += 1
                log.exception("trap not decoded", source=sender[0], packet=packet[:2000].hex())
        return out

    def _one(self, packet: bytes, sender: Sender, received: int, out: Outcome) -> None:
        if self._shortly(packet, sender, received, out):
            return
        got = message.decode(packet)
        if isinstance(got, Secured):
            self._secured(got, sender, received, out)
            return
        door = self.doors.by_community(got.community, sender[0])
        if door is None:
            self.counts.refused += 1
            self._stranger(sender[0], "unknown community", masked(got.community), received)
            return
        pdu = got.pdu
        if isinstance(pdu, Pdu) and pdu.kind not in (message.TRAP, INFORM):
            self.counts.other += 1
            return
        confirmation = b""
        if isinstance(pdu, Pdu) and pdu.kind == INFORM:
            confirmation = message.encode(got.version, got.community, _response(pdu))
        self._accept(door, got, packet, sender, received, confirmation, out)

    def _shortly(self, packet: bytes, sender: Sender, received: int, out: Outcome) -> bool:
        """Keep an ordinary trap of version 2c from a known sender; False: the message is to be looked at in full."""
        got = message.begun(packet)
        door = self.doors.by_community(got.community, sender[0]) if got is not None else None
        setup = self.setups.get(door.organization) if door is not None else None
        if got is None or door is None or setup is None:
            return False
        items = setup.namer.variables_at(packet, got.at, got.end)
        if items is None:
            return False
        self._accepted(door, sender[0])
        said = Said(got.oid, got.uptime, sender[0], items, message.VERSION_NAMES[message.V2C], False)
        self._keep(door, setup, said, packet, sender[0], received, out)
        return True

    def _secured(self, got: Secured, sender: Sender, received: int, out: Outcome) -> None:
        doors = self.doors.by_user(got.user, sender[0])
        stat, tried = usm.UNKNOWN_USER, None
        if got.engine_id == self.engine.engine_id or got.flags & message.REPORTABLE == 0:
            for door in doors:
                assert door.user is not None
                tried = door.user
                try:
                    opened = self.engine.open(got, {got.user: door.user})
                except usm.Refused as refused:
                    stat = refused.stat
                    if stat == usm.WRONG_DIGEST:
                        continue  # another organization may have a user of this name
                    break
                self._opened(door, got, opened, sender, received, out)
                return
        else:
            # Who expects an answer must know this engine first (RFC 3414, section 4).
            stat = usm.UNKNOWN_ENGINE
        if not doors and stat == usm.UNKNOWN_USER:
            self.engine.refused[stat] += 1
        if stat == usm.UNKNOWN_ENGINE:
            self.engine.refused[stat] += 1
        discovery = stat == usm.UNKNOWN_ENGINE and not got.flags & message.AUTHENTICATED
        if not discovery and not (stat == usm.NOT_IN_WINDOW and got.flags & message.REPORTABLE):
            self.counts.refused += 1
            self._stranger(sender[0], usm.REASONS[stat], got.user.decode(errors="replace"), received)
        if got.flags & message.REPORTABLE:
            out.answers.append((usm.report(self.engine, got, stat, tried), sender))

    def _opened(
        self, door: Door, got: Secured, opened: usm.Opened, sender: Sender, received: int, out: Outcome
    ) -> None:
        pdu = opened.pdu
        if pdu.kind not in (message.TRAP, INFORM):
            self.counts.other += 1
            return
        confirmation = b""
        if pdu.kind == INFORM:
            confirmation = usm.seal(
                door.user, _response(pdu), message_id=got.message_id, engine_id=self.engine.engine_id,
                boots=self.engine.boots, engine_time=self.engine.time, context=opened.context,
            )  # fmt: skip
        plain = Message(message.V3, b"", pdu)
        self._accept(door, plain, got.packet, sender, received, confirmation, out)

    def _accept(
        self, door: Door, got: Message, packet: bytes, sender: Sender, received: int, confirmation: bytes, out: Outcome
    ) -> None:
        note = message.notification(got.pdu)
        setup = self.setups.get(door.organization)
        if setup is None:
            return
        items = setup.namer.variables(note.varbinds)
        if confirmation:
            self.counts.informs += 1
            # The request id tells a repetition from a new inform; the engine's uptime in it makes sure.
            same = (sender, got.pdu.request_id if isinstance(got.pdu, Pdu) else 0, note.oid, note.uptime)
            if same in self._informs:
                self.counts.repeated += 1
                out.answers.append((confirmation, sender))
                return
            out.confirmations.append((confirmation, sender))
            out.informs.append(same)
        self._accepted(door, sender[0])
        version = message.VERSION_NAMES[got.version]
        said = Said(note.oid, note.uptime, note.agent or sender[0], items, version, bool(confirmation))
        self._keep(door, setup, said, packet, sender[0], received, out)

    def _accepted(self, door: Door, source: str) -> None:
        self.counts.accepted += 1
        key = (door.organization, source)
        if key in self.accepted_from or len(self.accepted_from) < 10 * MAX_STRANGERS:
            self.accepted_from[key] = self.accepted_from.get(key, 0) + 1

    def _keep(
        self, door: Door, setup: Setup, said: Said, packet: bytes, source: str, received: int, out: Outcome
    ) -> None:
        items, agent, uptime = said.items, said.agent, said.uptime
        name, oid, description = setup.namer.trap(said.oid)
        variables = _by_name(items)
        resource = resource_of(items)
        self._last_id = number = max(self._last_id + 1, received << 4)
        rules = setup.rules.get(oid)
        text, severity, configuration = "", 0, ""
        if rules is not None:
            trap = Trap(oid, name, source, agent, received, uptime, variables, items, resource, description)
            for rule in rules:
                verdict = judge(rule, trap)
                if verdict is None:
                    continue
                # The rule that raises says what the trap is; those that clear only add their events.
                if not text or not verdict.clear:
                    text, configuration = verdict.message, rule.id
                    severity = 0 if verdict.clear else rule.severity
                    resource = verdict.resource
                if rule.raises:
                    self._event(out, door.organization, trap, verdict, number, received)
        if not text:
            text = _line(name, items)
        if rules is None and setup.unconfigured:
            trap = Trap(oid, name, source, agent, received, uptime, variables, items, resource, description)
            self._plain_event(out, door.organization, trap, text, number, received)
        out.rows.append((
            door.organization, number, received, source, agent, said.version, door.name,
            said.inform, oid, name, uptime, resource, text, severity, configuration, list(variables.items()),
            binascii.b2a_base64(packet, newline=False).decode("ascii"),
        ))  # fmt: skip

    def _event(self, out: Outcome, organization: str, trap: Trap, verdict: Verdict, number: int, received: int) -> None:
        rule = verdict.rule
        problem = (organization, rule.id, trap.agent, verdict.resource)
        if _again(out, problem, verdict.message, verdict.clear, received):
            return
        extra: dict[str, Any] = {"trap": trap.name, "configuration": rule.name}
        if verdict.cause:
            extra["cause"] = verdict.cause
        if verdict.statistics:
            extra["statistics"] = verdict.statistics
        if rule.download:
            extra["config_download"] = rule.download
        made = RawEvent(
            organization=organization, source="trap", at=_moment(received), message=verdict.message,
            address=trap.agent, resource=verdict.resource, severity=None if verdict.clear else rule.severity,
            event_class=rule.event_class, key=rule.key(verdict.resource), clear=verdict.clear, oid=trap.oid,
            variables=trap.variables, raw=summary(trap), reference=str(number), extra=extra,
        )  # fmt: skip
        out.events.append(made)
        out.latest[problem] = made

    def _plain_event(self, out: Outcome, organization: str, trap: Trap, text: str, number: int, received: int) -> None:
        problem = (organization, trap.oid, trap.agent, trap.resource)
        if _again(out, problem, text, False, received):
            return
        made = RawEvent(
            organization=organization, source="trap", at=_moment(received), message=text, address=trap.agent,
            resource=trap.resource, severity=EVENT, event_class=f"Trap | {trap.name}",
            key=f"trap {trap.oid} {trap.resource}", oid=trap.oid, variables=trap.variables, raw=text,
            reference=str(number), extra={"trap": trap.name, "meaning": trap.description},
        )  # fmt: skip
        out.events.append(made)
        out.latest[problem] = made

    def stored(self, outcome: Outcome) -> None:
        """Note that a batch is stored: its informs need not be stored again."""
        self.counts.stored += len(outcome.rows)
        self.counts.events += len(outcome.events)
        for same in outcome.informs:
            self._informs[same] = None
            if len(self._informs) > MAX_INFORMS:
                self._informs.popitem(last=False)

    def _stranger(self, source: str, reason: str, who: str, received: int) -> None:
        key = (source, reason, who)
        found = self.strangers.get(key)
        if found is None:
            found = self.strangers[key] = Stranger(source, reason, who, first=_moment(received))
            if len(self.strangers) > MAX_STRANGERS:
                self.strangers.popitem(last=False)
        else:
            self.strangers.move_to_end(key)
        found.count += 1
        found.last = _moment(received)


def _again(out: Outcome, problem: tuple[str, ...], text: str, clear: bool, received: int) -> bool:
    """Whether a problem's newest event in this batch says the same; then it counts once more."""
    known = out.latest.get(problem)
    if known is None or known.clear != clear or known.message != text:
        return False
    known.count += 1
    known.at = _moment(received)
    return True


def _response(pdu: Pdu) -> Pdu:
    return Pdu(message.RESPONSE, pdu.request_id, 0, 0, pdu.varbinds)


def _by_name(items: list[Variable]) -> dict[str, str]:
    """Values by name; where a name comes twice, with the instance."""
    found = {item.name: item.text for item in items}
    if len(found) == len(items):
        return found
    found = {}
    for item in items:
        name = item.name
        if name in found:
            name = f"{name}.{item.instance}" if item.instance else name
            at = 2
            while name in found:
                name = f"{item.name}#{at}"
                at += 1
        found[name] = item.text
    return found


def _line(name: str, items: list[Variable]) -> str:
    if not items:
        return name
    return f"{name}: {', '.join([item.line for item in items[:12]])}"[:2000]


def _moment(received: int) -> datetime:
    return EPOCH + timedelta(microseconds=received)


def masked(community: bytes) -> str:
    """Enough of a community to recognise a typing error, not enough to use it."""
    text = community[:64].decode(errors="replace")
    return f"{text[:2]}{'*' * max(0, len(text) - 2)}" if len(text) > 3 else "*" * len(text)


__all__ = ["Counts", "Decoder", "Outcome", "Packet", "Setup", "Stranger", "masked"]
