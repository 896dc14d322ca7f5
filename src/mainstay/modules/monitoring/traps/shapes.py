"""Traps of a form that came before: recognised by one comparison, and not taken apart again.

Devices send the same few traps with other values in them. The form of a trap is all of it but the values: who it is
from, what it is, the names and types of its variables and all lengths. Where all these bytes are those of a trap that
was read to its end, it is as well made, and the values are where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from struct import Struct
from typing import Any

from mainstay.modules.monitoring.snmp import message
from mainstay.modules.monitoring.traps.cases import Case, Said, Setup, deciding, judged, seen
from mainstay.modules.monitoring.traps.doors import Door, Doors

ROOM = 8 * 2**20
"""Bytes of packets whose forms are remembered; what is known of them takes a few times as much."""
LONGEST = 1500
MOST_VARIABLES = 60
LAYOUTS = 4
"""Forms of one length and beginning that are told apart by where their values are."""
LEARNT = 4
"""One of so many unknown traps has its form remembered: where forms never come again, that is little trouble."""
_MARK = message.TRAP_IDENTITY
_TOLD = len(_MARK) + 20
"""Bytes from the identity on, in version 1 from the start, by which forms are looked up beside their length."""

Parts = tuple[bytes, ...]
"""A packet in pieces: of its form and values in turns; the first two values are the request's id and the uptime."""


class Layout:
    """Where the values are in packets of one length, and the forms with values there."""

    __slots__ = ("form", "shapes", "unpack")

    def __init__(self, form: str) -> None:
        self.form = form
        self.unpack: Callable[[bytes], Parts] = Struct(form).unpack
        self.shapes: dict[Parts, Shape] = {}


class Shape:
    """A form, and what it means by who sends it."""

    __slots__ = ("agent", "community", "oid", "readings", "variables", "version", "ways")

    def __init__(self, community: bytes, said: Said, agent: str, variables: list[tuple[bytes, int]]) -> None:
        self.community = community
        self.oid, self.version = said.oid, said.version
        self.agent = agent
        """The device's address where the trap names it."""
        self.variables = variables
        self.ways: dict[str, Way | None] = {}
        """By the address of the sender; None: not for this short way."""
        self.readings: dict[str, Reading | None] = {}
        """By the organization."""


class Reading:
    """A form as one organization reads it."""

    __slots__ = ("free", "key", "setup")

    def __init__(self, setup: Setup, shape: Shape, decides: list[int]) -> None:
        self.setup = setup
        places = [_place(at) for at in decides]
        self.key: Callable[[Parts], Any] = itemgetter(*places) if places else lambda _parts: None
        """The values that decide what is said of the trap."""
        self.free = [
            (at, _place(at), setup.namer.reader(name, tag))
            for at, (name, tag) in enumerate(shape.variables)
            if at not in decides
        ]
        """Each of the others: its number, its place in the packet, what makes its text."""


class Way:
    """A form from one sender, and what was said of it by the values that decide."""

    __slots__ = ("cases", "door", "free", "key", "reading")

    def __init__(self, door: Door, reading: Reading) -> None:
        self.door = door
        self.reading = reading
        self.key, self.free = reading.key, reading.free
        self.cases: dict[Any, Case] = {}


class Shapes:
    """The forms that are known, under one set of doors and setups."""

    def __init__(self, doors: Doors, setups: Mapping[str, Setup]) -> None:
        self.doors = doors
        self.setups = setups
        self._layouts: dict[tuple[int, bytes], list[Layout]] = {}
        self._held = 0
        self._missed = 0

    def find(self, packet: bytes) -> tuple[Shape, Parts] | None:
        """The form of a packet, and the packet in pieces."""
        for layout in self._layouts.get(_key(packet), ()):
            parts = layout.unpack(packet)
            shape = layout.shapes.get(parts[::2])
            if shape is not None:
                return shape, parts
        return None

    def way(self, shape: Shape, source: str, parts: Parts) -> Way | None:
        """What the form means from this sender."""
        try:
            return shape.ways[source]
        except KeyError:
            found = self._way(shape, source, parts)
            self._hold(500)
            shape.ways[source] = found
            return found

    def _way(self, shape: Shape, source: str, parts: Parts) -> Way | None:
        door = self.doors.by_community(shape.community, source)
        setup = self.setups.get(door.organization) if door is not None else None
        if door is None or setup is None:
            return None
        if door.organization not in shape.readings:
            decides = deciding(setup, seen(setup.namer, _said(shape, setup, source, parts), source, 0))
            shape.readings[door.organization] = None if decides is None else Reading(setup, shape, decides)
        reading = shape.readings[door.organization]
        return None if reading is None else Way(door, reading)

    def case(self, shape: Shape, way: Way, source: str, parts: Parts, received: int) -> Case:
        """What is to be said of a trap whose deciding values are new."""
        setup = way.reading.setup
        made = judged(way.door, setup, _said(shape, setup, source, parts), source, received)
        self._hold(sum(map(len, parts)))
        way.cases[way.key(parts)] = made
        return made

    def learn(self, packet: bytes, community: bytes, said: Said, agent: str) -> None:
        """Remember the form of a trap that was read to its end, of version 1 or 2c; ``agent`` where it names one."""
        self._missed += 1
        if self._missed % LEARNT or len(packet) > LONGEST:
            return
        values = message.spans(packet)
        if len(values) > MOST_VARIABLES:
            return
        pieces, at = [], 0
        for start, stop, _name, _tag in values:
            pieces += [start - at, stop - start]
            at = stop
        form = "".join([f"{size}s" for size in (*pieces, len(packet) - at)])
        self._hold(len(packet))
        layouts = self._layouts.setdefault(_key(packet), [])
        layout = next((item for item in layouts if item.form == form), None)
        if layout is None:
            if len(layouts) >= LAYOUTS:
                return
            layout = Layout(form)
            layouts.append(layout)
        variables = [(name, tag) for _start, _stop, name, tag in values[2:]]
        layout.shapes[layout.unpack(packet)[::2]] = Shape(community, said, agent, variables)

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > ROOM:
            # What comes all the time is soon known again.
            self._held = size
            self._layouts.clear()


def _key(packet: bytes) -> tuple[int, bytes]:
    at = packet.find(_MARK)
    return len(packet), packet[at : at + _TOLD] if at > 0 else packet[:_TOLD]


def _place(at: int) -> int:
    """Where the value of a variable is among the pieces."""
    return 2 * at + 5


def _said(shape: Shape, setup: Setup, source: str, parts: Parts) -> Said:
    values = parts[5::2]
    items = setup.namer.variables(
        [(name, tag, value) for (name, tag), value in zip(shape.variables, values, strict=True)]
    )
    return Said(shape.oid, message.ticks(parts[3]), shape.agent or source, items, shape.version, False)
