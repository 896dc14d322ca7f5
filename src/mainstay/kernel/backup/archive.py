"""The backup file: a tar whose last members are the manifest and a seal over all bytes before it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

import msgspec

from mainstay.kernel.telemetry.arrow import pa

FORMAT = 1
MANIFEST = "manifest.json"
SEAL = "manifest.sha256"
CHUNK = 1 << 20


class BackupError(ValueError):
    """A backup or restore that cannot be done; the text says why and what to do."""


class Damaged(BackupError):
    """The backup file is not what was written; the text names the part."""


class Part(msgspec.Struct, kw_only=True):
    """One member of the file."""

    name: str
    size: int
    sha256: str


class Table(msgspec.Struct, kw_only=True):
    """One table of the relational database."""

    name: str
    rows: int
    columns: list[str] = []


class Manifest(msgspec.Struct, kw_only=True):
    """What a backup holds."""

    format: int = FORMAT
    product: str = "Mainstay"
    version: str
    created: str
    database: str
    """``sqlite`` or ``postgresql``."""
    revision: str
    """The schema's revision; a restore builds this one, loads, and then migrates."""
    tables: list[Table]
    sequences: dict[str, int] = {}
    telemetry: dict[str, int]
    files: int
    vault_key: str
    """``included``, or the SHA-256 of a key that is kept outside (MAINSTAY_SECRET_KEY)."""
    warnings: list[str] = []
    parts: list[Part] = []


class Sink(Protocol):
    def write(self, data: bytes, /) -> int: ...


class Writer:
    """Writes the members of a backup to ``file``."""

    def __init__(self, file: Sink) -> None:
        self._sink = _Hashing(file)
        self._tar = tarfile.open(fileobj=self._sink, mode="w:", format=tarfile.PAX_FORMAT)  # type: ignore[call-overload]  # noqa: SIM115
        self.parts: list[Part] = []

    def add(self, name: str, path: Path) -> Part:
        """Add a file; its part, with the digest of what was written."""
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            reader = _HashingReader(file)
            self._member(name, size, reader)
        return self._keep(name, size, reader.digest.hexdigest())

    def add_bytes(self, name: str, content: bytes) -> Part:
        self._member(name, len(content), io.BytesIO(content))
        return self._keep(name, len(content), hashlib.sha256(content).hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest, listing the parts, and the seal."""
        manifest.parts = self.parts
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        self._member(MANIFEST, len(content), io.BytesIO(content))
        seal = self._sink.digest.hexdigest().encode() + b"\n"
        self._member(SEAL, len(seal), io.BytesIO(seal))
        self._tar.close()

    def _member(self, name: str, size: int, file: Any) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self._tar.addfile(info, file)

    def _keep(self, name: str, size: int, digest: str) -> Part:
        part = Part(name=name, size=size, sha256=digest)
        self.parts.append(part)
        return part


def check(path: Path, called: str) -> Manifest:
    """Read the whole file and compare it with its manifest. ``called`` is the name that errors use.

    Raises ``Damaged`` naming the part.
    """
    found: dict[str, tuple[int, str]] = {}
    content: dict[str, bytes] = {}
    ends: dict[str, int] = {}
    last = "its beginning"
    with path.open("rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for member in tar:
                    stream = tar.extractfile(member)
                    if stream is None:
                        raise Damaged(f"{called} is damaged: {member.name} is not a file.")
                    found[member.name] = member.size, _digest(stream)
                    if member.name in (MANIFEST, SEAL):
                        stream.seek(0)
                        content[member.name] = stream.read()
                    ends[member.name] = member.offset_data + member.size
                    last = member.name
        except (tarfile.TarError, OSError, EOFError) as error:
            raise Damaged(f"{called} is damaged or cut off after {last}: {error}") from None
        if MANIFEST not in content:
            raise Damaged(f"{called} is no backup, or is damaged or cut off after {last}.")
        manifest = _manifest(content[MANIFEST], called)
        _compare(manifest, found, called)
        _check_seal(file, content.get(SEAL, b""), -(-ends[MANIFEST] // 512) * 512, ends.get(SEAL, 0), called)
    return manifest


def _manifest(content: bytes, called: str) -> Manifest:
    try:
        version = msgspec.json.decode(content)["format"]
        if version != FORMAT:
            raise BackupError(f"{called} has the backup format {version}; this version reads format {FORMAT}.")
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise Damaged(f"{called} is damaged in {MANIFEST}: {error}") from None


def _compare(manifest: Manifest, found: dict[str, tuple[int, str]], called: str) -> None:
    for part in manifest.parts:
        if part.name not in found:
            raise Damaged(f"{called} is damaged: {part.name} is missing.")
        if found[part.name] != (part.size, part.sha256):
            raise Damaged(f"{called} is damaged in {part.name}. Nothing was restored.")
    for name in found.keys() - {part.name for part in manifest.parts} - {MANIFEST, SEAL}:
        raise Damaged(f"{called} is damaged: {name} is not in its manifest.")


def _check_seal(file: BinaryIO, seal: bytes, covered: int, end: int, called: str) -> None:
    file.seek(0)
    digest, left = hashlib.sha256(), covered
    while left and (piece := file.read(min(left, CHUNK))):
        digest.update(piece)
        left -= len(piece)
    if seal.decode("ascii", "replace").strip() != digest.hexdigest():
        raise Damaged(f"{called} is damaged in {MANIFEST} or between its parts. Nothing was restored.")
    file.seek(end)
    while piece := file.read(CHUNK):
        if piece.strip(b"\0"):
            raise Damaged(f"{called} is damaged after its last part. Nothing was restored.")


@contextmanager
def members(path: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """The parts of a checked file, in order: name and content."""
    with tarfile.open(path, mode="r:") as tar:

        def each() -> Iterator[tuple[str, IO[bytes]]]:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is not None and member.name not in (MANIFEST, SEAL):
                    yield member.name, stream

        yield each()


@contextmanager
def compressed(path: Path) -> Iterator[Any]:
    """A new zstd file to write to."""
    with pa.OSFile(str(path), "wb") as raw, pa.CompressedOutputStream(raw, "zstd") as out:
        yield out


def decompressed(stream: IO[bytes]) -> Iterator[bytes]:
    """The content of a zstd stream, piece by piece."""
    with pa.CompressedInputStream(stream, "zstd") as source:
        while piece := source.read(CHUNK):
            yield piece


def _digest(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := stream.read(CHUNK):
        digest.update(piece)
    return digest.hexdigest()


class _Hashing:
    """Passes writes on and keeps their digest."""

    def __init__(self, file: Sink) -> None:
        self._file = file
        self._at = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self._file.write(data)
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at


class _HashingReader:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data
