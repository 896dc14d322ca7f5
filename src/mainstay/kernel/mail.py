"""E-mail out: an outbox written in the transaction that causes the mail, and the postman that empties it.

A mail is queued or sent, never lost: it leaves the queue after the server has taken it. A process that dies
in between sends it again; its Message-ID stays the same, so the receiver can tell.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr

import structlog
from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from sqlalchemy import Index, Integer, String, Text, delete, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.platform import Platform
from mainstay.kernel.record import Base, Identifier, Scoped, Timestamp, new_id
from mainstay.kernel.validation import BadValue, read

log = structlog.get_logger("mainstay.mail")

QUEUED, SENT, FAILED = "queued", "sent", "failed"
BATCH = 10
LEASE = timedelta(minutes=3)
"""How long a claimed mail is left alone: after a crash it is tried again when this is over."""
KEPT = timedelta(days=30)
RETRIES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720, 1440))
"""Pauses after each refusal that may pass; after the last one the mail has failed."""
POLL = 5.0
TIMEOUT = 30.0
_EMAIL = Field(name="to", kind="email", label="The recipient", max_length=254)


class OutboxMail(Scoped, Base):
    """One mail to one recipient. The texts are dropped once it is sent: they may hold one-time links."""

    __tablename__ = "mail_outbox"
    __table_args__ = (
        Index(
            "ix_mail_outbox_due",
            "next_attempt_at",
            sqlite_where=text("status = 'queued'"),
            postgresql_where=text("status = 'queued'"),
        ),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(500))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(16), default=QUEUED)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    queued_at: Mapped[datetime] = mapped_column(Timestamp)
    next_attempt_at: Mapped[datetime] = mapped_column(Timestamp)
    sent_at: Mapped[datetime | None] = mapped_column(Timestamp)
    error: Mapped[str] = mapped_column(String(500), default="")
    reference: Mapped[str] = mapped_column(Identifier, default="")
    """The record that the mail is about, if any."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What is to be sent to one address; ``html`` is optional and goes beside the text."""

    to: str
    subject: str
    text: str
    html: str = ""
    reference: str = ""


async def queue(ctx: Context, to: str, subject: str, text: str, html: str = "", reference: str = "") -> str:
    """Put one mail into the outbox, in the caller's transaction; returns its id. Raises ``Invalid``."""
    (mail_id,) = await queue_many(ctx, [Mail(to, subject, text, html, reference)])
    return mail_id


async def queue_many(ctx: Context, mails: Sequence[Mail]) -> list[str]:
    """The same for many, with one statement."""
    rows = [
        {
            "id": new_id(),
            "organization": ctx.organization,
            "recipient": _address(mail.to),
            "subject": _line(mail.subject),
            "text": mail.text.replace("\x00", ""),
            "html": mail.html.replace("\x00", ""),
            "status": QUEUED,
            "attempts": 0,
            "queued_at": ctx.now,
            "next_attempt_at": ctx.now,
            "sent_at": None,
            "error": "",
            "reference": mail.reference,
        }
        for mail in mails
    ]
    if rows:
        await ctx.session.execute(insert(OutboxMail.__table__), rows)  # type: ignore[arg-type]
        postman: Postman | None = ctx.platform.memory.get("postman")
        if postman is not None:
            ctx.after_commit.append(postman.nudge)
    return [str(row["id"]) for row in rows]


async def retry(ctx: Context, references: Sequence[str]) -> int:
    """Put the failed mails about these records back into the queue; returns how many."""
    again = (
        update(OutboxMail)
        .where(OutboxMail.reference.in_(list(references)), OutboxMail.status == FAILED)
        .values(status=QUEUED, attempts=0, next_attempt_at=ctx.now, error="")
        .execution_options(synchronize_session=False)
    )
    return int((await ctx.session.execute(again)).rowcount)  # type: ignore[attr-defined]


def _address(to: str) -> str:
    try:
        return str(read(_EMAIL, to) or "") or _refuse(to)
    except BadValue as bad:
        raise Invalid.field("to", str(bad)) from None


def _refuse(to: str) -> str:
    raise Invalid.field("to", f"{to[:80]!r} is not an e-mail address.")


