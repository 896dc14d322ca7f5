"""A small MaxMind DB file for tests: IPv4 networks and what is known of them (file format version 2.0)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

_TEXT, _DOUBLE, _U16, _U32, _MAP, _U64, _LIST = 2, 3, 5, 6, 7, 9, 11


def _head(kind: int, size: int) -> bytes:
    first = kind << 5 if kind < 8 else 0
    extended = b"" if kind < 8 else bytes([kind - 7])
    if size < 29:
        return bytes([first | size]) + extended
    return bytes([first | 29]) + extended + bytes([size - 29])


def _number(kind: int, value: int) -> bytes:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _head(kind, len(raw)) + raw


def encode(value: Any) -> bytes:
    if isinstance(value, dict):
        return _head(_MAP, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    if isinstance(value, list):
        return _head(_LIST, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, str):
        return _head(_TEXT, len(value.encode())) + value.encode()
    if isinstance(value, float):
        return _head(_DOUBLE, 8) + struct.pack(">d", value)
    return _number(_U32, value)


def write(path: Path, networks: dict[str, Any]) -> Path:
    """Write the file; answers its path."""
    nodes: list[list[Any]] = [[None, None]]
    data, places = b"", {}
    for text, known in networks.items():
        network = IPv4Network(text)
        places[text] = len(data)
        data += encode(known)
        at, address = 0, int(network.network_address)
        for depth in range(network.prefixlen):
            bit = address >> (31 - depth) & 1
            if depth == network.prefixlen - 1:
                nodes[at][bit] = ("data", places[text])
            elif nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = at = len(nodes) - 1
            else:
                at = nodes[at][bit]
    count = len(nodes)
    tree = b""
    for node in nodes:
        for side in node:
            record = count if side is None else side if isinstance(side, int) else count + 16 + side[1]
            tree += record.to_bytes(3, "big")
    about = {
        "node_count": count, "record_size": 24, "ip_version": 4, "database_type": "Test-City", "languages": ["en"],
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "description": {"en": "Test"},
    }  # fmt: skip
    metadata = _head(_MAP, len(about) + 1) + encode("build_epoch") + _number(_U64, 1_700_000_000)
    for key, item in about.items():
        small = key in ("record_size", "ip_version") or key.startswith("binary")
        metadata += encode(key) + (_number(_U16, item) if small and isinstance(item, int) else encode(item))
    path.write_bytes(tree + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + metadata)
    return path
