"""Tags through the API, and what follows when they change."""

from __future__ import annotations

import pytest

from tests.support import World

PATH = "/ux/common/tag/tag/"
TEAM = "/ux/common/teams/profile/"
USER = "/ux/common/user/profile/"


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_tag_takes_the_sample_and_answers_the_schema(world: World) -> None:
    made = await world.post(PATH, {"tag": "field-staff", "type": "user"}, expect=201)
    read = await world.get(f"{PATH}{made['id']}/")
    assert (read["tag_id"], read["name"], read["tag"], read["type"]) == (
        made["id"],
        "field-staff",
        "field-staff",
        1,
    )
    assert read["usage_count"] == 0
    await world.post(PATH, {"tag": "FIELD-STAFF", "type": 1}, expect=400)
    await world.post(PATH, {"tag": "field-staff", "type": "Asset"}, expect=201)
    await world.post(PATH, {"tag": "x", "type": "planet"}, expect=400)
    assert (await world.get(PATH, params={"filters": '{"type": "asset"}'}))["count"] == 1


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"GET {PATH}validate_tag_user_usages/{{id}}/")
async def test_a_renamed_tag_is_renamed_where_it_is_used(world: World) -> None:
    made = await world.post(PATH, {"tag": "field", "type": "user"})
    person = await world.person(tags=["night", "field"])
    team = await world.post(TEAM, {"name": "Field", "tags": ["field"], "asset_tags": ["field"]})
    usages = await world.get(f"{PATH}validate_tag_user_usages/{made['id']}/")
    assert {(use["resource"], use["count"]) for use in usages["usages"]} == {("user", 1), ("team", 1)}
    assert (usages["in_use"], usages["usage_count"]) == (True, 2)
    await world.put(f"{PATH}{made['id']}/", {**made["data"], "tag": "outdoor"})
    assert (await world.get(f"{USER}{person.profile_id}/"))["tags"] == ["night", "outdoor"]
    team_now = await world.get(f"{TEAM}{team['id']}/")
    # The asset tag of the same name is another tag.
    assert (team_now["tags"], team_now["asset_tags"]) == (["outdoor"], ["field"])
    assert [item["profile_id"] for item in team_now["members"]] == [person.profile_id]
    assert (await world.get(f"{PATH}{made['id']}/"))["usage_count"] == 2
    trail = await world.get(f"{USER}{person.profile_id}/history/")
    assert trail["results"][0]["changes"][0]["new"] == ["night", "outdoor"]
    refused = await world.put(f"{PATH}{made['id']}/", {"type": "asset"}, expect=400)
    assert "type" in refused["fields"]


@pytest.mark.proves(f"DELETE {PATH}{{id}}/", f"POST {PATH}multidelete/")
async def test_a_deleted_tag_is_taken_off(world: World) -> None:
    made = await world.post(PATH, [{"tag": name, "type": "user"} for name in ("a", "b", "c")], expect=201)
    person = await world.person(tags=["a", "b", "c"])
    await world.delete(f"{PATH}{made['ids'][0]}/", expect=204)
    assert (await world.get(f"{USER}{person.profile_id}/"))["tags"] == ["b", "c"]
    assert (await world.post(f"{PATH}multidelete/", {"ids": made["ids"][1:]}))["deleted"] == 2
    assert (await world.get(f"{USER}{person.profile_id}/"))["tags"] == []
    assert (await world.get(PATH))["count"] == 0


async def test_requesters_follow_too(world: World) -> None:
    made = await world.post(PATH, {"tag": "vip", "type": "user"})
    requester = await world.post(
        "/ux/common/requester/profile/", {"email": "ann@acme.example", "full_name": "Ann", "tags": ["vip"]}
    )
    await world.put(f"{PATH}{made['id']}/", {"name": "very important"})
    read = await world.get(f"/ux/common/requester/profile/{requester['id']}/")
    assert read["tags"] == ["very important"]


@pytest.mark.proves(f"GET {PATH}filter/", f"GET {PATH}options/")
async def test_tags_of_a_type_come_with_their_use(world: World) -> None:
    await world.post(PATH, [{"tag": "a", "type": "user"}, {"tag": "b", "type": "user"}, {"tag": "a", "type": "asset"}])
    await world.person(tags=["a"])
    await world.person(tags=["a"])
    found = await world.get(f"{PATH}filter/", params={"type": "user"})
    assert [(row["name"], row["usage_count"]) for row in found["results"]] == [("a", 2), ("b", 0)]
    await world.get(f"{PATH}filter/", params={"type": "planet"}, expect=400)
    options = await world.get(f"{PATH}options/")
    assert [item["name"] for item in options["choices"]["type"]] == ["User", "Asset"]


@pytest.mark.proves(f"GET {PATH}check-tags-config/")
async def test_undeclared_tags_are_found(world: World) -> None:
    assert (await world.get(f"{PATH}check-tags-config/"))["is_configured"] is False
    await world.post(PATH, {"tag": "field", "type": "user"})
    await world.person(tags=["field", "wild"])
    found = await world.get(f"{PATH}check-tags-config/", params={"tags": "Field,nothing"})
    assert [(item["name"], item["exists"]) for item in found["results"]] == [
        ("field", True),
        ("nothing", False),
    ]
    every = await world.get(f"{PATH}check-tags-config/")
    assert [(item["name"], item["usage_count"]) for item in every["undeclared"]] == [("wild", 1)]
    assert (every["total"], every["by_type"]) == (1, {"User": 1})


async def test_tags_of_another_organization_stay_untouched(world: World, stranger: World) -> None:
    mine = await world.post(PATH, {"tag": "field", "type": "user"})
    other = await stranger.person(tags=["field"])
    await stranger.get(f"{PATH}validate_tag_user_usages/{mine['id']}/", expect=404)
    await world.put(f"{PATH}{mine['id']}/", {"name": "outdoor"})
    await world.delete(f"{PATH}{mine['id']}/")
    assert (await stranger.get(f"{USER}{other.profile_id}/"))["tags"] == ["field"]
