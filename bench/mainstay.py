"""Mainstay under test: an installation of its own with one organization, served by the command people use.

The load is incidents. The caller is an API key of an ordinary role, whose rights are checked at every call.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from bench.load import Call, once
from bench.postgres import Postgres
from bench.process import CACHE, Process, free_port
from mainstay.app import build_registry
from mainstay.kernel import database, options
from mainstay.kernel.access import bootstrap
from mainstay.kernel.access.tables import Role
from mainstay.kernel.platform import Platform
from mainstay.modules.people.roles.service import make_defaults
from mainstay.settings import Settings

DATABASE = "mainstay_bench"
PATH = "/ux/sd/inci/incident/"
ROLE = "IT Support Operator"
BATCH = 1000


class Mainstay:
    """A running installation."""

    name = "Mainstay"

    def __init__(self, settings: Settings, key: str) -> None:
        self.settings = settings
        self.headers = {"Authorization": f"ApiKey {key}"}
        self.base = f"http://127.0.0.1:{settings.http_port}"
        self.process: Process | None = None

    def start(self) -> float:
        """Start ``mainstay serve``; seconds until it answered."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
        # An installed program has its byte code.
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        environ |= {
            "MAINSTAY_DATA_DIR": str(self.settings.data_dir),
            "MAINSTAY_DATABASE_URL": self.settings.database_url,
            "MAINSTAY_HTTP_PORT": str(self.settings.http_port),
            "MAINSTAY_LOG_LEVEL": "warning",
            "MAINSTAY_SYSLOG_PORT": "0",
            "MAINSTAY_SYSLOG_TLS_PORT": "0",
            "MAINSTAY_TRAP_PORT": "0",
        }
        command = [str(Path(sys.executable).with_name("mainstay")), "serve"]
        self.process = Process(command, environ, CACHE / "mainstay.log")
        return self.process.wait_for(f"{self.base}/readyz")

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None

    @staticmethod
    def listing(_number: int) -> Call:
        """The first page of 50 of the incidents in one status, newest first: what a queue's agents look at."""
        return Mainstay.wandering(0)

    @staticmethod
    def wandering(number: int) -> Call:
        """The same list, another page each time, so that no answer was given before."""
        wanted = {
            "items_per_page": 50,
            "page": 1 + number % 400,
            "filters": json.dumps({"status": "New"}),
            "sort": "creation_time",
            "reverse": "true",
        }
        return Call("GET", f"{PATH}?{urlencode(wanted)}")

    @staticmethod
    def page(number: int, size: int = 50) -> Call:
        """A page of all incidents, by number."""
        wanted = {"items_per_page": size, "sort": "creation_time", "reverse": "true", "page": number}
        return Call("GET", f"{PATH}?{urlencode(wanted)}")

    @staticmethod
    def body(number: int) -> dict[str, Any]:
        return {
            "summary": f"Printer {number} does not answer",
            "description": "The printer on the second floor does not answer.",
            "urgency": ("High", "Medium", "Low")[number % 3],
            "impact": ("Department", "Group", "User")[number % 3],
            "status": ("New", "Responded", "Analysis")[number % 3],
            "requester_email": f"person{number % 200}@example.com",
            "requester_name": f"Person {number % 200}",
        }

    @staticmethod
    def creating(number: int) -> Call:
        return Call("POST", PATH, Mainstay.body(number))

    @staticmethod
    def bulk(count: int, first: int = 0) -> Call:
        return Call("POST", PATH, [Mainstay.body(first + number) for number in range(count)])

    def seed(self, rows: int) -> None:
        """Create incidents through the API until there are this many."""
        answer, _took = once(self.base, self.headers, self.page(1))
        have = int(answer.json()["count"])
        for first in range(have, rows, BATCH):
            once(self.base, self.headers, self.bulk(min(BATCH, rows - first), first))

    def multiply(self, rows: int) -> None:
        """Copy incidents inside the database until there are this many. The server must not be running."""
        engine = sa.create_engine(self.settings.sync_database_url)
        table = sa.Table("incident", sa.MetaData(), autoload_with=engine)
        with engine.begin() as connection:
            counted = sa.select(sa.func.count()).select_from(table)
            while (have := connection.scalar(counted) or 0) < rows:
                # The last digits of a copy's id tell which copy it is.
                row = sa.func.row_number().over(order_by=table.c.id) + have
                columns: dict[str, Any] = {column.name: column for column in table.columns}
                tail = sa.func.substr(sa.cast(row + 10**9, sa.String), 2)
                columns["id"] = sa.func.substr(table.c.id, 1, 16).concat(tail)
                columns["display_id"] = sa.literal("COPY-").concat(tail)
                picked = [value.label(name) for name, value in columns.items()]
                source = sa.select(*picked).limit(rows - have)
                connection.execute(table.insert().from_select(list(columns), source))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE" if self.settings.is_sqlite else "VACUUM ANALYZE"))
        engine.dispose()


@contextmanager
def mainstay(server: Postgres | None) -> Iterator[Mainstay]:
    """A fresh installation, on PostgreSQL where a server is given, else on SQLite. It is not started yet."""
    folder = CACHE / f"mainstay-{'postgresql' if server else 'sqlite'}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = server.fresh(DATABASE) if server else ""
    settings = Settings(
        data_dir=folder, database_url=url, http_port=free_port(), log_level="error",
        syslog_port=0, syslog_tls_port=0, trap_port=0,
    )  # fmt: skip
    database.migrate(settings)
    made = Mainstay(settings, asyncio.run(_prepare(settings)))
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _prepare(settings: Settings) -> str:
    """One organization with its default roles, an account and its key; returns the key."""
    platform = Platform(settings, build_registry())
    try:
        async with platform.work("*") as ctx:
            organization = await bootstrap.make_organization(ctx, "bench", "Bench")
        async with platform.work(organization.id) as ctx:
            roles = await make_defaults(ctx)
            role: Role = roles[ROLE]
            account = await bootstrap.make_user(
                ctx, username="agent", email="agent@example.com", full_name="Ann Agent", role_ids=[role.id]
            )
            # The peer writes to nobody when an object is created, so neither do we.
            await options.put(ctx, {"incident.acknowledge": False})
            return await bootstrap.make_key(ctx, "bench", role, account)
    finally:
        await platform.close()
