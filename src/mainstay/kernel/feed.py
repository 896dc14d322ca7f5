"""Consumers of the change feed: each handles every change at least once, in order, and survives kill -9.

A consumer's position moves in the same transaction as what it stores, so its effects on the database happen exactly
once; effects outside (a webhook) may repeat after a crash. The changes are read once for all consumers of a process,
and a consumer is handed those of the resources that it declares; see decision 12.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy import BigInteger, String, Text, bindparam, case, cast, select, text, tuple_, type_coerce, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import direct, listed
from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context, system
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.direct import Statement
from mainstay.kernel.record import Base
from mainstay.kernel.services import cancelled
from mainstay.kernel.statements import plain

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.feed")
BATCH = 1000
KEPT = 10 * BATCH
"""Changes kept for who is behind: during an import those that have nothing to do are soon thousands ahead."""
INTERVAL = 0.5
"""Seconds between looks; a change made by another process waits no longer than this."""
NOTED = 10.0
"""Seconds after which a consumer that only passed changes over writes down how far it is."""
Place = tuple[int, int]
"""A change's transaction and number: where it stands in the feed."""


class FeedPosition(Base):
    """How far a consumer has come."""

    __tablename__ = "feed_position"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    transaction: Mapped[int] = mapped_column(BigInteger, default=0)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)


class Entry:
    """A change as consumers get it. It is the same object for all of them: read it, do not change it."""

    __slots__ = ("_changes", "_raw", "action", "actor", "actor_name", "at", "organization", "place", "record_id",
                 "resource", "seq", "version")  # fmt: skip

    def __init__(self, row: Sequence[Any]) -> None:
        transaction, self.seq, self.organization, self.resource, self.record_id, self.action = row[:6]
        self.actor, self.actor_name, self.at, self.version, self._raw = row[6:]
        self.place: Place = (transaction, self.seq)
        self._changes: list[dict[str, Any]] | None = None

    @property
    def changes(self) -> list[dict[str, Any]]:
        """The fields that changed, for consumers that name the resource; decoded when first asked for."""
        if self._changes is None:
            if self._raw is None:
                raise LookupError(f"No consumer names {self.resource}: what changed was not read.")
            self._changes = msgspec.json.decode(self._raw)
        return self._changes


Handler = Callable[[Context, Sequence[Entry]], Awaitable[None]]
Wanted = Callable[["Platform", str], bool]


@dataclass(frozen=True, slots=True)
class Consumer:
    """What follows the feed."""

    name: str
    handler: Handler
    wanted: Wanted
    """Whether it handles changes of this resource."""
    told: Collection[str] = ()
    """Resources of which it is also told what changed."""


_consumers: dict[str, Consumer] = {}


def names() -> list[str]:
    """Who follows the feed."""
    return list(_consumers)


def consumer(name: str, resources: Collection[str] | Wanted) -> Callable[[Handler], Handler]:
    """Register ``async def handler(ctx, changes)``: changes of one organization, in order, in one transaction.

    ``resources``: those whose changes it handles, or what tells whether it handles a resource's; then the changes come
    without the fields that changed. Others pass it by.
    """
    wanted: Wanted = resources if callable(resources) else lambda _platform, resource: resource in resources
    told = () if callable(resources) else resources

    def add(handler: Handler) -> Handler:
        _consumers[name] = Consumer(name, handler, wanted, told)
        return handler

    return add


def _next(sqlite: bool) -> Statement:
    # As text: PostgreSQL's driver would decode each document here. Most are of no interest to anybody.
    written: Any = type_coerce(Change.changes, String) if sqlite else cast(Change.changes, Text)
    document = case((listed.among(sqlite, Change.resource, listed.bound(sqlite, "told")), written))
    columns = (Change.transaction, Change.seq, Change.organization, Change.resource, Change.record_id, Change.action,
               Change.actor, Change.actor_name, Change.at, Change.version, document)  # fmt: skip
    if sqlite:
        # All are of transaction 0, so the number alone is the place. Of the pair SQLite looks at the first alone, and
        # reads every change there ever was.
        query = select(*columns).where(Change.seq > bindparam("seq", type_=BigInteger)).order_by(Change.seq)
    else:
        beyond = tuple_(Change.transaction, Change.seq) > tuple_(
            bindparam("transaction", type_=BigInteger), bindparam("seq", type_=BigInteger)
        )
        # A transaction still under way may yet add changes before these; wait for it.
        ended = Change.transaction < text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        query = select(*columns).where(beyond, ended).order_by(Change.transaction, Change.seq)
    return Statement(plain(query.limit(BATCH)))


