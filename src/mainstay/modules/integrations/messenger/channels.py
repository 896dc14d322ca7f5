"""Notification channels: where messages go, with their secrets in the vault and a test that sends for real."""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import outgoing, references, store, verbs
from mainstay.kernel.access.bootstrap import on_founding
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import secret
from mainstay.kernel.outgoing import Policy, Refused
from mainstay.kernel.record import new_id
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.integrations.messenger import outbox, templating
from mainstay.modules.integrations.messenger.delivery import SEALED, Outcome, delivering, purpose
from mainstay.modules.integrations.messenger.tables import (
    API,
    BEEP,
    EMAIL,
    FAILED,
    SENT,
    SMS,
    SYSLOG,
    Channel,
    Notification,
    Subscription,
)

SYNONYMS = {"type": "kind", "channel_type": "kind", "secret": "signing_secret", "token": "credential",
            "password": "credential", "api_key": "credential", "protocol": "transport", "endpoint": "url"}  # fmt: skip
OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer",
                         "webhook-id", "webhook-timestamp", "webhook-signature"})  # fmt: skip
MAX_SECRET = 4000


class Channels(Behaviour[Channel]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        nested = data.get("config") or data.get("settings")
        if isinstance(nested, Mapping):
            data = {**nested, **data}
        return {**{SYNONYMS[key]: value for key, value in data.items() if key in SYNONYMS}, **data}

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        policy = await outgoing.policy_of(ctx)
        for row, source in zip(rows, given, strict=True):
            check(row, policy)
            row["id"] = new_id()
            row["sealed"] = _seal(ctx, row["id"], source, {})
            if row["kind"] == API and "signing_secret" not in row["sealed"] and "signing_secret" not in source:
                made = new_signing_secret()
                row["sealed"]["signing_secret"] = ctx.platform.vault.seal(made, purpose(row["id"], "signing_secret"))
                ctx.cache["signing_secret", row["id"]] = made
            row.update(_stored(row["sealed"]))

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        made = ctx.cache.get(("signing_secret", rows[0]["id"])) if len(rows) == 1 else None
        if made:
            ctx.cache["created"] = {"signing_secret": made}

    async def change(self, ctx: Context, entity: Channel, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        row = {name: getattr(entity, name) for name in channels.fields} | values
        check(row, await outgoing.policy_of(ctx))
        sealed = _seal(ctx, entity.id, given, entity.sealed)
        moved = [name for name in ("url", "host", "kind") if values.get(name, row[name]) != getattr(entity, name)]
        if moved and entity.has_credential and "credential" not in given:
            # Whoever may point a channel elsewhere would else be sent a secret that they may not read.
            raise Invalid.field("credential", "Please provide credential: it is not sent to another address unasked.")
        if sealed != entity.sealed:
            values["sealed"] = sealed
            values.update(_stored(sealed))

    async def removing(self, ctx: Context, entities: Sequence[Channel]) -> None:
        res = ctx.platform.registry.resources[Subscription.__tablename__]
        found = await references.uses(ctx, [(res, res.fields["channels"])], [entity.id for entity in entities])
        if found:
            raise references.in_use("The channel", found)

    async def options(self, ctx: Context) -> dict[str, Any]:
        return {"sealed": list(SEALED)}


def check(row: Mapping[str, Any], policy: Policy) -> None:
    """Raises ``Invalid`` naming what does not fit the channel's kind."""
    kind = row["kind"]
    for name in ("url", "body"):
        try:
            templating.parse(row.get(name) or "")
        except templating.TemplateError as error:
            raise Invalid.field(name, str(error)) from None
    if kind in (API, SMS):
        if not row.get("url"):
            raise Invalid.field("url", "Please provide url.")
        _address("url", templating.fill(row["url"], {}), policy)
        _headers(row.get("headers") or {})
    if kind == SYSLOG:
        if not row.get("host"):
            raise Invalid.field("host", "Please provide host.")
        _literal("host", row["host"], policy)
    try:
        outgoing.tls_context(authority=row.get("authority") or "")
    except ValueError as error:
        raise Invalid.field("authority", str(error)) from None


def _address(field: str, url: str, policy: Policy) -> None:
    try:
        target = outgoing.parse(url)
    except Refused as error:
        if "{{" in url:
            return
        raise Invalid.field(field, str(error)) from None
    _literal(field, target.host, policy)


def _literal(field: str, host: str, policy: Policy) -> None:
    """What is refused for certain is said now; names are judged when they are resolved."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return
    if not policy.permits(address):
        raise Invalid.field(
            field,
            f"{host} is an internal address. An administrator can allow its network under Settings, "
            "Outgoing connections.",
        )


def _headers(headers: Any) -> None:
    if not isinstance(headers, Mapping):
        raise Invalid.field("headers", 'Headers must be an object such as {"X-Api-Key": "..."}.')
    for name, value in headers.items():
        if not name or not all(char.isalnum() or char in "!#$%&'*+-.^_`|~" for char in name) or not name.isascii():
            raise Invalid.field("headers", f"{name[:60]!r} is not the name of a header.")
        if name.lower() in OWN_HEADERS:
            raise Invalid.field("headers", f"The header {name} is set by Mainstay.")
        if not isinstance(value, str | int):
            raise Invalid.field("headers", f"The header {name} must be text.")
        try:
            templating.parse(str(value))
        except templating.TemplateError as error:
            raise Invalid.field("headers", f"{name}: {error}") from None


def new_signing_secret() -> str:
    return "whsec_" + base64.b64encode(random.token_bytes(32)).decode()


def _seal(ctx: Context, channel_id: str, given: Mapping[str, Any], before: Mapping[str, str]) -> dict[str, str]:
    sealed = dict(before)
    for name in SEALED:
        value = given.get(name)
        if name not in given or value is None:
            continue
        if not isinstance(value, str) or len(value) > MAX_SECRET or "\x00" in value:
            raise Invalid.field(name, f"The {name.replace('_', ' ')} must be text of at most {MAX_SECRET} characters.")
        if value:
            sealed[name] = ctx.platform.vault.seal(value, purpose(channel_id, name))
        else:
            sealed.pop(name, None)
    return sealed


def _stored(sealed: Mapping[str, str]) -> dict[str, bool]:
    return {f"has_{name}": name in sealed for name in SEALED}


channels = Resource(
    Channel,
    module="Notification Channels",
    path="/api/notification-channels/",
    label="Notification channel",
    title="name",
    area="settings",
    section="Configuration",
    privileges=("view", "add", "edit", "delete", "execute", "export"),
    verbs={"template": None, "columns": None, "validate": None, "import": None, "attachments": None},
    behaviour=Channels(),
    custom_fields=False,
    extra={"signing_secret": str},
    secrets=(
        secret("credential", "Credential", length=MAX_SECRET, kind=(API, SMS),
               help="Stands in for {{ credential }} in URL, headers and body."),
        secret("signing_secret", "Signing secret", length=MAX_SECRET, help="Empty: one is made.", kind=(API,)),
    ),
    sample={"name": "Chat room", "kind": "api", "url": "https://chat.example.com/hooks/1", "credential": "",
            "signing_secret": ""},
)  # fmt: skip


class Trial(msgspec.Struct, kw_only=True):
    """What to send, and to whom; the caller where nothing is said."""

    recipient: str = ""
    subject: str = ""
    text: str = ""


class TrialAnswer(msgspec.Struct, kw_only=True):
    """What came of it. E-mails go through the mail outbox: ``queued``."""

    status: str
    sent: bool
    queued: bool
    notification_id: str
    response_status: int | None
    response: str
    error: str
    latency_ms: int


@channels.action("POST", "{id}/test/", privilege="execute", write=False)
async def trial(ctx: Context, id: str, body: Trial) -> TrialAnswer:
    """Send a test message over a channel, now

    One attempt, for real; it is in the delivery log with its answer.
    """
    entity = await verbs.entity_of(ctx, channels, id)
    recipient = await _recipient(ctx, entity.kind, body.recipient)
    made = {
        "id": new_id(), "kind": entity.kind, "channel": entity.id, "recipient": recipient,
        "profile": ctx.principal.profile_id or None if entity.kind == BEEP else None,
        "subject": templating.line_of(body.subject)[:500] or f"Test of {entity.name}",
        "body": body.text[:10_000] or f"This is a test of the notification channel {entity.name}.", "trigger": "test",
    }  # fmt: skip
    if entity.kind in (EMAIL, BEEP):
        async with ctx.platform.work(ctx.organization, ctx.principal) as work:
            await outbox.put(work, [made])
        return TrialAnswer(status="queued", sent=False, queued=True, notification_id=made["id"],
                           response_status=None, response="", error="", latency_ms=0)  # fmt: skip
    message = Notification(**made, organization=ctx.organization, creation_time=ctx.now, ref_type="", ref_id="",
                           ref_display_id="", data={})  # fmt: skip
    policy = await outgoing.policy_of(ctx)
    async with delivering(ctx.platform.vault, entity, policy) as deliver:
        outcome = await deliver(message)
    async with ctx.platform.work(ctx.organization, ctx.principal) as work:
        await _log(work, made, outcome)
    return TrialAnswer(
        status="success" if outcome.ok else "failed", sent=outcome.ok, queued=False, notification_id=made["id"],
        response_status=outcome.status, response=outcome.response, error=outcome.error, latency_ms=outcome.ms,
    )  # fmt: skip


async def _log(ctx: Context, made: dict[str, Any], outcome: Outcome) -> None:
    await outbox.put(
        ctx,
        [{**made, "status": SENT if outcome.ok else FAILED, "attempts": 1, "latency_ms": outcome.ms,
          "response_status": outcome.status, "response": outcome.response, "error": outcome.error,
          "sent_at": ctx.now if outcome.ok else None}],
    )  # fmt: skip


async def _recipient(ctx: Context, kind: str, given: str) -> str:
    if kind in (API, SYSLOG):
        return ""
    if given.strip():
        return templating.line_of(given)[:500]
    if kind == EMAIL and ctx.principal.email:
        return ctx.principal.email
    if kind == BEEP and ctx.principal.profile_id:
        return ctx.principal.name
    raise Invalid.field("recipient", "Please provide recipient.")


class Rotated(msgspec.Struct, kw_only=True):
    """The new secret; it is shown only now."""

    status: str = "success"
    signing_secret: str


@channels.action("POST", "{id}/rotate-secret/", privilege="edit")
async def rotate(ctx: Context, id: str) -> Rotated:
    """Make a new signing secret for a webhook; the old one ends at once"""
    entity = await verbs.entity_of(ctx, channels, id, lock=True)
    if entity.kind != API:
        raise Invalid.field("kind", "Only API calls are signed.")
    made = new_signing_secret()
    entity.sealed = {**entity.sealed, "signing_secret": ctx.platform.vault.seal(made, purpose(id, "signing_secret"))}
    entity.has_signing_secret = True
    await store.save(ctx, entity, action="rotate")
    return Rotated(signing_secret=made)


@on_founding("notification_channels")
async def make_defaults(ctx: Context) -> dict[str, str]:
    """The channels every organization begins with, made once: e-mail and the console's sound. Kind → id."""
    known = {row.kind: row.id for row in (await ctx.session.execute(select(Channel.kind, Channel.id))).all()}
    rows: list[dict[str, Any]] = [
        {"name": "E-mail", "kind": EMAIL, "description": "Through the mail server of this installation."},
        {"name": "Console sound", "kind": BEEP, "description": "A sound and a line in the open console."},
    ]
    made = await store.add_many(ctx, Channel, [row for row in rows if row["kind"] not in known])
    return {kind: known[kind] for kind in (EMAIL, BEEP) if kind in known} | {row["kind"]: row["id"] for row in made}
