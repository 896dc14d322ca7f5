"""Incidents through the API: from the report to closure."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.support import World

PATH = "/ux/sd/inci/incident/"
TALK = "/ux/sd/inci/conversation/"


async def report(world: World, **values: Any) -> dict[str, Any]:
    given = {"summary": "Mail cannot be sent", "requester_email": "rita@example.com", **values}
    made: dict[str, Any] = await world.post(PATH, given, expect=201)
    return made["data"]  # type: ignore[no-any-return]


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}{{id}}/", f"GET {PATH}incident-data/{{id}}/")
async def test_a_report_becomes_an_incident_with_number_priority_and_requester(world: World) -> None:
    made = await report(
        world,
        urgency="High",
        impact="Department",
        requester_name="Rita Requester",
        description="<p>Hello<script>alert(1)</script></p>",
    )
    assert made["display_id"] == "INC-1"
    assert made["basic_info"]["priority"] == "High"
    assert made["basic_info"]["status"] == "New"
    read = await world.get(f"{PATH}INC-1/")
    assert set(read) == {
        "incident",
        "options",
        "status",
        "transition_status",
        "stage_state_option_map",
        "selected_assignee_info",
    }
    assert read["incident"]["requester"]["full_name"] == "Rita Requester"
    assert read["incident"]["basic_info"]["description"] == "<p>Hello</p>"
    assert [row["name"] for row in read["transition_status"]] == ["Responded", "Analysis", "Resolved"]
    assert read["options"]["priority_matrix"]["1"]["1"] == 1
    plain = await world.get(f"{PATH}incident-data/{made['id']}/")
    assert plain["display_id"] == "INC-1"
    second = await report(world, summary="Again")
    assert second["display_id"] == "INC-2"
    assert second["requester_id"] == made["requester_id"]


@pytest.mark.proves(f"PUT {PATH}{{id}}/")
async def test_the_default_workflow_from_new_to_closed(world: World) -> None:
    made = await report(world)
    for status in ("Responded", "Analysis", "Escalated", "Analysis", "Pending"):
        read = await world.get(f"{PATH}{made['id']}/")
        record = read["incident"]
        record["basic_info"]["status"] = status
        record["basic_info"].pop("status_id")
        for name in ("status", "status_id"):
            record.pop(name, None)
        moved = await world.put(f"{PATH}{made['id']}/", record)
        assert moved["data"]["status"] == status
    await world.patch(f"{PATH}{made['id']}/", {"status": "Resolved", "comment": "New cable."})
    closed = await world.patch(f"{PATH}{made['id']}/", {"status_id": 7})
    assert closed["data"]["state"] == "Closed"
    assert closed["data"]["close_info"]["closed_by"] == "Ada Admin"
    history = await world.get(f"{PATH}{made['id']}/history/")
    moves = [c["new"] for e in reversed(history["results"]) for c in e["changes"] if c["field"] == "status_id"]
    assert moves == [1, 2, 3, 4, 3, 5, 6, 7]


async def test_an_illegal_move_is_refused_by_name(world: World) -> None:
    made = await report(world)
    refused = await world.patch(f"{PATH}{made['id']}/", {"status": "Closed"}, expect=409)
    assert refused["error"] == (
        "An incident in Open / New cannot move to Closed / Closed. "
        "Allowed: Open / Responded, In Progress / Analysis, Resolved / Resolved."
    )
    assert (await world.get(f"{PATH}{made['id']}/"))["incident"]["status"] == "New"


@pytest.mark.proves(f"POST {PATH}inci_resolve/", f"POST {PATH}close_inci_request/", f"POST {PATH}inci_reopen/")
async def test_resolve_close_and_reopen(world: World) -> None:
    made = await report(world)
    refused = await world.post(f"{PATH}inci_resolve/", {"incident_id": made["id"]}, expect=400)
    assert list(refused["fields"]) == ["closure_note"]
    solved = await world.post(f"{PATH}inci_resolve/", {"incident_id": "INC-1", "closure_note": "Replaced the cable."})
    assert solved["data"]["state"] == "Resolved"
    assert solved["data"]["close_info"]["auto_close_at"] is not None
    closed = await world.post(f"{PATH}close_inci_request/", {"incident_id": made["id"], "close_type": "Agreed"})
    assert closed["data"]["state"] == "Closed"
    await world.patch(f"{PATH}{made['id']}/", {"summary": "x"}, expect=409)
    await world.post(f"{PATH}inci_reopen/", {"incident_id": made["id"]}, expect=400)
    opened = await world.post(f"{PATH}inci_reopen/", {"incident_id": made["id"], "reason": "It broke again."})
    assert opened["data"]["status"] == "Analysis"
    assert opened["data"]["basic_info"]["reopen_count"] == 1
    await world.post(f"{PATH}inci_reopen/", {"incident_id": made["id"], "reason": "Twice"}, expect=409)


async def test_a_priority_change_asks_for_its_reason(world: World) -> None:
    made = await report(world)
    refused = await world.patch(f"{PATH}{made['id']}/", {"priority": "Critical"}, expect=400)
    assert "comment" in refused["fields"]
    reason = {"type": "Priority Change", "text": "The CEO is affected."}
    changed = await world.patch(f"{PATH}{made['id']}/", {"priority": {"id": 1, "name": "Critical"}, "comment": reason})
    assert changed["data"]["priority"] == "Critical"
    talk = await world.get(TALK, params={"incident_id": made["id"]})
    assert [(row["type"], row["message"], row["is_public"]) for row in talk["results"]] == [
        ("Priority Change", "The CEO is affected.", False)
    ]


@pytest.mark.proves(f"GET {TALK}", f"POST {TALK}", f"GET {TALK}{{id}}/", f"PUT {TALK}{{id}}/", f"DELETE {TALK}{{id}}/")
async def test_the_conversation_with_an_attachment(world: World) -> None:
    made = await report(world)
    picture = base64.b64encode(b"\x89PNG not really").decode()
    said = await world.post(
        TALK,
        {
            "incident_id": made["id"],
            "message": "<b>Hello</b><img src=x onerror=alert(1)>",
            "attachments": [{"name": "../shot.png", "data": f"data:image/png;base64,{picture}"}],
        },
        expect=201,
    )
    data = said["data"]
    assert "onerror" not in data["message"]
    assert [item["name"] for item in data["attachments"]] == ["shot.png"]
    file = await world.send("GET", data["attachments"][0]["url"])
    assert file.content == b"\x89PNG not really"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in file.headers["content-security-policy"]
    one = await world.get(f"{TALK}{said['id']}/")
    assert one["user_name"] == "Ada Admin"
    await world.put(f"{TALK}{said['id']}/", {"message": "Corrected"})
    listed = await world.get(TALK, params={"incident_id": "INC-1"})
    assert [(row["message"], row["edited"]) for row in listed["results"]] == [("Corrected", True)]
    agent = await world.person("IT Support Operator")
    await world.put(f"{TALK}{said['id']}/", {"message": "Not mine"}, by=agent, expect=403)
    await world.delete(f"{TALK}{said['id']}/", expect=204)
    assert (await world.get(TALK, params={"incident_id": made["id"]}))["count"] == 0


async def test_the_conversation_shows_who_has_a_picture(world: World) -> None:
    made = await report(world)
    agent = await world.person("IT Support Operator")
    data = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff\xe0 a face").decode()
    mine = await world.post("/ux/common/user/profile/picture/", {"name": "me.jpg", "data": data}, by=agent)
    for author, text in ((agent, "With a face"), (None, "Without")):
        await world.post(TALK, {"incident_id": made["id"], "message": text}, by=author, expect=201)
    rows = (await world.get(TALK, params={"incident_id": made["id"]}))["results"]
    assert [row["user_picture"] for row in rows] == [mine["picture"], ""]


@pytest.mark.proves(f"GET {PATH}")
async def test_the_list_is_filtered_sorted_and_paged(world: World) -> None:
    await world.post(
        PATH, [{"summary": f"Ticket {n}", "urgency": 1 + n % 3, "impact": 1} for n in range(7)], expect=201
    )
    urgent = await world.get(PATH, params={"filters": '{"urgency_id": 1}', "sort": "display_id"})
    assert [row["summary"] for row in urgent["results"]] == ["Ticket 0", "Ticket 3", "Ticket 6"]
    body = {"filters": {"and": [{"field": "priority", "condition": "in", "value": ["Critical", "High"]}]}}
    both = await world.call("GET", PATH, json=body, params={"sort": "priority", "reverse": "true"})
    assert both["count"] == 5
    assert [row["priority"] for row in both["results"]] == [
        "High",
        "High",
        "Critical",
        "Critical",
        "Critical",
    ]
    page = await world.get(PATH, params={"items_per_page": 3, "page": 2})
    assert (page["count"], page["total_pages"], len(page["results"])) == (7, 3, 3)
    names, url = [], f"{PATH}?items_per_page=2"
    while url:
        page = await world.get(url)
        names += [row["summary"] for row in page["results"]]
        url = page["next"]
    assert names == [f"Ticket {n}" for n in reversed(range(7))]


@pytest.mark.proves(f"POST {PATH}add-attachment/", f"GET {PATH}attachment/")
async def test_attachments_are_checked_listed_and_streamed(world: World) -> None:
    made = await report(world)
    data = "data:text/plain;base64," + base64.b64encode(b"log line").decode()
    await world.post(
        f"{PATH}add-attachment/",
        {"incident_id": made["id"], "attachments": [{"name": "a.log", "data": data}]},
    )
    listed = await world.get(f"{PATH}attachment/", params={"incident_id": made["id"]})
    assert [(row["name"], row["size"]) for row in listed["results"]] == [("a.log", 8)]
    file = await world.send("GET", f"{PATH}attachment/", params={"attachment_id": listed["results"][0]["id"]})
    assert file.content == b"log line"
    html = "data:text/html;base64," + base64.b64encode(b"<script>").decode()
    await world.post(
        f"{PATH}add-attachment/", {"incident_id": made["id"], "attachments": [{"name": "x", "data": html}]}, expect=415
    )
    await world.post(
        f"{PATH}add-attachment/", {"incident_id": made["id"], "attachments": [{"name": "x", "data": "abc"}]}, expect=400
    )


@pytest.mark.proves(f"DELETE {PATH}{{id}}/", f"POST {PATH}delete_incident/")
async def test_incidents_are_deleted(world: World) -> None:
    first, second = await report(world), await report(world)
    await world.delete(f"{PATH}{first['id']}/", expect=204)
    assert (await world.post(f"{PATH}delete_incident/", {"ids": [second["display_id"]]}))["deleted"] == 1
    assert (await world.get(PATH))["count"] == 0


@pytest.mark.proves(f"GET {PATH}options/", f"GET {PATH}workflow_status/", f"POST {PATH}workflow_options_map/")
async def test_options_and_the_workflow_are_described(world: World) -> None:
    options = (await world.get(f"{PATH}options/"))["extra"]
    assert [row["name"] for row in options["priority"]] == ["Critical", "High", "Medium", "Low", "Very Low"]
    assert any(user["email"] == world.admin.email for user in options["users"])
    made = await report(world)
    flow = await world.get(f"{PATH}workflow_status/", params={"incident_id": made["id"]})
    assert flow["status"]["name"] == "New"
    mapped = await world.post(f"{PATH}workflow_options_map/", {"state": "In Progress"})
    assert [row["name"] for row in mapped["stage_state_option_map"]["In Progress"]] == [
        "Analysis",
        "Escalated",
    ]


@pytest.mark.proves(f"GET {PATH}feedback/", f"GET {PATH}impacted_asset/", f"GET {PATH}requester_search/")
async def test_feedback_assets_and_requester_search(world: World) -> None:
    made = await report(world, assets=["SRV-1", {"asset_id": "SW-2"}], requester_name="Rita Requester")
    hit = await world.get(f"{PATH}impacted_asset/", params={"incident_id": made["id"]})
    assert [row["asset_id"] for row in hit["results"]] == ["SRV-1", "SW-2"]
    item = await world.post("/ux/common/cmdb/profile/", {"name": "core-sw", "category": "Switch"}, expect=201)
    await world.patch(f"{PATH}{made['id']}/", {"assets": [item["id"], "SRV-1"]})
    named = [("core-sw", True), ("SRV-1", False)]
    hit = await world.get(f"{PATH}impacted_asset/", params={"incident_id": made["id"]})
    assert [(row["name"], row["is_ci"]) for row in hit["results"]] == named
    read = (await world.get(f"{PATH}{made['id']}/"))["incident"]
    assert [(row["name"], row["is_ci"]) for row in read["impacted_asset"]] == named
    kept = await world.put(f"{PATH}{made['id']}/", read)
    assert [row["asset_id"] for row in kept["data"]["impacted_asset"]] == [item["id"], "SRV-1"]
    found = await world.get(f"{PATH}requester_search/", params={"search": "req rita"})
    assert [row["email"] for row in found["results"]] == ["rita@example.com"]
    await world.post(f"{PATH}feedback/", {"incident_id": made["id"], "rating": 5}, expect=400)
    await world.post(f"{PATH}inci_resolve/", {"incident_id": made["id"], "closure_note": "Done"})
    await world.post(f"{PATH}feedback/", {"incident_id": made["id"], "rating": 4, "feedback": "Quick"})
    said = await world.get(f"{PATH}feedback/", params={"incident_id": made["id"]})
    assert (said["rating"], said["feedback"]) == (4, "Quick")


@pytest.mark.proves(f"GET {PATH}process-rich-text/", f"POST {PATH}save-rich-text/")
async def test_rich_text_with_merge_fields(world: World) -> None:
    made = await report(world, summary="<Printer> & co")
    asked = {
        "incident_id": made["id"],
        "text": "<p>{{display_id}}: {{summary}} {{nothing}}</p><script>x</script>",
    }
    shown = await world.get(f"{PATH}process-rich-text/", params=asked)
    assert shown["text"] == "<p>INC-1: &lt;Printer&gt; &amp; co {{nothing}}</p>"
    assert shown["unknown"] == ["nothing"]
    saved = await world.post(
        f"{PATH}save-rich-text/", {"incident_id": made["id"], "field": "description", "text": "<p>New</p>"}
    )
    assert saved["data"]["basic_info"]["description"] == "<p>New</p>"


@pytest.mark.proves(f"POST {PATH}bulk_retry_api/")
async def test_failed_deliveries_are_tried_again(world: World) -> None:
    from sqlalchemy import select, update

    from mainstay.kernel import mail

    made = await report(world)
    async with world.platform.work(world.organization) as ctx:
        await mail.queue(ctx, "rita@example.com", "About", "Text", reference=made["id"])
        await ctx.session.execute(update(mail.OutboxMail).values(status=mail.FAILED, attempts=9))
    again = await world.post(f"{PATH}bulk_retry_api/", {"ids": [made["display_id"]]})
    assert again["retried"] == 1
    async with world.platform.work(world.organization) as ctx:
        row = (await ctx.session.execute(select(mail.OutboxMail))).scalars().one()
        assert (row.status, row.attempts) == (mail.QUEUED, 0)


async def test_a_resolved_incident_closes_itself_when_its_time_has_come(world: World) -> None:
    from datetime import timedelta

    from sqlalchemy import update

    from mainstay.modules.servicedesk.incident.jobs import auto_close
    from mainstay.modules.servicedesk.incident.tables import Incident

    made, waiting = await report(world), await report(world)
    for row in (made, waiting):
        await world.post(f"{PATH}inci_resolve/", {"incident_id": row["id"], "closure_note": "Done"})
    async with world.platform.work(world.organization) as ctx:
        past = ctx.now - timedelta(minutes=1)
        await ctx.session.execute(update(Incident).where(Incident.id == made["id"]).values(auto_close_at=past))
    assert await auto_close(world.platform) >= 1
    assert (await world.get(f"{PATH}{made['id']}/"))["incident"]["state"] == "Closed"
    assert (await world.get(f"{PATH}{waiting['id']}/"))["incident"]["state"] == "Resolved"


async def test_a_requester_sees_own_incidents_only(world: World) -> None:
    rita = await world.person("Requester", kind="requester", email="rita@example.com")
    mine = await report(world)
    other = await report(world, requester_email="otto@example.com")
    listed = await world.get(PATH, by=rita)
    assert [row["id"] for row in listed["results"]] == [mine["id"]]
    await world.get(f"{PATH}{other['id']}/", by=rita, expect=404)
    await world.get(TALK, params={"incident_id": other["id"]}, by=rita, expect=404)
    await world.post(TALK, {"incident_id": mine["id"], "message": "Any news?"}, by=rita, expect=201)
    await world.post(TALK, {"incident_id": mine["id"], "message": "secret", "type": "note"}, expect=201)
    assert [
        row["message"] for row in (await world.get(TALK, params={"incident_id": mine["id"]}, by=rita))["results"]
    ] == ["Any news?"]
    assert (await world.get(f"{PATH}{mine['id']}/"))["incident"]["unread_mail"] is True


async def test_what_staff_say_among_themselves_stays_with_them(world: World) -> None:
    rita = await world.person("Requester", kind="requester", email="rita@example.com")
    mine = await report(world)
    file = {"name": "inside.txt", "data": "data:text/plain,secret"}
    note = {"incident_id": mine["id"], "message": "She is difficult.", "type": "note", "attachments": [file]}
    inner = (await world.post(TALK, note))["data"]["attachments"][0]
    said = {"incident_id": mine["id"], "message": "See the file.", "attachments": [{**file, "name": "outside.txt"}]}
    outer = (await world.post(TALK, said))["data"]["attachments"][0]
    for path in (f"{PATH}{mine['id']}/history/", f"{PATH}{mine['id']}/comments/"):
        await world.get(path, by=rita, expect=403)
    for path in (f"{PATH}{mine['id']}/attachments/", f"{PATH}attachment/?incident_id={mine['id']}"):
        assert [row["name"] for row in (await world.get(path, by=rita))["results"]] == ["outside.txt"]
    await world.get(inner["url"], by=rita, expect=404)
    await world.get(f"{PATH}attachment/", params={"attachment_id": inner["id"]}, by=rita, expect=404)
    assert (await world.send("GET", outer["url"], by=rita)).content == b"secret"
    form = (await world.get(f"{PATH}{mine['id']}/", by=rita))["options"]
    assert (form["users"], form["teams"]) == ([], [])


async def test_a_list_from_memory_is_never_out_of_date(world: World) -> None:
    made = await report(world)
    team = await world.post("/ux/common/teams/profile/", {"name": "First line"})
    first = await world.send("GET", PATH)
    again = await world.send("GET", PATH, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    await world.patch(f"{PATH}{made['id']}/", {"summary": "Changed", "team": team["id"]})
    changed = (await world.get(PATH))["results"][0]
    assert (changed["summary"], changed["team_name"]) == ("Changed", "First line")
    # The name of something it refers to is part of the answer, too.
    await world.patch(f"/ux/common/teams/profile/{team['id']}/", {"name": "Second line"})
    assert (await world.get(PATH))["results"][0]["team_name"] == "Second line"
    rule = {
        "module": "incident",
        "field_config": {"requester_name": "hidden"},
        "role": world.roles["IT Support Operator"],
    }
    await world.post("/ux/common/fieldconfig/field-config/", rule)
    agent = await world.person("IT Support Operator")
    assert "requester_name" not in (await world.get(PATH, by=agent))["results"][0]
    assert (await world.get(PATH))["results"][0]["requester_name"] == "rita"
