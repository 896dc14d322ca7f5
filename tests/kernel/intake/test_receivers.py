"""The receivers on real sockets: batches, framing, back-pressure, the storm limit."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.kernel.intake import mmsg
from mainstay.kernel.intake.batch import Batch, one_source
from mainstay.kernel.intake.framing import Framing
from mainstay.kernel.intake.inbox import Inbox
from mainstay.kernel.intake.stats import ListenerStats
from mainstay.kernel.intake.storm import StormLimit
from mainstay.kernel.intake.tcp import TcpReceiver
from mainstay.kernel.intake.udp import UdpReceiver


def until(done: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


@pytest.mark.parametrize("plain", [False, True], ids=["recvmmsg", "recvfrom"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::"])
def test_datagrams_come_whole_and_in_order_with_their_senders(
    monkeypatch: pytest.MonkeyPatch, plain: bool, host: str
) -> None:
    monkeypatch.setattr(mmsg, "AVAILABLE", mmsg.AVAILABLE and not plain)
    got: list[tuple[bytes, tuple[str, int], int]] = []
    receiver = UdpReceiver("test", host, 0, lambda batch: got.extend(batch.rows()))
    receiver.start()
    before = time.time_ns() // 1000
    senders = []
    for at in (1, 2, 3):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((f"127.0.0.{at}", 0))
        senders.append(sock)
    sent = [(b"", 0), (b"x" * 60_000, 1), (b"\x00\xff" * 100, 2)]
    sent += [(b"message %d" % number, number % 3) for number in range(3000)]
    for message, at in sent:
        senders[at].sendto(message, ("127.0.0.1", receiver.port))
    until(lambda: receiver.stats.received == len(sent))
    receiver.send(b"answer", senders[0].getsockname())
    senders[0].settimeout(5)
    assert senders[0].recv(100) == b"answer"
    receiver.stop()
    assert [message for message, _sender, _at in got] == [message for message, _at in sent]
    assert [sender for _message, sender, _at in got] == [senders[at].getsockname() for _message, at in sent]
    assert all(before <= at <= time.time_ns() // 1000 for _message, _sender, at in got)
    assert receiver.stats.look().kernel_dropped == 0
    assert {name: source.received for name, source in receiver.stats.by_source().items()} == {
        "127.0.0.1": 1001, "127.0.0.2": 1001, "127.0.0.3": 1001,
    }  # fmt: skip
    for sock in senders:
        sock.close()


def test_what_the_kernel_drops_is_counted_and_the_rest_comes() -> None:
    hold = threading.Event()
    got: list[bytes] = []

    def slow(batch: Batch) -> None:
        hold.wait(20)
        got.extend(batch.messages())

    receiver = UdpReceiver("test", "127.0.0.1", 0, slow, buffer_bytes=65536)
    receiver.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(5000):
            sock.sendto(b"%d" % number, ("127.0.0.1", receiver.port))
            if number == 10:
                time.sleep(0.3)  # the first batch is taken, and holds the receiver up
        until(lambda: receiver.stats.look().kernel_dropped > 0)
        hold.set()
        until(lambda: receiver.stats.received + receiver.stats.look().kernel_dropped == 5000)
    receiver.stop()
    assert len(got) == receiver.stats.received < 5000


def test_an_error_in_the_handler_does_not_end_the_receiver() -> None:
    got: list[bytes] = []

    def bad(batch: Batch) -> None:
        if b"bad" in batch.messages():
            raise ValueError("no")
        got.extend(batch.messages())

    receiver = UdpReceiver("test", "127.0.0.1", 0, bad, batch_seconds=0.01)
    receiver.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"bad", ("127.0.0.1", receiver.port))
        until(lambda: receiver.stats.failed == 1)
        sock.sendto(b"good", ("127.0.0.1", receiver.port))
        until(lambda: got == [b"good"])
    receiver.stop()


def test_where_datagrams_come_all_the_time_batches_are_fewer() -> None:
    got: list[list[bytes]] = []
    receiver = UdpReceiver("test", "127.0.0.1", 0, lambda batch: got.append(batch.messages()), batch_rows=10,
                           batch_seconds=0, busy_seconds=60)  # fmt: skip
    receiver.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"first", ("127.0.0.1", receiver.port))
        until(lambda: got == [[b"first"]])
        for number in range(13):
            sock.sendto(b"%d" % number, ("127.0.0.1", receiver.port))
            if number == 11:
                until(lambda: len(got) == 2)
    receiver.stop()
    # Nothing waited for the minute: a batch was full, and the end brought the rest.
    assert sum(len(batch) for batch in got) == 14
    assert len(got) == 3
    assert len(got[1]) >= 10


def batch_of(counts: dict[str, int]) -> Batch:
    """So many messages from each address, one after the other in turn."""
    parts = [one_source([b"%d" % n for n in range(count)], address) for address, count in counts.items()]
    return Batch(
        data=b"".join(part.data for part in parts),
        ends=np.cumsum(np.concatenate([part.lengths for part in parts])),
        source=np.repeat(np.arange(len(parts), dtype=np.uint32), [len(part) for part in parts]),
        ports=np.concatenate([part.ports for part in parts]),
        received=np.concatenate([part.received for part in parts]),
        addresses=list(counts),
    )


def test_a_storm_is_limited_and_told_and_leaves_the_others_whole() -> None:
    now = [1000.0]
    limit = StormLimit(100, burst=200, clock=lambda: now[0])
    stats = ListenerStats("test", "udp")
    kept = limit.apply(batch_of({"10.0.0.1": 1000, "10.0.0.2": 150}), stats)
    assert np.bincount(kept.source).tolist() == [200, 150]
    assert kept.messages()[:2] == [b"0", b"1"], "the first of a source stay"
    assert kept.messages()[200:] == [b"%d" % n for n in range(150)]
    assert stats.limited == 800
    assert stats.by_source()["10.0.0.1"].limited == 800
    now[0] += 1
    assert len(limit.apply(batch_of({"10.0.0.1": 1000}), stats)) == 100
    [storm] = limit.summaries()
    assert (storm.address, storm.dropped) == ("10.0.0.1", 1700)
    assert limit.summaries() == []


def test_a_source_may_have_a_limit_of_its_own_or_none() -> None:
    limit = StormLimit(100, burst=100, rate_of={"10.0.0.1": 0, "10.0.0.2": 10}.get, clock=lambda: 1.0)
    kept = limit.apply(batch_of({"10.0.0.1": 500, "10.0.0.2": 500, "10.0.0.3": 500}), ListenerStats("test", "udp"))
    assert np.bincount(kept.source).tolist() == [500, 10, 100]


@settings(max_examples=200, deadline=None)
@given(
    messages=st.lists(
        st.binary(min_size=1, max_size=40).filter(lambda m: b"\n" not in m and m[:1] != b"\r"), max_size=20
    ),
    cuts=st.lists(st.integers(1, 50), max_size=30),
    counted=st.booleans(),
)
def test_framing_does_not_depend_on_how_the_bytes_arrive(messages: list[bytes], cuts: list[int], counted: bool) -> None:
    messages = [b"<13>" + message for message in messages]
    stream = b"".join(b"%d %b" % (len(m), m) if counted else m + b"\n" for m in messages)
    framing, found, at = Framing(1000), [], 0
    for cut in [*cuts, len(stream) + 1]:
        found += framing.feed(stream[at : at + cut])
        at += cut
    assert found + framing.end() == messages
    assert framing.oversized == 0


@settings(max_examples=300, deadline=None)
@given(chunks=st.lists(st.binary(max_size=300), max_size=20), limit=st.integers(1, 100))
def test_hostile_streams_give_bounded_messages_and_hold_bounded_memory(chunks: list[bytes], limit: int) -> None:
    framing = Framing(limit)
    for chunk in chunks:
        assert all(len(message) <= limit for message in framing.feed(chunk) if framing.counted is False)
        assert len(framing._rest) <= limit + 12
    framing.end()


def test_a_counted_message_beyond_the_limit_is_cut_and_the_next_is_found() -> None:
    framing = Framing(10)
    assert framing.feed(b"20 <1>456789") == []
    assert framing.feed(b"0123456789") == [b"<1>4567890"]
    assert framing.feed(b"x5 <2>ok") == [b"<2>ok"]
    assert framing.oversized == 1


async def test_tcp_stops_reading_while_nobody_takes_and_loses_nothing() -> None:
    inbox: Inbox[Batch] = Inbox(500)
    receiver = TcpReceiver("test", "127.0.0.1", 0, inbox, batch_rows=100, batch_seconds=0.01)
    await receiver.start()
    lines = [b"line %d %s\n" % (number, b"x" * 1000) for number in range(20_000)]

    def send() -> None:
        with socket.create_connection(("127.0.0.1", receiver.port)) as sock:
            sock.sendall(b"".join(lines))

    sending = asyncio.create_task(asyncio.to_thread(send))
    async with asyncio.timeout(30):
        await asyncio.to_thread(until, lambda: receiver.stats.paused > 0)
        await asyncio.sleep(0.3)
        assert receiver.stats.received < 20_000, "it went on reading"
        assert inbox.held <= 500 + 20_000
        got: list[bytes] = []
        while len(got) < len(lines):
            batch = await inbox.get()
            assert batch is not None
            got += batch.messages()
        await sending
    assert got == [line[:-1] for line in lines]
    await receiver.stop()


async def test_too_many_connections_are_refused_and_counted() -> None:
    inbox: Inbox[Batch] = Inbox(500)
    receiver = TcpReceiver("test", "127.0.0.1", 0, inbox, connections=2)
    await receiver.start()
    open_ = [await asyncio.open_connection("127.0.0.1", receiver.port) for _ in range(3)]
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(open_[2][0].readexactly(1), 5)
    assert receiver.stats.refused == 1
    for _reader, writer in open_:
        writer.close()
    await receiver.stop()
