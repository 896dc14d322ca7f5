"""From received packets to rows, events and answers; pure but for the clock of the security model."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.snmp import message, usm
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.message import INFORM, Message, Pdu, Secured, TrapV1
from mainstay.modules.monitoring.traps.cases import Case, Said, Setup, judged, line
from mainstay.modules.monitoring.traps.doors import Door, Doors
from mainstay.modules.monitoring.traps.rules import Verdict, in_short
from mainstay.modules.monitoring.traps.shapes import Shapes

log = structlog.get_logger("mainstay.traps")
Sender = tuple[str, int]
Packet = tuple[bytes, Sender, int]
"""What came, from whom, and when in microseconds since 1970."""
Row = tuple[Case, int, int, int, str, Sequence[str], bytes]
"""A trap to be stored: its case, id, when it was received, uptime, text, values of its variables, the packet."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_INFORMS = 10_000
MAX_STRANGERS = 1000
EVENT = 4
"""Severity of a trap that nobody configured."""


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

    rows: list[Row] = field(default_factory=list)
    events: list[RawEvent] = field(default_factory=list)
    latest: dict[tuple[str, ...], RawEvent] = field(default_factory=dict)
    """The newest event of each problem: the same again only adds to its count."""
    again: dict[tuple[str, ...], int] = field(default_factory=dict)
    """When the newest event of a problem happened again."""
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
        self._shapes = Shapes(self.doors, self.setups)

    def take(self, packets: Iterable[Packet]) -> Outcome:
        """Decode a batch. Never raises for what is in a packet."""
        out = Outcome()
        if self._shapes.doors is not self.doors or self._shapes.setups is not self.setups:
            self._shapes = Shapes(self.doors, self.setups)
        shapes = self._shapes
        for packet, sender, received in packets:
            try:
                if not self._known(shapes, packet, sender[0], received, out):
                    self._one(packet, sender, received, out)
            except Malformed as error:
                self.counts.malformed += 1
                self._stranger(sender[0], "malformed", str(error), received)
            except Exception:
                # A fault of ours with one trap must not take the others of the batch along.
                self.counts.failed += 1
                log.exception("trap not decoded", source=sender[0], packet=packet[:2000].hex())
        for problem, received in out.again.items():
            out.latest[problem].at = _moment(received)
        self._accepted(out.rows)
        return out

    def _known(self, shapes: Shapes, packet: bytes, source: str, received: int, out: Outcome) -> bool:
        """Keep a trap of a form that came before; False: it is to be read."""
        found = shapes.find(packet)
        if found is None:
            return False
        shape, parts = found
        way = shape.ways.get(source) or shapes.way(shape, source, parts)
        if way is None:
            return False
        case = way.cases.get(way.key(parts)) or shapes.case(shape, way, source, parts, received)
        texts = case.texts
        if way.free:
            texts = texts.copy()
            for at, place, read in way.free:
                texts[at] = read(parts[place])
        self._keep(case, texts, message.ticks(parts[3]), packet, received, out)
        return True

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
        said = Said(got.oid, got.uptime, sender[0], items, message.VERSION_NAMES[message.V2C], False)
        case = judged(door, setup, said, sender[0], received)
        self._keep(case, case.texts, got.uptime, packet, received, out)
        self._shapes.learn(packet, got.community, said, "")
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
        version = message.VERSION_NAMES[got.version]
        said = Said(note.oid, note.uptime, note.agent or sender[0], items, version, bool(confirmation))
        case = judged(door, setup, said, sender[0], received)
        self._keep(case, case.texts, note.uptime, packet, received, out)
        if isinstance(got.pdu, TrapV1):
            self._shapes.learn(packet, got.community, said, note.agent)

    def _accepted(self, rows: Sequence[Row]) -> None:
        self.counts.accepted += len(rows)
        for case, number in Counter([row[0] for row in rows]).items():
            key = (case.organization, case.source)
            if key in self.accepted_from or len(self.accepted_from) < 10 * MAX_STRANGERS:
                self.accepted_from[key] = self.accepted_from.get(key, 0) + number

    def _keep(self, case: Case, texts: Sequence[str], uptime: int, packet: bytes, received: int, out: Outcome) -> None:
        self._last_id = number = max(self._last_id + 1, received << 4)
        text = case.text or line(case, texts)
        for problem, verdict in case.verdicts:
            if not _again(out, problem, verdict.message, verdict.clear, received):
                self._event(out, problem, case, verdict, texts, number, received)
        if case.plain:
            problem = (case.organization, case.oid, case.agent, case.resource)
            if not _again(out, problem, text, False, received):
                self._plain_event(out, problem, case, text, texts, number, received)
        out.rows.append((case, number, received, uptime, text, texts, packet))

    def _event(
        self, out: Outcome, problem: tuple[str, ...], case: Case, verdict: Verdict, texts: Sequence[str], number: int,
        received: int,
    ) -> None:  # fmt: skip
        rule, variables = verdict.rule, dict(zip(case.names, texts, strict=True))
        extra: dict[str, Any] = {"trap": case.name, "configuration": rule.name}
        if verdict.cause:
            extra["cause"] = verdict.cause
        if verdict.statistics:
            extra["statistics"] = verdict.statistics
        if rule.download:
            extra["config_download"] = rule.download
        made = RawEvent(
            organization=case.organization, source="trap", at=_moment(received), message=verdict.message,
            address=case.agent, resource=verdict.resource, severity=None if verdict.clear else rule.severity,
            event_class=rule.event_class, key=rule.key(verdict.resource), clear=verdict.clear, oid=case.oid,
            variables=variables, raw=in_short(case.name, variables), reference=str(number), extra=extra,
        )  # fmt: skip
        _new(out, problem, made)

    def _plain_event(
        self, out: Outcome, problem: tuple[str, ...], case: Case, text: str, texts: Sequence[str], number: int,
        received: int,
    ) -> None:  # fmt: skip
        made = RawEvent(
            organization=case.organization, source="trap", at=_moment(received), message=text, address=case.agent,
            resource=case.resource, severity=EVENT, event_class=f"Trap | {case.name}",
            key=f"trap {case.oid} {case.resource}", oid=case.oid, variables=dict(zip(case.names, texts, strict=True)),
            raw=text, reference=str(number), extra={"trap": case.name, "meaning": case.description},
        )  # fmt: skip
        _new(out, problem, made)

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
    out.again[problem] = received
    return True


def _new(out: Outcome, problem: tuple[str, ...], made: RawEvent) -> None:
    before = out.again.pop(problem, None)
    if before is not None:
        out.latest[problem].at = _moment(before)
    out.events.append(made)
    out.latest[problem] = made


def _response(pdu: Pdu) -> Pdu:
    return Pdu(message.RESPONSE, pdu.request_id, 0, 0, pdu.varbinds)


def _moment(received: int) -> datetime:
    return EPOCH + timedelta(microseconds=received)


def masked(community: bytes) -> str:
    """Enough of a community to recognise a typing error, not enough to use it."""
    text = community[:64].decode(errors="replace")
    return f"{text[:2]}{'*' * max(0, len(text) - 2)}" if len(text) > 3 else "*" * len(text)


__all__ = ["Counts", "Decoder", "Outcome", "Packet", "Setup", "Stranger", "masked"]
