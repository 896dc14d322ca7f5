"""Sending syslog fast and with sequence numbers: a process of its own, ``python -m bench.sender udp HOST PORT ...``.

Prints ``{"sent": n, "seconds": s}`` as JSON. Every line carries ``seq=<number>``, from 0, without gaps.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import random
import socket
import time

BATCH = 256
SETS = 64
SENDERS = 32
"""UDP comes from so many addresses (127.0.0.1 to 127.0.0.32), as from so many devices."""
_VERBS = ("opened", "closed", "refused", "reset", "renewed", "moved", "checked", "denied")


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class _Message(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("iov", ctypes.c_void_p),
        ("iov_count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int), ("padding", ctypes.c_int), ("sent", ctypes.c_uint), ("end", ctypes.c_uint),
    ]  # fmt: skip


def templates(run: str) -> list[list[bytes]]:
    """Lines up to their sequence number, as devices write them, in sets of ``BATCH``: one in four by RFC 3164."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    old = time.strftime("%b %e %H:%M:%S", time.gmtime())
    chance = random.Random(1)
    made = []
    for at in range(SETS * BATCH):
        host, address = (
            f"host{at % SENDERS}",
            f"10.{chance.getrandbits(4)}.{chance.getrandbits(8)}.{chance.getrandbits(8)}",
        )
        text = (
            f"session {chance.getrandbits(30):x} {_VERBS[at % len(_VERBS)]} for user{chance.getrandbits(12)} "
            f"from {address} port {chance.getrandbits(16)} run={run} seq="
        )
        pid = chance.getrandbits(15)
        old_head, new_head = f"<134>{old} {host} sshd[{pid}]: ", f"<134>1 {stamp}.{at:06d}Z {host} sshd {pid} ID - "
        made.append(((old_head if at % 4 == 0 else new_head) + text).encode())
    return [made[at : at + BATCH] for at in range(0, len(made), BATCH)]


def pace(sent: int, started: float, rate: int) -> None:
    """Wait until so many may have been sent."""
    ahead = sent / rate - (time.perf_counter() - started) if rate else 0.0
    if ahead > 0.0005:
        time.sleep(ahead)


def send_udp(host: str, port: int, rate: int, seconds: float, run: str) -> int:
    """Datagrams with sendmmsg, from several addresses in turn."""
    sockets = []
    for at in range(SENDERS):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((f"127.0.0.{at + 1}", 0))
        sock.connect((host, port))
        sockets.append(sock)
    sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
    heads = templates(run)
    iovecs = (_Iovec * BATCH)()
    messages = (_Message * BATCH)()
    size = ctypes.sizeof(_Iovec)
    for at in range(BATCH):
        messages[at].iov, messages[at].iov_count = ctypes.addressof(iovecs) + at * size, 1
    sent, turn, started = 0, 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        lines = [head + b"%d" % number for number, head in enumerate(heads[turn % SETS], sent)]
        for at, line in enumerate(lines):
            iovecs[at].base, iovecs[at].length = line, len(line)
        done = 0
        while done < BATCH:
            start = ctypes.byref(messages, done * ctypes.sizeof(_Message))
            count = sendmmsg(sockets[turn % SENDERS].fileno(), start, BATCH - done, 0)
            if count < 0:
                raise OSError(ctypes.get_errno(), "sendmmsg failed")
            done += count
        sent, turn = sent + BATCH, turn + 1
        pace(sent, started, rate)
    return sent


def send_tcp(host: str, port: int, rate: int, seconds: float, run: str, *, counted: bool) -> int:
    """Lines over four connections in turn, framed by length or by line."""
    sockets = [socket.create_connection((host, port)) for _ in range(4)]
    heads = templates(run)
    sent, turn, started = 0, 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        lines = [head + b"%d" % number for number, head in enumerate(heads[turn % SETS], sent)]
        framed = [b"%d %b" % (len(line), line) for line in lines] if counted else [line + b"\n" for line in lines]
        data = b"".join(framed)
        sockets[turn % 4].sendall(data)
        sent, turn = sent + BATCH, turn + 1
        pace(sent, started, rate)
    for sock in sockets:
        sock.close()
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("udp", "tcp", "tcp-counted"))
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=int, default=0, help="lines a second; 0: as fast as it goes")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--run", default="0", help="a word in every line, to tell runs apart")
    given = parser.parse_args()
    started = time.perf_counter()
    if given.kind == "udp":
        sent = send_udp(given.host, given.port, given.rate, given.seconds, given.run)
    else:
        counted = given.kind == "tcp-counted"
        sent = send_tcp(given.host, given.port, given.rate, given.seconds, given.run, counted=counted)
    print(json.dumps({"sent": sent, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
