"""Polls that a collector made: judged and stored as if this process had made them, once."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mainstay.kernel.errors import Unavailable
from mainstay.kernel.handover import Damaged, HandOver, hand_over
from mainstay.kernel.telemetry.arrow import pa
from mainstay.modules.monitoring.polling.measured import Measured, decoded
from mainstay.modules.monitoring.polling.metrics import COLUMNS, TABLE, Sample
from mainstay.modules.monitoring.polling.poller import Poller

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform
    from mainstay.modules.monitoring.polling.readings import Reading

SCHEMA = pa.schema(list(COLUMNS.items()))


@hand_over("poll")
async def polls(platform: Platform, given: HandOver) -> None:
    """Judge each poll in order, then store what was measured; its token tells a repetition.

    After an insert that failed the same polls come again: they are not judged twice, their samples wait here.
    """
    poller = platform.service(Poller)
    if poller is None or platform.telemetry is None:
        raise Unavailable("This process does not poll.")
    waiting: dict[str, tuple[str, list[Sample]]] = platform.memory.setdefault("collector_samples", {})
    token, samples = waiting.get(given.collector, ("", []))
    if token != given.token:
        samples = []
        found = [_read(raw) for raw in given.records]
        await poller.know((given.organization, poll.ci) for poll, _reading in found)
        for poll, reading in found:
            device = poller.devices.get((given.organization, poll.ci))
            # A device that was paused, or given to somebody else, meanwhile.
            if device is not None and device.collector == given.collector:
                moment = datetime.fromtimestamp(poll.at, UTC)
                await poller.take(
                    device, poll.at, moment, poll.seconds, poll.took, poll.lost, reading, poll.error, kept=samples
                )
        waiting[given.collector] = (given.token, samples)
    if samples:
        columns = zip(*samples, strict=True)
        arrays = [pa.array(values, kind) for values, kind in zip(columns, COLUMNS.values(), strict=True)]
        await platform.telemetry.insert(TABLE, pa.Table.from_arrays(arrays, schema=SCHEMA), given.token)
    waiting.pop(given.collector, None)


def _read(raw: bytes) -> tuple[Measured, Reading | None]:
    try:
        poll, reading = decoded(raw)
    except ValueError as error:
        raise Damaged(str(error)) from None
    if not (math.isfinite(poll.at) and 0 < poll.at < 2**33):
        raise Damaged("A poll was made at no time.")
    return poll, reading
