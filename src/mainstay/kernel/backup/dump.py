"""What a relational database gives to a backup."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mainstay.kernel.backup.archive import Table


@dataclass(slots=True, kw_only=True)
class Dump:
    """A snapshot, written to files."""

    kind: str
    revision: str
    tables: list[Table]
    digests: set[str] = field(default_factory=set)
    """SHA-256 of the attachments that the snapshot refers to."""
    sequences: dict[str, int] = field(default_factory=dict)
    files: list[tuple[str, Path]] = field(default_factory=list)
    """Parts: name in the backup, and where it is now."""
