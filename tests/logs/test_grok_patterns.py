"""The Log Grok Pattern Configuration module through the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import World

PATH = "/ux/log_grok_pattern/log_grok_pattern_configuration/"
PIPELINE = "/ux/log_pipeline/log_pipeline_configuration/"
ORDER = {"name": "ORDER_ID", "pattern": "ORD-[0-9]{6}", "description": "Order number", "samples": ["ORD-004217 paid"]}


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/", f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_an_own_pattern_is_kept_changed_and_deleted(world: World, stranger: World) -> None:
    made = await world.post(PATH, ORDER, expect=201)
    read = await world.get(f"{PATH}{made['id']}/")
    assert (read["grok_pattern_id"], read["name"], read["samples"]) == (made["id"], "ORDER_ID", ["ORD-004217 paid"])
    listed = await world.get(PATH, params={"search": "order"})
    assert [row["name"] for row in listed["results"]] == ["ORDER_ID"]
    await world.put(f"{PATH}{made['id']}/", {**read, "pattern": "O-[0-9]+", "samples": ["O-17"]})
    assert (await world.get(f"{PATH}{made['id']}/"))["pattern"] == "O-[0-9]+"
    await stranger.get(f"{PATH}{made['id']}/", expect=404)
    tried = await stranger.post(f"{PATH}test/", {"pattern": "%{ORDER_ID:o}", "line": "O-1"})
    assert tried["valid"] is False
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await world.get(f"{PATH}{made['id']}/", expect=404)


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"pattern": "(?<![0-9])[0-9]{4}(?![0-9])"}, "pattern", r"Instead: \b[0-9]{4}\b"),
        ({"pattern": "(a)\\1"}, "pattern", "back-reference"),
        ({"pattern": "(?:x{1000}){1000}"}, "pattern", "too large"),
        ({"pattern": "%{NOSUCH}"}, "pattern", "NOSUCH"),
        ({"pattern": "%{ORDER_ID}"}, "pattern", "refers to itself"),
        ({"pattern": "(?=a)"}, "pattern", "looks ahead"),
        ({"samples": ["ORD-42 paid"]}, "samples", "ORD-42 paid"),
        ({"name": "IPV4"}, "name", "well-known"),
        ({"name": "no name"}, "name", "letters, digits"),
        ({"pattern": ""}, "pattern", "provide"),
    ],
)
async def test_a_pattern_is_tried_before_it_is_saved(world: World, change: Any, field: str, says: str) -> None:
    refused = await world.post(PATH, {**ORDER, **change}, expect=400)
    assert says in refused["fields"][field][0]
    assert (await world.get(PATH))["count"] == 0


async def test_the_rewrite_comes_along(world: World) -> None:
    refused = await world.post(PATH, {**ORDER, "pattern": "(?>ORD)-[0-9]++"}, expect=400)
    assert refused["rewrite"] == "(?:ORD)-[0-9]+"
    assert refused["position"] == {"start": 0, "end": 3}
    await world.post(PATH, {**ORDER, "pattern": refused["rewrite"]}, expect=201)


@pytest.mark.proves(f"GET {PATH}get_grok_pattern_list/")
async def test_all_names_are_listed(world: World) -> None:
    made = await world.post(PATH, ORDER)
    every = await world.get(f"{PATH}get_grok_pattern_list/")
    by_name = {item["name"]: item for item in every["results"]}
    assert by_name["ORDER_ID"] == {
        "name": "ORDER_ID", "pattern": "ORD-[0-9]{6}", "category": "own", "description": "Order number", "own": True,
        "id": made["id"],
    }  # fmt: skip
    assert by_name["COMBINEDAPACHELOG"]["category"] == "httpd"
    assert every["count"] > 200
    mine = await world.get(f"{PATH}get_grok_pattern_list/", params={"category": "own"})
    assert [item["name"] for item in mine["results"]] == ["ORDER_ID"]
    found = await world.get(f"{PATH}get_grok_pattern_list/", params={"search": "apache"})
    assert {"COMMONAPACHELOG", "COMBINEDAPACHELOG"} <= {item["name"] for item in found["results"]}
    await world.get(f"{PATH}get_grok_pattern_list/", params={"category": "planets"}, expect=400)


async def test_an_expression_is_tried_on_lines(world: World) -> None:
    await world.post(PATH, ORDER)
    body = {
        "pattern": "%{ORDER_ID:order} for %{SUM:sum:float}",
        "lines": ["ORD-004217 for 12.50", "ORD-004217 for free"],
        "patterns": {"SUM": "[0-9.]+"},
    }
    tried = await world.post(f"{PATH}test/", body)
    assert (tried["valid"], tried["matched"], tried["fields"]) == (True, 1, ["order", "sum"])
    first, second = tried["results"]
    assert (first["fields"], first["length"]) == ({"order": "ORD-004217", "sum": 12.5}, 20)
    assert (second["matched"], second["failed_at"], second["rest"]) == (False, "%{SUM:sum:float}", "free")
    refused = await world.post(f"{PATH}test/", {"pattern": "(?>a)", "line": "a"})
    assert (refused["valid"], refused["rewrite"]) == (False, "(?:a)")
    await world.post(f"{PATH}test/", {"pattern": "a", "lines": ["x"] * 201}, expect=400)


async def test_a_pattern_in_use_is_not_pulled_away(world: World) -> None:
    made = await world.post(PATH, ORDER)
    other = await world.post(PATH, {"name": "INVOICE", "pattern": "%{ORDER_ID}/[0-9]+"})
    refused = await world.delete(f"{PATH}{made['id']}/", expect=409)
    assert "the pattern INVOICE" in refused["error"]
    await world.delete(f"{PATH}{other['id']}/", expect=204)
    pipeline = await world.post(
        PIPELINE, {"name": "Shop", "stages": [{"type": "grok", "patterns": ["%{ORDER_ID:order}"]}]}, expect=201
    )
    refused = await world.delete(f"{PATH}{made['id']}/", expect=409)
    assert "the pipeline Shop" in refused["error"]
    refused = await world.put(f"{PATH}{made['id']}/", {"name": "ORDER"}, expect=409)
    assert "Shop" in refused["error"]
    await world.put(f"{PATH}{made['id']}/", {"pattern": "ORD-[0-9]{7}", "samples": []})
    await world.delete(f"{PIPELINE}{pipeline['id']}/", expect=204)
    await world.delete(f"{PATH}{made['id']}/", expect=204)


async def test_permissions(world: World) -> None:
    reader = await world.granted({"log_grok_pattern": ("view",)})
    await world.get(f"{PATH}get_grok_pattern_list/", by=reader)
    await world.post(f"{PATH}test/", {"pattern": "a", "line": "a"}, by=reader)
    await world.post(PATH, ORDER, by=reader, expect=403)
    nobody = await world.granted({"tag": ("view",)})
    await world.get(f"{PATH}get_grok_pattern_list/", by=nobody, expect=403)
