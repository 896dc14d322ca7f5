"""Field configuration: what is configured is enforced, everywhere the field appears."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mainstay.kernel import feed
from tests.support import Someone, World

PATH = "/ux/common/fieldconfig/field-config/"
DEPARTMENT = "/ux/common/department/department/"
INCIDENT = "/ux/sd/inci/incident/"
ALL = {"department": ("view", "add", "edit", "export"), "incident": ("view", "add", "edit")}


async def configure(world: World, **values: Any) -> dict[str, Any]:
    made = await world.post(PATH, {"module": "department", **values}, expect=201)
    data: dict[str, Any] = made["data"]
    return data


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_configuration_takes_text_and_answers_the_schema(world: World) -> None:
    role = world.roles["IT Support Operator"]
    document = {
        "module": "Department",
        "role": role,
        "workflow_name": "Default",
        "fields": {"description": "required"},
    }
    made = await world.post(PATH, {"field_config": json.dumps(document)}, expect=201)
    read = await world.get(f"{PATH}{made['id']}/")
    assert (read["field_config_id"], read["module"]) == (made["id"], "department")
    assert (read["role"], read["role_name"], read["workflow_name"]) == (
        role,
        "IT Support Operator",
        "Default",
    )
    assert read["field_config"] == {"description": "mandatory"}
    assert (await world.get(PATH, params={"filters": '{"module": "department"}'}))["count"] == 1
    for wrong in (
        {"module": "planet", "field_config": {}},
        {"module": "department", "field_config": {"colour": "hidden"}},
        {"module": "department", "field_config": {"description": "sparkling"}},
        {"module": "department", "field_config": {"dept_name": "hidden"}},
        {"module": "department", "field_config": "no json"},
        {"module": "incident", "status": "Evaporated", "field_config": {}},
    ):
        await world.post(PATH, wrong, expect=400)


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_what_is_configured_is_enforced_until_it_is_deleted(world: World) -> None:
    person = await world.granted(ALL)
    made = await configure(world, role=person.role, field_config={"description": "mandatory"})
    refused = await world.post(DEPARTMENT, {"dept_name": "A"}, by=person, expect=400)
    assert refused["fields"] == {"description": ["Please provide description."]}
    await world.post(DEPARTMENT, {"dept_name": "For others it is not"}, expect=201)
    one = await world.post(DEPARTMENT, {"dept_name": "A", "description": "Text"}, by=person, expect=201)
    await world.put(f"{PATH}{made['id']}/", {**made, "field_config": {"description": "read-only"}})
    refused = await world.patch(f"{DEPARTMENT}{one['id']}/", {"description": "Other"}, by=person, expect=400)
    assert refused["fields"] == {"description": ["Description cannot be changed by your role."]}
    # Emptying a field is changing it.
    await world.patch(f"{DEPARTMENT}{one['id']}/", {"description": ""}, by=person, expect=400)
    await world.patch(f"{DEPARTMENT}{one['id']}/", {"description": "Text", "dept_name": "B"}, by=person)
    await world.put(f"{PATH}{made['id']}/", {"is_enabled": False})
    await world.patch(f"{DEPARTMENT}{one['id']}/", {"description": "Other"}, by=person)
    await world.put(f"{PATH}{made['id']}/", {"is_enabled": True})
    await world.patch(f"{DEPARTMENT}{one['id']}/", {"description": "More"}, by=person, expect=400)
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await world.patch(f"{DEPARTMENT}{one['id']}/", {"description": "More"}, by=person)


async def test_a_hidden_field_is_nowhere_to_be_seen(world: World) -> None:
    person = await world.granted(ALL)
    await world.post("/api/custom-fields/", {"resource": "department", "label": "Budget", "kind": "integer"})
    await configure(world, role=person.role, field_config={"description": "hidden", "budget": "hidden"})
    one = await world.post(
        DEPARTMENT, {"dept_name": "A", "description": "Secret plan", "custom_field_data": {"budget": 4711}}
    )
    answers = [
        await world.get(f"{DEPARTMENT}{one['id']}/", by=person),
        await world.get(DEPARTMENT, by=person),
        await world.get(f"{DEPARTMENT}export/", by=person),
        await world.patch(f"{DEPARTMENT}{one['id']}/", {"dept_name": "B"}, by=person),
        await world.get(f"{DEPARTMENT}{one['id']}/history/", by=person),
    ]
    for answer in answers:
        assert "Secret plan" not in str(answer)
        assert "4711" not in str(answer)
    assert "Secret plan" in str(await world.get(f"{DEPARTMENT}{one['id']}/history/"))
    # Nor can it be guessed: by what is found, or by the order.
    assert (await world.get(DEPARTMENT, by=person, params={"search": "secret"}))["count"] == 0
    for name in ("description", "budget", "custom_field_data.budget"):
        await world.get(DEPARTMENT, by=person, params={"filters": json.dumps({name: "4711"})}, expect=400)
        await world.get(DEPARTMENT, by=person, params={"sort": name}, expect=400)
    await world.patch(f"{DEPARTMENT}{one['id']}/", {"custom_field_data": {"budget": 1}}, by=person, expect=400)
    whole = await world.get(f"{DEPARTMENT}{one['id']}/")
    assert (whole["description"], whole["custom_field_data"]) == ("Secret plan", {"budget": 4711})


async def test_a_hidden_field_is_not_found_by_the_search_over_everything(world: World) -> None:
    person = await world.granted(ALL)
    await configure(world, module="incident", role=person.role, field_config={"requester_email": "hidden"})
    who = {"requester_email": "ann.secret@acme.example", "requester_name": "Ann"}
    one = await world.post(INCIDENT, {"summary": "Wombat in the rack", **who})
    await feed.drain(world.platform)

    async def found(words: str, by: Someone | None = None) -> list[tuple[str, str]]:
        answer = await world.get("/api/search", params={"q": words}, by=by)
        return [
            (row["id"], row["title"] + row["subtitle"]) for row in answer["results"] if row["resource"] == "incident"
        ]

    ((seen, shown),) = await found("ann.secret@")
    assert (seen, "ann.secret@acme.example" in shown) == (one["id"], True)
    assert await found("ann.secret@", person) == []
    ((seen, shown),) = await found("wombat rack", person)
    assert (seen, "secret" in shown) == (one["id"], False)


async def test_a_merge_field_does_not_tell_what_is_hidden(world: World) -> None:
    person = await world.granted(ALL)
    one = await world.post(INCIDENT, {"summary": "No mail", "requester_email": "ann@acme.example", "urgency": "High"})
    hidden = {"requester_email": "hidden", "priority_id": "hidden", "status_id": "hidden"}
    await configure(world, module="incident", role=person.role, field_config=hidden)
    asked = {"incident_id": one["id"], "text": "{{summary}}: {{requester_email}}|{{priority}}|{{status}}"}
    path = f"{INCIDENT}process-rich-text/"
    assert (await world.get(path, params=asked, by=person))["text"] == "No mail: ||"
    assert (await world.get(path, params=asked))["text"] == "No mail: ann@acme.example|Medium|New"


async def test_behaviour_depends_on_the_status(world: World) -> None:
    person = await world.granted(ALL)
    options = (await world.get(f"{PATH}options/"))["extra"]
    states = [item["name"] for item in options["statuses"]["incident"]]
    await configure(
        world,
        module="incident",
        role=person.role,
        status=states[1],
        field_config={"description": "read_only", "resolution_type": "hidden"},
    )
    one = await world.post(
        INCIDENT,
        {"summary": "No mail", "requester_email": "ann@acme.example", "description": "First"},
        by=person,
    )
    await world.put(f"{INCIDENT}{one['id']}/", {"description": "Second"}, by=person)
    await world.put(f"{INCIDENT}{one['id']}/", {"status": states[1]}, by=person)
    refused = await world.put(f"{INCIDENT}{one['id']}/", {"description": "Third"}, by=person, expect=400)
    assert refused["fields"]["description"] == [f"Description cannot be changed by your role in {states[1]}."]
    await world.put(f"{INCIDENT}{one['id']}/", {"description": "Third"})
    await world.get(f"{INCIDENT}{one['id']}/", by=person)
    await world.get(INCIDENT, by=person)


@pytest.mark.proves(f"POST {PATH}field_permission/")
async def test_the_behaviour_for_a_role_and_status_is_answered(world: World) -> None:
    person = await world.granted(ALL)
    ask = f"{PATH}field_permission/"
    await configure(world, role=person.role, field_config={"description": "hidden"})
    await configure(world, field_config={"dept_head": "mandatory"})
    own = await world.post(ask, {"module": "department"}, by=person)
    assert own["fields"] == {"description": "hidden", "dept_head": "mandatory"}
    assert own["role_name"] == person.role
    by_name = {item["field"]: item["behaviour"] for item in own["results"]}
    assert by_name["dept_name"] == "visible"
    assert (await world.post(ask, {"module": "Department"}))["fields"] == {"dept_head": "mandatory"}
    other = await world.post(ask, {"module": "department", "role": person.role})
    assert other["fields"] == own["fields"]
    await world.post(ask, {"module": "department", "role": "Approver"}, by=person, expect=403)
    await world.post(ask, {"module": "vendor"}, by=person, expect=403)
    await world.post(ask, {"module": "planet"}, expect=400)


@pytest.mark.proves(f"GET {PATH}options/")
async def test_options_list_modules_statuses_and_fields(world: World) -> None:
    extra = (await world.get(f"{PATH}options/"))["extra"]
    assert {"department", "team", "incident"} <= {item["id"] for item in extra["modules"]}
    assert extra["statuses"]["vendor"] == [
        {"id": "Active", "name": "Active"},
        {"id": "Inactive", "name": "Inactive"},
    ]
    assert "dept_name" in {item["name"] for item in extra["fields"]["department"]}
    assert extra["behaviours"] == ["visible", "read_only", "mandatory", "hidden"]


async def test_the_console_knows_what_holds_in_each_status_before_anything_is_saved(world: World) -> None:
    person = await world.granted(ALL)
    await configure(world, module="incident", field_config={"description": "mandatory"})
    await configure(world, module="incident", role=person.role, status="Analysis",
                    field_config={"description": "visible", "impact_id": "read_only"})  # fmt: skip
    told = {item["name"]: item["by_status"] for item in (await world.get("/api/metadata", by=person))["resources"]}
    # The strictest of what holds counts, as it does on the server.
    assert told["incident"] == {"analysis": {"description": "mandatory", "impact_id": "read_only"}}
    assert told["department"] == {}
    others = {item["name"]: item["by_status"] for item in (await world.get("/api/metadata"))["resources"]}
    assert others["incident"] == {"analysis": {"description": "mandatory"}}
