"""What is known of a device from its last polls, so that the next one asks for all values at once.

The rows of a table are learned by walking it; from then on each value is asked by its own name, many in a packet. They
are learned anew when the device says that it has started again or that its interfaces changed, when a value is not
there any more, and after a while in any case.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainstay.modules.monitoring.discovery.reading import IFX, MIB_2, SYSTEM, number, value
from mainstay.modules.monitoring.polling.plan import Plan
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.batch import Batch, Values, batches
from mainstay.modules.monitoring.snmp.ber import EXCEPTIONS, Oid, Varbind
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
    """One device. ``columns``: the rows of each."""

    who: tuple[object, ...] = ()
    peer: Peer = field(default_factory=Peer)
    until: float = 0.0
    columns: dict[Oid, tuple[Oid, ...]] = field(default_factory=dict)
    marks: dict[Oid, object] = field(default_factory=dict)
    said: tuple[str, str] | None = None
    """Its sysObjectID and its description."""
    plan: Plan = field(default_factory=Plan)
    up_ticks: int = -1
    budget: int = BUDGET
    misled: int = 0
    """How many times in a row rows that were just learned were not there: such a device is walked."""
    packets: list[Batch] = field(default_factory=list)
    asked: list[tuple[Oid, int, int]] = field(default_factory=list)
    """Columns, and from where to where their values are in the answers of the packets."""

    def meet(self, address: str, access: Access) -> None:
        """Forget everything where it is another device, or another view of it."""
        user = access.user.name if access.user is not None else ""
        who = (address, access.port, access.version, access.community, user)
        if who != self.who:
            self.who, self.peer, self.budget, self.misled = who, Peer(), BUDGET, 0
            self.forget()

    def forget(self) -> None:
        self.until = 0.0
        self.columns, self.marks, self.said, self.packets, self.asked = {}, {}, None, [], []

    def prepare(self) -> None:
        """Encode what the next poll asks."""
        singles = [*([UP_TIME] if self.up_ticks >= 0 else ()), *self.marks]
        wanted = {**dict.fromkeys(singles, ((),)), **{top: rows for top, rows in self.columns.items() if rows}}
        self.packets = batches(
            (ber.oid_bytes((*top, *row)) for top, rows in wanted.items() for row in rows), self.budget
        )
        self.asked, at = [], 0
        for top, rows in wanted.items():
            self.asked.append((top, at, at + len(rows)))
            at += len(rows)


class Source:
    """The columns of a device: walked and remembered, or asked for at once."""

    def __init__(self, device: Client, known: Known, now: float | None = None) -> None:
        self._device = device
        self._known = known
        self._now = time.monotonic() if now is None else now
        self._found: dict[Oid, Rows] = {}
        self._asked: set[Oid] = set()
        self.up_ticks: int | None = None

    async def at_once(self) -> Mapping[Oid, Sequence[Any]] | None:
        """The values of what is known; ``None``: nothing is, or it is not so any more.

        Raises ``SnmpError`` when the device does not answer.
        """
        known, device = self._known, self._device
        if not known.packets or known.until <= self._now or known.misled > 1:
            return None
        values: list[Any] = []
        try:
            for packet in known.packets:
                told = await device.get_batch(packet)
                if told.signed is None and not EXCEPTIONS.isdisjoint(told.tags):
                    known.misled += 1
                    return None
                values += _plain(told)
        except NoAnswer:
            # It is not there, its engine is another one, or the answer does not get through.
            known.forget()
            known.peer = device.peer = Peer()
            if await self._single(UP_TIME) is not None:
                known.budget = max(LEAST, known.budget // 2)
            return None
        except SnmpError as error:
            if not error.status:
                raise
            if error.status == 1:
                known.budget = max(LEAST, known.budget // 2)
            else:
                known.misled += 1
            return None
        known.misled = 0
        found = {top: values[at:end] for top, at, end in known.asked}
        if known.up_ticks >= 0:
            ticks = number(found[UP_TIME][0], -1)
            if ticks < known.up_ticks:
                return None
            known.up_ticks = self.up_ticks = ticks
        return found if all(found[mark][0] == told for mark, told in known.marks.items()) else None

    async def begin(self) -> None:
        """Begin to learn. Raises ``SnmpError`` when the device does not answer."""
        known = self._known
        # A device whose rows are gone as soon as they are learned is walked for a while.
        walked = known.misled > 1 and known.until > self._now
        until = known.until if walked else self._now + KEPT
        known.forget()
        known.until = until
        if not walked:
            known.misled = min(known.misled, 1)
        up = await self._single(UP_TIME)
        self.up_ticks = ber.unsigned(up[2]) if up is not None and up[1] == ber.TIME_TICKS else None
        known.up_ticks = -1 if self.up_ticks is None else self.up_ticks
        for mark in MARKS:
            told = await self._single(mark)
            if told is not None:
                known.marks[mark] = value(told)

    def end(self, plan: Plan) -> Mapping[Oid, Sequence[Any]]:
        """Everything was learned, and what it means: the values."""
        known = self._known
        known.plan = plan
        known.columns = {top: tuple(rows) for top, rows in self._found.items() if top in self._asked}
        known.prepare()
        return {top: [value(item) for item in self._found[top].values()] for top in known.columns}

    async def rows(self, top: Oid, *, once: bool = False) -> Rows:
        """A column by its index; ``once``: its values stay as long as its rows do, and are not asked again."""
        if not once:
            self._asked.add(top)
        if top not in self._found:
            self._found[top] = await self._walked(top)
        return self._found[top]

    async def numbered(self, top: Oid, *, once: bool = False) -> dict[int, Varbind]:
        """The rows of a table with one number as its index."""
        return {index[0]: item for index, item in (await self.rows(top, once=once)).items() if len(index) == 1}

    async def single(self, name: Oid, *, once: bool = False) -> Varbind | None:
        """One value; ``None`` where the device has not got it."""
        if not once:
            self._asked.add(name)
        if name not in self._found:
            item = await self._single(name)
            self._found[name] = {} if item is None else {(): item}
        return self._found[name].get(())

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


def _plain(told: Values) -> list[Any]:
    if told.signed is None:
        return [value((b"", tag, content)) for tag, content in zip(told.tags, told.contents, strict=True)]
    found: list[Any] = list(map(int.from_bytes, told.contents))
    for at in told.signed:
        if told.contents[at][0] > 127:
            found[at] = ber.signed(told.contents[at])
    return found
