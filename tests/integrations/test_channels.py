"""Channels, templates and their previews through the API; the words and rules as such."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from mainstay.kernel.calendar import BusinessHours
from mainstay.modules.integrations.messenger import engine, limits, outbox, templating
from mainstay.modules.integrations.messenger.channels import make_defaults
from mainstay.modules.integrations.messenger.sender import Sender
from mainstay.modules.integrations.messenger.tables import Channel, Notification, Subscription
from tests.integrations.receivers import Receiver, Reply, allow, channel, ended, udp_sink, until
from tests.support import World

CHANNELS, TEMPLATES = "/api/notification-channels/", "/api/notification-templates/"


async def test_secrets_are_sealed_and_never_answered(world: World) -> None:
    made = await channel(world, "sms", url="https://gw.example/?key={{ credential }}", credential="hunter2-hunter2")
    assert (made["has_credential"], made["has_signing_secret"]) == (True, False)
    path = f"{CHANNELS}{made['id']}/"
    await world.patch(path, {"credential": "swordfish-swordfish"})
    for where in (path, CHANNELS, f"{path}history/", f"{CHANNELS}export/?format=csv", f"{CHANNELS}options/"):
        text = json.dumps(await world.get(where))
        assert "hunter2" not in text
        assert "swordfish" not in text
    async with world.platform.work(world.organization) as ctx:
        stored = await ctx.session.get_one(Channel, made["id"])
    assert "hunter2" not in json.dumps(stored.sealed)
    assert "swordfish" not in json.dumps(stored.sealed)
    # Who may edit a channel must not be able to have its secret sent to themselves.
    refused = await world.patch(path, {"url": "https://evil.example/?k={{ credential }}"}, expect=400)
    assert "credential" in refused["fields"]
    await world.patch(path, {"url": "https://new.example/?k={{ credential }}", "credential": "other"})
    await world.patch(path, {"credential": ""})
    assert (await world.get(path))["has_credential"] is False


async def test_a_signing_secret_is_made_shown_once_and_rotated(world: World) -> None:
    made = await channel(world, "api", url="https://hook.example/")
    assert made["signing_secret"].startswith("whsec_")
    path = f"{CHANNELS}{made['id']}/"
    assert not (await world.get(path)).get("signing_secret")
    rotated = await world.post(f"{path}rotate-secret/")
    assert rotated["signing_secret"] != made["signing_secret"]
    mail = await channel(world, "email")
    await world.post(f"{CHANNELS}{mail['id']}/rotate-secret/", expect=400)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "api"}, "url"),
        ({"kind": "api", "url": "ftp://x.example/"}, "url"),
        ({"kind": "api", "url": "http://127.0.0.1/"}, "url"),
        ({"kind": "api", "url": "http://[::ffff:10.0.0.1]/"}, "url"),
        ({"kind": "api", "url": "http://user:pw@x.example/"}, "url"),
        ({"kind": "api", "url": "https://x.example/{{ recipient"}, "url"),
        ({"kind": "api", "url": "https://x.example/", "headers": {"Host": "a"}}, "headers"),
        ({"kind": "api", "url": "https://x.example/", "headers": {"X\r\nY": "a"}}, "headers"),
        ({"kind": "api", "url": "https://x.example/", "headers": {"X": {"a": 1}}}, "headers"),
        ({"kind": "api", "url": "https://x.example/", "body": "{{#if x }}"}, "body"),
        ({"kind": "api", "url": "https://x.example/", "authority": "not a certificate"}, "authority"),
        ({"kind": "api", "url": "https://x.example/", "credential": 7}, "credential"),
        ({"kind": "syslog"}, "host"),
        ({"kind": "syslog", "host": "169.254.169.254"}, "host"),
        ({"kind": "pigeon"}, "kind"),
        ({"kind": "api", "url": "https://x.example/", "retries": 99}, "retries"),
    ],
)
async def test_a_channel_that_cannot_work_is_refused(world: World, given: dict[str, Any], field: str) -> None:
    refused = await world.post(CHANNELS, {"name": "x", **given}, expect=400)
    assert field in refused["fields"], refused


async def test_allowed_networks_are_checked_when_they_are_saved(world: World) -> None:
    refused = await world.put("/api/settings", {"values": {"outgoing.allowed_networks": "10.0.0.0/99"}}, expect=400)
    assert "outgoing.allowed_networks" in refused["fields"]
    await allow(world, "10.0.0.0/8, 192.168.1.20")
    await channel(world, "syslog", host="10.2.3.4")


async def test_the_test_sends_for_real(world: World, receiver: Receiver) -> None:
    hook = await channel(world, "api", url=receiver.url)
    receiver.replies = [Reply(500, b"broken"), Reply()]
    failed = await world.post(f"{CHANNELS}{hook['id']}/test/", {})
    assert (failed["status"], failed["sent"], failed["response_status"], failed["response"]) == (
        "failed", False, 500, "broken",
    )  # fmt: skip
    sent = await world.post(f"{CHANNELS}{hook['id']}/test/", {"text": "Hello"})
    assert (sent["status"], sent["sent"]) == ("success", True)
    assert json.loads(receiver.requests[1].body)["text"] == "Hello"
    assert (await world.get(f"/api/notifications/{sent['notification_id']}/"))["status"] == "sent"
    assert (await world.get(f"/api/notifications/{failed['notification_id']}/"))["response_status"] == 500
    async with udp_sink() as (port, lines):
        sink = await channel(world, "syslog", host="127.0.0.1", port=port)
        assert (await world.post(f"{CHANNELS}{sink['id']}/test/", {}))["sent"] is True
        await until(lambda: lines)
    mail = await channel(world, "email")
    queued = await world.post(f"{CHANNELS}{mail['id']}/test/", {})
    assert (queued["status"], queued["queued"]) == ("queued", True)
    found = await world.get(f"/api/notifications/{queued['notification_id']}/")
    assert found["recipient"] == world.admin.email
    text = await channel(world, "sms", url=receiver.url)
    await world.post(f"{CHANNELS}{text['id']}/test/", {}, expect=400)
    nobody = await world.granted({"notification_channel": ("view",)})
    await world.post(f"{CHANNELS}{hook['id']}/test/", {}, by=nobody, expect=403)


async def test_an_inside_address_is_refused_at_delivery(world: World, sender: Sender, receiver: Receiver) -> None:
    """The name looks harmless when the channel is saved; only the resolver tells."""
    hook = await channel(world, "api", url=f"http://localhost:{receiver.port}/")
    await allow(world, "")
    tried = await world.post(f"{CHANNELS}{hook['id']}/test/", {})
    assert (tried["sent"], "internal address" in tried["error"]) == (False, True)
    record = (await world.post("/ux/common/messenger/3api/", {"message": "x"}))["id"]
    found = await ended(world, record, "failed")
    assert "internal address" in found["error"]
    assert found["attempts"] == 1
    assert receiver.requests == []


async def test_a_switched_off_channel_sends_nothing(world: World, receiver: Receiver) -> None:
    hook = await channel(world, "api", url=receiver.url)
    record = (await world.post("/ux/common/messenger/3api/", {"message": "x", "send_at": "2099-01-01T00:00:00Z"}))["id"]
    await world.patch(f"{CHANNELS}{hook['id']}/", {"enabled": False})
    await world.post(f"/api/notifications/{record}/retry/")
    assert "switched off" in (await ended(world, record, "failed"))["error"]
    assert receiver.requests == []


async def test_old_messages_are_cleaned_away(world: World, sender: Sender) -> None:
    await world.put("/api/settings", {"values": {"notifications.keep_days": 5}})
    async with world.platform.work(world.organization) as ctx:
        made = await outbox.put(ctx, [{"kind": "sms", "status": status, "subject": status} for status in
                                      ("sent", "failed", "held")])  # fmt: skip
        old = update(Notification).where(Notification.id.in_([row["id"] for row in made]))
        await ctx.session.execute(old.values(last_update_time=ctx.now - timedelta(days=6)))
    await outbox.clean(world.platform)
    left = (await world.get("/api/notifications/"))["results"]
    assert [row["subject"] for row in left] == ["held"]


async def test_every_organization_begins_with_mail_and_sound(world: World) -> None:
    async with world.platform.work(world.organization) as ctx:
        made = await make_defaults(ctx)
    assert set(made) == {"email", "beep"}
    assert {row["name"] for row in (await world.get(CHANNELS))["results"]} == {"E-mail", "Console sound"}


async def test_templates_are_checked_and_previewed_on_a_real_record(world: World) -> None:
    refused = await world.post(TEMPLATES, {"name": "T", "about": "incident", "subject": "{{ incident.nonsense }}"},
                               expect=400)  # fmt: skip
    assert "incident has" in refused["fields"]["subject"][0]
    for text in ("{{ event.message", "{{ 7*7 }}", "{{ event.__class__.__mro__ }}", "{{#if a }}", "{{ a | eval }}"):
        assert "body" in (await world.post(TEMPLATES, {"name": "T", "body": text}, expect=400))["fields"], text
    given = {"summary": "Disk <full>", "requester_email": "r@x.example", "description": "<p>Hi <b>you</b></p>"}
    ticket = (await world.post("/ux/sd/inci/incident/", given))["data"]
    made = await world.post(
        TEMPLATES,
        {"name": "T", "about": "incident", "subject": "{{ incident.display_id }} {{ incident.summary | upper }}",
         "body": "{{ incident.description }} ({{ incident.status_id_name }}) {{ trigger_name }}",
         "html": "<h1>{{ incident.summary }}</h1>"},
    )  # fmt: skip
    shown = await world.post(f"{TEMPLATES}{made['id']}/preview/", {"id": ticket["display_id"], "trigger": "resolved"})
    assert shown["subject"] == f"{ticket['display_id']} DISK <FULL>"
    assert shown["body"] == "Hi you (New) Ticket resolved"
    assert shown["html"] == "<h1>Disk &lt;full&gt;</h1>"
    shipped = await world.post(f"{TEMPLATES}preview/", {"about": "incident"})
    assert ticket["display_id"] in shipped["subject"]
    assert "Disk &lt;full&gt;" in shipped["html"]
    unsaved = await world.post(f"{TEMPLATES}preview/", {"about": "incident", "subject": "{{ organization }}"})
    assert unsaved["subject"].startswith("Organization")
    # A template that goes takes no subscription along.
    mail = await channel(world, "email")
    told = await world.post(
        "/api/notification-subscriptions/",
        {"name": "S", "about": "incident", "channels": [mail["id"]], "addresses": ["a@b.example"], "template": "T"},
    )
    assert told["data"]["template"] == made["id"]
    await world.delete(f"{TEMPLATES}{made['id']}/")
    assert (await world.get(f"/api/notification-subscriptions/{told['id']}/"))["template"] is None
    # Not of what one may not read.
    blind = await world.granted({"notification_template": ("view",)})
    await world.post(f"{TEMPLATES}preview/", {"about": "incident"}, by=blind, expect=403)
    await world.post(f"{TEMPLATES}preview/", {"about": "event"}, expect=404)


@given(st.text(max_size=300), st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
def test_any_text_is_a_template_or_refused(text: str, values: dict[str, str]) -> None:
    try:
        parts = templating.parse(text)
    except templating.TemplateError:
        assert templating.fill(text, values) == text
        return
    made = templating.render(parts, {"event": values})
    if "{{" not in text:
        assert made == text


@given(st.text(max_size=200))
def test_values_stay_in_their_place(value: str) -> None:
    parts = templating.parse('{"a": "{{ x }}"}')
    assert json.loads(templating.render(parts, {"x": value}, templating.json_of)) == {"a": value}
    html = templating.render(templating.parse("<p>{{ x }}</p>"), {"x": value}, templating.html_of)
    assert html.count("<") == 2
    line = templating.line_of(value)
    assert not set("\r\n\x00") & set(line)


def test_filters_and_conditions() -> None:
    values = {"event": {"message": "Fan <b>failed</b>", "host": "", "at": datetime(2026, 1, 5, 8, tzinfo=UTC),
                        "cleared": False, "tags": ["a", "b"], "variables": {"ifIndex": "7"}}}  # fmt: skip
    for text, wanted in (
        ("{{ event.message | truncate 5 }}", "Fan …"),
        ('{{ event.host | default "no host" }}', "no host"),
        ("{{event.message|upper|truncate 3}}", "FA…"),
        ('{{ event.at | date "%d.%m. %H:%M" }}', "05.01. 09:00"),
        ('{{ event.at | date "%Q %s" }}', "%Q %s"),
        ("{{#if event.cleared }}over{{ else }}on{{/if}}", "on"),
        ("{{#if not event.cleared }}{{#if event.tags }}{{ event.tags }}{{/if}}{{/if}}", "a, b"),
        ("{{ event.variables.ifIndex }}{{ event.variables.none }}{{ nobody.knows }}", "7"),
        ("{{ event.message | json }}", '"Fan <b>failed</b>"'),
        ('{{ event.message | default "a | b" }}', "Fan <b>failed</b>"),
    ):
        assert templating.render(templating.parse(text), values, zone=ZoneInfo("Europe/Berlin")) == wanted


@pytest.mark.parametrize("text", ["{{#if a }}" * 9 + "{{/if}}" * 9, "{{/if}}", "{{ else }}", "{{ a | truncate x }}"])
def test_broken_templates_are_refused(text: str) -> None:
    with pytest.raises(templating.TemplateError):
        templating.parse(text)


@given(st.integers(1, 60), st.floats(0, 1))
def test_pauses_grow_and_have_an_end(attempt: int, chance: float) -> None:
    pause = engine.pause(attempt, chance)
    assert engine.FIRST_PAUSE / 2 <= pause <= engine.LONGEST_PAUSE
    assert pause <= engine.pause(attempt + 1, 1.0)


@given(st.text(max_size=300), st.text(max_size=50))
def test_a_syslog_line_is_one_line_whatever_is_in_it(text: str, field: str) -> None:
    line = engine.syslog_line(facility=16, severity=3, at=datetime.now(UTC), host=field, app=field, msgid=field,
                              fields={"host": field}, text=text)  # fmt: skip
    assert not set(b"\r\n\x00") & set(line)
    assert line.startswith(b"<131>1 ")


def test_quiet_and_business_hours_together() -> None:
    week = tuple(((540, 1020),) if day < 5 else () for day in range(7))
    calendar = BusinessHours(ZoneInfo("UTC"), week)
    made = Subscription(quiet_from="08:00", quiet_until="12:00", timezone="UTC", outside="hold")
    friday = datetime(2026, 1, 9, 18, tzinfo=UTC)
    # Monday opens at nine, but is quiet until noon.
    assert limits.hours(made, calendar, friday) == (datetime(2026, 1, 12, 12, tzinfo=UTC), "")
    assert limits.hours(made, calendar, datetime(2026, 1, 9, 13, tzinfo=UTC)) == (None, "")
    never = BusinessHours(ZoneInfo("UTC"), ((),) * 7)
    assert limits.hours(made, never, friday) == (None, "Outside business hours")


def test_triggers_of_changes() -> None:
    def of(resource: str, action: str, **new: Any) -> list[str]:
        return engine.triggers_of(resource, action, [{"field": key, "new": value} for key, value in new.items()])

    assert of("event", "create", message="m") == ["raised"]
    assert of("event", "create", cleared=True) == []
    assert of("event", "clear", cleared=True, severity=3) == ["cleared"]
    assert of("event", "reopen", cleared=False) == ["reopened"]
    assert of("event", "update", acknowledged=True, assignee="x") == ["acknowledged", "assigned"]
    assert of("event", "update", severity=1) == ["severity"]
    assert of("event", "delete") == []
    assert of("incident", "create", summary="s", team="t") == ["opened", "assigned"]
    assert of("incident", "resolve", status_id=6) == ["resolved"]
    assert of("incident", "reopen", status_id=3) == ["reopened"]
    assert of("incident", "update", status_id=3, priority_id=1) == ["status", "priority"]
    assert of("incident", "comment", message="m") == ["commented"]
