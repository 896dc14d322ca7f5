"""Bringing a backup back, into an empty folder (and an empty database)."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mainstay.kernel import database, files
from mainstay.kernel.backup import postgresql, sqlite
from mainstay.kernel.backup.archive import BackupError, Damaged, Manifest, check, members
from mainstay.kernel.backup.control import EXPORTS, SOCKET
from mainstay.kernel.backup.folder import LOCK, MARKER, claim
from mainstay.kernel.backup.make import KEY, fingerprint
from mainstay.kernel.backup.sealed import is_sealed, open_sealed
from mainstay.kernel.telemetry import Telemetry
from mainstay.settings import Settings

SCRATCH = "restore.parts"
_FILE = re.compile(r"files/([0-9a-f]{64})")
_TELEMETRY = re.compile(r"telemetry/([\w.-]+)")
IGNORED = {LOCK, "lost+found"}
FILLED = ("files", "telemetry", KEY, SCRATCH, "locks", EXPORTS, SOCKET)
"""What a restore, or the start after it, puts into the folder besides the database."""


def restore(
    settings: Settings,
    source: Path,
    *,
    features: Callable[[], object],
    passphrase: str = "",
    tell: Callable[[str], None] = lambda _text: None,
) -> Manifest:
    """Fill the data folder and the database from ``source``; what it held. Blocking.

    ``features`` loads what declares the telemetry store's tables, once the backup has been checked.

    The whole file is checked first. Raises ``BackupError`` (and ``Damaged``) with the folder left empty.
    """
    if not source.is_file():
        raise BackupError(f"There is no file {source}.")
    with claim(settings, "restore"):
        _clear_unfinished(settings)
        _check_empty_folder(settings)
        marker = settings.data_dir / MARKER
        try:
            with _plain(settings, source, passphrase, tell) as path:
                tell("Checking the backup")
                manifest = check(path, source.name)
                _check_target(settings, manifest, source.name)
                features()
                marker.write_text(str(sqlite.database_path(settings).resolve()) if settings.is_sqlite else "")
                tell("Restoring")
                _load(settings, path, manifest)
            tell("Bringing the database to this version")
            database.migrate(settings)
        except BaseException:
            _clear(settings)
            raise
        os.sync()
        marker.unlink()
    return manifest


def _check_empty_folder(settings: Settings) -> None:
    found = sorted(item.name for item in settings.data_dir.iterdir() if item.name not in IGNORED)
    if found:
        raise BackupError(
            f"The data folder {settings.data_dir} is not empty (it has {', '.join(found[:3])}). "
            "Restore into an empty one: set MAINSTAY_DATA_DIR."
        )


def _check_target(settings: Settings, manifest: Manifest, called: str) -> None:
    kind = "sqlite" if settings.is_sqlite else "postgresql"
    if manifest.database != kind:
        way = "leave MAINSTAY_DATABASE_URL empty" if manifest.database == "sqlite" else "set MAINSTAY_DATABASE_URL"
        raise BackupError(f"{called} was made on {manifest.database}: {way} to restore it.")
    if manifest.revision not in database.revisions():
        raise BackupError(
            f"{called} was made by Mainstay {manifest.version}, which is newer. Install that version first."
        )
    if manifest.vault_key != "included" and manifest.vault_key != fingerprint(settings):
        raise BackupError(
            f"{called} was made with the secret key in MAINSTAY_SECRET_KEY, which is not in the backup. "
            "Set MAINSTAY_SECRET_KEY to the same value."
        )
    if settings.is_sqlite:
        sqlite.check_empty(settings)
    else:
        postgresql.check_empty(settings, manifest.revision)


def _load(settings: Settings, path: Path, manifest: Manifest) -> None:
    scratch = settings.data_dir / SCRATCH
    scratch.mkdir(mode=0o700)
    with members(path) as parts:
        for name, stream in parts:
            if match := _FILE.fullmatch(name):
                _keep(stream, files.path_of(settings, match.group(1)))
            elif match := _TELEMETRY.fullmatch(name):
                _keep(stream, scratch / match.group(1))
            elif name == KEY:
                _keep(stream, settings.data_dir / KEY)
            elif not name.startswith("database"):
                raise Damaged(f"The backup holds {name}, which this version does not know.")
    with members(path) as parts:
        wanted = (item for item in parts if item[0].startswith("database"))
        if settings.is_sqlite:
            sqlite.load(settings, wanted, manifest.tables)
        else:
            postgresql.load(settings, wanted, manifest.tables, manifest.sequences, manifest.revision)
    # Rows past their time to live may go at once, so their number is told and not compared.
    manifest.telemetry = asyncio.run(_load_telemetry(settings, scratch))
    shutil.rmtree(scratch)


async def _load_telemetry(settings: Settings, folder: Path) -> dict[str, int]:
    store = await Telemetry.open(settings)
    try:
        return await store.restore(folder)
    finally:
        await store.close()


def _keep(stream: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)


@contextmanager
def _plain(settings: Settings, source: Path, passphrase: str, tell: Callable[[str], None]) -> Iterator[Path]:
    """The tar itself: the file, or what is sealed in it."""
    if not is_sealed(source):
        yield source
        return
    if not passphrase:
        raise BackupError(
            f"{source.name} is encrypted. Give its passphrase with --passphrase-file or --ask-passphrase."
        )
    tell("Decrypting")
    handle, name = tempfile.mkstemp(prefix=".restore-", dir=settings.data_dir)
    try:
        with os.fdopen(handle, "wb") as file:
            open_sealed(source, file, passphrase)
        yield Path(name)
    finally:
        Path(name).unlink()


def _clear_unfinished(settings: Settings) -> None:
    """Take away what a killed restore left."""
    for left in settings.data_dir.glob(".restore-*"):
        left.unlink()
    _clear(settings)


def _clear(settings: Settings) -> None:
    """Empty the folder that a restore was filling; the marker, which holds the database's path, goes last."""
    try:
        started = (settings.data_dir / MARKER).read_text()
    except FileNotFoundError:
        return
    for name in FILLED:
        path = settings.data_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if started:
        sqlite.remove(Path(started))
    (settings.data_dir / MARKER).unlink()
