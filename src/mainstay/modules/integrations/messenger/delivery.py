"""One attempt to deliver a message, by kind of channel."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mainstay import __version__
from mainstay.kernel import outgoing
from mainstay.kernel.outgoing import Policy, Refused
from mainstay.kernel.secrets import SecretError, Vault
from mainstay.modules.integrations.messenger import engine, templating
from mainstay.modules.integrations.messenger.tables import API, SMS, SYSLOG, Channel, Notification

EXCERPT = 1000
PASSING = frozenset({408, 409, 425, 429})
"""Refusals of HTTP that may pass; other 4xx will be the same tomorrow."""
SEALED = ("credential", "signing_secret")


@dataclass(slots=True)
class Outcome:
    """What came of one attempt."""

    ok: bool
    retry: bool = False
    status: int | None = None
    response: str = ""
    error: str = ""
    ms: int = 0
    wait: float = 0.0
    """Seconds the other side asked us to wait (``Retry-After``)."""


Deliver = Callable[[Notification], Awaitable[Outcome]]


def purpose(channel_id: str, name: str) -> str:
    """What binds a sealed value to its place."""
    return f"notification_channel:{channel_id}:{name}"


def opened(vault: Vault, channel: Channel) -> dict[str, str]:
    """The channel's secrets. Raises ``SecretError``."""
    return {name: vault.open(channel.sealed[name], purpose(channel.id, name))
            for name in SEALED if channel.sealed.get(name)}  # fmt: skip


@asynccontextmanager
async def delivering(vault: Vault, channel: Channel, policy: Policy) -> AsyncIterator[Deliver]:
    """A function that delivers messages over one channel, one after the other, over kept connections."""
    try:
        secrets = opened(vault, channel)
        tls = outgoing.tls_context(verify=channel.verify_tls, authority=channel.authority)
    except (SecretError, ValueError) as error:
        wrong = str(error)

        async def refuse(_note: Notification) -> Outcome:
            return Outcome(False, error=wrong)

        yield refuse
        return
    if channel.kind == SYSLOG:
        async with _syslog(channel, policy, tls) as deliver:
            yield _timed(deliver)
        return
    async with outgoing.Client(policy, timeout=float(channel.timeout), tls=tls) as client:

        async def http(note: Notification) -> Outcome:
            return await _http(client, channel, secrets, note)

        yield _timed(http)


def _timed(deliver: Deliver) -> Deliver:
    async def timed(note: Notification) -> Outcome:
        started = time.monotonic()
        try:
            outcome = await deliver(note)
        except Refused as error:
            outcome = Outcome(False, error=str(error))
        except TimeoutError as error:
            outcome = Outcome(False, retry=True, error=str(error) or "No answer in time.")
        except (OSError, ssl.SSLError) as error:
            outcome = Outcome(False, retry=True, error=str(error) or type(error).__name__)
        outcome.ms = int((time.monotonic() - started) * 1000)
        outcome.error = templating.line_of(outcome.error)[:500]
        return outcome

    return timed


def values_of(note: Notification, secrets: Mapping[str, str]) -> dict[str, Any]:
    """What a channel's own templates (URL, headers, body) are filled with."""
    return {
        **note.data,
        "id": note.id,
        "recipient": note.recipient,
        "subject": note.subject,
        "text": note.body,
        "trigger": note.trigger,
        "credential": secrets.get("credential", ""),
    }


def request_of(channel: Channel, secrets: Mapping[str, str], note: Notification, now: datetime) -> tuple[
    str, str, dict[str, str], bytes
]:  # fmt: skip
    """Method, URL, headers and body of the HTTP request that carries a message."""
    values = values_of(note, secrets)
    url = templating.fill(channel.url, values, templating.url_of)
    headers = {"User-Agent": f"Mainstay/{__version__}"}
    for name, value in channel.headers.items():
        headers[name] = templating.line_of(templating.fill(str(value), values))
    body = b""
    if channel.method != "GET":
        kind = channel.content_type or "application/json"
        if channel.body.strip():
            escape = {True: templating.json_of, False: templating.text_of}["json" in kind]
            if "x-www-form-urlencoded" in kind:
                escape = templating.url_of
            elif "html" in kind or "xml" in kind:
                escape = templating.html_of
            body = templating.fill(channel.body, values, escape).encode()
        else:
            body = json.dumps(_document(channel, note), default=str, ensure_ascii=False).encode()
        headers.setdefault("Content-Type", kind)
    headers["webhook-id"] = note.id
    if channel.kind == API:
        stamp = int(now.timestamp())
        headers["webhook-timestamp"] = str(stamp)
        headers["webhook-event"] = templating.line_of(f"{note.ref_type or 'message'}.{note.trigger or 'sent'}")
        if "signing_secret" in secrets:
            headers["webhook-signature"] = engine.signature(secrets["signing_secret"], note.id, stamp, body)
    return channel.method, url, headers, body


