"""The poller: each device at its own moment of the interval, none waiting for another."""

from __future__ import annotations

import asyncio
import ipaddress
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select, update

from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import ApiError
from mainstay.kernel.services import Service
from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.collectors.engine import site_of
from mainstay.modules.monitoring.collectors.service import sites_everywhere
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.credentials.tables import Credential
from mainstay.modules.monitoring.discovery.ping import Pinger
from mainstay.modules.monitoring.polling.asking import LOSSES, ask
from mainstay.modules.monitoring.polling.known import Known
from mainstay.modules.monitoring.polling.metrics import COLUMNS, LIMITS, TABLE, Sample, milliseconds
from mainstay.modules.monitoring.polling.notes import Notes
from mainstay.modules.monitoring.polling.readings import Before, Reading, rates, restarted
from mainstay.modules.monitoring.polling.tables import DOWN, SILENT, UP, Polled
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.client import Access, SnmpError
from mainstay.modules.monitoring.snmp.lines import Lines
from mainstay.modules.monitoring.templates.service import Measured, measured
from mainstay.modules.monitoring.thresholds import service as thresholds
from mainstay.modules.monitoring.thresholds.engine import Rules, Threshold, Watch, message
from mainstay.modules.monitoring.thresholds.shipped import METRICS

if TYPE_CHECKING:
    from mainstay.kernel.context import Context
    from mainstay.kernel.platform import Platform
    from mainstay.kernel.telemetry import Writer

log = structlog.stdlib.get_logger("mainstay.polling")
AT_ONCE, LIMIT, REFRESH = 256, 30.0, 10.0
"""Devices at once; seconds for one of them; seconds between looks at what is to be polled."""
PERMITTED = 1.0
"""Seconds that the permitted networks are remembered: when many devices are asked at once, they are read once."""
MISSES = 2
"""Polls without an answer until a device is down: one lost packet is no outage."""


@dataclass(slots=True)
class Device:
    """A device as the poller knows it."""

    organization: str
    ci: str
    name: str
    address: str
    credential: str
    ping: bool
    snmp: bool
    interval: int
    state: str
    since: datetime | None
    due: float = 0.0
    missed: int = 0
    mute: int = 0
    """Polls in a row that only echo requests were answered in."""
    running: bool = False
    collector: str = ""
    """Of a device at a site with a collector: that polls it, and hands over what it read."""
    before: Before = field(default_factory=Before)
    known: Known = field(default_factory=Known)
    watch: Watch = field(default_factory=Watch)
    rules: Rules = field(default_factory=thresholds.shipped)
    echoed: bool = False
    """Whether it ever answered ICMP: one that lets none in loses no packets."""


