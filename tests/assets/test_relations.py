"""Relations, walks, what-if and comparison through the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kernel import feed, jobs
from mainstay.modules.assets.relations import graph, rules, service
from tests.assets.test_items import PATH as ITEMS
from tests.assets.test_items import make
from tests.support import World

PATH = "/ux/common/cmdb/relation/"
TYPES = "/ux/common/cmdb/relation-type/"


async def relate(world: World, source: str, kind: str, target: str) -> str:
    made = await world.post(PATH, {"source": source, "type": kind, "target": target}, expect=201)
    found: str = made["id"]
    return found


async def estate(world: World, *names: str) -> dict[str, str]:
    return {name: await make(world, name) for name in names}


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/", f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_a_relation_is_made_read_changed_and_deleted(world: World) -> None:
    at = await estate(world, "app", "srv", "spare")
    relation = await relate(world, at["app"], "Runs on", at["srv"])
    read = await world.get(f"{PATH}{relation}/")
    assert (read["source_name"], read["type_name"], read["target_name"]) == ("app", "Runs on", "srv")
    again = await world.post(PATH, {"source": at["app"], "type": "Runs on", "target": at["srv"]}, expect=400)
    assert again["error"]
    itself = await world.post(PATH, {"source": at["app"], "type": "Runs on", "target": at["app"]}, expect=400)
    assert itself["fields"] == {"target": ["An item cannot be related to itself."]}
    nothing = await world.post(PATH, {"source": at["app"], "type": "Runs on"}, expect=400)
    assert "exactly one thing" in nothing["error"]
    await world.put(f"{PATH}{relation}/", {**read, "target": at["spare"], "description": "moved"})
    listed = await world.get(PATH, params={"filters": f'{{"source": "{at["app"]}"}}'})
    assert [(row["target_name"], row["description"]) for row in listed["results"]] == [("spare", "moved")]
    await world.delete(f"{PATH}{relation}/", expect=204)
    assert (await world.get(PATH))["count"] == 0


async def test_the_relations_of_an_item_go_with_it(world: World) -> None:
    at = await estate(world, "app", "srv")
    await relate(world, at["app"], "Runs on", at["srv"])
    await world.delete(f"{ITEMS}{at['srv']}/", expect=204)
    assert (await world.get(PATH))["count"] == 0


@pytest.mark.proves(f"POST {PATH}ci-rel-map/")
async def test_the_map_around_an_item_is_drawn_and_added_to(world: World) -> None:
    at = await estate(world, "web", "app", "db", "disk")
    await relate(world, at["web"], "Depends on", at["app"])
    drawn = await world.post(
        f"{PATH}ci-rel-map/",
        {"ci_id": at["app"], "add": [{"type": "Depends on", "target": at["db"]}], "depth": 1},
    )
    assert [node["name"] for node in drawn["nodes"]] == ["app", "db", "web"]
    assert {(edge["source"], edge["name"], edge["target"]) for edge in drawn["edges"]} == {
        (at["web"], "Depends on", at["app"]),
        (at["app"], "Depends on", at["db"]),
    }
    assert (await world.get(PATH))["count"] == 2
    down = await world.post(f"{PATH}ci-rel-map/", {"ci_id": at["web"], "depth": 9, "direction": "downstream"})
    assert [(node["name"], node["depth"]) for node in down["nodes"]] == [("web", 0), ("app", 1), ("db", 2)]
    viewer = await world.granted({"ci_relation": ("view",), "asset": ("view",)})
    add = {"ci_id": at["db"], "add": [{"type": "Stores data on", "target": at["disk"]}]}
    await world.post(f"{PATH}ci-rel-map/", add, by=viewer, expect=403)
    assert (await world.post(f"{PATH}ci-rel-map/", {"ci_id": at["db"]}, by=viewer))["nodes"]


async def test_impact_and_dependencies_follow_the_meaning_and_end_in_circles(world: World) -> None:
    at = await estate(world, "site", "app", "db", "host", "rack")
    for source, kind, target in (
        ("site", "Depends on", "app"),
        ("app", "Depends on", "db"),
        ("db", "Runs on", "host"),
        ("rack", "Contains", "host"),
        ("db", "Depends on", "site"),  # a circle
    ):
        await relate(world, at[source], kind, at[target])
    hit = await world.get(f"{PATH}impact/", params={"ci_id": at["rack"], "depth": 9})
    assert {node["name"]: node["depth"] for node in hit["nodes"]} == {
        "rack": 0,
        "host": 1,
        "db": 2,
        "app": 3,
        "site": 4,
    }
    near = await world.get(f"{PATH}impact/", params={"ci_id": at["rack"], "depth": 2})
    assert len(near["nodes"]) == 3
    typed = await world.get(f"{PATH}impact/", params={"ci_id": at["host"], "depth": 9, "types": "Runs on"})
    assert [node["name"] for node in typed["nodes"]] == ["host", "db"]
    needs = await world.get(f"{PATH}dependencies/", params={"ci_id": at["app"], "depth": 9})
    assert {node["name"] for node in needs["nodes"]} == {"app", "db", "host", "rack", "site"}
    async with world.platform.work(world.organization, write=False) as ctx:
        found = await service.parents(ctx, [at["host"], at["db"], at["rack"]])
    assert found == {at["host"]: {at["rack"]}, at["db"]: {at["host"], at["site"]}}


async def test_what_if_tells_who_loses_the_last_path(world: World) -> None:
    at = await estate(world, "core-1", "core-2", "dist", "access", "edge", "phone")
    for source, kind, target in (
        ("dist", "Uplink to", "core-1"),
        ("dist", "Uplink to", "core-2"),
        ("access", "Uplink to", "dist"),
        ("edge", "Uplink to", "core-1"),
        ("phone", "Attached to", "edge"),
    ):
        await relate(world, at[source], kind, at[target])
    one = await world.post(f"{PATH}what-if/", {"ci_ids": [at["core-1"]]})
    assert [node["name"] for node in one["lost"]] == ["edge", "phone"]
    assert [node["name"] for node in one["degraded"]] == ["dist"]
    both = await world.post(f"{PATH}what-if/", {"ci_ids": [at["core-1"], at["core-2"]]})
    assert {node["name"] for node in both["lost"]} == {"edge", "phone", "dist", "access"}
    # Two that hold each other up do not live by that.
    await relate(world, at["edge"], "Uplink to", at["phone"])
    assert {node["name"] for node in (await world.post(f"{PATH}what-if/", {"ci_ids": [at["core-1"]]}))["lost"]} == {
        "edge",
        "phone",
    }


@given(
    st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=25),
    st.sets(st.integers(0, 7), min_size=1, max_size=3),
)
def test_who_stays_alive_is_who_reaches_something_untouched(edges: set[tuple[int, int]], down: set[int]) -> None:
    """Against the definition: a path of alternatives from outside what is hit, around what failed."""
    relies = [(str(a), str(b), "t") for a, b in edges if a != b]
    failed = {str(item) for item in down}
    hit: set[str] = set()
    wave = set(failed)
    while wave:
        wave = {b for a, b, _ in relies if a in wave} - hit - failed
        hit |= wave
    alive = graph.propagate(failed, hit, [item for item in relies if item[1] in hit], set())
    expected = {str(n) for n in range(8)} - hit - failed
    while more := {b for a, b, _ in relies if a in expected and b in hit} - expected:
        expected |= more
    assert alive == expected & hit


async def test_the_comparison_tells_what_came_and_went(world: World) -> None:
    at = await estate(world, "app", "old-db", "new-db")
    gone = await relate(world, at["app"], "Depends on", at["old-db"])
    then = datetime.now(UTC).isoformat()
    await world.delete(f"{PATH}{gone}/")
    await relate(world, at["app"], "Depends on", at["new-db"])
    await world.patch(f"{ITEMS}{at['app']}/", {"os_version": "12"})
    await world.patch(f"{ITEMS}{at['app']}/", {"os_version": "13"})
    told = await world.get(f"{PATH}compare/", params={"since": then, "ci_id": at["app"]})
    assert [row["target_name"] for row in told["removed"]] == ["old-db"]
    assert [row["target_name"] for row in told["added"]] == ["new-db"]
    (changed,) = [row for row in told["items"] if row["ci_id"] == at["app"]]
    assert changed["changes"] == [{"field": "os_version", "label": "Version", "then": "", "now": "13"}]
    later = await world.get(f"{PATH}compare/", params={"since": datetime.now(UTC).isoformat(), "ci_id": at["app"]})
    assert (later["items"], later["added"], later["removed"]) == ([], [], [])


@pytest.mark.proves(f"GET {PATH}options/", f"GET {PATH}ci_opt/", f"GET {PATH}cisearch/", f"GET {PATH}slot/")
async def test_the_form_finds_the_other_end(world: World) -> None:
    at = await estate(world, "app", "srv-1", "srv-2")
    await relate(world, at["app"], "Runs on", at["srv-1"])
    options = await world.get(f"{PATH}options/")
    assert "Runs on" in [one["name"] for one in options["choices"]["type"]]
    found = await world.get(f"{PATH}cisearch/", params={"search": "srv", "ci_id": at["srv-1"], "category": "Hardware"})
    assert [row["name"] for row in found["results"]] == ["srv-2"]
    mine = await world.get(f"{PATH}ci_opt/", params={"ci_id": at["srv-1"]})
    assert [(row["reading"], row["name"]) for row in mine["upstream"]] == [("Runs", "app")]
    assert mine["downstream"] == []
    port = {
        "source": at["srv-2"],
        "type": "Connects to",
        "target": at["srv-1"],
        "source_port": "eth0",
        "target_port": "7",
    }
    await world.post(PATH, port)
    slots = (await world.get(f"{PATH}slot/", params={"ci_id": at["srv-2"]}))["slots"]
    assert [(slot["name"], slot["relations"][0]["ci_id"]) for slot in slots] == [("eth0", at["srv-1"])]


async def test_a_type_in_use_and_a_built_in_type_stay(world: World) -> None:
    made = await world.post(TYPES, {"name": "Cools", "reverse": "Cooled by", "impact": "target"})
    at = await estate(world, "fan", "srv")
    await relate(world, at["fan"], "Cools", at["srv"])
    used = await world.delete(f"{TYPES}{made['id']}/", expect=409)
    assert used["error"].startswith("The type of relation is still used by 1 relation")
    built = (await world.get(TYPES, params={"search": "Runs on"}))["results"][0]
    assert "built in" in (await world.delete(f"{TYPES}{built['relation_type_id']}/", expect=409))["error"]


async def follow(world: World) -> None:
    await feed.drain(world.platform)
    async with world.platform.work(world.organization, write=False) as ctx:
        from sqlalchemy import select

        from mainstay.kernel.changes import Change

        found = (await ctx.session.execute(select(Change).where(Change.resource == "settings"))).scalars()
        ids = [
            f"{rules.JOB}-{row.seq}-{item['field'].removeprefix(rules.PREFIX)}" for row in found for item in row.changes
        ]
    for job in ids:
        await jobs.wait(job)


async def leading(world: World, item: str) -> dict[str, str]:
    rows = (await world.get(f"{PATH}ci_opt/", params={"ci_id": item}))["downstream"]
    return {row["reading"]: row["name"] for row in rows}


async def test_rules_keep_relations_as_the_fields_say(world: World) -> None:
    place = await world.post("/ux/common/org/location/", {"location_name": "Hall 1"})
    old = await make(world, "old", location=place["id"])
    await world.put("/api/settings", {"values": {"cmdb.rule.location": True, "cmdb.rule.user": True}})
    await follow(world)
    assert await leading(world, old) == {"Located at": "Hall 1"}
    new = await make(world, "new", location=place["id"], owner=world.admin.profile_id)
    assert await leading(world, new) == {"Located at": "Hall 1", "Owned by": "Ada Admin"}
    relation = (await world.get(PATH, params={"filters": f'{{"source": "{new}", "rule": "location"}}'}))["results"][0]
    kept = await world.patch(f"{PATH}{relation['relation_id']}/", {"target": old, "location": None}, expect=409)
    assert "The rule location keeps this relation" in kept["error"]
    await world.patch(f"{ITEMS}{new}/", {"location": None})
    assert await leading(world, new) == {"Owned by": "Ada Admin"}
    await world.put("/api/settings", {"values": {"cmdb.rule.location": False}})
    await follow(world)
    assert await leading(world, old) == {}
