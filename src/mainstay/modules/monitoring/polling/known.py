"""What is known of a device from its last polls, so that the next one asks for all values at once.

The rows of a table are learned by walking it; from then on each value is asked by its own name, many in a packet. They
are learned anew when the device says that it has started again or that its interfaces changed, when a value is not
there any more, and after a while in any case.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from mainstay.modules.monitoring.discovery.reading import IFX, MIB_2, SYSTEM, value
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.batch import Batch, Value, batches
from mainstay.modules.monitoring.snmp.ber import EXCEPTIONS, UNSIGNED, Oid, Varbind
from mainstay.modules.monitoring.snmp.client import Access, Client, NoAnswer, Peer, SnmpError

MAX_ROWS = 2000
KEPT = 900.0
"""Seconds after which rows are learned anew: rows that nothing tells of, such as those of new discs."""
BUDGET, LEAST = 1300, 300
"""Bytes of an answer that passes every network in one piece, and what is still tried with those who cannot."""
UP_TIME = (*SYSTEM, 3, 0)
MARKS: tuple[Oid, ...] = ((*MIB_2, 2, 1, 0), (*IFX[:-2], 5, 0))
"""ifNumber and ifTableLastChange: they change with the interfaces."""

Rows = dict[Oid, Varbind]


@dataclass(slots=True)
class Known:
    """One device. ``columns``: the rows of each; ``fixed``: columns whose values stay as long as the rows do."""

    who: tuple[object, ...] = ()
    peer: Peer = field(default_factory=Peer)
    until: float = 0.0
    columns: dict[Oid, tuple[Oid, ...]] = field(default_factory=dict)
    fixed: dict[Oid, Rows] = field(default_factory=dict)
    marks: dict[Oid, bytes] = field(default_factory=dict)
    up_ticks: int = -1
    budget: int = BUDGET
    misled: int = 0
    """How many times in a row rows that were just learned were not there: such a device is walked."""
    packets: list[Batch] = field(default_factory=list)
    asked: list[tuple[Oid, tuple[Oid, ...]]] = field(default_factory=list)
    """Columns and their rows, in the order of the packets."""

    def meet(self, address: str, access: Access) -> None:
        """Forget everything where it is another device, or another view of it."""
        user = access.user.name if access.user is not None else ""
        who = (address, access.port, access.version, access.community, user)
        if who != self.who:
            self.who, self.peer, self.budget, self.misled = who, Peer(), BUDGET, 0
            self.forget()

    def forget(self) -> None:
        self.until = 0.0
        self.columns, self.fixed, self.marks, self.packets, self.asked = {}, {}, {}, [], []

    def prepare(self) -> None:
        """Encode what the next poll asks."""
        singles = [*([UP_TIME] if self.up_ticks >= 0 else ()), *self.marks]
        self.asked = [
            *((name, ((),)) for name in singles),
            *((top, rows) for top, rows in self.columns.items() if rows),
        ]
        names = (ber.oid_bytes((*top, *index)) for top, rows in self.asked for index in rows)
        self.packets = batches(names, self.budget)


class Source:
    """The columns of a device: walked and remembered, or out of what was asked at once."""

    def __init__(self, device: Client, known: Known, now: float | None = None) -> None:
        self._device = device
        self._known = known
        self._now = time.monotonic() if now is None else now
        self._found: dict[Oid, Rows] = {}
        self._values: dict[Oid, tuple[tuple[Oid, ...], list[Value]]] = {}
        """What was asked at once: the rows of a column, and their values."""
        self._used: set[Oid] = set()
        self._learned = False
        self.up_ticks: int | None = None

    async def begin(self) -> None:
        """Ask for what is known, or begin to learn. Raises ``SnmpError`` when the device does not answer."""
        known = self._known
        if known.until > self._now and known.misled < 2 and known.packets and await self._at_once():
            return
        # A device whose rows are gone as soon as they are learned is walked for a while.
        walked = known.misled > 1 and known.until > self._now
        until = known.until if walked else self._now + KEPT
        known.forget()
        known.until, self._learned, self._values = until, True, {}
        if not walked:
            known.misled = min(known.misled, 1)
        up = await self._single(UP_TIME)
        if up is not None and up[1] == ber.TIME_TICKS:
            self.up_ticks = ber.unsigned(up[2])
        known.up_ticks = -1 if self.up_ticks is None else self.up_ticks
        for mark in MARKS:
            told = await self._single(mark)
            if told is not None:
                known.marks[mark] = told[2]

    def end(self) -> None:
        """The poll was done: what it did not need is not asked again."""
        known = self._known
        unused = (set(known.columns) | set(known.fixed)) - self._used
        for top in unused:
            known.columns.pop(top, None)
            known.fixed.pop(top, None)
        if self._learned or unused or not known.packets:
            known.prepare()

    async def rows(self, top: Oid, *, fixed: bool = False) -> Rows:
        """A column by its index; ``fixed``: its values stay as long as its rows do."""
        known = self._known
        self._used.add(top)
        if top in self._found:
            return self._found[top]
        if top in self._values:
            rows, values = self._values[top]
            return {index: (b"", *item) for index, item in zip(rows, values, strict=True)}
        if top in known.fixed:
            return known.fixed[top]
        if top in known.columns and not known.columns[top]:
            return {}
        found = await self._walked(top)
        if fixed:
            known.fixed[top] = found
        else:
            known.columns[top] = tuple(found)
            self._learned = True
        self._found[top] = found
        return found

    async def numbered(self, top: Oid, *, fixed: bool = False) -> dict[int, Any]:
        """A column of a table with one number as its index, as plain values."""
        asked = self._values.get(top)
        if asked is None:
            found = await self.rows(top, fixed=fixed)
            return {index[0]: value(item) for index, item in found.items() if len(index) == 1}
        self._used.add(top)
        return {
            index[0]: int.from_bytes(content, "big") if tag in UNSIGNED else value((b"", tag, content))
            for index, (tag, content) in zip(*asked, strict=True)
            if len(index) == 1
        }

    async def single(self, name: Oid, *, fixed: bool = False) -> Varbind | None:
        """One value; ``None`` where the device has not got it."""
        known = self._known
        self._used.add(name)
        if name in self._found:
            return self._found[name].get(())
        if name in self._values:
            return (b"", *self._values[name][1][0])
        if name in known.fixed:
            return known.fixed[name].get(())
        if name in known.columns and not known.columns[name]:
            return None
        item = await self._single(name)
        found: Rows = {} if item is None else {(): item}
        if fixed:
            known.fixed[name] = found
        else:
            known.columns[name] = tuple(found)
            self._learned = True
        self._found[name] = found
        return item

    async def _at_once(self) -> bool:
        """Whether what is known still is so; then its values are here."""
        known, device = self._known, self._device
        values: list[Value] = []
        try:
            for packet in known.packets:
                values += await device.get_batch(packet)
        except NoAnswer:
            # It is not there, its engine is another one, or the answer does not get through.
            known.forget()
            known.peer = device.peer = Peer()
            if await self._single(UP_TIME) is not None:
                known.budget = max(LEAST, known.budget // 2)
            return False
        except SnmpError as error:
            if not error.status:
                raise
            if error.status == 1:
                known.budget = max(LEAST, known.budget // 2)
            else:
                known.misled += 1
            return False
        if any(tag in EXCEPTIONS for tag, _content in values):
            known.misled += 1
            return False
        known.misled, at = 0, 0
        for top, rows in known.asked:
            self._values[top] = rows, values[at : at + len(rows)]
            at += len(rows)
        if known.up_ticks >= 0:
            tag, content = self._values[UP_TIME][1][0]
            ticks = ber.unsigned(content) if tag == ber.TIME_TICKS else -1
            if ticks < known.up_ticks:
                return False
            known.up_ticks = self.up_ticks = ticks
        return all(self._values[mark][1][0][1] == told for mark, told in known.marks.items())

    async def _walked(self, top: Oid) -> Rows:
        try:
            items = await self._device.walk(top, limit=MAX_ROWS)
        except SnmpError as error:
            if "circles" in str(error) or error.status:
                return {}
            raise
        made = {ber.oid_of(item[0])[len(top) :]: item for item in items}
        return {index: item for index, item in made.items() if index and item[1] not in EXCEPTIONS}

    async def _single(self, name: Oid) -> Varbind | None:
        try:
            (item,) = await self._device.get([name])
        except SnmpError as error:
            if error.status:
                return None
            raise
        return None if item[1] in EXCEPTIONS else item
