"""The sounds of the console beep: short tones, computed once."""

from __future__ import annotations

import io
import math
import struct
import wave
from functools import cache

RATE = 22_050
# Name → notes of (frequency in Hz, seconds).
NOTES: dict[str, tuple[tuple[float, float], ...]] = {
    "chime": ((659.26, 0.16), (523.25, 0.34)),
    "ping": ((1046.5, 0.22),),
    "alert": ((880.0, 0.12), (0.0, 0.06), (880.0, 0.12), (0.0, 0.06), (880.0, 0.18)),
    "alarm": ((740.0, 0.22), (988.0, 0.22), (740.0, 0.22), (988.0, 0.22), (740.0, 0.22), (988.0, 0.3)),
}


@cache
def wav(name: str) -> bytes:
    """The sound as a WAV file (16 bit, mono). Raises ``KeyError``."""
    samples = bytearray()
    for frequency, seconds in NOTES[name]:
        total = int(RATE * seconds)
        for number in range(total):
            # Swelling and fading take the click out of a tone's beginning and end.
            shape = min(1.0, number / 200, (total - number) / (total * 0.6))
            value = math.sin(2 * math.pi * frequency * number / RATE) * shape * 0.5
            samples += struct.pack("<h", int(value * 32767))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(samples))
    return out.getvalue()


def seconds(name: str) -> float:
    return round(sum(length for _frequency, length in NOTES[name]), 2)
