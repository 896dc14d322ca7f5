"""How messages are told apart in a stream: by length or by the end of the line (RFC 6587), found out per connection."""

from __future__ import annotations

import re

_COUNTED = re.compile(rb"[1-9][0-9]{0,8} <")
_UNDECIDED = re.compile(rb"[1-9][0-9]{0,8} ?")
_LENGTH = re.compile(rb"([1-9][0-9]{0,8}) ")


class Framing:
    """Cuts what a connection brings into messages of at most ``limit`` bytes; what is longer is cut off and counted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.oversized = 0
        self.counted: bool | None = None
        """Whether the sender counts octets; ``None`` while too little came to tell."""
        self._rest = b""
        self._skip = 0
        self._skip_line = False

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now."""
        data = self._rest + data if self._rest else data
        self._rest = b""
        if self.counted is None:
            if _COUNTED.match(data):
                self.counted = True
            elif len(data) < 11 and _UNDECIDED.fullmatch(data):
                self._rest = data
                return []
            else:
                self.counted = False
        return self._by_length(data) if self.counted else self._by_line(data)

    def end(self) -> list[bytes]:
        """What was sent last without an end."""
        rest, self._rest = self._rest, b""
        if self.counted and (match := _LENGTH.match(rest)):
            rest = rest[match.end() :]
        return [rest] if rest.strip() and not self._skip_line else []

    def _by_line(self, data: bytes) -> list[bytes]:
        if self._skip_line:
            at = data.find(b"\n")
            if at < 0:
                return []
            data, self._skip_line = data[at + 1 :], False
        lines = data.split(b"\n")
        rest = lines.pop()
        limit = self.limit
        if len(data) > limit and max(map(len, lines), default=0) > limit:
            self.oversized += sum(len(line) > limit for line in lines)
            lines = [line[:limit] for line in lines]
        if len(rest) > limit:
            self.oversized += 1
            lines.append(rest[:limit])
            rest, self._skip_line = b"", True
        self._rest = rest
        return [line for line in lines if line and line != b"\r"]

    def _by_length(self, data: bytes) -> list[bytes]:
        found: list[bytes] = []
        at, size = 0, len(data)
        if self._skip:
            at = min(self._skip, size)
            self._skip -= at
        while at < size:
            match = _LENGTH.match(data, at)
            if match is None:
                if size - at < 10 and data[at:].isdigit():
                    break
                # Not a length: some senders end counted messages with a line end too, others lose count.
                end = data.find(b"\n", at)
                if end < 0:
                    if size - at > self.limit:
                        self.oversized += 1
                        found.append(data[at : at + self.limit])
                        at = size
                    break
                if data[at:end].strip():
                    found.append(data[at:end])
                at = end + 1
                continue
            start = match.end()
            end = start + int(match[1])
            if end - start > self.limit:
                if size - start < self.limit:
                    break
                self.oversized += 1
                found.append(data[start : start + self.limit])
                self._skip = max(0, end - size)
                at = min(end, size)
                continue
            if end > size:
                break
            if end > start:
                found.append(data[start:end])
            at = end
        self._rest = data[at:]
        return found
