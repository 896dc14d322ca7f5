"""Backup and restore: everything an installation keeps, in one file, taken while it runs.

The file is a plain tar (one part per store, each compressed by itself), so that a person can look inside with
any tar program; with a passphrase it is wrapped in AES-256-GCM. A manifest lists every part with its SHA-256.
"""

from mainstay.kernel.backup.archive import BackupError, Damaged
from mainstay.kernel.backup.folder import FolderInUse, check_folder, claim
from mainstay.kernel.backup.make import create
from mainstay.kernel.backup.restore import restore

__all__ = ["BackupError", "Damaged", "FolderInUse", "check_folder", "claim", "create", "restore"]
