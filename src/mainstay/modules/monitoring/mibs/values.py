"""Values as people read them: enumerations by label, octets by display hint (RFC 2579, section 3.1)."""

from __future__ import annotations

import re
from functools import lru_cache

from mainstay.modules.monitoring.mibs.model import Node
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import Malformed

MAX_TEXT = 2000
_HINT = re.compile(r"(\*?)(\d+)([xdoat])([^\d*])?([^\d*])?")


def shown(node: Node | None, tag: int, content: bytes) -> str:
    """A value as text. Never raises: what does not fit its type is shown as octets."""
    try:
        return _shown(node, tag, content)
    except Malformed:
        return octets(content)


def _shown(node: Node | None, tag: int, content: bytes) -> str:
    if tag == ber.INTEGER:
        number = ber.signed(content)
        if node is not None:
            label = node.enums.get(str(number))
            if label is not None:
                return label
            if node.hint.startswith("d-") and node.hint[2:].isdigit():
                return decimal(number, int(node.hint[2:]))
        return str(number)
    if tag == ber.OCTET_STRING:
        if node is not None and node.base == "BITS":
            return bits(node, content)
        return text(node.hint if node is not None else "", content)
    if tag == ber.TIME_TICKS:
        return ticks(ber.unsigned(content))
    value = ber.plain(tag, content)
    if value is None:
        return ""
    return octets(value) if isinstance(value, bytes) else str(value)


def decimal(number: int, places: int) -> str:
    """A number with an implied decimal point."""
    if not 0 < places < 20:
        return str(number)
    digits = str(abs(number)).rjust(places + 1, "0")
    return f"{'-' if number < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def ticks(hundredths: int) -> str:
    """Hundredths of a second as days, hours, minutes and seconds."""
    seconds, rest = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days}d ' if days else ''}{hours:02}:{minutes:02}:{seconds:02}.{rest:02}"


def bits(node: Node, content: bytes) -> str:
    """The labels of the bits that are set; the first bit is the highest of the first octet."""
    names = []
    for at in range(min(len(content) * 8, 1024)):
        if content[at // 8] & (0x80 >> at % 8):
            names.append(node.enums.get(str(at), str(at)))
    return ",".join(names)


def octets(content: bytes) -> str:
    """Octets in hexadecimal."""
    return content[: MAX_TEXT // 3].hex(":")


def text(hint: str, content: bytes) -> str:
    """An OCTET STRING: by its hint, as text where it reads as such, else in hexadecimal."""
    if not content:
        return ""
    if hint and hint not in ("255a", "255t"):
        form = _form(hint)
        if form:
            return _by_hint(form, content)
    return readable(content)


def readable(content: bytes) -> str:
    """Text where it is text (a trailing NUL is fine), else hexadecimal."""
    plain = content.rstrip(b"\x00") if content[-1:] == b"\x00" else content
    try:
        decoded = plain.decode()
    except UnicodeDecodeError:
        return octets(content)
    if decoded.isprintable() or not any(_control(char) for char in decoded):
        return decoded[:MAX_TEXT]
    return octets(content)


def _control(char: str) -> bool:
    return (char < " " and char not in "\t\n\r") or char == "\x7f"


_Form = tuple[tuple[bool, int, str, str, str], ...]


@lru_cache(2000)
def _form(hint: str) -> _Form:
    """The parts of a display hint: repeated?, octets, format, separator, terminator; empty where it is none."""
    parts, at = [], 0
    while at < len(hint):
        match = _HINT.match(hint, at)
        if match is None:
            return ()
        star, size, form, separator, terminator = match.groups()
        parts.append((bool(star), min(int(size), 65535), form, separator or "", terminator or ""))
        at = match.end()
    return tuple(parts)


def _by_hint(form: _Form, content: bytes) -> str:
    out: list[str] = []
    at, index, size = 0, 0, len(content)
    while at < size and len(out) < MAX_TEXT:
        repeated, length, kind, separator, terminator = form[min(index, len(form) - 1)]
        if length == 0 and not repeated and index >= len(form) - 1:
            break  # would stay here for ever
        times = 1
        if repeated:
            times = content[at]
            at += 1
        for turn in range(times):
            if at >= size:
                break
            piece = content[at : at + length]
            at += length
            out.append(_piece(kind, piece))
            if at < size and separator and not (repeated and terminator and turn == times - 1):
                out.append(separator)
        if terminator and at < size:
            out.append(terminator)
        index += 1
    return "".join(out)[:MAX_TEXT]


def _piece(kind: str, piece: bytes) -> str:
    if kind in "at":
        return readable(piece)
    number = int.from_bytes(piece, "big")
    if kind == "x":
        return f"{number:0{2 * len(piece)}x}"
    return f"{number:o}" if kind == "o" else str(number)
