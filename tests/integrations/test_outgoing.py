"""The guarded HTTP client: what it refuses, and that it connects to what it judged."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kernel import outgoing
from mainstay.kernel.outgoing import Client, Policy, Refused, embedded, parse
from tests.integrations.receivers import Reply, receiving

LOCAL = Policy((ip_network("127.0.0.0/8"),))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]",
        "[::]", "224.0.0.1", "255.255.255.255", "198.18.0.1", "[::127.0.0.1]", "127.0.0.1.",
    ],
)  # fmt: skip
async def test_inside_addresses_are_refused_however_they_are_written(host: str) -> None:
    async with receiving() as receiver, Client(Policy(), timeout=3) as client:
        with pytest.raises(Refused, match="internal address"):
            await client.request("GET", f"http://{host}:{receiver.port}/", {})
    assert receiver.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://example.com/", "http://", "http:///x", "//example.com",
        "http://user:secret@example.com/", "http://exa mple.com/", "http://example.com/a\r\nb", "http://a:99999/",
        "http://[::1", "", "http://exa\x00mple.com/",
    ],
)  # fmt: skip
async def test_only_plain_web_addresses_are_taken(url: str) -> None:
    async with Client(LOCAL, timeout=3) as client:
        with pytest.raises(Refused):
            await client.request("GET", url, {})


async def test_an_allowed_network_is_reached_and_no_other() -> None:
    async with receiving() as receiver:
        async with Client(LOCAL, timeout=3) as client:
            answer = await client.request("POST", f"{receiver.url}/x?a=é", {"X-A": "b"}, b"body")
        narrow = Policy((ip_network("127.0.0.2/32"),))
        async with Client(narrow, timeout=3) as client:
            with pytest.raises(Refused):
                await client.request("GET", receiver.url, {})
    assert (answer.status, answer.body) == (200, b"taken")
    (request,) = receiver.requests
    assert (request.method, request.path, request.body) == ("POST", "/x?a=%C3%A9", b"body")
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


async def test_a_redirect_to_an_inside_address_is_refused() -> None:
    async with receiving("127.0.0.1") as hidden, receiving("127.0.0.2") as open_one:
        where = f"http://127.0.0.2:{open_one.port}"
        policy = Policy((ip_network("127.0.0.2/32"),))
        for target in (hidden.url, f"http://2130706433:{hidden.port}/", f"http://[::ffff:127.0.0.1]:{hidden.port}/"):
            open_one.replies = [Reply(307, headers={"Location": target})]
            async with Client(policy, timeout=3) as client:
                with pytest.raises(Refused):
                    await client.request("POST", where, {}, b"secret")
    assert hidden.requests == []
    assert len(open_one.requests) == 3


async def test_a_redirect_to_another_host_does_not_take_keys_along() -> None:
    async with receiving() as first, receiving("127.0.0.2") as second:
        first.replies = [Reply(308, headers={"Location": f"http://127.0.0.2:{second.port}/there"})]
        async with Client(LOCAL, timeout=3) as client:
            sent = {"Authorization": "Bearer key", "X-Api-Key": "key", "webhook-id": "1", "Content-Type": "text/plain"}
            answer = await client.request("POST", first.url, sent, b"x")
    assert answer.status == 200
    (request,) = second.requests
    assert request.body == b"x"
    assert {"authorization", "x-api-key"} & set(request.headers) == set()
    assert request.headers["webhook-id"] == "1"


async def test_redirects_come_to_an_end() -> None:
    async with receiving() as receiver:
        receiver.usual = Reply(307, headers={"Location": "/again"})
        async with Client(LOCAL, timeout=3) as client:
            with pytest.raises(OSError, match="redirects"):
                await client.request("POST", receiver.url, {}, b"x")
    assert len(receiver.requests) == outgoing.REDIRECTS + 1


async def test_a_name_is_resolved_once_and_its_address_is_pinned() -> None:
    """A name that is harmless when it is judged and an inside address when it is connected to (DNS rebinding)."""
    async with receiving("127.0.0.2") as shown, receiving("127.0.0.1") as hidden:
        asked: list[str] = []

        async def resolver(host: str, _port: int) -> Sequence[str]:
            asked.append(host)
            return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

        async with Client(Policy((ip_network("127.0.0.2/32"),)), timeout=3, resolver=resolver) as client:
            await client.request("GET", f"http://rebind.example:{shown.port}/", {})
            with pytest.raises(Refused):
                await client.request("GET", f"http://rebind.example:{hidden.port}/", {})
    assert (len(shown.requests), len(hidden.requests)) == (1, 0)
    assert shown.requests[0].headers["host"] == f"rebind.example:{shown.port}"


async def test_a_name_for_an_inside_address_is_refused() -> None:
    # /etc/hosts and the like: the machine's own name is one of its own addresses.
    async with Client(Policy(), timeout=3) as client:
        for name in ("localhost", "LOCALHOST", "localhost."):
            with pytest.raises(Refused):
                await client.request("GET", f"http://{name}:1/", {})


async def test_a_huge_answer_is_cut_and_a_slow_one_ends() -> None:
    async with receiving() as receiver:
        receiver.replies = [Reply(200, b"x" * 5_000_000), Reply(200, delay=5)]
        async with Client(LOCAL, timeout=0.5) as client:
            assert len((await client.request("GET", receiver.url, {})).body) == outgoing.EXCERPT
            with pytest.raises(TimeoutError):
                await client.request("GET", receiver.url, {})


async def test_nobody_there_is_an_error_of_the_connection() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with Client(LOCAL, timeout=3) as client:
        with pytest.raises(OSError, match=str(port)):
            await client.request("GET", f"http://127.0.0.1:{port}/", {})


@given(st.integers(0, 2**32 - 1))
def test_an_embedded_address_is_judged_as_itself(number: int) -> None:
    plain = ip_address(number)
    for wrapped in (f"::ffff:{plain}", f"64:ff9b::{plain}", f"2002:{number >> 16:x}:{number & 0xFFFF:x}::"):
        assert embedded(ip_address(wrapped)) == plain
        assert Policy().permits(plain) or not Policy().permits(ip_address(wrapped))


@given(st.text(max_size=200))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        target = parse(text)
    except Refused:
        return
    assert target.scheme in ("http", "https")
    assert not set("\r\n\x00 ") & set(target.path + target.host)