def _document(channel: Channel, note: Notification) -> dict[str, Any]:
    if channel.kind == SMS:
        return {"to": note.recipient, "text": note.body or note.subject}
    return {
        "id": note.id,
        "type": f"{note.ref_type or 'message'}.{note.trigger or 'sent'}",
        "timestamp": note.creation_time.astimezone(UTC).isoformat(),
        "subject": note.subject,
        "text": note.body,
        "data": note.data,
    }


async def _http(client: outgoing.Client, channel: Channel, secrets: Mapping[str, str], note: Notification) -> Outcome:
    method, url, headers, body = request_of(channel, secrets, note, datetime.now(UTC))
    answer = await client.request(method, url, headers, body)
    said = _hide(answer.body.decode("utf-8", "replace").replace("\x00", ""), secrets)[:EXCERPT]
    if 200 <= answer.status < 300:
        if channel.expect and channel.expect not in answer.body.decode("utf-8", "replace"):
            return Outcome(False, True, answer.status, said, f"The answer does not contain {channel.expect[:80]!r}.")
        return Outcome(True, status=answer.status, response=said)
    if 300 <= answer.status < 400:
        error = f"Answered with a redirect ({answer.status}), which a {method} does not follow. Enter the final URL."
        return Outcome(False, False, answer.status, said, error)
    retry = answer.status >= 500 or answer.status in PASSING
    return Outcome(False, retry, answer.status, said, f"Answered with {answer.status}.",
                   wait=_retry_after(answer.headers.get("retry-after", "")))  # fmt: skip


def _retry_after(text: str) -> float:
    return float(min(int(text), 3600)) if text.isascii() and text.isdigit() and len(text) < 9 else 0.0


def _hide(text: str, secrets: Mapping[str, str]) -> str:
    """An answer may repeat the request: what it says is kept without the secrets."""
    for value in secrets.values():
        if len(value) > 3:
            text = text.replace(value, "***")
    return text


def syslog_of(channel: Channel, note: Notification) -> bytes:
    """The message as a line of RFC 5424."""
    subject = note.data.get(note.ref_type)
    record: Mapping[str, Any] = subject if isinstance(subject, Mapping) else {}
    severity = note.data.get("syslog_severity")
    if not isinstance(severity, int) or isinstance(severity, bool) or not 0 <= severity <= 7:
        severity = 5 if note.trigger in ("cleared", "resolved", "closed", "") else engine.SYSLOG_SEVERITY.get(
            record.get("severity") or record.get("severity_id") or 0, 5)  # fmt: skip
    fields = {"id": note.ref_display_id or note.ref_id, "trigger": note.trigger,
              "class": str(record.get("event_class") or ""), "host": str(record.get("host") or ""),
              "address": str(record.get("address") or ""), "resource": str(record.get("resource") or "")}  # fmt: skip
    facility = note.data.get("syslog_facility")
    if not isinstance(facility, int) or isinstance(facility, bool) or not 0 <= facility <= 23:
        facility = channel.facility
    return engine.syslog_line(
        facility=facility, severity=severity,
        at=note.creation_time.astimezone(UTC), host=socket.gethostname(), app=str(note.data.get("app") or "mainstay"),
        msgid=note.ref_type or "message", fields=fields, text=note.body or note.subject,
    )  # fmt: skip


@asynccontextmanager
async def _syslog(channel: Channel, policy: Policy, tls: ssl.SSLContext) -> AsyncIterator[Deliver]:
    timeout = float(channel.timeout)
    if channel.transport == "udp":
        loop = asyncio.get_running_loop()

        async def datagram(note: Notification) -> Outcome:
            address = (await outgoing.permitted(channel.host, channel.port, policy))[0]
            transport, _protocol = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(address, channel.port)
            )
            try:
                transport.sendto(syslog_of(channel, note)[:8192])
            finally:
                transport.close()
            return Outcome(True)

        yield datagram
        return
    kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def stream(note: Notification) -> Outcome:
        if kept and (kept[0][0].at_eof() or kept[0][1].is_closing()):
            kept.pop()[1].close()
        if not kept:
            secure = tls if channel.transport == "tls" else None
            async with asyncio.timeout(timeout):
                kept.append(await outgoing.open_stream(channel.host, channel.port, policy, tls=secure))
        reader, writer = kept[0]
        line = syslog_of(channel, note)
        try:
            async with asyncio.timeout(timeout):
                # Octet counting (RFC 6587, RFC 5425): a line break in a message ends nothing.
                writer.write(f"{len(line)} ".encode() + line)
                await writer.drain()
        except (OSError, TimeoutError):
            kept.pop()[1].close()
            raise
        # Syslog has no answer; a receiver that hung up meanwhile did not get the line.
        if reader.at_eof():
            kept.pop()[1].close()
            raise OSError("The receiver closed the connection.")
        return Outcome(True)

    try:
        yield stream
    finally:
        for _reader, writer in kept:
            writer.close()
