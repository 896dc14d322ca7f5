"""Encryption of a backup with a passphrase: scrypt and AES-256-GCM over chunks.

Each chunk's nonce holds its number and whether it is the last, so that chunks cannot be moved, left out or
cut off (the STREAM construction). The header's own tag tells a wrong passphrase from a damaged file.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from mainstay.kernel.backup.archive import BackupError, Damaged

MAGIC = b"MAINSTAY-SEALED-1\n"
CHUNK = 1 << 20
TAG = 16
# 128 MiB and about half a second per try.
COST, BLOCK, LANES = 17, 8, 1
_HEADER = struct.Struct(">BBB16s7s")


def is_sealed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class SealedWriter:
    """A file object that encrypts what is written to it. ``close`` writes the last chunk only."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._file = file
        salt, self._prefix = os.urandom(16), os.urandom(7)
        header = MAGIC + _HEADER.pack(COST, BLOCK, LANES, salt, self._prefix)
        self._cipher = _cipher(passphrase, salt, COST, BLOCK, LANES)
        self._header = header
        self._number = 0
        self._buffer = bytearray()
        file.write(header + self._cipher.encrypt(_nonce(self._prefix, 0xFFFFFFFF, False), b"", header))

    def write(self, data: bytes) -> int:
        self._buffer += data
        # One chunk stays back: which is the last is known at the end only.
        while len(self._buffer) > CHUNK:
            self._put(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]
        return len(data)

    def close(self) -> None:
        self._put(bytes(self._buffer), last=True)

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last), chunk, self._header))
        self._number += 1


def open_sealed(source: Path, target: BinaryIO, passphrase: str) -> None:
    """Decrypt ``source`` into ``target``.

    Raises ``BackupError`` for a wrong passphrase, ``Damaged`` for a file that was changed.
    """
    size = source.stat().st_size
    with source.open("rb") as file:
        header = file.read(len(MAGIC) + _HEADER.size)
        tag = file.read(TAG)
        if len(tag) < TAG or not header.startswith(MAGIC):
            raise Damaged(f"{source.name} is cut off in its first bytes.")
        cost, block, lanes, salt, prefix = _HEADER.unpack(header[len(MAGIC) :])
        if (block, lanes) != (BLOCK, LANES) or not 14 <= cost <= 20:
            raise Damaged(f"{source.name} is damaged in its first bytes.")
        cipher = _cipher(passphrase, salt, cost, block, lanes)
        try:
            cipher.decrypt(_nonce(prefix, 0xFFFFFFFF, False), tag, header)
        except InvalidTag:
            raise BackupError(f"The passphrase does not open {source.name} (or its first bytes are damaged).") from None
        number = 0
        while True:
            at = file.tell()
            chunk = file.read(CHUNK + TAG)
            last = file.tell() == size
            try:
                target.write(cipher.decrypt(_nonce(prefix, number, last), chunk, header))
            except InvalidTag:
                where = f"damaged or cut off between byte {at} and byte {at + len(chunk)}"
                raise Damaged(f"{source.name} is {where}.") from None
            number += 1
            if last:
                return


def _cipher(passphrase: str, salt: bytes, cost: int, block: int, lanes: int) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=1 << cost, r=block, p=lanes).derive(passphrase.encode()))


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + struct.pack(">IB", number, last)
