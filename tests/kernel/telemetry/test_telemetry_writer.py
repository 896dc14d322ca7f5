"""The writer's batching, bounds and retries, against an insert that the test controls."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pyarrow as pa
import pytest
from structlog.testing import capture_logs

from mainstay.kernel.telemetry import Writer

COLUMNS = {"number": pa.int32(), "name": pa.string()}


class Engine:
    """Takes batches; fails the first ``failures`` of them, and holds all while ``gate`` is closed."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.gate = asyncio.Event()
        self.gate.set()
        self.batches: list[list[int]] = []
        self.tokens: list[str] = []

    async def insert(self, batch: Any, token: str) -> None:
        await self.gate.wait()
        self.tokens.append(token)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the server went away")
        self.batches.append(batch.column("number").to_pylist())

    @property
    def numbers(self) -> list[int]:
        return [number for batch in self.batches for number in batch]


def writer_of(engine: Engine, **limits: Any) -> Writer:
    return Writer("lines", COLUMNS, engine.insert, **limits)


async def test_a_full_batch_goes_out_at_once_and_a_small_one_after_its_time() -> None:
    engine = Engine()
    writer = writer_of(engine, batch_rows=10, batch_seconds=0.2)
    for number in range(25):
        writer.write((number, "x"))
    await asyncio.sleep(0.05)
    assert [len(batch) for batch in engine.batches] == [10, 10]
    await asyncio.sleep(0.4)
    assert [len(batch) for batch in engine.batches] == [10, 10, 5]
    assert writer.written == 25
    await writer.close()


async def test_rows_are_taken_together_as_far_as_there_is_room() -> None:
    engine = Engine()
    engine.gate.clear()
    writer = writer_of(engine, batch_rows=6000, batch_seconds=30, capacity=10_000)
    # More than one batch, and enough for a thread to convert.
    assert writer.write_many([(number, "x") for number in range(7000)]) == 7000
    assert writer.write_many([(number, "x") for number in range(7000, 12_000)]) == 3000
    assert writer.write_many([]) == 0
    engine.gate.set()
    await asyncio.wait_for(writer.drain(), 15)  # the second batch is not full, and is not waited for
    assert engine.numbers == list(range(10_000))
    assert (writer.written, writer.dropped, len(engine.batches[0])) == (10_000, 2000, 6000)
    await writer.close()
    assert writer.write_many([(1, "x")]) == 0


async def test_drain_does_not_wait_for_the_batch_to_fill() -> None:
    engine = Engine()
    writer = writer_of(engine, batch_seconds=30)
    writer.write((1, "x"))
    await asyncio.wait_for(writer.drain(), 1)
    assert engine.numbers == [1]
    writer.write((2, "x"))
    await asyncio.wait_for(writer.close(), 1)
    assert engine.numbers == [1, 2]


async def test_beyond_capacity_write_drops_counts_and_says_so_once() -> None:
    engine = Engine()
    engine.gate.clear()
    writer = writer_of(engine, batch_rows=5, capacity=20)
    with capture_logs() as logs:
        taken = [writer.write((number, "x")) for number in range(50)]
    assert taken == [True] * 20 + [False] * 30
    assert writer.dropped == 30
    assert [entry["dropped"] for entry in logs if "dropped" in entry["event"]] == [1]
    engine.gate.set()
    await writer.drain()
    assert engine.numbers == list(range(20))
    await writer.close()


async def test_put_waits_for_room_and_loses_nothing() -> None:
    engine = Engine()
    writer = writer_of(engine, batch_rows=10, capacity=30, batch_seconds=0.01)

    async def produce(start: int) -> None:
        for number in range(start, start + 500):
            await writer.put((number, "x"))

    await asyncio.gather(*(produce(start) for start in (0, 500, 1000)))
    await writer.close()
    assert sorted(engine.numbers) == list(range(1500))
    assert writer.dropped == 0
    with pytest.raises(RuntimeError, match="closed"):
        await writer.put((1, "x"))
    assert writer.write((1, "x")) is False


async def test_a_failed_insert_is_kept_and_repeated_with_its_token() -> None:
    engine = Engine(failures=3)
    writer = writer_of(engine, batch_seconds=0.01, retry_seconds=0.01)
    with capture_logs() as logs:
        writer.write((7, "x"))
        await asyncio.wait_for(writer.drain(), 5)
    assert engine.numbers == [7]
    assert len(engine.tokens) == 4
    assert len(set(engine.tokens)) == 1
    assert [entry["seconds"] for entry in logs] == [0.01, 0.02, 0.04]
    await writer.close()


async def test_close_gives_up_after_its_time_and_counts_what_is_lost() -> None:
    engine = Engine(failures=10_000)
    writer = writer_of(engine, close_seconds=0.2, retry_seconds=0.01)
    writer.write((1, "x"))
    writer.write((2, "x"))
    with capture_logs() as logs:
        await asyncio.wait_for(writer.close(), 2)
    assert writer.dropped == 2
    assert logs[-1]["event"] == "telemetry rows lost at close"


async def test_a_row_that_does_not_fit_is_dropped_and_the_others_are_stored() -> None:
    engine = Engine()
    writer = writer_of(engine)
    for row in [(1, "x"), ("one", "x"), (2**40, "x"), (2,), (3, "y")]:
        writer.write(row)
    await writer.drain()
    assert engine.numbers == [1, 3]
    assert (writer.dropped, writer.written) == (3, 2)
    await writer.close()


async def test_threads_may_write() -> None:
    engine = Engine()
    writer = writer_of(engine, batch_rows=100)

    def produce(start: int) -> None:
        for number in range(start, start + 1000):
            writer.write((number, "x"))

    threads = [threading.Thread(target=produce, args=(start,)) for start in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    await asyncio.to_thread(lambda: [thread.join() for thread in threads])
    await writer.close()
    assert sorted(engine.numbers) == list(range(3000))
