"""What one poll read, as it travels from a collector to the server."""

from __future__ import annotations

import msgspec

from mainstay.modules.monitoring.polling.readings import Counter, Reading


class Measured(msgspec.Struct, kw_only=True, array_like=True):
    """One poll of one device. Without ``answered`` there is no reading in it."""

    ci: str
    at: float
    """When it was made, seconds since 1970."""
    seconds: float
    took: float | None
    """Of the echo, in seconds; ``None``: no answer, or not asked."""
    error: str = ""
    answered: bool = False
    up_ticks: int | None = None
    gauges: list[tuple[str, str, float]] = []
    counters: list[tuple[str, str, int, int]] = []
    speeds: dict[str, float] = {}
    lost: float | None = None
    """Of the echo requests, in percent."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Measured)


def encoded(
    ci: str, at: float, seconds: float, took: float | None, lost: float | None, reading: Reading | None, error: str
) -> bytes:  # fmt: skip
    """A poll as bytes."""
    made = Measured(ci=ci, at=at, seconds=seconds, took=took, lost=lost, error=error[:500])
    if reading is not None:
        made.answered, made.up_ticks, made.speeds = True, reading.up_ticks, reading.speeds
        made.gauges = [(metric, part, float(value)) for (metric, part), value in reading.gauges.items()]
        # Counters of 64 bits may use all of them, and no number on the way may be larger.
        made.counters = [
            (metric, part, counter.value & 0xFFFFFFFFFFFFFFFF, counter.bits)
            for (metric, part), counter in reading.counters.items()
        ]
    return _ENCODER.encode(made)


def decoded(raw: bytes) -> tuple[Measured, Reading | None]:
    """The poll in these bytes. Raises ``ValueError``."""
    try:
        made = _DECODER.decode(raw)
    except msgspec.MsgspecError as error:
        raise ValueError(f"A poll cannot be read: {str(error)[:200]}.") from None
    if not made.answered:
        return made, None
    return made, Reading(
        made.up_ticks,
        {(metric, part): value for metric, part, value in made.gauges},
        {(metric, part): Counter(value, bits) for metric, part, value, bits in made.counters},
        dict(made.speeds),
    )
