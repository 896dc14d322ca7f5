"""The change feed: read once for all, handed to those it concerns, handled once whatever happens."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select, update

from mainstay.kernel import changes, feed
from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.numbering import Sequence as Numbers
from mainstay.kernel.platform import Platform
from tests.support import World

NAME = "test.follower"
_rows = itertools.count()


class Listener:
    """A consumer that keeps a row for each change it handles, as real ones do."""

    def __init__(self, world: World, *resources: str) -> None:
        self.world, self.resources = world, resources
        self.heard: list[tuple[str, str, object]] = []
        self.fail = False

    async def handle(self, ctx: Context, batch: Sequence[feed.Entry]) -> None:
        for entry in batch:
            if entry.organization == self.world.organization:
                self.heard.append((entry.resource, entry.record_id, entry.changes[0]["new"]))
                name = f"heard {next(_rows)}"
                ctx.session.add(Numbers(organization=ctx.organization, name=name, next_number=entry.seq))
        await ctx.session.flush()
        if self.fail:
            raise ValueError("no")

    def reader(self, tail: feed.Tail | None = None) -> feed.Reader:
        """As one process has it."""
        known = feed.Consumer(NAME, self.handle, lambda _platform, resource: resource in self.resources, self.resources)
        return feed.Reader(self.world.platform, tail or feed.Tail(self.world.platform, fresh=0), known)

    async def kept(self) -> int:
        async with self.world.platform.work(self.world.organization, write=False) as ctx:
            return int(await ctx.session.scalar(
                select(func.count()).select_from(Numbers).where(Numbers.name.like("heard %"))
            ) or 0)  # fmt: skip


async def write(world: World, resource: str, *ids: str) -> None:
    async with world.platform.work(world.organization) as ctx:
        await changes.record(ctx, resource, "update", [(each, 1, [changes.entry("name", None, each)]) for each in ids])


async def newest(platform: Platform) -> feed.Place:
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = select(Change.transaction, Change.seq).order_by(Change.transaction.desc(), Change.seq.desc()).limit(1)
        found = (await ctx.session.execute(query)).one()
        return (found[0], found[1])


async def stored(platform: Platform) -> feed.Place:
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        held = await ctx.session.get_one(feed.FeedPosition, NAME)
        return (held.transaction, held.seq)


async def place(platform: Platform, where: feed.Place) -> None:
    async with platform.work(ANY_ORGANIZATION) as ctx:
        held = await ctx.session.get(feed.FeedPosition, NAME)
        if held is None:
            ctx.session.add(feed.FeedPosition(name=NAME, transaction=where[0], seq=where[1]))
        else:
            held.transaction, held.seq = where


async def step(reader: feed.Reader) -> None:
    """Until it finds nothing more."""
    while await reader.step():
        pass


async def seen(platform: Platform, here: feed.Place) -> None:
    """Until what was written shows."""
    tail = feed.Tail(platform, fresh=0)
    while not await tail.after(here):
        pass


async def through(reader: feed.Reader, platform: Platform) -> None:
    """Until it is behind all that is there now; on PostgreSQL an unrelated transaction may hold it up."""
    goal = await newest(platform)
    while reader.place < goal:
        await step(reader)


@pytest.fixture
async def here(world: World) -> feed.Place:
    """The consumer stands behind all that is there."""
    found = await newest(world.platform)
    await place(world.platform, found)
    return found


async def test_a_consumer_hears_what_it_declares_in_order(world: World, here: feed.Place) -> None:
    listener = Listener(world, "plum", "pear")
    await write(world, "plum", "a", "b")
    await write(world, "stone", "c")
    await write(world, "pear", "d")
    await through(listener.reader(), world.platform)
    assert listener.heard == [("plum", "a", "a"), ("plum", "b", "b"), ("pear", "d", "d")]
    assert await stored(world.platform) == await newest(world.platform) != here
    assert await listener.kept() == 3


async def test_what_does_not_concern_it_costs_no_transaction_and_is_not_read_again(
    world: World, here: feed.Place
) -> None:
    listener = Listener(world, "plum")
    reader = listener.reader()
    await write(world, "stone", "a", "b")
    await through(reader, world.platform)
    assert await stored(world.platform) == here, "passing over alone writes nothing"
    await reader.note()
    assert await stored(world.platform) == await newest(world.platform)
    await write(world, "plum", "c")
    await through(reader, world.platform)
    assert listener.heard == [("plum", "c", "c")]


async def test_what_changed_is_read_for_who_names_the_resource(world: World, here: feed.Place) -> None:
    tail = feed.Tail(world.platform, fresh=0)
    found: list[feed.Entry] = []

    async def handle(ctx: Context, batch: Sequence[feed.Entry]) -> None:
        found.extend(batch)

    any_at_all = feed.Reader(world.platform, tail, feed.Consumer(NAME, handle, lambda _platform, _resource: True))
    Listener(world, "plum").reader(tail)
    await write(world, "plum", "a")
    await write(world, "stone", "b")
    await through(any_at_all, world.platform)
    plum, stone = (entry for entry in found if entry.organization == world.organization)
    assert plum.changes[0]["new"] == "a"
    with pytest.raises(LookupError):
        _ = stone.changes


async def test_one_look_serves_all_consumers(world: World, here: feed.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    tail = feed.Tail(world.platform, fresh=600)
    looks: list[feed.Place] = []
    read = tail._read

    async def counted(after: feed.Place) -> list[feed.Entry]:
        looks.append(after)
        return await read(after)

    monkeypatch.setattr(tail, "_read", counted)
    plum, stone = Listener(world, "plum"), Listener(world, "stone")
    readers = [plum.reader(tail), stone.reader(tail)]
    await write(world, "plum", "a")
    await seen(world.platform, here)
    for reader in readers:
        await reader.begin()
    await step(readers[1])
    await step(readers[0])
    assert looks == [here]
    assert (plum.heard, stone.heard) == ([("plum", "a", "a")], [])


async def test_two_processes_handle_each_change_once(world: World, here: feed.Place) -> None:
    one, two = Listener(world, "plum"), Listener(world, "plum")
    first, second = one.reader(), two.reader()
    await write(world, "stone", "before")
    await through(first, world.platform)
    await through(second, world.platform)
    await write(world, "plum", "a")
    await through(first, world.platform)
    await write(world, "plum", "b")
    # It still holds the position of before: it must find out, and handle only what is left.
    await through(second, world.platform)
    await through(first, world.platform)
    assert (one.heard, two.heard) == ([("plum", "a", "a")], [("plum", "b", "b")])


async def test_a_failed_batch_leaves_nothing_and_comes_again(world: World, here: feed.Place) -> None:
    listener = Listener(world, "plum")
    reader = listener.reader()
    await write(world, "plum", "a")
    await seen(world.platform, here)
    listener.fail = True
    with pytest.raises(ValueError, match="no"):
        await reader.step()
    assert await stored(world.platform) == here
    assert await listener.kept() == 0
    listener.fail = False
    reader.forget()
    await through(reader, world.platform)
    assert listener.heard == [("plum", "a", "a")] * 2
    assert await listener.kept() == 1


async def test_a_position_that_was_set_back_counts(world: World, here: feed.Place) -> None:
    listener = Listener(world, "plum")
    reader = listener.reader()
    await write(world, "plum", "a")
    await through(reader, world.platform)
    await place(world.platform, here)
    await write(world, "plum", "b")
    await through(reader, world.platform)
    assert [heard[1] for heard in listener.heard] == ["a", "a", "b"]


async def test_a_consumer_that_is_new_begins_with_the_oldest(world: World) -> None:
    async with world.platform.work(ANY_ORGANIZATION) as ctx:
        await ctx.session.execute(
            update(feed.FeedPosition).where(feed.FeedPosition.name == NAME).values(name=f"{NAME} before")
        )
    await write(world, "plum", "a")
    listener = Listener(world, "plum")
    await through(listener.reader(), world.platform)
    assert listener.heard == [("plum", "a", "a")]


async def test_more_than_a_batch_comes_whole(world: World, here: feed.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BATCH", 3)
    monkeypatch.setattr(feed, "_NEXT", {sqlite: feed._next(sqlite) for sqlite in (True, False)})
    tail = feed.Tail(world.platform, fresh=0)
    listener, late = Listener(world, "plum"), Listener(world, "plum")
    slow = late.reader(tail)
    ids = [f"{number:02}" for number in range(20)]
    for each in ids:
        await write(world, "plum" if int(each) % 5 else "stone", each)
    await through(listener.reader(tail), world.platform)
    assert [heard[1] for heard in listener.heard] == [each for each in ids if int(each) % 5]
    await place(world.platform, here)
    # What it needs has left the tail.
    await through(slow, world.platform)
    assert late.heard == listener.heard


async def test_a_transaction_under_way_is_waited_for(world: World, here: feed.Place) -> None:
    if world.platform.database.is_sqlite:
        pytest.skip("SQLite has one writer")
    listener = Listener(world, "plum")
    reader = listener.reader()
    async with world.platform.work(world.organization) as ctx:
        await changes.record(ctx, "plum", "update", [("early", 1, [changes.entry("name", None, "early")])])
        await write(world, "plum", "late")
        await step(reader)
        assert listener.heard == []
    await through(reader, world.platform)
    assert [heard[1] for heard in listener.heard] == ["early", "late"]


async def test_a_look_reads_nothing_of_what_was_before(world: World, here: feed.Place) -> None:
    database = world.platform.database
    if not database.is_sqlite:
        pytest.skip("PostgreSQL enters the index at a pair of values")
    statement = feed._NEXT[True].on(database)
    values = statement.values({"seq": here[1], "told": "[]"})
    plan = await database.reader.fetch(f"EXPLAIN QUERY PLAN {statement.sql}", values)
    # Beside the trail only the list of resources that is bound is read.
    looks = [row[3] for row in plan if not row[3].startswith(("SCAN told_each", "LIST SUBQUERY", "USING", "CREATE"))]
    assert looks == ["SEARCH change USING INTEGER PRIMARY KEY (rowid>?)"]
