"""From a packet or a ticket to somebody's mailbox: subscriptions, through the API and over real servers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mainstay.app import build_registry
from mainstay.kernel import feed, store
from mainstay.kernel.changes import Change, record
from mainstay.kernel.mail import Postman
from mainstay.kernel.platform import Platform
from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.integrations.messenger.matching import notify
from mainstay.modules.integrations.messenger.sender import Sender
from mainstay.modules.integrations.messenger.tables import Notification
from mainstay.modules.monitoring.events.tables import Event
from mainstay.modules.organization.business_hours.resource import profiles
from tests.integrations.receivers import Receiver, channel, until
from tests.kernel.test_mail import Inbox, free_port, serving
from tests.support import Statements, World

SUBSCRIPTIONS, LOG = "/api/notification-subscriptions/", "/api/notifications/"
INCIDENTS = "/ux/sd/inci/incident/"
DOWN = "%LINK-3-UPDOWN: Interface {}, changed state to down"
UP = "%LINK-3-UPDOWN: Interface {}, changed state to up"


async def happen(world: World, *messages: str, **values: Any) -> None:
    given = {"source": "syslog", "address": "192.0.2.1", "host": "sw1", "at": datetime.now(UTC), **values}
    await RAW_EVENTS.publish(
        world.platform, [RawEvent(organization=world.organization, message=text, **given) for text in messages]
    )
    await feed.drain(world.platform)


async def subscribe(world: World, channels: list[str], **values: Any) -> dict[str, Any]:
    given = {"name": f"S {datetime.now(UTC)}", "channels": channels, **values}
    made: dict[str, Any] = (await world.post(SUBSCRIPTIONS, given, expect=201))["data"]
    return made


async def log(world: World, **filters: Any) -> list[dict[str, Any]]:
    """The messages, oldest first."""
    query = {"sort": "creation_time", "items_per_page": 500, "filters": json.dumps(filters)}
    found: list[dict[str, Any]] = (await world.get(LOG, params=query))["results"]
    return found


@contextlib.asynccontextmanager
async def post_office(platform: Platform) -> AsyncIterator[Inbox]:
    """A real mail server, and a postman of this installation that delivers to it."""
    port = free_port()
    settings = replace(platform.settings, smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none",
                       mail_from="Mainstay <noc@acme.example>")  # fmt: skip
    office = Platform(settings, build_registry())
    inbox = Inbox()
    with serving(inbox, port):
        task = asyncio.create_task(Postman(office, poll=0.05).run())
        try:
            yield inbox
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await office.database.close()


async def test_event_and_incident_reach_a_mail_server_from_beginning_to_end(world: World, sender: Sender) -> None:
    mail = await channel(world, "email")
    await subscribe(world, [mail["id"]], about="event", users=[world.admin.profile_id])
    await subscribe(world, [mail["id"]], about="incident", users=[world.admin.profile_id],
                    addresses=["noc@acme.example"])  # fmt: skip

    def subjects(inbox: Inbox, to: str) -> list[str]:
        return [str(item["Subject"]) for item in inbox.taken if item["To"] == to]

    async with post_office(world.platform) as inbox:
        await happen(world, DOWN.format("Gi0/1"))
        await until(lambda: inbox.taken)
        await happen(world, UP.format("Gi0/1"))
        made = await world.post(INCIDENTS, {"summary": "Uplink <b>down</b>", "requester_email": "r@x.example"})
        await feed.drain(world.platform)
        await until(lambda: len(inbox.taken) >= 4)
        await world.post(f"{INCIDENTS}inci_resolve/", {"incident_id": made["id"], "closure_note": "New fibre & splice"})
        await feed.drain(world.platform)
        await until(lambda: len(inbox.taken) == 6)
        display = made["data"]["display_id"]
        assert subjects(inbox, world.admin.email) == [
            "Major: sw1 %LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
            "Cleared: sw1 %LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
            f"[{display}] Ticket opened: Uplink <b>down</b>",
            f"[{display}] Ticket resolved: Uplink <b>down</b>",
        ]
        assert len(subjects(inbox, "noc@acme.example")) == 2
        last = inbox.taken[-1]
        html = last.get_body(("html",)).get_content()  # type: ignore[attr-defined]
        assert "Uplink &lt;b&gt;down&lt;/b&gt;" in html
        assert "New fibre &amp; splice" in html
        assert "New fibre & splice" in last.get_body(("plain",)).get_content()  # type: ignore[attr-defined]

        async def settled() -> bool:
            return all(item["status"] == "sent" for item in await log(world, kind="email"))

        await until(settled)
    everything = await log(world, kind="email")
    assert [item["trigger"] for item in everything if item["profile"]] == ["raised", "cleared", "opened", "resolved"]
    assert all(item["sent_at"] and item["is_system_gen"] for item in everything)
    tries = (await world.get(f"{LOG}{everything[0]['communication_id']}/attempts/"))["results"]
    assert [item["outcome"] for item in tries] == ["sent"]


async def test_conditions_triggers_and_disabled_ones(world: World, receiver: Receiver) -> None:
    hook = await channel(world, "api", url=receiver.url)
    loud = await subscribe(world, [hook["id"]], conditions={"severity": [1], "host": "core"})
    some = await subscribe(
        world, [hook["id"]], triggers=["cleared"],
        conditions={"or": [{"field": "message", "condition": "contains", "value": "Gi0/7"}]},
    )  # fmt: skip
    await subscribe(world, [hook["id"]], enabled=False)
    await happen(world, DOWN.format("Gi0/7"))
    await happen(world, DOWN.format("Gi0/8"), severity=1, host="core")
    await happen(world, UP.format("Gi0/7"))
    await until(lambda: len(receiver.requests) == 2)
    found = await log(world)
    assert [(item["subscription"], item["trigger"]) for item in found] == [
        (loud["id"], "raised"), (some["id"], "cleared"),
    ]  # fmt: skip
    body = json.loads(receiver.requests[0].body)
    assert body["type"] == "event.raised"
    assert (body["data"]["event"]["host"], body["data"]["event"]["severity_name"]) == ("core", "Critical")
    assert body["data"]["link"].startswith("http")
    assert receiver.requests[0].headers["webhook-event"] == "event.raised"
    # Switched off: nothing more.
    await world.patch(f"{SUBSCRIPTIONS}{some['id']}/", {"enabled": False})
    await happen(world, DOWN.format("Gi0/7"))
    await happen(world, UP.format("Gi0/7"))
    assert len(await log(world)) == 2


async def test_what_was_before_a_subscription_is_not_told(world: World, receiver: Receiver) -> None:
    hook = await channel(world, "api", url=receiver.url)
    async with world.platform.work(world.organization) as ctx:
        await record(ctx, "event", "create", [("nothing", 1, [])])
    made = (await world.post(INCIDENTS, {"summary": "Old", "requester_email": "r@x.example"}))["id"]
    await subscribe(world, [hook["id"]], about="incident")
    await feed.drain(world.platform)
    assert await log(world) == []
    await world.post(f"{INCIDENTS}inci_resolve/", {"incident_id": made, "closure_note": "Done"})
    await feed.drain(world.platform)
    assert [item["trigger"] for item in await log(world)] == ["resolved"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"conditions": {"no_such_field": 1}}, "conditions"),
        ({"conditions": {"severity": "Loud"}}, "conditions"),
        ({"triggers": ["opened"]}, "triggers"),
        ({"triggers": ["whenever"]}, "triggers"),
        ({"quiet_from": "25:00", "quiet_until": "06:00"}, "quiet_from"),
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"people": ["watchers"]}, "people"),
        ({"addresses": ["not an address"]}, "addresses"),
        ({"channels": ["no such"]}, "channels"),
        ({"channels": []}, "channels"),
    ],
)
async def test_what_does_not_fit_together_is_refused(world: World, given: dict[str, Any], field: str) -> None:
    hook = await channel(world, "api", url="https://example.com/")
    refused = await world.post(SUBSCRIPTIONS, {"name": "x", "channels": [hook["id"]], **given}, expect=400)
    assert field in refused["fields"], refused


async def test_a_subscription_that_reaches_nobody_is_refused(world: World) -> None:
    mail = await channel(world, "email")
    refused = await world.post(
        SUBSCRIPTIONS, {"name": "x", "channels": [mail["id"]], "addresses": ["+49 171 1"]}, expect=400
    )
    assert "Nobody would be told by email" in refused["error"]
    # A channel in use is not deleted from under its subscriptions.
    made = await subscribe(world, [mail["id"]], addresses=["a@b.example"])
    refused = await world.delete(f"/api/notification-channels/{mail['id']}/", expect=409)
    assert "notification subscription" in refused["error"]
    await world.delete(f"{SUBSCRIPTIONS}{made['id']}/")
    await world.delete(f"/api/notification-channels/{mail['id']}/", expect=204)


async def test_recipients_of_teams_and_of_the_record(world: World, receiver: Receiver) -> None:
    ann, ben, gone = await world.person(phone="+49 171 1"), await world.person(), await world.person(phone="+49 171 3")
    team = await world.post("/ux/common/teams/profile/", {"name": "Net", "staffs": [ann.profile_id, ben.profile_id]})
    await world.patch(f"/ux/common/user/profile/{gone.profile_id}/", {"is_active": False})
    text = await channel(world, "sms", url=receiver.url)
    await subscribe(world, [text["id"]], about="incident", teams=[team["id"]], addresses=["+49 171 2", "+49 171 1"],
                    people=["assignee", "watchers"], users=[gone.profile_id])  # fmt: skip
    given = {"summary": "S", "requester_email": "r@x.example", "assignee": ann.profile_id, "watcher": [ben.profile_id]}
    await world.post(INCIDENTS, given)
    await feed.drain(world.platform)
    found = await log(world)
    # Each once; who has no number is listed with the reason.
    assert sorted((item["recipient"], item["status"] == "suppressed") for item in found) == [
        ("", True), ("+49 171 1", False), ("+49 171 2", False),
    ]  # fmt: skip
    assert "has no mobile number" in next(item["reason"] for item in found if not item["recipient"])


async def test_repeats_and_storms_are_suppressed_and_listed(world: World, receiver: Receiver) -> None:
    hook = await channel(world, "api", url=receiver.url)
    again = await subscribe(world, [hook["id"]], repeat_minutes=10, triggers=["raised", "reopened"])
    few = await subscribe(world, [hook["id"]], max_per_hour=2, triggers=["raised"])
    for number in range(4):
        await happen(world, DOWN.format(f"Gi1/{number}"))
    await happen(world, UP.format("Gi1/0"))
    told = await log(world, subscription=few["id"])
    assert [item["status"] == "suppressed" for item in told] == [False, False, True, True]
    assert told[-1]["reason"] == "More than 2 within an hour"
    suppressed = await world.get("/ux/common/messenger/suppressed/")
    assert suppressed["count"] == 2
    first = (await log(world, subscription=again["id"]))[0]
    async with world.platform.work(world.organization) as ctx:
        for cleared in (False, True, False):
            diff = [{"field": "cleared", "old": not cleared, "new": cleared}]
            await record(ctx, "event", "update", [(first["ref_id"], 2, diff)])
    await feed.drain(world.platform)
    reasons = [item["reason"] for item in await log(world, subscription=again["id"], trigger="reopened")]
    assert reasons == ["", "Told less than 10 minutes before"]


async def test_maintenance_and_flapping_are_suppressed(world: World, receiver: Receiver) -> None:
    hook = await channel(world, "api", url=receiver.url)
    quiet = await subscribe(world, [hook["id"]], triggers=["acknowledged"])
    loud = await subscribe(world, [hook["id"]], triggers=["acknowledged"], in_maintenance=True, when_flapping=True)
    for values, why in (
        ({"suppressed": True, "suppression_reason": "Window 4"}, "The event is suppressed: Window 4"),
        ({"flapping": True}, "The event is flapping"),
    ):
        async with world.platform.work(world.organization) as ctx:
            event = await store.add(ctx, Event(message="m", fingerprint=why, **values))
            await record(ctx, "event", "update", [(event.id, 2, [{"field": "acknowledged", "new": True}])])
        await feed.drain(world.platform)
        found = {item["subscription"]: item for item in await log(world, ref_id=event.id)}
        assert found[quiet["id"]]["reason"] == why
        assert found[loud["id"]]["reason"] == ""


async def test_quiet_hours_hold_or_suppress(world: World, receiver: Receiver) -> None:
    hook = await channel(world, "api", url=receiver.url)
    now = datetime.now(UTC)
    span = {"quiet_from": f"{now - timedelta(hours=1):%H:%M}", "quiet_until": f"{now + timedelta(hours=1):%H:%M}"}
    held = await subscribe(world, [hook["id"]], **span)
    off = await subscribe(world, [hook["id"]], outside="suppress", **span)
    away = await subscribe(world, [hook["id"]], timezone="Pacific/Kiritimati", **span)
    await happen(world, DOWN.format("Gi2/1"))
    found = {item["subscription"]: item for item in await log(world)}
    assert found[held["id"]]["status"] == "held"
    due = datetime.fromisoformat(found[held["id"]]["due_at"])
    assert timedelta(minutes=55) < due - now < timedelta(minutes=61)
    assert (found[off["id"]]["status"], found[off["id"]]["reason"][:11]) == ("suppressed", "Quiet hours")
    await until(lambda: len(receiver.requests) == 1)
    assert json.loads(receiver.requests[0].body)["id"] == found[away["id"]]["communication_id"]


async def test_business_hours_hold_messages(world: World, receiver: Receiver) -> None:
    hook = await channel(world, "api", url=receiver.url)
    now = datetime.now(UTC)
    tomorrow = f"{now + timedelta(days=1):%A}".lower()
    hours = await world.post(
        profiles.path, {"name": "Next day", "timezone": "UTC", "hours": {tomorrow: ["09:00-17:00"]}}
    )
    await subscribe(world, [hook["id"]], business_hours=hours["id"])
    await happen(world, DOWN.format("Gi2/1"))
    (found,) = await log(world)
    assert found["status"] == "held"
    due = datetime.fromisoformat(found["due_at"])
    assert (due.hour, due.date()) == (9, (now + timedelta(days=1)).date())


async def test_a_digest_is_one_message(world: World, receiver: Receiver, platform: Platform) -> None:
    hook = await channel(world, "api", url=receiver.url)
    made = await subscribe(world, [hook["id"]], digest_minutes=30)
    for number in range(3):
        await happen(world, DOWN.format(f"Gi3/{number}"))
    collected = await log(world)
    assert [item["status"] for item in collected] == ["held"] * 3
    assert len({(item["digest"], item["due_at"]) for item in collected}) == 1
    assert receiver.requests == []
    async with platform.work(world.organization) as ctx:  # half an hour later
        await ctx.session.execute(update(Notification).values(due_at=ctx.now))
    await until(lambda: receiver.requests)
    (request,) = receiver.requests
    body = json.loads(request.body)
    assert body["data"]["count"] == 3
    assert body["subject"].startswith("3 notifications, latest: Major")
    assert len(body["text"].splitlines()) == 3
    (sent,) = await log(world, trigger="digest")
    assert sent["communication_id"] == collected[0]["digest"]
    assert [item["status"] for item in await log(world, status="digested")] == ["digested"] * 3
    # The next one opens a new window, and goes alone by itself.
    await happen(world, DOWN.format("Gi3/9"))
    (next_one,) = await log(world, status="held")
    assert next_one["digest"] != collected[0]["digest"]
    assert next_one["subscription"] == made["id"]


async def test_people_unsubscribe_mute_and_leave_out_kinds(world: World, receiver: Receiver) -> None:
    ann = await world.person(phone="+49 171 5")
    text, beep = await channel(world, "sms", url=receiver.url), await channel(world, "beep")
    both = [text["id"], beep["id"]]
    free = await subscribe(world, both, users=[ann.profile_id], name="Free")
    must = await subscribe(world, both, users=[ann.profile_id], name="Must", mandatory=True)
    mine = await world.get("/api/my-notifications/", by=ann)
    assert [(item["name"], item["kinds"], item["subscribed"]) for item in mine["subscriptions"]] == [
        ("Free", ["beep", "sms"], True), ("Must", ["beep", "sms"], True),
    ]  # fmt: skip

    async def told(interface: str) -> dict[str, list[str]]:
        await happen(world, DOWN.format(interface))
        found = [item for item in await log(world) if interface in item["subject"]]
        return {made["id"]: sorted(item["kind"] for item in found
                                   if item["subscription"] == made["id"] and item["status"] != "suppressed")
                for made in (free, must)}  # fmt: skip

    await world.put("/api/my-notifications/", {"kinds_off": ["sms"]}, by=ann)
    assert await told("Gi4/1") == {free["id"]: ["beep"], must["id"]: ["beep", "sms"]}
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await world.put("/api/my-notifications/", {"kinds_off": [], "muted_until": later}, by=ann)
    assert await told("Gi4/2") == {free["id"]: [], must["id"]: ["beep", "sms"]}
    assert "Muted by the user" in (await log(world, status="suppressed"))[0]["reason"]
    await world.put("/api/my-notifications/", {"muted_until": None, "subscriptions": {free["id"]: False}}, by=ann)
    assert await told("Gi4/3") == {free["id"]: [], must["id"]: ["beep", "sms"]}
    refused = await world.put("/api/my-notifications/", {"subscriptions": {must["id"]: False}}, by=ann, expect=409)
    assert "mandatory" in refused["error"]
    await world.put("/api/my-notifications/", {"subscriptions": {"x": False}}, by=ann, expect=400)
    again = await world.put("/api/my-notifications/", {"subscriptions": {free["id"]: True}}, by=ann)
    assert again["subscriptions"][0]["subscribed"] is True
    # Of oneself only.
    assert (await world.get("/api/my-notifications/"))["subscriptions"] == []


async def test_a_batch_costs_the_same_statements_whatever_its_length(
    world: World, receiver: Receiver, statements: Statements | None
) -> None:
    assert statements is not None
    hook = await channel(world, "api", url=receiver.url)
    for number in range(5):
        await subscribe(world, [hook["id"]], conditions={"severity": [1, 2, 3, 4]}, repeat_minutes=number,
                        max_per_hour=1)  # fmt: skip
    counts = []
    for size in (3, 60):
        messages = [DOWN.format(f"Gi{size}/{number}") for number in range(size)]
        await RAW_EVENTS.publish(world.platform, [
            RawEvent(organization=world.organization, message=text, source="syslog", host="sw", at=datetime.now(UTC))
            for text in messages
        ])  # fmt: skip
        async with world.platform.work(world.organization) as ctx:
            found = (await ctx.session.execute(select(Change).where(Change.resource == "event"))).scalars()
            changes = [item for item in found if item.action == "create"][-size:]
            start = len(statements.ran)
            await notify(ctx, changes)
            counts.append(len(statements.ran) - start)
    assert counts[0] == counts[1]
    assert counts[0] <= 16, counts
