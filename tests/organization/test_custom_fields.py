"""Custom fields through the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import World

PATH = "/api/custom-fields/"
DEPARTMENT = "/ux/common/department/department/"


async def declare(world: World, **values: Any) -> dict[str, Any]:
    made = await world.post(PATH, {"resource": "department", "label": "Cost centre", **values}, expect=201)
    data: dict[str, Any] = made["data"]
    return data


async def test_a_key_is_made_from_the_label(world: World) -> None:
    assert (await declare(world))["key"] == "cost_centre"
    assert (await declare(world))["key"] == "cost_centre_2"
    assert (await declare(world, label="Größe (m²)"))["key"] == "groe_m2"
    assert (await declare(world, label="2nd line"))["key"] == "field_2nd_line"
    # A built-in field keeps its name for itself.
    assert (await declare(world, label="Description"))["key"] == "description_2"
    for wrong in ({"key": "Has Space"}, {"key": "dept_name"}, {"key": "cost_centre"}, {"kind": "choice"}):
        await world.post(PATH, {"resource": "department", "label": "X", **wrong}, expect=400)
    refused = await world.post(PATH, {"resource": "planet", "label": "X"}, expect=400)
    assert "resource" in refused["fields"]


@pytest.mark.parametrize(
    ("kind", "given", "stored", "wrong"),
    [
        ("text", "A1", "A1", ["x"]),
        ("integer", "7", 7, "seven"),
        ("number", 1.5, 1.5, "much"),
        ("date", "31/01/2031", "2031-01-31", "soon"),
        ("boolean", "yes", True, "maybe"),
        ("choice", "red", "Red", "mauve"),
        ("choices", ["Red", "blue"], ["Red", "Blue"], ["mauve"]),
    ],
)
async def test_values_of_each_kind_are_checked_stored_and_filtered(
    world: World, kind: str, given: Any, stored: Any, wrong: Any
) -> None:
    options = {"choices": ["Red", "Blue"]} if kind.startswith("choice") else {}
    await declare(world, kind=kind, **options)
    made = await world.post(DEPARTMENT, {"dept_name": "A", "custom_field_data": {"cost_centre": given}}, expect=201)
    assert made["data"]["custom_field_data"] == {"cost_centre": stored}
    await world.post(DEPARTMENT, {"dept_name": "Empty"})
    found = await world.call(
        "GET",
        DEPARTMENT,
        json={
            "filters": {
                "field": "custom_field_data.cost_centre",
                "condition": "in",
                "value": stored if isinstance(given, list) else [given],
            }
        },
    )
    assert [row["dept_name"] for row in found["results"]] == ["A"]
    refused = await world.post(DEPARTMENT, {"dept_name": "B", "custom_field_data": {"cost_centre": wrong}}, expect=400)
    assert "custom_field_data.cost_centre" in refused["fields"]


async def test_key_and_kind_stay_once_used(world: World) -> None:
    made = await declare(world)
    free = await world.patch(f"{PATH}{made['id']}/", {"kind": "integer", "key": "centre"})
    assert (free["data"]["kind"], free["data"]["key"]) == ("integer", "centre")
    await world.post(DEPARTMENT, {"dept_name": "A", "custom_field_data": {"centre": 1}})
    refused = await world.patch(f"{PATH}{made['id']}/", {"kind": "text"}, expect=400)
    assert refused["fields"] == {"kind": ["The kind of a custom field in use cannot change. Make a new field."]}
    await world.patch(f"{PATH}{made['id']}/", {"key": "center"}, expect=400)
    await world.put(f"{PATH}{made['id']}/", {**free["data"], "label": "Centre", "required": True})
    refused = await world.post(DEPARTMENT, {"dept_name": "B"}, expect=400)
    assert refused["fields"] == {"custom_field_data.centre": ["Please provide centre."]}


async def test_deleting_a_field_keeps_its_data_out_of_answers(world: World) -> None:
    made = await declare(world)
    one = await world.post(DEPARTMENT, {"dept_name": "A", "custom_field_data": {"cost_centre": "A1"}})
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    assert (await world.get(f"{DEPARTMENT}{one['id']}/"))["custom_field_data"] == {}
    assert (await world.get(DEPARTMENT))["results"][0]["custom_field_data"] == {}
    fields = (await world.get(f"{DEPARTMENT}options/"))["fields"]
    assert "cost_centre" not in {item["name"] for item in fields}
    refused = await world.post(
        PATH, {"resource": "department", "label": "C", "key": "cost_centre", "kind": "integer"}, expect=400
    )
    assert "Choose another key" in refused["error"]
    # The same kind again brings the values back.
    await declare(world, key="cost_centre")
    assert (await world.get(f"{DEPARTMENT}{one['id']}/"))["custom_field_data"] == {"cost_centre": "A1"}


async def test_fields_of_another_organization_do_not_exist(world: World, stranger: World) -> None:
    await declare(world)
    refused = await stranger.post(DEPARTMENT, {"dept_name": "A", "custom_field_data": {"cost_centre": "x"}}, expect=400)
    assert "custom_field_data.cost_centre" in refused["fields"]
    person = await world.granted({"department": ("view", "add")})
    await world.post(PATH, {"resource": "department", "label": "X"}, by=person, expect=403)


async def test_a_field_of_every_kind_goes_out_and_comes_back_in_a_file(world: World, stranger: World) -> None:
    values: dict[str, Any] = {
        "text": "A, \"b\"", "longtext": "Two\nlines", "integer": -7, "number": 1.25, "date": "2031-01-31",
        "datetime": "2031-01-31T12:30:00+00:00", "choice": "Red", "choices": ["Blue", "Red"], "boolean": False,
    }  # fmt: skip
    for place in (world, stranger):
        for kind in (*values, "user"):
            options = {"choices": ["Red", "Blue"]} if kind.startswith("choice") else {}
            await declare(place, label=f"My {kind}", key=f"my_{kind}", kind=kind, **options)
    # People are told apart by their log-in names, which are the same person's in both places here.
    ann = await world.person(username="ann.file")
    other = await stranger.person(username="ann.file")
    given = {**{f"my_{kind}": value for kind, value in values.items()}, "my_user": ann.profile_id}
    await world.post(DEPARTMENT, {"dept_name": "Full", "custom_field_data": given}, expect=201)
    await world.post(DEPARTMENT, {"dept_name": "Empty"}, expect=201)
    for form in ("csv", "xlsx"):
        file = await world.send("GET", f"{DEPARTMENT}export/", params={"format": form})
        done = await stranger.call("POST", f"{DEPARTMENT}upload_csv/", files={"file": (f"x.{form}", file.content)})
        assert done["failed"] == 0, done
        rows = (await stranger.get(DEPARTMENT, params={"sort": "dept_name"}))["results"]
        assert [row["dept_name"] for row in rows] == ["Empty", "Full"]
        assert rows[0]["custom_field_data"] == {}
        assert rows[1]["custom_field_data"] == {**given, "my_user": other.profile_id}
        await stranger.post(f"{DEPARTMENT}multidelete/", {"ids": [row["dept_id"] for row in rows]})


async def test_a_person_in_a_custom_field_is_somebody(world: World, stranger: World) -> None:
    ann = await world.person()
    await declare(world, key="buddy", kind="user")
    made = await world.post(DEPARTMENT, {"dept_name": "A", "custom_field_data": {"buddy": ann.email.upper()}})
    assert made["data"]["custom_field_data"] == {"buddy": ann.profile_id}
    path = f"{DEPARTMENT}{made['id']}/"
    for nobody in ("nobody@example.com", stranger.admin.profile_id):
        refused = await world.patch(path, {"custom_field_data": {"buddy": nobody}}, expect=400)
        assert refused["fields"] == {"custom_field_data.buddy": [f"There is no user {nobody!r}."]}
        await world.post(DEPARTMENT, {"dept_name": "B", "custom_field_data": {"buddy": nobody}}, expect=400)
    # Whoever left stays where they stood, and holds up no other change.
    await world.delete(f"/ux/common/user/profile/{ann.profile_id}/")
    kept = await world.patch(path, {"dept_name": "C", "custom_field_data": {"buddy": ann.profile_id}})
    assert kept["data"]["custom_field_data"] == {"buddy": ann.profile_id}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("integer", [2, 10, 100]),
        ("number", [0.5, 2.25, 10]),
        ("text", ["alpha", "beta", "gamma"]),
        ("date", ["2030-12-31", "2031-01-01", "2031-02-01"]),
        ("boolean", [False, True]),
        ("choice", ["Blue", "Green", "Red"]),
    ],
)
async def test_lists_sort_by_a_custom_field_and_narrow_to_a_range(world: World, kind: str, values: list[Any]) -> None:
    options = {"choices": values} if kind == "choice" else {}
    await declare(world, kind=kind, **options)
    for value in reversed(values):
        await world.post(DEPARTMENT, {"dept_name": f"D {value}", "custom_field_data": {"cost_centre": value}})
    sort = {"sort": "custom_field_data.cost_centre"}

    async def shown(**more: Any) -> list[Any]:
        rows = (await world.get(DEPARTMENT, params={**sort, **more}))["results"]
        return [row["custom_field_data"]["cost_centre"] for row in rows]

    assert await shown() == values
    assert await shown(reverse="true") == values[::-1]
    if kind in ("integer", "number", "date"):
        between = {"field": "custom_field_data.cost_centre", "condition": "between", "value": [values[1], values[2]]}
        assert await shown(filters=json.dumps(between)) == values[1:]
