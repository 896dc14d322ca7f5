"""What every command needs: settings, a reachable database, an open installation, errors in plain words."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.engine import make_url

from mainstay.kernel import database
from mainstay.kernel.access.tables import Organization
from mainstay.kernel.backup.folder import check_folder
from mainstay.kernel.backup.sqlite import database_path
from mainstay.kernel.context import Context
from mainstay.kernel.logging import configure
from mainstay.kernel.platform import Platform
from mainstay.kernel.registry import Registry
from mainstay.settings import Settings

T = TypeVar("T")
NOT_SET_UP = "This installation is not set up yet. Run `mainstay init`, or `mainstay demo` to try it."
out = Console(highlight=False, soft_wrap=True)


class Refused(Exception):
    """A command that cannot be done; the text is one sentence and the way out."""


def load_settings(**overrides: Any) -> Settings:
    """The settings, with logging set up and the data folder usable."""
    settings = Settings.load(**{name: value for name, value in overrides.items() if value is not None})
    configure(settings)
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(settings.data_dir, os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise Refused(
            f"The data folder {settings.data_dir.absolute()} cannot be written to. Give this user the right "
            "to, or choose another folder with MAINSTAY_DATA_DIR."
        )
    return settings


def prepare(settings: Settings, *, new: bool = False) -> Settings:
    """Check that the database answers and bring it to this version. Raises ``Refused``.

    ``new``: it may be made now.
    """
    check_folder(settings)
    if not new and settings.is_sqlite and not database_path(settings).exists():
        raise Refused(NOT_SET_UP)
    check_database(settings)
    database.migrate(settings)
    return settings


def check_database(settings: Settings) -> None:
    """Raises ``Refused`` when the database does not answer."""
    url = make_url(settings.sync_database_url)
    shown = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
    options: dict[str, Any] = {"connect_args": {"connect_timeout": 10}} if not settings.is_sqlite else {}
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, **options)
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master" if settings.is_sqlite else "SELECT 1")
    except (sa.exc.SQLAlchemyError, UnicodeError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        where = "MAINSTAY_DATABASE_URL" if settings.database_url else "MAINSTAY_DATA_DIR"
        raise Refused(f"The database {shown} cannot be used: {reason.rstrip('.')}. Check it, and {where}.") from error


def load_features() -> Registry:
    """Everything that is served, and the tables that it keeps."""
    from mainstay.app import build_registry

    return build_registry()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine."""
    return asyncio.run(work)


@asynccontextmanager
async def installation(settings: Settings, *, features: bool = True) -> AsyncIterator[Platform]:
    """The installation's database and registry, beside a server that may run; no jobs, no telemetry.

    Whoever writes needs the ``features``: they say what a write brings with it. To load them takes seconds.
    """
    platform = Platform(settings, load_features() if features else Registry())
    try:
        yield platform
    finally:
        await platform.database.close()


async def organization_of(ctx: Context, slug: str | None) -> Organization:
    """The organization of this short name, else the default one. Raises ``Refused``."""
    found = list((await ctx.session.execute(select(Organization).order_by(Organization.creation_time))).scalars())
    if not found:
        raise Refused(NOT_SET_UP)
    if slug is None:
        return next((item for item in found if item.is_default), found[0])
    for item in found:
        if item.slug == slug.strip().lower():
            return item
    names = ", ".join(item.slug for item in found[:10])
    raise Refused(f"There is no organization {slug!r}. There is: {names}.")


def table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print rows under titles; an empty list says so."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        shown.add_column(title, overflow="fold")
    count = 0
    for row in rows:
        shown.add_row(*("" if value is None else str(value) for value in row))
        count += 1
    out.print(shown if count else "There are none.")


def read_secret(path: Path) -> str:
    """The first line of a file that holds a password. Raises ``Refused`` when there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error
    if not lines or not lines[0]:
        raise Refused(f"{path} is empty. Put the password in its first line.")
    return lines[0]
