"""Triggers: events become incidents through the real change feed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mainstay.kernel import feed
from mainstay.kernel.mail import OutboxMail
from mainstay.modules.servicedesk.eventtickets.clock import work_due
from mainstay.modules.servicedesk.eventtickets.tables import TriggerDue
from tests.servicedesk.triggering import (
    EVENTS,
    INCIDENTS,
    TALK,
    TRIGGERS,
    events,
    incidents,
    linked,
    raw,
    said,
    trigger,
)
from tests.support import World


async def bring_forward(world: World) -> None:
    """What waits for its time has it now."""
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(update(TriggerDue).values(due_at=ctx.now - timedelta(seconds=1)))
    await work_due(world.platform)


async def test_a_link_goes_down_and_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.platform, "settings", replace(world.platform.settings, smtp_host="127.0.0.1"))
    made = await trigger(world, conditions={"severity": [1, 2]}, group_by="ci", tag=["network"],
                         notify_emails=["noc@example.com"], notify_users=[world.admin.profile_id])  # fmt: skip
    await raw(world, "ge-0/0/1", message="Link <down> on ge-0/0/1", host="sw1")
    (incident,) = await incidents(world)
    assert incident["summary"] == "sw1: Link <down> on ge-0/0/1"
    assert (incident["priority"], incident["urgency"], incident["severity"]) == ("Critical", "High", "Critical")
    assert (incident["source"], incident["tag"]) == ("Monitoring", ["network"])
    read = await world.get(f"{INCIDENTS}{incident['id']}/")
    assert "Link &lt;down&gt; on" in read["incident"]["description"]
    (event,) = read["incident"]["related"]["events"]
    assert (event["rule_name"], event["cleared"], event["severity"]) == ("Test trigger", False, "Critical")
    seen = await world.get(f"{EVENTS}get-event-ticket-details/", params={"event_id": event["event_id"]})
    assert [row["display_id"] for row in seen["results"]] == ["INC-1"]
    assert seen["results"][0]["rule"] == made["id"]

    await raw(world, "ge-0/0/1", clear=True)
    read = await world.get(f"{INCIDENTS}{incident['id']}/")
    assert read["status"]["name"] == "Resolved"
    close = read["incident"]["close_info"]
    assert "All events of this incident have cleared." in close["resolution_note"]
    assert close["resolved_by"] == "Trigger: Test trigger"
    assert ("resolution", True) in [(kind, public) for kind, public, _text in await said(world, incident["id"])]
    for path, words in ((f"{INCIDENTS}{incident['id']}", "event"), (f"{EVENTS}{event['event_id']}", "ticket")):
        history = (await world.get(f"{path}/history/"))["results"]
        assert words in [entry["action"] for entry in history]
    async with world.platform.work(world.organization) as ctx:
        sent = (await ctx.session.execute(select(OutboxMail.recipient, OutboxMail.subject))).all()
    subjects = ("[INC-1] Opened: sw1: Link <down> on ge-0/0/1", "[INC-1] Resolved: sw1: Link <down> on ge-0/0/1")
    assert sorted(map(tuple, sent)) == sorted(
        (to, s) for to in (world.admin.email, "noc@example.com") for s in subjects
    )


async def test_an_inactive_trigger_and_events_that_do_not_fit_open_nothing(world: World) -> None:
    await trigger(world, status="inactive")
    await trigger(world, name="Fits seldom", conditions={"and": [{"severity": 1}, {"host": "sw9"}]})
    await raw(world, "a", host="sw1")
    assert await incidents(world) == []
    await raw(world, "b", host="SW9")
    assert [row["summary"] for row in await incidents(world)] == ["SW9: Problem b"]


async def test_conditions_reach_every_field_and_the_variables(world: World) -> None:
    await trigger(
        world,
        conditions={"or": [
            {"field": "variables.vlan", "condition": "in", "value": ["10", "20"]},
            {"and": [{"field": "alarm_message", "condition": "contains", "value": "CPU"}, {"severity": "Critical"}]},
        ]},
    )  # fmt: skip
    await raw(world, "a", variables={"vlan": "10"}, severity=4)
    await raw(world, "b", variables={"vlan": "30"}, severity=4)
    await raw(world, "c", message="High cpu load", severity=1)
    await raw(world, "d", message="High cpu load", severity=2)
    assert [row["summary"] for row in await incidents(world)] == ["192.0.2.1: Problem a", "192.0.2.1: High cpu load"]


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("event", [["Problem a"], ["Problem b"], ["Problem c"], ["Problem d"]]),
        ("ci", [["Problem a", "Problem b"], ["Problem c", "Problem d"]]),
        ("event_class", [["Problem a", "Problem c"], ["Problem b", "Problem d"]]),
        ("all", [["Problem a", "Problem b", "Problem c", "Problem d"]]),
        ("expression", [["Problem a", "Problem d"], ["Problem b", "Problem c"]]),
    ],
)
async def test_events_are_grouped_into_incidents(world: World, group_by: str, expected: Any) -> None:
    extra = {"group_expression": "vlan {{variables.vlan}}"} if group_by == "expression" else {}
    await trigger(world, group_by=group_by, **extra)
    for key, number, kind, vlan in (("a", 1, "Link", 7), ("b", 1, "Fan", 8), ("c", 2, "Link", 8), ("d", 2, "Fan", 7)):
        await raw(world, key, drain=False, address=f"192.0.2.{number}", event_class=kind, variables={"vlan": str(vlan)})
    await feed.drain(world.platform)
    found = [await linked(world, row["id"]) for row in await incidents(world)]
    assert sorted(found) == expected


async def test_an_incident_grows_and_is_resolved_with_its_last_event(world: World) -> None:
    await trigger(world, group_by="ci", follow_severity=True)
    await raw(world, "a", severity=3)
    (incident,) = await incidents(world)
    assert incident["priority"] == "Medium"
    await raw(world, "b", "c", severity=1)
    (incident,) = await incidents(world)
    assert incident["priority"] == "Critical"
    assert await linked(world, incident["id"]) == ["Problem a", "Problem b", "Problem c"]
    ((kind, public, text),) = await said(world, incident["id"])
    assert (kind, public) == ("event", False)
    assert "2 events more" in text
    await raw(world, "a", "b", clear=True)
    assert (await incidents(world))[0]["state"] == "Open"
    await raw(world, "c", clear=True)
    assert (await incidents(world))[0]["state"] == "Resolved"


async def test_a_change_of_severity_is_noted(world: World) -> None:
    await trigger(world, follow_severity=True)
    await raw(world, "a", severity=3)
    await raw(world, "a", severity=1)
    (incident,) = await incidents(world)
    assert incident["priority"] == "Critical"
    ((_kind, public, text),) = await said(world, incident["id"])
    assert not public
    assert "from Minor to <b>Critical</b>" in text


@pytest.mark.parametrize(("on_clear", "state", "notes"), [("note", "Open", 1), ("nothing", "Open", 0)])
async def test_what_happens_at_the_end_is_chosen(world: World, on_clear: str, state: str, notes: int) -> None:
    await trigger(world, on_clear=on_clear)
    await raw(world, "a")
    await raw(world, "a", clear=True)
    (incident,) = await incidents(world)
    assert incident["state"] == state
    assert len(await said(world, incident["id"])) == notes


@pytest.mark.parametrize(
    ("on_recurrence", "states", "talk"),
    [("reopen", ["In Progress"], ["resolution", "reopen"]), ("new", ["Resolved", "Open"], ["resolution"]),
     ("note", ["Resolved"], ["resolution", "event"])],
)  # fmt: skip
async def test_what_happens_when_it_comes_back_is_chosen(
    world: World, on_recurrence: str, states: list[str], talk: list[str]
) -> None:
    await trigger(world, on_recurrence=on_recurrence)
    await raw(world, "a")
    await raw(world, "a", clear=True)
    await raw(world, "a")
    found = await incidents(world)
    assert [row["state"] for row in found] == states
    assert [kind for kind, _public, _text in await said(world, found[0]["id"])] == talk


async def test_after_a_closed_incident_a_new_one_is_opened(world: World) -> None:
    await trigger(world)
    await raw(world, "a")
    await raw(world, "a", clear=True)
    await world.post(f"{INCIDENTS}close_inci_request/", {"incident_id": "INC-1"})
    await raw(world, "a")
    assert [row["state"] for row in await incidents(world)] == ["Closed", "Open"]
    await raw(world, "a", clear=True)
    assert [row["state"] for row in await incidents(world)] == ["Closed", "Resolved"]


async def test_a_group_ends_with_its_window(world: World) -> None:
    from mainstay.modules.servicedesk.eventtickets.tables import TriggerGroup

    await trigger(world, group_by="all", group_window=10)
    await raw(world, "a")
    await raw(world, "b")
    assert len(await incidents(world)) == 1
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(update(TriggerGroup).values(opened_at=ctx.now - timedelta(minutes=11)))
    await raw(world, "c")
    first, second = await incidents(world)
    assert await linked(world, second["id"]) == ["Problem c"]
    assert await linked(world, first["id"]) == ["Problem a", "Problem b"]


async def test_a_delay_spares_what_ends_in_time(world: World) -> None:
    made = await trigger(world, delay=3600)
    await raw(world, "a", "b")
    assert await incidents(world) == []
    waiting = (await world.get(f"{TRIGGERS}{made['id']}/waiting/"))["results"]
    assert sorted(row["message"] for row in waiting) == ["Problem a", "Problem b"]
    assert {row["kind"] for row in waiting} == {"open"}
    await raw(world, "a", clear=True)
    await bring_forward(world)
    assert [row["summary"] for row in await incidents(world)] == ["192.0.2.1: Problem b"]
    assert (await world.get(f"{TRIGGERS}{made['id']}/waiting/"))["count"] == 0


async def test_a_delay_may_also_report_what_ended(world: World) -> None:
    await trigger(world, delay=3600, only_if_not_cleared=False, on_clear="nothing")
    await raw(world, "a")
    await raw(world, "a", clear=True)
    await bring_forward(world)
    assert [row["state"] for row in await incidents(world)] == ["Open"]


async def test_the_clock_does_by_itself_what_is_due(world: World) -> None:
    await trigger(world, delay=1)
    await raw(world, "a")
    assert await incidents(world) == []
    for _ in range(60):
        await asyncio.sleep(0.1)
        if found := await incidents(world):
            break
    assert len(found) == 1


async def test_resolving_waits_whether_it_comes_back(world: World) -> None:
    await trigger(world, resolve_delay=3600, group_by="ci")
    await raw(world, "a", "b")
    await raw(world, "a", "b", clear=True)
    (incident,) = await incidents(world)
    assert incident["state"] == "Open"
    await raw(world, "b")
    await bring_forward(world)
    assert (await incidents(world))[0]["state"] == "Open"
    await raw(world, "b", clear=True)
    await bring_forward(world)
    assert (await incidents(world))[0]["state"] == "Resolved"


async def test_outside_business_hours_a_trigger_waits_or_does_nothing(world: World) -> None:
    now = world.platform.now()
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    tomorrow = days[(now.weekday() + 2) % 7]
    hours = await world.post("/api/business-hours/", {"name": "Other day", "hours": {tomorrow: ["00:00-24:00"]}})
    waits = await trigger(world, name="Waits", business_hours=hours["id"])
    await trigger(world, name="Skips", business_hours=hours["id"], outside_hours="skip")
    await raw(world, "a")
    assert await incidents(world) == []
    (row,) = (await world.get(f"{TRIGGERS}{waits['id']}/waiting/"))["results"]
    assert row["due_at"][:10] == (now + timedelta(days=2)).date().isoformat()
    assert row["due_at"][11:19] == "00:00:00"
    # Its time has come, but the hours were changed meanwhile: it waits on.
    await bring_forward(world)
    assert await incidents(world) == []
    await world.patch(f"/api/business-hours/{hours['id']}/", {"hours": {day: ["00:00-24:00"] for day in days}})
    await bring_forward(world)
    assert len(await incidents(world)) == 1
    refused = await world.delete(f"/api/business-hours/{hours['id']}/", expect=409)
    assert "event trigger" in refused["error"]


async def test_after_correlation_consequences_join_their_cause(world: World) -> None:
    from mainstay.modules.monitoring.events.tables import Event

    await trigger(world, type="Notify After Correlation")
    await raw(world, "cause")
    await raw(world, "effect")
    (cause,), (effect,) = await events(world, resource="cause"), await events(world, resource="effect")
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(update(Event).where(Event.id == effect["id"]).values(parent=cause["id"]))
        await ctx.session.execute(update(TriggerDue).where(TriggerDue.subject == cause["id"]).values(due_at=ctx.now))
    assert await incidents(world) == []
    await work_due(world.platform)
    await bring_forward(world)
    (incident,) = await incidents(world)
    assert incident["summary"] == "192.0.2.1: Problem cause"
    assert await linked(world, incident["id"]) == ["Problem cause", "Problem effect"]


async def test_who_gets_the_incident_is_told_by_the_event(world: World) -> None:
    agent = await world.person()
    core = await world.post("/ux/common/teams/profile/", {"name": "Core"})
    edge = await world.post("/ux/common/teams/profile/", {"name": "Edge"})
    await trigger(
        world, team=core["id"], team_from="{{variables.team}}", assignee_from="{{variables.owner}}",
        summary_template="{{event_class}} at {{variables.site}}", impact=5, priority=2,
    )  # fmt: skip
    await raw(world, "a", variables={"team": "EDGE", "owner": agent.email, "site": "Cork"})
    await raw(world, "b", variables={"team": "nobody"})
    first, second = await incidents(world)
    assert (first["team"], first["assignee"]) == (edge["id"], agent.profile_id)
    assert (second["team"], second["assignee"]) == (core["id"], None)
    assert (first["summary"], first["impact"], first["priority"]) == ("Link Down at Cork", "User", "High")
    assert second["summary"] == "Link Down at"


async def test_what_is_suppressed_or_in_maintenance_opens_nothing_unless_wanted(world: World) -> None:
    from mainstay.modules.monitoring.events.tables import Event

    await trigger(world, name="Usual")
    await trigger(world, name="Every", skip_suppressed=False)
    await raw(world, "a", drain=False)
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(update(Event).values(suppressed=True))
    await feed.drain(world.platform)
    (incident,) = await incidents(world)
    (event,) = (await world.get(f"{INCIDENTS}{incident['id']}/"))["incident"]["related"]["events"]
    assert event["rule_name"] == "Every"


async def test_a_trigger_in_trouble_says_so_tries_again_and_holds_up_nothing(world: World) -> None:
    field = {"resource": "incident", "key": "ticket_owner", "label": "Ticket owner", "kind": "text", "required": True}
    await trigger(world, name="A: works")
    broken = await trigger(world, name="B: broken", assignee=(await world.person()).profile_id)
    made = await world.post("/api/custom-fields/", field)
    await raw(world, "a")
    told = await world.get(f"{TRIGGERS}{broken['id']}/")
    assert "ticket owner" in told["last_error"].lower()
    assert told["version"] == 1
    assert (await world.get(f"{TRIGGERS}{broken['id']}/waiting/"))["results"][0]["attempts"] == 1
    await world.delete(f"/api/custom-fields/{made['id']}/")
    await bring_forward(world)
    assert len(await incidents(world)) == 2
    told = await world.get(f"{TRIGGERS}{broken['id']}/")
    assert (told["last_error"], told["fired_count"]) == ("", 1)


async def test_incidents_of_people_are_told_but_not_resolved(world: World) -> None:
    await raw(world, "a")
    (event,) = await events(world)
    await world.post(f"{EVENTS}create_incident/", {"event_ids": [event["id"]]})
    await raw(world, "a", clear=True)
    (incident,) = await incidents(world)
    assert incident["state"] == "Open"
    ((_kind, _public, text),) = await said(world, incident["id"])
    assert "All events of this incident have cleared." in text


async def test_merged_incidents_end_with_all_their_events(world: World) -> None:
    await trigger(world)
    await raw(world, "a", "b")
    await world.post(f"{INCIDENTS}merge/", {"incident_id": "INC-1", "ids": ["INC-2"]})
    assert await linked(world, "INC-1") == ["Problem a", "Problem b"]
    await raw(world, "a", clear=True)
    assert (await incidents(world))[0]["state"] == "Open"
    # More of what the merged one was about goes to the one that remains.
    (event,) = await events(world, resource="b")
    found = await world.post(f"{EVENTS}upsert_incident/", {"event_ids": [event["id"]]})
    assert (found["display_id"], found["created"]) == ("INC-1", False)
    await raw(world, "b", clear=True)
    assert [row["state"] for row in await incidents(world)] == ["Resolved", "Closed"]


async def test_merged_incidents_whose_events_come_back_together_are_reopened_once(world: World) -> None:
    await trigger(world)
    await raw(world, "a", "b")
    await world.post(f"{INCIDENTS}merge/", {"incident_id": "INC-1", "ids": ["INC-2"]})
    await raw(world, "a", "b", clear=True)
    await raw(world, "a", "b")
    assert [(row["state"], row["basic_info"]["reopen_count"]) for row in await incidents(world)] == [
        ("In Progress", 1), ("Closed", 0),
    ]  # fmt: skip
    assert await linked(world, "INC-1") == ["Problem a", "Problem b"]


async def test_a_preview_tells_what_would_have_happened(world: World) -> None:
    await raw(world, "a", "b", severity=1)
    await raw(world, "c", severity=4)
    await raw(world, "a", clear=True)
    asked = {"trigger": {"conditions": {"severity": 1}, "group_by": "ci"}, "last": 10}
    tried = await world.post(f"{TRIGGERS}preview/", asked)
    assert (tried["examined"], tried["matched"]) == (3, 2)
    ((group),) = tried["groups"]
    assert sorted(row["message"] for row in group["events"]) == ["Problem a", "Problem b"]
    assert await incidents(world) == []
    assert [row["name"] for row in (await world.get(TRIGGERS))["results"]] == ["Critical and major events"]
    made = await trigger(world, status="inactive", conditions={"severity": 4})
    assert (await world.post(f"{TRIGGERS}preview/", {"id": made["id"]}))["matched"] == 1
    blind = await world.granted({"event_trigger": ("view",)})
    await world.post(f"{TRIGGERS}preview/", asked, by=blind, expect=403)


async def test_a_delay_starts_over_with_the_problem(world: World) -> None:
    made = await trigger(world, delay=3600)
    path = f"{TRIGGERS}{made['id']}/waiting/"
    await raw(world, "a", "b")
    before = (await world.get(path))["results"]
    await raw(world, "a", clear=True)
    assert [row["message"] for row in (await world.get(path))["results"]] == ["Problem b"]
    await raw(world, "a")
    after = (await world.get(path))["results"]
    assert [row["message"] for row in after] == ["Problem b", "Problem a"]
    assert after[0]["due_at"] == before[0]["due_at"] < after[1]["due_at"]


async def test_an_incident_resolved_by_somebody_is_not_reopened_by_a_mere_change(world: World) -> None:
    await trigger(world)
    await raw(world, "a", severity=3)
    await world.post(f"{INCIDENTS}inci_resolve/", {"incident_id": "INC-1", "closure_note": "Known"})
    await raw(world, "a", severity=1)
    (event,) = await events(world)
    await world.patch(f"{EVENTS}{event['id']}/", {"tags": ["seen"]})
    await feed.drain(world.platform)
    assert [row["state"] for row in await incidents(world)] == ["Resolved"]
    await raw(world, "a", clear=True)
    await raw(world, "a")
    assert [row["state"] for row in await incidents(world)] == ["In Progress"]


async def test_an_event_that_comes_to_fit_gets_its_incident(world: World) -> None:
    await trigger(world, conditions={"severity": 1})
    await raw(world, "a", severity=3)
    assert await incidents(world) == []
    await raw(world, "a", severity=1)
    assert len(await incidents(world)) == 1


async def test_a_trigger_is_applied_to_what_is_active_now(world: World) -> None:
    await raw(world, "a", "b", "c")
    await raw(world, "c", clear=True)
    made = await trigger(world, group_by="ci", status="inactive")
    apply = f"{TRIGGERS}{made['id']}/apply/"
    await world.post(apply, expect=409)
    await world.patch(f"{TRIGGERS}{made['id']}/", {"status": "active"})
    assert await world.post(apply) == {"status": "success", "matched": 2, "taken": 2}
    assert await world.post(apply) == {"status": "success", "matched": 2, "taken": 0}
    (incident,) = await incidents(world)
    assert await linked(world, incident["id"]) == ["Problem a", "Problem b"]
    editor = await world.granted({"event_trigger": ("view", "edit")})
    await world.post(apply, by=editor, expect=403)


async def test_many_incidents_at_once_are_one_mail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.platform, "settings", replace(world.platform.settings, smtp_host="127.0.0.1"))
    await trigger(world, notify_emails=["noc@example.com"])
    await raw(world, *(f"p{number}" for number in range(30)), drain=False)
    await feed.drain(world.platform)
    assert len(await incidents(world)) == 30
    async with world.platform.work(world.organization) as ctx:
        sent = (await ctx.session.execute(select(OutboxMail.subject, OutboxMail.text))).all()
    ((subject, text),) = sent
    assert subject == "30 incidents were opened by the trigger Test trigger"
    assert "INC-30" in text


async def test_an_end_of_many_is_worked_in_portions(world: World) -> None:
    await trigger(world)
    keys = [f"p{number:03}" for number in range(120)]
    await world.put("/api/settings", {"values": {"events.storm": 0}})
    await raw(world, *keys)

    async def worked(state: str) -> None:
        """The clock of the running platform takes portions, too: what it has at hand is passed over here."""
        for _ in range(100):
            await work_due(world.platform)
            found = await incidents(world)
            if {row["state"] for row in found} == {state}:
                assert len(found) == 120
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"Not all are {state}.")

    await raw(world, *keys, clear=True)
    await worked("Resolved")
    await raw(world, *keys)
    await worked("In Progress")


async def test_the_shipped_trigger_works_once_it_is_switched_on(world: World) -> None:
    (shipped,) = (await world.get(TRIGGERS))["results"]
    await raw(world, "a", severity=2)
    assert (shipped["status"], await incidents(world)) == ("inactive", [])
    await world.patch(f"{TRIGGERS}{shipped['id']}/", {"is_enabled": True})
    await raw(world, "b", severity=2)
    await raw(world, "c", severity=3)
    (incident,) = await incidents(world)
    assert await linked(world, incident["id"]) == ["Problem b"]


async def test_sites_and_teams_come_from_the_configuration_items(world: World) -> None:
    place = await world.post("/ux/common/org/location/", {"location_name": "Cork"})
    team = await world.post("/ux/common/teams/profile/", {"name": "Field"})
    for number in (1, 2):
        item = {"name": f"sw{number}", "category": "Switch", "location": place["id"], "team": team["id"]}
        await world.post("/ux/common/cmdb/profile/", {**item, "ip_address": f"192.0.2.{number}"}, expect=201)
    found = (await world.get("/ux/common/cmdb/profile/"))["results"]
    await trigger(world, conditions={"site": place["id"]}, group_by="site", team_from="{{ci_team}}",
                  summary_template="{{site}}: {{ci_name}}")  # fmt: skip
    await raw(world, "stray", address="192.0.2.77")
    for row in sorted(found, key=lambda row: row["name"]):
        await raw(world, row["name"], ci=row["ci_id"])
    (incident,) = await incidents(world)
    assert (incident["summary"], incident["team"]) == ("Cork: sw1", team["id"])
    assert await linked(world, incident["id"]) == ["Problem sw1", "Problem sw2"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"conditions": {"colour": "red"}}, "conditions"),
        ({"conditions": {"field": "severity", "condition": "near", "value": 1}}, "conditions"),
        ({"conditions": {"variables.a'b": 1}}, "conditions"),
        ({"conditions": {"severity": "Catastrophic"}}, "conditions"),
        ({"summary_template": "{{colour}}"}, "summary_template"),
        ({"group_by": "expression"}, "group_expression"),
        ({"group_by": "expression", "group_expression": "same"}, "group_expression"),
        ({"by_severity": {"1": {"urgency": 9}}}, "by_severity"),
        ({"by_severity": {"9": {"urgency": 1}}}, "by_severity"),
        ({"by_severity": [1]}, "by_severity"),
        ({"notify_emails": ["nobody"]}, "notify_emails"),
        ({"delay": -1}, "delay"),
        ({"business_hours": "nothing"}, "business_hours"),
    ],
)
async def test_a_trigger_that_cannot_work_is_refused_by_field(world: World, values: Any, field: str) -> None:
    refused = await world.post(TRIGGERS, {"name": "Wrong", **values}, expect=400)
    assert list(refused["fields"]) == [field]


async def test_a_storm_of_events_is_handled_in_sets(world: World, statements: Any) -> None:
    """Many events of one device are one incident; the statements do not grow with them."""
    await trigger(world, group_by="ci")
    await world.put("/api/settings", {"values": {"events.storm": 0}})
    counts = []
    for size in (5, 200):
        batch = [f"{size}-{number}" for number in range(size)]
        await raw(world, *batch, drain=False, address=f"192.0.2.{size}")
        start = len(statements.ran)
        await feed.drain(world.platform)
        counts.append(len(statements.ran) - start)
    found = await incidents(world)
    assert len(found) == 2
    read = await world.get(f"{INCIDENTS}{found[1]['id']}/events/", params={"items_per_page": 10, "page": 2})
    assert (read["count"], len(read["results"]), read["total_pages"]) == (200, 10, 20)
    talk = await world.get(TALK, params={"incident_id": found[1]["id"]})
    assert talk["count"] == 0
    assert counts[1] <= counts[0] + 12, counts
