"""Taking a backup, beside a running server or without one."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mainstay import __version__
from mainstay.kernel import files
from mainstay.kernel.backup import postgresql, sqlite
from mainstay.kernel.backup.archive import BackupError, Manifest, Writer
from mainstay.kernel.backup.control import exported
from mainstay.kernel.backup.dump import Dump
from mainstay.kernel.backup.folder import FolderInUse, claim, embedded
from mainstay.kernel.backup.sealed import SealedWriter
from mainstay.kernel.telemetry import Telemetry
from mainstay.settings import Settings

KEY = "secret.key"
PARTIAL = ".partial"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def create(
    settings: Settings,
    target: Path,
    *,
    features: Callable[[], object],
    passphrase: str = "",
    tell: Callable[[str], None] = lambda _text: None,
) -> Manifest:
    """Write a backup to ``target``; what it holds. ``tell`` hears what is being done. Blocking.

    ``features`` loads what declares the telemetry store's tables; what is refused is refused before.

    Raises ``BackupError``: the file exists, or a store cannot be read. Nothing but the finished file ever has
    the name ``target``.
    """
    if target.exists():
        raise BackupError(f"{target} exists already. Choose another name, or delete it first.")
    if not target.parent.is_dir():
        raise BackupError(f"The folder {target.parent} does not exist. Create it first.")
    features()
    with _workplace(target) as work:
        tell("Copying the database")
        dump = (sqlite if settings.is_sqlite else postgresql).dump(settings, work)
        tell("Exporting the telemetry")
        with _telemetry(settings, work) as (folder, counts):
            return _write(settings, target, work, dump, folder, counts, passphrase, tell)


def _write(
    settings: Settings,
    target: Path,
    work: Path,
    dump: Dump,
    telemetry: Path,
    counts: dict[str, int],
    passphrase: str,
    tell: Callable[[str], None],
) -> Manifest:
    made = work / "backup"
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        sealed = SealedWriter(file, passphrase) if passphrase else None
        writer = Writer(sealed or file)
        for name, path in dump.files:
            writer.add(name, path)
            path.unlink()
        for path in sorted(telemetry.iterdir()):
            writer.add(f"telemetry/{path.name}", path)
        tell("Adding the files")
        kept, warnings = _files(settings, writer, dump.digests)
        manifest = Manifest(
            version=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            database=dump.kind,
            revision=dump.revision,
            tables=dump.tables,
            sequences=dump.sequences,
            telemetry=counts,
            files=kept,
            vault_key=_secret(settings, writer),
            warnings=warnings,
        )
        writer.finish(manifest)
        if sealed is not None:
            sealed.close()
        file.flush()
        os.fsync(file.fileno())
    _publish(made, target)
    return manifest


def _publish(made: Path, target: Path) -> None:
    """Give the finished file its name, unless somebody else took it meanwhile."""
    try:
        os.link(made, target)
    except FileExistsError:
        raise BackupError(f"{target} exists already. Choose another name, or delete it first.") from None
    except OSError:
        # A file system without links.
        made.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _files(settings: Settings, writer: Writer, wanted: set[str]) -> tuple[int, list[str]]:
    warnings = []
    present = set()
    for path in sorted(files.folder(settings).glob("*/*")):
        if not _DIGEST.fullmatch(path.name):
            continue
        part = writer.add(f"files/{path.name}", path)
        present.add(path.name)
        if part.sha256 != path.name:
            warnings.append(f"The stored file {path} is damaged: its content is not what was uploaded.")
    missing = wanted - present
    if missing:
        warnings.append(f"The content of {len(missing)} attachments is missing from {files.folder(settings)}.")
    return len(present), warnings


def _secret(settings: Settings, writer: Writer) -> str:
    if settings.secret_key:
        return fingerprint(settings)
    path = settings.data_dir / KEY
    if not path.is_file():
        raise BackupError(f"The secret key {path} is missing. Stored passwords of systems cannot be opened without it.")
    writer.add(KEY, path)
    return "included"


def fingerprint(settings: Settings) -> str:
    """What identifies a secret key that is not in the backup."""
    try:
        return hashlib.sha256(base64.b64decode(settings.secret_key)).hexdigest()
    except ValueError:
        return ""


@contextmanager
def _telemetry(settings: Settings, work: Path) -> Iterator[tuple[Path, dict[str, int]]]:
    """The exported telemetry and rows per table: by the process that owns the store, else here."""
    if not embedded(settings):
        yield work / "telemetry", asyncio.run(_export(settings, work / "telemetry"))
        return
    try:
        with claim(settings, "backup"):
            counts = asyncio.run(_export(settings, work / "telemetry"))
    except FolderInUse:
        with exported(settings) as answer:
            yield answer
        return
    yield work / "telemetry", counts


async def _export(settings: Settings, folder: Path) -> dict[str, int]:
    store = await Telemetry.open(settings)
    try:
        return await store.backup(folder)
    finally:
        await store.close()


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """A private folder beside the target; those that killed backups left are removed."""
    for left in target.parent.glob(f".{target.name}.*{PARTIAL}"):
        with _held(left) as free:
            if free:
                shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=PARTIAL, dir=target.parent))
    try:
        with _held(work):
            yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold the folder for the body; False when a living process does."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)