_NEXT = {sqlite: _next(sqlite) for sqlite in (True, False)}
_POSITION: Any = FeedPosition.__table__
_MOVE = Statement(
    plain(
        update(_POSITION)
        .where(
            _POSITION.c.name == bindparam("of"),
            _POSITION.c.transaction == bindparam("seen_transaction"),
            _POSITION.c.seq == bindparam("seen_seq"),
        )
        .values(transaction=bindparam("to_transaction"), seq=bindparam("to_seq"))
        .returning(_POSITION.c.name)
    )
)


class Tail:
    """The newest changes, kept for the consumers of this process.

    What was read stays as it is: nothing can appear before it any more.
    """

    def __init__(self, platform: Platform, fresh: float = INTERVAL / 2) -> None:
        """``fresh``: for so many seconds after a look that found nothing more, the answer is that there is nothing."""
        self._database = platform.database
        self._fresh = fresh
        self.told: set[str] = set()
        """Resources of which somebody wants to know what changed."""
        self._entries: list[Entry] = []
        self.places: list[Place] = []
        self._start: Place | None = None
        self._looked = float("-inf")
        self._lock = asyncio.Lock()

    async def after(self, place: Place) -> list[Entry]:
        """The next changes after a place, ``BATCH`` at most."""
        async with self._lock:
            if self._start is not None and self._start <= place and self.places and place < self.places[-1]:
                first = bisect_right(self.places, place)
                return self._entries[first : first + BATCH]
            end = self.places[-1] if self.places else self._start
            if place == end and monotonic() < self._looked + self._fresh:
                return []
            found = await self._read(place)
            if place != end:
                self._start, self._entries, self.places = place, [], []
            self._keep(found)
            self._looked = monotonic() if len(found) < BATCH else float("-inf")
            return found

    async def _read(self, place: Place) -> list[Entry]:
        statement = _NEXT[self._database.is_sqlite].on(self._database)
        told = listed.value(self._database.is_sqlite, sorted(self.told))
        values = statement.values({"transaction": place[0], "seq": place[1], "told": told})
        return [Entry(row) for row in statement.read(await self._database.reader.fetch(statement.sql, values))]

    def _keep(self, found: list[Entry]) -> None:
        self._entries += found
        self.places += [entry.place for entry in found]
        surplus = len(self._entries) - KEPT
        if surplus >= BATCH:
            self._start = self.places[surplus - 1]
            del self._entries[:surplus], self.places[:surplus]


