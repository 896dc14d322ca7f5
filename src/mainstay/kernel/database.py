"""The relational database: engine, sessions scoped to an organization, migrations."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import JSON, NullPool, create_engine, event, false, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from mainstay.kernel import direct, planning, readers, sqlite, statements
from mainstay.kernel.record import Record, Scoped
from mainstay.kernel.statements import ANY_ORGANIZATION as ANY_ORGANIZATION
from mainstay.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config


class UnscopedQueryError(RuntimeError):
    """A query on an organization's table in a session that names no organization: a programming error."""


class Database:
    """One engine and the sessions on it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.is_sqlite = settings.is_sqlite
        self.engine = _engine(settings)
        self.reader: readers.Reader = (readers.SqliteReader if self.is_sqlite else readers.PostgresReader)(self)
        self.watchers: list[Callable[[str], None]] = []
        """Called with the SQL of what goes straight to the driver; the tests look at every statement."""
        # SQLite has one writer; waiting in line here is fair and cheap, busy-polling in the library is neither.
        self._write_lock = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A reading session that starts without an organization and gets it with ``confine``.

        It has a transaction once something needs one; what is ``direct`` runs without.
        """
        session = AsyncSession(self.engine, expire_on_commit=False, autoflush=False)
        session.sync_session.info.update(organization=ANY_ORGANIZATION, reading=True)
        try:
            yield session
        finally:
            if session.in_transaction():
                await asyncio.shield(session.close())

    @asynccontextmanager
    async def session(self, organization: str, *, write: bool = False) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end, rolled back when the body raises."""
        if write and self.is_sqlite:
            async with self._write_lock, self._open(organization, write=True) as session:
                yield session
        else:
            async with self._open(organization, write=write) as session:
                yield session

    @asynccontextmanager
    async def _open(self, organization: str, *, write: bool) -> AsyncIterator[AsyncSession]:
        options: dict[str, bool] = {"mainstay_write": write}
        if organization == ANY_ORGANIZATION:
            options["any_organization"] = True
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            session.sync_session.info["organization"] = organization
            connection = await session.connection(execution_options=options)
            session.sync_session.info["connection"] = connection.sync_connection
            yield session
            await direct.commit(self, session)

    def watch(self, sql: str) -> None:
        """Tell the watchers of a statement that is about to run."""
        for watcher in self.watchers:
            watcher(sql)

    async def close(self) -> None:
        await self.reader.close()
        await self.engine.dispose()


def confine(session: AsyncSession, organization: str) -> None:
    """From here on the session sees this organization only."""
    session.sync_session.info["organization"] = organization


def _engine(settings: Settings) -> AsyncEngine:
    url = settings.sqlalchemy_url
    if settings.is_sqlite:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        sqlite.install()
    engine = create_async_engine(
        url,
        json_serializer=_encode,
        json_deserializer=_decode,
        pool_size=settings.database_pool,
        max_overflow=settings.database_pool,
        query_cache_size=2000,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_unfinished)
    if settings.is_sqlite:
        # One call per document instead of four.
        engine.dialect.colspecs = {**engine.dialect.colspecs, JSON: _Document}
        event.listen(engine.sync_engine, "connect", _sqlite_connect)
        event.listen(engine.sync_engine, "begin", _sqlite_begin)
    else:
        dialect: Any = engine.dialect
        dialect.setup_asyncpg_jsonb_codec = _binary_documents
    return engine


def _refuse_unfinished(connection: Any, _record: Any, _proxy: Any) -> None:
    """Never hand out a connection that is still inside a transaction.

    A task that is cancelled while its transaction begins or ends can leave one open without the pool knowing. What
    the next unit of work commits on it would be a savepoint of that transaction, and be lost with it.
    """
    driver = connection.driver_connection
    inside = sqlite.unfinished(driver) if hasattr(driver, "in_transaction") else driver.is_in_transaction()
    if inside:
        raise DisconnectionError("The connection is inside a transaction that was cut off.")


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _decode(text: Any) -> Any:
    # Most documents of most rows are empty, and a list of rows has hundreds of them.
    if text == "{}":
        return {}
    if text == "[]":
        return []
    # A part picked out of a document comes as the number that it is.
    return msgspec.json.decode(text) if isinstance(text, str) else text


async def _binary_documents(connection: Any) -> None:
    """How asyncpg hands ``jsonb`` over: in one call instead of SQLAlchemy's three."""
    await connection._connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_to_binary, decoder=_from_binary
    )


