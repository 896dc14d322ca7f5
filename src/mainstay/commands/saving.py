"""Backup and restore."""

from __future__ import annotations

import getpass
import time
from pathlib import Path

from mainstay.commands.common import Refused, check_database, load_features, load_settings, out, read_secret
from mainstay.kernel import backup as backups
from mainstay.kernel.backup.archive import Manifest


def backup(file: Path, /, *, passphrase_file: Path | None = None, ask_passphrase: bool = False) -> None:
    """Write everything the installation keeps to one file, also while `mainstay serve` runs.

    The file holds the secret key and all personal data: keep it as safe as the data folder, or encrypt it.

    Parameters
    ----------
    file
        Where to write it; must not exist.
    passphrase_file
        Encrypt, with the first line of this file as the passphrase.
    ask_passphrase
        Encrypt, with a passphrase that is asked for.
    """
    settings = load_settings()
    backups.check_folder(settings)
    check_database(settings)
    passphrase = _passphrase(passphrase_file, ask_passphrase, twice=True)
    started = time.monotonic()
    made = backups.create(settings, file.expanduser(), features=load_features, passphrase=passphrase, tell=_tell)
    size = file.expanduser().stat().st_size
    out.print(f"Backup: {file} ({size / 2**20:.1f} MiB, {time.monotonic() - started:.1f} s)")
    _describe(made)
    if made.vault_key != "included":
        out.print("The secret key is not in it: keep MAINSTAY_SECRET_KEY yourself.")
    elif passphrase:
        out.print("It is encrypted. Without the passphrase nobody can restore it.")
    else:
        out.print("It holds the secret key, unencrypted (file mode 0600): keep it as safe as the data folder.")


def restore(file: Path, /, *, passphrase_file: Path | None = None, ask_passphrase: bool = False) -> None:
    """Bring a backup back, into an empty data folder (and an empty database, on PostgreSQL).

    The whole file is checked before anything is written.

    Parameters
    ----------
    file
        The backup.
    passphrase_file
        File whose first line is the passphrase of an encrypted backup.
    ask_passphrase
        Ask for the passphrase of an encrypted backup.
    """
    settings = load_settings()
    if not settings.is_sqlite:
        check_database(settings)
    passphrase = _passphrase(passphrase_file, ask_passphrase, twice=False)
    started = time.monotonic()
    made = backups.restore(settings, file.expanduser(), features=load_features, passphrase=passphrase, tell=_tell)
    out.print(f"Restored into {settings.data_dir} ({time.monotonic() - started:.1f} s)")
    _describe(made)
    out.print("Start it with `mainstay serve`.")


def _describe(made: Manifest) -> None:
    rows = sum(table.rows for table in made.tables)
    measured = sum(made.telemetry.values())
    out.print(
        f"  {made.database}: {rows:,} rows in {len(made.tables)} tables; telemetry: {measured:,} rows; "
        f"files: {made.files:,}; made {made.created} by version {made.version}"
    )
    for warning in made.warnings:
        out.print(f"  Warning: {warning}")


def _tell(text: str) -> None:
    out.print(f"{text} ...", style="dim")


def _passphrase(file: Path | None, ask: bool, *, twice: bool) -> str:
    if file is not None:
        return read_secret(file)
    if not ask:
        return ""
    given = getpass.getpass("Passphrase: ")
    if not given:
        raise Refused("An empty passphrase protects nothing. Give one, or leave --ask-passphrase out.")
    if twice and getpass.getpass("Again: ") != given:
        raise Refused("The two passphrases differ. Nothing was written.")
    return given