class Poller(Service):
    """Polls every enabled device of the installation."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.devices: dict[tuple[str, str], Device] = {}
        self._writer: Writer | None = None
        self._task: asyncio.Task[None] | None = None
        self._polls: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._pinger = Pinger()
        self._lines = Lines()
        self._access: dict[str, tuple[float, Access | None]] = {}
        self._permitted: dict[str, tuple[float, list[credentials.Span]]] = {}
        self._looking = asyncio.Lock()
        self._measured: dict[str, Measured] = {}
        self._notes = Notes(platform)

    async def start(self) -> None:
        if self.platform.telemetry is not None:
            self._writer = self.platform.telemetry.writer(TABLE, COLUMNS, **LIMITS)
        if self.platform.settings.polling:
            self._task = asyncio.create_task(self._run(), name="poller")

    async def stop(self) -> None:
        for task in (self._task, *self._polls):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self._lines.close()
        await self._notes.close()
        if self._writer is not None:
            await self._writer.drain()

    async def _run(self) -> None:
        refreshed = 0.0
        while True:
            now = time.monotonic()
            if now - refreshed >= REFRESH:
                refreshed = now
                with suppress(Exception):
                    await self.refresh()
            for device in list(self.devices.values()):
                if device.due <= now and not device.running and not device.collector:
                    # A poll that is late is left out rather than made up for.
                    device.due = max(device.due + device.interval, now + device.interval / 2)
                    task = asyncio.create_task(self._guarded(device))
                    self._polls.add(task)
                    task.add_done_callback(self._polls.discard)
            await asyncio.sleep(0.5)

    async def refresh(self) -> None:
        """Take over what is to be polled from the database."""
        await self._notes.write()
        async with self.platform.work(ANY_ORGANIZATION, write=False) as ctx:
            query = select(Polled, Ci.category).join(Ci, Ci.id == Polled.ci).where(Polled.enabled.is_(True))
            rows = (await ctx.session.execute(query)).all()
            sites = await sites_everywhere(ctx)
            found: dict[tuple[str, str], Device] = {}
            for row, _category in rows:
                key = (row.organization, row.ci)
                device = self.devices.get(key)
                if device is None:
                    # At a moment of its own, so that the devices are spread over the interval.
                    phase = zlib.crc32(row.ci.encode()) % 10_000 / 10_000 * row.interval
                    device = Device(
                        row.organization, row.ci, row.name, row.address, row.credential, row.ping, row.snmp,
                        row.interval, row.state, row.since, due=time.monotonic() + phase,
                    )  # fmt: skip
                    device.watch.breached = {(held[0], held[1]): "".join(held[2:]) for held in row.breached}
                device.name, device.address, device.credential = row.name, row.address, row.credential
                device.ping, device.snmp, device.interval = row.ping, row.snmp, row.interval
                if row.asked_at is not None and (row.last_run is None or row.asked_at > row.last_run):
                    device.due = 0.0
                site = site_of(row.address, sites.get(row.organization, ()))
                if device.collector != (site.id if site else ""):
                    # Another clock, and maybe another way to it: rates begin anew.
                    device.collector, device.before = site.id if site else "", Before()
                found[key] = device
            places = {(row.organization, row.ci): category for row, category in rows}
        own = await thresholds.in_force(self.platform, places)
        self._measured = await measured(self.platform)
        for key, device in found.items():
            device.rules = own.get(key) or thresholds.shipped()
        self.devices = found
        for device in found.values():
            await self._settle(device)

    async def _settle(self, device: Device) -> None:
        """End what was raised by a threshold that was changed, switched off or taken away since."""
        gone = [] if device.running else device.watch.outdated(device.rules)
        if gone:
            now = self.platform.now()
            async with self.platform.work(device.organization) as ctx:
                kept = update(Polled).where(Polled.ci == device.ci).values(breached=_breached(device))
                await ctx.session.execute(kept.execution_options(synchronize_session=False))
            await RAW_EVENTS.publish(self.platform, [_withdrawn(device, metric, part, now) for metric, part in gone])

    async def know(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Look at the database again if one of these devices is not known."""
        if not all(key in self.devices for key in wanted):
            await self.refresh()

    async def at_once(self, wanted: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Poll these devices now, and wait for it; returns those that were. One at a collector's site is not."""
        keys = set(wanted)
        await self.know(keys)
        polls = {}
        for key in keys:
            device = self.devices.get(key)
            if device is not None and not device.running and not device.collector:
                polls[key] = task = asyncio.create_task(self._guarded(device))
                self._polls.add(task)
                task.add_done_callback(self._polls.discard)
        if polls:
            await asyncio.wait(polls.values(), timeout=LIMIT + 5)
            # Whoever waited reads how it went.
            await self._notes.write()
        return {key for key, task in polls.items() if task.done()}

    async def _guarded(self, device: Device) -> None:
        device.running = True
        try:
            async with self._slots:
                await self.poll(device)
        except Exception as error:
            log.warning("poll failed", ci=device.ci, error=str(error), exc_info=error)
        finally:
            device.running = False

    async def poll(self, device: Device) -> None:
        """Ask one device now; store what it answered and what that means."""
        started, now = time.monotonic(), self.platform.now()
        took, lost = await self._pinger.several(device.address) if device.ping else (None, None)
        reading, error = None, ""
        if device.snmp:
            try:
                access = await self._access_of(device)
                own = self._measured.get(device.organization)
                async with asyncio.timeout(min(LIMIT, device.interval)):
                    reading = await ask(device.address, access, own.of if own else None, device.known, self._lines)
            except TimeoutError:
                error = "It was not done in time."
            except (SnmpError, Malformed, ApiError, ValueError, OSError) as failed:
                error = str(failed)[:500]
        await self.take(device, started, now, time.monotonic() - started, took, lost, reading, error)

    async def take(
        self, device: Device, started: float, now: datetime, seconds: float, took: float | None, lost: float | None,
        reading: Reading | None, error: str, kept: list[Sample] | None = None,
    ) -> None:  # fmt: skip
        """What a poll means, made here or by a collector: availability, measurements, thresholds.

        ``started``: on the clock of whoever polls the device; ``took`` and ``lost``: of the echo requests, in seconds
        and percent. Measurements go to ``kept``, where it is given.
        """
        alive = took is not None or reading is not None
        events = availability(device, alive, reading is not None, now, error)
        values = {("availability", ""): 1.0 if alive else 0.0}
        if took is not None:
            values["latency", ""] = took * 1000
        device.echoed = device.echoed or took is not None
        if lost is not None and device.echoed:
            values["loss", ""] = lost
        if reading is not None:
            values |= _values(device, reading, started)
        if alive:
            events += _judge(device, values, started, now)
        at = milliseconds(now)
        samples: list[Sample] = [
            (device.organization, device.ci, metric, part, at, value) for (metric, part), value in values.items()
        ]
        if kept is not None:
            kept += samples
        elif self._writer is not None:
            self._writer.write_many(samples)
        self._notes.add(device.organization, device.ci, {
            "state": device.state, "since": device.since, "last_run": now, "seconds": seconds, "error": error,
            "breached": _breached(device),
        })  # fmt: skip
        if events:
            # What was said must be known after a restart, or it is said again.
            await self._notes.write()
            await RAW_EVENTS.publish(self.platform, events)

    async def drain(self) -> None:
        """Wait until what was measured, and how it went, is stored."""
        await self._notes.write()
        if self._writer is not None:
            await self._writer.drain()

    async def _access_of(self, device: Device) -> Access:
        """How to ask a device. Raises ``ValueError`` without a credential, ``Invalid`` where it may not be asked."""
        if not self._fresh(device):
            # Devices that begin together wait for one look.
            async with self._looking:
                if not self._fresh(device):
                    async with self.platform.work(device.organization, write=False) as ctx:
                        await self._look(ctx, device)
        credentials.permit([ipaddress.ip_address(device.address)], self._permitted[device.organization][1])
        access = self._access[device.credential][1]
        if access is None:
            raise ValueError("Its credential is not there, or not active, any more.")
        return access

    def _fresh(self, device: Device) -> bool:
        known = (self._access.get(device.credential), self._permitted.get(device.organization))
        return all(one is not None and one[0] > time.monotonic() for one in known)

    async def _look(self, ctx: Context, device: Device) -> None:
        """Read again what is not fresh: the credential, the permitted networks."""
        now = time.monotonic()
        if self._permitted.get(device.organization, (0.0,))[0] <= now:
            self._permitted[device.organization] = (now + PERMITTED, await credentials.permitted(ctx))
        if self._access.get(device.credential, (0.0,))[0] <= now:
            query = credentials.active().where(Credential.id == device.credential)
            row = (await ctx.session.execute(query)).scalar()
            access = None
            if row is not None:
                access = await credentials.access_of(credentials.values_of(row), credentials.opened(ctx, row))
            # A password that was changed counts soon after.
            self._access[device.credential] = (now + 60, access)


def availability(device: Device, alive: bool, told: bool, now: datetime, error: str) -> list[RawEvent]:
    """The device's state after a poll, and the events of a change. ``told``: it answered SNMP."""
    before = device.state
    device.missed = 0 if alive else device.missed + 1
    device.mute = 0 if told or not device.snmp else device.mute + 1
    if not alive:
        state = DOWN if device.missed >= MISSES else before
    elif before == DOWN and device.mute:
        # A device that starts answers echo requests first.
        state, device.mute = UP, 1
    else:
        state = SILENT if device.mute >= MISSES or (device.mute and before == SILENT) else UP
    if state == before:
        return []
    device.state, device.since = state, now
    name = device.name or device.address
    events = []
    if state == DOWN:
        events.append(("Device Down", f"{name} does not answer ({device.address}). {error}".strip()))
    elif before == DOWN:
        events.append(("Device Up", f"{name} answers again."))
    if state == SILENT:
        events.append(("Agent Down", f"{name} answers echo requests, but not SNMP. {error}".strip()))
    elif before == SILENT:
        events.append(("Agent Up", f"{name} {'answers SNMP again' if state == UP else 'does not answer at all now'}."))
    return [
        RawEvent(
            organization=device.organization, source="polling", at=now, message=message, address=device.address,
            host=device.name, ci=device.ci, event_class=f"Availability | {kind}",
        )
        for kind, message in events
    ]  # fmt: skip


def _values(device: Device, reading: Reading, at: float) -> dict[tuple[str, str], float]:
    """The measurements of one poll; ``device.before`` is brought up to date."""
    found = dict(reading.gauges)
    if reading.up_ticks is not None:
        found["uptime", ""] = reading.up_ticks / 100
    before = device.before
    if before.counters and not restarted(before, at, reading.up_ticks):
        grown = rates(before, at, reading.counters, reading.speeds)
        for (metric, part), rate in grown.items():
            if metric in LOSSES:
                both = f"if_{metric.rpartition('_')[2]}", part
                found[both] = found.get(both, 0.0) + rate
            elif metric in reading.scales:
                found[metric, part] = rate * reading.scales[metric]
            else:
                found[metric, part] = rate * 8
                if part in reading.speeds:
                    found[f"{metric}_use", part] = min(100.0, 100 * rate / reading.speeds[part])
    device.before = Before(at, reading.up_ticks, dict(reading.counters))
    return found


def _breached(device: Device) -> list[list[str]]:
    return [[metric, part, mark] for (metric, part), mark in sorted(device.watch.breached.items())]


def _judge(device: Device, values: dict[tuple[str, str], float], at: float, now: datetime) -> list[RawEvent]:
    """What the measurements mean, by the thresholds of the device."""
    found = []
    for (metric, part), value in values.items():
        rule = device.rules.pick(metric, part)
        verdict = device.watch.judge(rule, part, value, at) if rule is not None else None
        if rule is not None and verdict is not None:
            found.append(_breach(device, rule, part, value, verdict, now))
    return found


def _breach(device: Device, rule: Threshold, part: str, value: float, out: bool, now: datetime) -> RawEvent:
    label = METRICS[rule.metric].label if rule.metric in METRICS else rule.metric
    text = message(rule, out, device=device.name, part=part, value=value, metric=label)
    return RawEvent(
        organization=device.organization, source="threshold", at=now, message=text, address=device.address,
        host=device.name, ci=device.ci, resource=part, severity=rule.severity, event_class=rule.event_class,
        key=f"threshold/{rule.metric}/{part}", clear=not out,
    )  # fmt: skip


def _withdrawn(device: Device, metric: str, part: str, now: datetime) -> RawEvent:
    text = f"The threshold of {metric} {part}".rstrip() + " that was exceeded was changed, switched off or removed."
    return RawEvent(
        organization=device.organization, source="threshold", at=now, message=text, address=device.address,
        host=device.name, ci=device.ci, resource=part, key=f"threshold/{metric}/{part}", clear=True,
    )  # fmt: skip