class Reader:
    """One consumer in this process and how far it is.

    ``_stored`` is the position in the table as last seen. Between it and ``place`` nothing concerns the consumer.
    """

    def __init__(self, platform: Platform, tail: Tail, consumer: Consumer) -> None:
        self._platform, self._tail, self._consumer = platform, tail, consumer
        tail.told.update(consumer.told)
        self._stored: Place | None = None
        self.place: Place = (0, 0)
        self._noted = monotonic()
        self._wants: dict[str, bool] = {}

    async def step(self) -> int:
        """Handle the next changes, or pass them over; how many there were."""
        if self._stored is None:
            await self.begin()
        found = await self._tail.after(self.place)
        concerned = {resource for resource in {entry.resource for entry in found} if self._concerns(resource)}
        wanted = [entry for entry in found if entry.resource in concerned] if concerned else []
        if wanted:
            await self._handle(wanted, found[-1].place)
        elif found:
            self.place = found[-1].place
        if self.place != self._stored and monotonic() > self._noted + NOTED:
            await self.note()
        return len(found)

    async def begin(self) -> None:
        """Go on from the position in the table."""
        self._stored = self.place = await self._position()

    def forget(self) -> None:
        """After an error: what the table says counts."""
        self._stored = None

    async def note(self) -> None:
        """Write down how far it came without anything to do."""
        seen, place = self._stored, self.place
        self._noted = monotonic()
        if seen is None or seen == place:
            return
        async with self._platform.work(ANY_ORGANIZATION) as ctx:
            moved = await self._move(ctx, seen, place)
        # Where it did not move, another process of the same work is further, or it is not stored yet.
        self._stored = place if moved else None

    async def _move(self, ctx: Context, seen: Place, place: Place) -> bool:
        """Write down how far it is where the table still says ``seen``; who else tries waits for this transaction."""
        database = self._platform.database
        given = {
            "of": self._consumer.name, "seen_transaction": seen[0], "seen_seq": seen[1], "to_transaction": place[0],
            "to_seq": place[1],
        }  # fmt: skip
        return bool(await direct.run(database, ctx.session, _MOVE.on(database), given))

    def _concerns(self, resource: str) -> bool:
        known = self._wants.get(resource)
        if known is None:
            known = self._wants[resource] = self._consumer.wanted(self._platform, resource)
        return known

    async def _position(self) -> Place:
        """The stored position; a new consumer begins with the oldest change."""
        name, sqlite = self._consumer.name, self._platform.database.is_sqlite
        query = select(FeedPosition.transaction, FeedPosition.seq).where(FeedPosition.name == name)
        async with self._platform.work(ANY_ORGANIZATION, write=False) as ctx:
            row = (await ctx.session.execute(query)).first()
        if row is None:
            async with self._platform.work(ANY_ORGANIZATION) as ctx:
                # Two processes may begin a new consumer at once: one row.
                first = (sqlite_insert if sqlite else postgresql_insert)(FeedPosition)
                await ctx.session.execute(first.values(name=name, transaction=0, seq=0).on_conflict_do_nothing())
                row = (await ctx.session.execute(query)).one()
        return (row.transaction, row.seq)

    async def _handle(self, wanted: list[Entry], last: Place) -> None:
        """Hand over changes and move the position behind ``last``, in one transaction."""
        async with self._platform.work(ANY_ORGANIZATION) as ctx:
            if self._stored is None or not await self._move(ctx, self._stored, last):
                # Another process did this work, or the position was set anew: read on from there.
                self._stored = None
                return
            for organization, group in groupby(
                sorted(wanted, key=lambda entry: entry.organization), lambda entry: entry.organization
            ):
                ctx.session.sync_session.info["organization"] = organization
                ctx.principal = system(organization)
                ctx.cache.clear()
                await self._consumer.handler(ctx, list(group))
                await ctx.session.flush()
        self._stored = self.place = last
        self._noted = monotonic()


class Follower:
    """Runs every consumer in this process."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        tail = Tail(self._platform)
        readers = [Reader(self._platform, tail, each) for each in _consumers.values()]
        self._tasks = [
            asyncio.create_task(_run(reader, name), name=f"feed-{name}")
            for name, reader in zip(_consumers, readers, strict=True)
        ]

    async def stop(self) -> None:
        """Stop between batches; a batch that is cut off is rolled back and comes again."""
        await cancelled(*self._tasks)


async def _run(reader: Reader, name: str) -> None:
    failures = 0
    while True:
        found = 0
        try:
            found = await reader.step()
            failures = 0
        except SQLAlchemyError as error:
            log.warning("consumer waits", consumer=name, error=str(error)[:300])
            failures += 1
        except Exception:
            # A mistake in one consumer must not silence it until the next start.
            log.exception("consumer failed", consumer=name)
            failures += 1
        if failures:
            reader.forget()
            await asyncio.sleep(min(INTERVAL * 2**failures, 30))
        elif found < BATCH:
            # All wake at the same times, so that one look serves them all. Also after it found some: where changes come
            # all the time, a transaction for every few of them would cost as much as the changes themselves.
            await asyncio.sleep(INTERVAL - asyncio.get_running_loop().time() % INTERVAL)


async def drain(platform: Platform) -> None:
    """Let every consumer catch up; for tests and commands."""
    tail = Tail(platform, fresh=0)
    for reader in [Reader(platform, tail, each) for each in _consumers.values()]:
        while await reader.step():
            pass
        await reader.note()