def _line(text: str) -> str:
    """One header line: whatever would end it becomes a space."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[:500] or "(no subject)"


def compose(mail: OutboxMail, sender: str) -> EmailMessage:
    """The message (RFC 5322). Raises ``ValueError`` for a header that cannot be written."""
    name, address = parseaddr(sender)
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = Address(display_name=_line(name) if name else "Mainstay", addr_spec=address)
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = _line(mail.subject)
    message["Date"] = format_datetime(mail.queued_at)
    message["Message-ID"] = f"<{mail.id}@{address.rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    return message


class Outcome(enum.Enum):
    """What came of one attempt."""

    TAKEN = "taken"
    LATER = "later"
    NEVER = "never"


class Postman:
    """Sends what is queued, in the background; several processes share the work."""

    def __init__(
        self,
        platform: Platform,
        *,
        retries: Sequence[timedelta] = RETRIES,
        poll: float = POLL,
        lease: timedelta = LEASE,
    ) -> None:
        self.platform = platform
        self.settings = platform.settings
        self.retries = tuple(retries)
        self.poll = poll
        self.lease = lease
        self._wake = asyncio.Event()
        self._unreachable = 0
        platform.memory["postman"] = self

    def nudge(self) -> None:
        """Something was queued here: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. Without a mail server it waits: the outbox keeps everything."""
        if not self.settings.smtp_host:
            await asyncio.Event().wait()
        cleaned: datetime | None = None
        while True:
            self._wake.clear()
            pause = self.poll
            try:
                done = await self.deliver()
                if cleaned is None or self.platform.now() - cleaned > timedelta(hours=1):
                    cleaned = self.platform.now()
                    await self._clean()
                if done:
                    continue
            except (SMTPException, OSError, ValueError) as error:
                # The server cannot be reached or does not let us in: no mail is to blame, so none is charged.
                pause = min(self.poll * 2**self._unreachable, 300.0)
                self._unreachable = min(self._unreachable + 1, 10)
                log.warning("mail server not reached", host=self.settings.smtp_host, error=_said(error), wait=pause)
                await asyncio.sleep(pause)
                continue
            except SQLAlchemyError as error:
                log.warning("mail waits for the database", error=str(error)[:200])
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def deliver(self) -> int:
        """Try one batch of what is due; returns how many were tried. Raises when no server is reached."""
        if not await self._any_due():
            return 0
        # Connected first: while the server is away nothing is claimed and nothing is delayed.
        async with self._connection() as smtp:
            self._unreachable = 0
            claimed = await self._claim()
            until = self.platform.now() + self.lease / 2
            for mail in claimed:
                if self.platform.now() > until:
                    break
                if not smtp.is_connected:
                    await smtp.connect()
                outcome, said = await self._send(smtp, mail)
                await self._note(mail, outcome, said)
            return len(claimed)

    def _connection(self) -> SMTP:
        given = self.settings
        return SMTP(
            hostname=given.smtp_host,
            port=given.smtp_port,
            username=given.smtp_user or None,
            password=given.smtp_password or None,
            use_tls=given.smtp_tls == "tls",
            start_tls=given.smtp_tls == "starttls",
            timeout=TIMEOUT,
        )

    async def _any_due(self) -> bool:
        query = select(OutboxMail.id).where(
            OutboxMail.status == QUEUED, OutboxMail.next_attempt_at <= self.platform.now()
        )
        async with self.platform.database.session(ANY_ORGANIZATION) as session:
            return await session.scalar(query.limit(1)) is not None

    async def _claim(self) -> list[OutboxMail]:
        async with self.platform.work(ANY_ORGANIZATION) as ctx:
            query = (
                select(OutboxMail)
                .where(OutboxMail.status == QUEUED, OutboxMail.next_attempt_at <= ctx.now)
                .order_by(OutboxMail.next_attempt_at, OutboxMail.id)
                .limit(BATCH)
            )
            if not self.platform.database.is_sqlite:
                query = query.with_for_update(skip_locked=True)
            claimed = list((await ctx.session.execute(query)).scalars())
            ctx.session.expunge_all()
            await ctx.session.execute(
                update(OutboxMail)
                .where(OutboxMail.id.in_([mail.id for mail in claimed]))
                .values(next_attempt_at=ctx.now + self.lease)
                .execution_options(synchronize_session=False)
            )
            return claimed

    async def _send(self, smtp: SMTP, mail: OutboxMail) -> tuple[Outcome, str]:
        try:
            message = compose(mail, self.settings.mail_from)
        except ValueError as error:
            return Outcome.NEVER, _said(error)
        try:
            await smtp.send_message(message, sender=parseaddr(self.settings.mail_from)[1], recipients=[mail.recipient])
        except SMTPRecipientsRefused as refused:
            codes = [item.code for item in refused.recipients]
            return (Outcome.NEVER if codes and min(codes) >= 500 else Outcome.LATER), _said(refused)
        except SMTPSenderRefused as refused:
            # Our own address is not accepted: an administrator can mend that, so the mail waits.
            return Outcome.LATER, _said(refused)
        except SMTPResponseException as refused:
            return (Outcome.NEVER if refused.code >= 500 else Outcome.LATER), _said(refused)
        except (SMTPNotSupported, UnicodeError, ValueError) as error:
            return Outcome.NEVER, _said(error)
        except (SMTPException, OSError) as error:
            return Outcome.LATER, _said(error)
        return Outcome.TAKEN, ""

    async def _note(self, mail: OutboxMail, outcome: Outcome, said: str) -> None:
        now = self.platform.now()
        attempts = mail.attempts + 1
        values: dict[str, object] = {"attempts": attempts, "error": said[:500]}
        if outcome is Outcome.TAKEN:
            values.update(status=SENT, sent_at=now, text="", html="")
        elif outcome is Outcome.NEVER or attempts > len(self.retries):
            values.update(status=FAILED)
            log.warning("mail failed", id=mail.id, attempts=attempts, error=said)
        else:
            values.update(next_attempt_at=now + self.retries[attempts - 1])
        async with self.platform.work(ANY_ORGANIZATION) as ctx:
            await ctx.session.execute(
                update(OutboxMail)
                .where(OutboxMail.id == mail.id, OutboxMail.status == QUEUED)
                .values(**values)
                .execution_options(synchronize_session=False)
            )

    async def _clean(self) -> None:
        async with self.platform.work(ANY_ORGANIZATION) as ctx:
            await ctx.session.execute(
                delete(OutboxMail).where(OutboxMail.status == SENT, OutboxMail.sent_at <= ctx.now - KEPT)
            )


def _said(error: Exception) -> str:
    if isinstance(error, SMTPRecipientsRefused):
        return "; ".join(f"{item.code} {item.message}" for item in error.recipients)[:500]
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"[:500]
    return (str(error) or type(error).__name__)[:500]
