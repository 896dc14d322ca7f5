"""The outbox and the postman, against a real SMTP server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from sqlalchemy import delete, select

from mainstay.app import build_registry
from mainstay.kernel import mail
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import Invalid
from mainstay.kernel.mail import OutboxMail, Postman
from mainstay.kernel.platform import Platform
from mainstay.kernel.services import cancelled


class Inbox:
    """What the server took, and how it answers."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.recipients: list[str] = []
        self.answers: list[str] = []
        self.refuse: dict[str, str] = {}

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.taken.append(message_from_bytes(envelope.content, policy=default))
        self.recipients += envelope.rcpt_tos
        return "250 taken"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(inbox: Inbox, port: int, **options: Any) -> Any:
    server = Controller(inbox, hostname="127.0.0.1", port=port, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
async def office(platform: Platform) -> AsyncIterator[Platform]:
    """The same installation with an empty outbox and a mail server at a free port."""
    settings = replace(
        platform.settings,
        smtp_host="127.0.0.1",
        smtp_port=free_port(),
        smtp_tls="none",
        mail_from="Help Desk <help@acme.example>",
    )
    made = Platform(settings, build_registry())
    async with made.work(ANY_ORGANIZATION) as ctx:
        await ctx.session.execute(delete(OutboxMail))
    yield made
    await made.database.close()


async def put(
    platform: Platform,
    to: str = "ann@example.com",
    subject: str = "Hello",
    text: str = "Text",
    html: str = "",
) -> str:
    async with platform.work("acme") as ctx:
        return await mail.queue(ctx, to, subject, text, html)


async def outbox(platform: Platform) -> list[OutboxMail]:
    async with platform.database.session(ANY_ORGANIZATION) as session:
        return list((await session.execute(select(OutboxMail).order_by(OutboxMail.id))).scalars())


async def until(condition: Any, seconds: float = 10) -> None:
    """Wait until a condition holds."""
    for _ in range(int(seconds * 50)):
        found = condition()
        if await found if asyncio.iscoroutine(found) else found:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It did not happen in time.")


@contextlib.asynccontextmanager
async def working(postman: Postman) -> AsyncIterator[None]:
    task = asyncio.create_task(postman.run())
    try:
        yield
    finally:
        await cancelled(task)


async def test_a_queued_mail_arrives(office: Platform) -> None:
    inbox = Inbox()
    with serving(inbox, office.settings.smtp_port):
        async with working(Postman(office, poll=60)):
            await asyncio.sleep(0.1)
            # The postman sleeps for a minute; the commit wakes it.
            mail_id = await put(office, subject="Grüße", text="Ein Text", html="<p>Ein <b>Text</b></p>")
            await until(lambda: inbox.taken)
            await until(lambda: _sent(office))
    (message,) = inbox.taken
    assert (message["From"], message["To"]) == ("Help Desk <help@acme.example>", "ann@example.com")
    assert (message["Subject"], message["Message-ID"]) == ("Grüße", f"<{mail_id}@acme.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_body(("plain",)).get_content().strip() == "Ein Text"  # type: ignore[attr-defined]
    assert "<b>Text</b>" in message.get_body(("html",)).get_content()  # type: ignore[attr-defined]
    # A sent mail's text may hold a one-time link: it is not kept.
    (row,) = await outbox(office)
    assert (row.status, row.text, row.html, row.attempts) == ("sent", "", "", 1)


async def _sent(office: Platform) -> bool:
    return all(row.status == "sent" for row in await outbox(office))


async def test_what_is_rolled_back_is_not_sent(office: Platform) -> None:
    async def work() -> None:
        async with office.work("acme") as ctx:
            await mail.queue(ctx, "ann@example.com", "No", "No")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await work()
    assert await outbox(office) == []


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a@b.example\r\nBcc: x@y.example",
        "a@b.example, c@d.example",
        "Ann <a@b.example>",
        "a b@c.example",
        'x"@y.example',
        "a@b.example\n",
    ],
)
async def test_only_a_plain_address_is_taken(office: Platform, to: str) -> None:
    if to.endswith("\n"):
        # Surrounding space is trimmed, nothing of it reaches a header.
        await put(office, to)
        assert (await outbox(office))[0].recipient == "a@b.example"
        return
    with pytest.raises(Invalid):
        await put(office, to)


async def test_a_subject_cannot_add_headers(office: Platform) -> None:
    inbox = Inbox()
    await put(office, subject="Hi\r\nBcc: victim@example.com\r\n\r\nBody \x00\u2028 end")
    with serving(inbox, office.settings.smtp_port):
        assert await Postman(office).deliver() == 1
    (message,) = inbox.taken
    assert message["Bcc"] is None
    assert message["Subject"] == "Hi Bcc: victim@example.com Body end"
    assert inbox.recipients == ["ann@example.com"]


