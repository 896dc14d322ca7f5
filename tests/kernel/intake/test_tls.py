"""TLS connections: the first bytes are not lost, and who is refused is told why."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from mainstay.kernel.intake.batch import Batch
from mainstay.kernel.intake.certificate import certificate_files, server_context
from mainstay.kernel.intake.inbox import Inbox
from mainstay.kernel.intake.stats import MAX_REFUSALS, ListenerStats
from mainstay.kernel.intake.tcp import TcpReceiver
from mainstay.settings import Settings


async def test_what_comes_with_the_end_of_the_handshake_is_taken(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    inbox: Inbox[Batch] = Inbox(500)
    receiver = TcpReceiver("test", "127.0.0.1", 0, inbox, tls=server_context(settings), batch_seconds=0.01)
    await receiver.start()
    trusting = ssl.create_default_context(cafile=str(certificate_files(settings)[0]))

    def send() -> None:
        for number in range(5):
            with (
                socket.create_connection(("127.0.0.1", receiver.port)) as plain,
                trusting.wrap_socket(plain, server_hostname="localhost") as tls,
            ):
                tls.sendall(b"line %d\n" % number)

    got: list[bytes] = []
    async with asyncio.timeout(20):
        await asyncio.to_thread(send)
        while len(got) < 5:
            batch = await inbox.get()
            assert batch is not None
            assert batch.addresses == ["127.0.0.1"]
            got += batch.messages()
    assert sorted(got) == [b"line %d" % number for number in range(5)]
    await receiver.stop()
    assert receiver.stats.refused == 0


@pytest.mark.parametrize(
    ("case", "reason"),
    [("trust", "does not trust"), ("plain", "does not speak TLS"), ("http", "speaks HTTP"), ("none", "no certificate"),
     ("gone", "ended the connection")],
)  # fmt: skip
async def test_who_is_refused_is_told_why(tmp_path: Path, case: str, reason: str) -> None:
    settings = Settings(data_dir=tmp_path / "ours")
    certificate, _key = certificate_files(settings)
    if case == "none":
        settings = replace(settings, syslog_tls_client_ca=str(certificate))
    receiver = TcpReceiver("test", "127.0.0.1", 0, Inbox(500), tls=server_context(settings))
    await receiver.start()

    def knock() -> None:
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=20) as plain:
            if case in ("plain", "http"):
                plain.sendall(b"GET / HTTP/1.0\r\n\r\n" if case == "http" else b"<34>no tls at all\n")
                plain.recv(100)
            elif case != "gone":
                context = ssl.create_default_context(cafile=str(certificate) if case == "none" else None)
                with context.wrap_socket(plain, server_hostname="localhost") as tls:
                    tls.recv(1)

    async with asyncio.timeout(20):
        try:
            await asyncio.to_thread(knock)
        except (ssl.SSLError, ConnectionError):
            assert case in ("trust", "none", "plain", "http")
        while not receiver.stats.refused:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    [(address, told)] = receiver.stats.refusals.items()
    assert (address, told.count) == ("127.0.0.1", 1)
    assert reason in told.reason
    await receiver.stop()


def test_refusals_are_bounded_and_a_reason_stands() -> None:
    stats = ListenerStats("test", "tls")
    assert stats.count_refused("192.0.2.1", "Because.")
    assert not stats.count_refused("192.0.2.1", "")
    assert (stats.refusals["192.0.2.1"].reason, stats.refusals["192.0.2.1"].count) == ("Because.", 2)
    for number in range(MAX_REFUSALS):
        stats.count_refused(f"198.51.100.{number}", "")
    assert len(stats.refusals) == MAX_REFUSALS
    assert "192.0.2.1" not in stats.refusals
    assert stats.refused == MAX_REFUSALS + 2


def test_the_certificate_names_the_address_that_people_use(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, public_url="https://desk.example.com:8443")
    server_context(settings)
    from cryptography import x509

    made = x509.load_pem_x509_certificate(certificate_files(settings)[0].read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "desk.example.com" in names.get_values_for_type(x509.DNSName)