def _to_binary(text: str) -> bytes:
    return _JSONB + text.encode()


def _from_binary(raw: bytes) -> Any:
    make = _EMPTY.get(raw)
    return make() if make is not None else msgspec.json.decode(memoryview(raw)[1:])


_JSONB = b"\x01"
"""The version that stands before a binary document."""
_EMPTY: dict[bytes, Callable[[], Any]] = {_JSONB + b"{}": dict, _JSONB + b"[]": list}


class _Document(JSON):
    """A document as SQLite holds it: text."""

    cache_ok = True

    def result_processor(self, dialect: Any, coltype: object) -> Any:
        return _decode


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    # FULL: a commit is on disk before it is acknowledged, also when the machine loses power.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={sqlite.PATIENCE}",
        "cache_size=-65536",
        f"mmap_size={sqlite.MAPPED}",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("mainstay_write")
    driver = connection.connection.driver_connection
    sqlite.begin(driver, write)


@event.listens_for(Session, "do_orm_execute")
def _scope(state: ORMExecuteState) -> None:
    """The one place where rows are confined to the caller's organization and deleted rows are left out."""
    if not (state.is_select or state.is_update or state.is_delete):
        return
    options = state.execution_options
    if options.get(statements.WHOLE):
        return
    organization = state.session.info.get("organization")
    if not organization:
        if any(issubclass(mapper.class_, Scoped) for mapper in state.all_mappers):
            raise UnscopedQueryError("The session names no organization.")
        return
    criteria: list[Any] = []
    if organization != ANY_ORGANIZATION and not options.get("any_organization"):
        criteria.append(_own(state.session, organization))
    if not options.get("include_deleted"):
        criteria.append(_there())
    if criteria:
        state.statement = state.statement.options(*criteria)


def _own(session: Session, organization: str) -> Any:
    """The criterion of an organization's rows; kept with the session, since making it costs a fifth of a statement."""
    kept = session.info.get("own")
    if kept is None or kept[0] != organization:
        made = with_loader_criteria(Scoped, lambda cls: cls.organization == organization, include_aliases=True)
        kept = session.info["own"] = organization, made
    return kept[1]


@cache
def _there() -> Any:
    """The criterion of rows that are not deleted."""
    return with_loader_criteria(Record, lambda cls: cls.is_deleted == false(), include_aliases=True)


MIGRATIONS = Path(__file__).parent / "migrations"


def migration_config(settings: Settings) -> Config:
    """Alembic's configuration for this installation."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", settings.sync_database_url.replace("%", "%%"))
    return config


def migrate(settings: Settings) -> None:
    """Bring the database to this version's schema. Safe to call at every start."""
    if settings.is_sqlite:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = create_engine(settings.sync_database_url, poolclass=NullPool)
    with engine.connect() as connection:
        current = revision(connection)
    if current != revisions()[-1]:
        # Alembic and its scripts take a while to load, and most starts have nothing to bring up to date.
        from alembic import command

        command.upgrade(migration_config(settings), "head")
    if settings.is_sqlite:
        with engine.begin() as connection:
            planning.teach(connection)


def revision(connection: Connection) -> str | None:
    """The revision of the database's schema; None where it has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def revisions() -> list[str]:
    """The revisions that this version knows, oldest first: the files of migrations are numbered."""
    files = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
    return [name for path in files for name in _REVISION.findall(path.read_text("utf-8"))]


_REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)


async def check(database: Database) -> None:
    """Raise when the database does not answer."""
    async with database.engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
