"""Merging incidents through the API, and taking it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from mainstay.kernel.mail import OutboxMail
from tests.servicedesk.test_incident import PATH, TALK, report
from tests.support import World


async def talk(world: World, incident: str, **options: Any) -> list[tuple[str, bool, str]]:
    found = await world.get(TALK, params={"incident_id": incident}, **options)
    return [(row["type"], row["is_public"], row["message"]) for row in found["results"]]


async def record(world: World, incident: str) -> dict[str, Any]:
    found: dict[str, Any] = (await world.get(f"{PATH}{incident}/"))["incident"]
    return found


async def test_merged_incidents_close_and_their_people_follow_the_one_that_remains(world: World) -> None:
    agent, watcher = await world.person(), await world.person()
    first = await report(world, summary="Mail is down", assets=["MX-1"])
    second = await report(
        world, summary="Cannot <send>", requester_email="otto@example.com", assignee=agent.profile_id,
        watcher=[watcher.profile_id], assets=["MX-1", "MX-2"], description="<p>Since nine.</p>",
    )  # fmt: skip
    third = await report(world, summary="Outlook hangs", requester_email="paula@example.com")
    done = await world.post(
        f"{PATH}merge/", {"incident_id": first["id"], "ids": [second["id"], third["display_id"]], "note": "One cause"}
    )
    assert done["data"]["current_watcher"] == [watcher.profile_id, agent.profile_id]
    assert [item["asset_id"] for item in done["data"]["impacted_asset"]] == ["MX-1", "MX-2"]
    assert [item["display_id"] for item in done["data"]["reference"]] == ["INC-2", "INC-3"]
    for made in (second, third):
        child = await record(world, made["id"])
        assert (child["state"], child["is_merge_incident"]) == ("Closed", True)
        assert child["close_info"]["close_type"] == "Merged"
        assert child["reference"][-1]["display_id"] == "INC-1"
        ((kind, public, text),) = await talk(world, made["id"])
        assert (kind, public) == ("merge", True)
        assert "INC-1" in text
    said = await talk(world, first["id"])
    assert [(kind, public) for kind, public, _text in said] == [("merge", False), ("merge", False)]
    assert "Cannot &lt;send&gt;" in said[0][2]
    assert "<p>Since nine.</p>" in said[0][2]
    assert "One cause" in said[0][2]
    for made in (first, second):
        history = await world.get(f"{PATH}{made['id']}/history/")
        assert "merge" in [entry["action"] for entry in history["results"]]


async def test_a_merge_is_taken_back(world: World) -> None:
    agent = await world.person()
    first = await report(world, summary="One")
    forged = [{"type": "merged_into", "incident_id": first["id"], "before": {"status_id": 7}}]
    second = await report(world, summary="Two", assignee=agent.profile_id, assets=["A"], reference=forged)
    await world.patch(f"{PATH}{second['id']}/", {"status": "Analysis"})
    await world.post(f"{PATH}merge/", {"incident_id": "INC-1", "ids": ["INC-2"]})
    refused = await world.post(f"{PATH}inci_reopen/", {"incident_id": "INC-2", "reason": "No"}, expect=409)
    assert "Undo the merge" in refused["error"]
    back = await world.post(f"{PATH}unmerge/", {"incident_id": "INC-2"})
    assert (back["data"]["status"], back["data"]["is_merge_incident"]) == ("Analysis", False)
    assert back["data"]["close_info"]["closed_at"] is None
    assert back["data"]["reference"] == []
    parent = await record(world, "INC-1")
    assert (parent["current_watcher"], parent["impacted_asset"], parent["reference"]) == ([], [], [])
    await world.post(f"{PATH}unmerge/", {"incident_id": "INC-2"}, expect=409)
    await world.patch(f"{PATH}{second['id']}/", {"summary": "Editable again"})


async def test_what_cannot_be_merged_is_named_and_nothing_is_changed(world: World, stranger: World) -> None:
    for number in range(4):
        await report(world, summary=f"Number {number}")
    merge = f"{PATH}merge/"
    await world.post(merge, {"incident_id": "INC-1", "ids": []}, expect=400)
    await world.post(merge, {"incident_id": "INC-1", "ids": ["INC-1"]}, expect=400)
    await world.post(merge, {"incident_id": "INC-1", "ids": ["INC-9"]}, expect=404)
    await world.post(f"{PATH}inci_resolve/", {"incident_id": "INC-4", "closure_note": "Done"})
    await world.post(f"{PATH}close_inci_request/", {"incident_id": "INC-4"})
    refused = await world.post(merge, {"incident_id": "INC-1", "ids": ["INC-2", "INC-4"]}, expect=409)
    assert refused["error"].startswith("INC-4 is closed")
    await world.post(merge, {"incident_id": "INC-4", "ids": ["INC-1"]}, expect=409)
    await world.post(merge, {"incident_id": "INC-2", "ids": ["INC-3"]})
    refused = await world.post(merge, {"incident_id": "INC-3", "ids": ["INC-1"]}, expect=409)
    assert refused["error"] == "INC-3 was merged into INC-2. Merge into that one."
    await world.post(merge, {"incident_id": "INC-1", "ids": ["INC-3"]}, expect=409)
    assert (await record(world, "INC-2"))["state"] == "Open"
    foreign = await report(stranger, summary="Theirs")
    await world.post(merge, {"incident_id": "INC-1", "ids": [foreign["id"]]}, expect=404)
    viewer = await world.granted({"incident": ("view",)})
    await world.post(merge, {"incident_id": "INC-1", "ids": ["INC-2"]}, by=viewer, expect=403)


async def test_requesters_of_merged_incidents_are_answered_and_heard(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rita = await world.person("Requester", kind="requester", email="rita@example.com")
    work = await report(world, summary="Cause", requester_email="otto@example.com")
    between = await report(world, summary="Between", requester_email="paula@example.com")
    mine = await report(world, summary="Mine")
    await world.post(f"{PATH}merge/", {"incident_id": between["id"], "ids": [mine["id"]]})
    await world.post(f"{PATH}merge/", {"incident_id": work["id"], "ids": [between["id"]]})
    monkeypatch.setattr(world.platform, "settings", replace(world.platform.settings, smtp_host="127.0.0.1"))
    await world.post(TALK, {"incident_id": work["id"], "message": "We found it."}, expect=201)
    async with world.platform.work(world.organization) as ctx:
        sent = (await ctx.session.execute(select(OutboxMail.recipient, OutboxMail.subject))).all()
    assert sorted((row.recipient, row.subject) for row in sent) == [
        ("otto@example.com", "[INC-1] Cause"), ("paula@example.com", "[INC-2] Between"),
        ("rita@example.com", "[INC-3] Mine"),
    ]  # fmt: skip
    await world.post(TALK, {"incident_id": mine["id"], "message": "Still broken here"}, by=rita, expect=201)
    heard = await record(world, work["id"])
    assert heard["unread_mail"] is True
    (_, _, (kind, public, text)) = await talk(world, work["id"])
    assert (kind, public) == ("note", False)
    assert "INC-3" in text
    assert "Still broken here" in text
    await world.get(f"{PATH}{work['id']}/", by=rita, expect=404)