async def test_a_refusal_that_may_pass_is_tried_again_later(office: Platform) -> None:
    inbox = Inbox()
    inbox.answers = ["451 try later"]
    await put(office)
    postman = Postman(office, retries=[timedelta(seconds=0.2), timedelta(hours=1)])
    with serving(inbox, office.settings.smtp_port):
        await postman.deliver()
        (row,) = await outbox(office)
        assert (row.status, row.attempts, row.error) == ("queued", 1, "451 try later")
        assert await postman.deliver() == 0
        await asyncio.sleep(0.25)
        assert await postman.deliver() == 1
    assert [row.status for row in await outbox(office)] == ["sent"]
    assert len(inbox.taken) == 1


async def test_a_mail_fails_after_the_last_try(office: Platform) -> None:
    inbox = Inbox()
    inbox.answers = ["451 no", "451 still no"]
    await put(office)
    postman = Postman(office, retries=[timedelta(0)])
    with serving(inbox, office.settings.smtp_port):
        await postman.deliver()
        await postman.deliver()
    (row,) = await outbox(office)
    assert (row.status, row.attempts, row.error) == ("failed", 2, "451 still no")


async def test_a_refused_recipient_does_not_hold_up_the_others(office: Platform) -> None:
    inbox = Inbox()
    inbox.refuse = {"gone@example.com": "550 no such person"}
    for to in ("gone@example.com", "ann@example.com", "ben@example.com"):
        await put(office, to)
    with serving(inbox, office.settings.smtp_port):
        assert await Postman(office).deliver() == 3
    assert inbox.recipients == ["ann@example.com", "ben@example.com"]
    assert [row.status for row in await outbox(office)] == ["failed", "sent", "sent"]


async def test_mail_waits_for_a_server_that_is_away(office: Platform) -> None:
    inbox = Inbox()
    await put(office)
    async with working(Postman(office, poll=0.1)):
        await asyncio.sleep(0.5)
        (row,) = await outbox(office)
        assert (row.status, row.attempts) == ("queued", 0)
        with serving(inbox, office.settings.smtp_port):
            await until(lambda: _sent(office), 20)
    assert len(inbox.taken) == 1


async def test_without_a_server_the_outbox_keeps_everything(office: Platform) -> None:
    office.settings = replace(office.settings, smtp_host="")
    await put(office)
    async with working(Postman(office, poll=0.05)):
        await asyncio.sleep(0.3)
        (row,) = await outbox(office)
        assert (row.status, row.text) == ("queued", "Text")


async def test_it_logs_in_and_a_wrong_password_charges_no_mail(office: Platform) -> None:
    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=isinstance(given, LoginPassword) and given.password == b"right")

    inbox = Inbox()
    options = {"authenticator": check, "auth_required": True, "auth_require_tls": False}
    await put(office)
    with serving(inbox, office.settings.smtp_port, **options):
        office.settings = replace(office.settings, smtp_user="help", smtp_password="wrong")
        async with working(Postman(office, poll=0.05)):
            await asyncio.sleep(0.4)
        assert [(row.status, row.attempts) for row in await outbox(office)] == [("queued", 0)]
        office.settings = replace(office.settings, smtp_password="right")
        assert await Postman(office).deliver() == 1
    assert len(inbox.taken) == 1


async def test_two_postmen_share_the_work(office: Platform) -> None:
    inbox = Inbox()
    for number in range(25):
        await put(office, f"u{number}@example.com")
    with serving(inbox, office.settings.smtp_port):
        first, second = Postman(office, poll=0.05), Postman(office, poll=0.05)
        async with working(first), working(second):
            await until(lambda: _sent(office), 20)
    assert sorted(inbox.recipients) == sorted(f"u{number}@example.com" for number in range(25))


async def test_nothing_is_lost_when_the_process_is_killed(office: Platform) -> None:
    """The server takes its time; the process is killed while a mail is under way."""
    slow = Inbox()
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Slow(Inbox):
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            loop.call_soon_threadsafe(arrived.set)
            await asyncio.sleep(30)
            return "451 too late"

    for number in range(3):
        await put(office, f"u{number}@example.com")
    program = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from datetime import timedelta
        from mainstay.app import build_registry
        from mainstay.kernel.mail import Postman
        from mainstay.kernel.platform import Platform
        from mainstay.settings import Settings
        settings = Settings(data_dir=Path({str(office.settings.data_dir)!r}), smtp_host="127.0.0.1",
                            database_url={office.settings.database_url!r}, smtp_tls="none",
                            smtp_port={office.settings.smtp_port})
        asyncio.run(Postman(Platform(settings, build_registry()), lease=timedelta(seconds=2)).run())
    """)
    with serving(Slow(), office.settings.smtp_port):
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
        try:
            await asyncio.wait_for(arrived.wait(), 30)
        finally:
            child.kill()
            await child.wait()
    assert [row.status for row in await outbox(office)] == ["queued"] * 3
    with serving(slow, office.settings.smtp_port):
        async with working(Postman(office, poll=0.1)):
            await until(lambda: _sent(office), 20)
    assert sorted(slow.recipients) == ["u0@example.com", "u1@example.com", "u2@example.com"]
