"""The Log Pipeline Configuration module through the API: what is saved, what runs, and what lines become."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mainstay.modules.logs.pipeline.service import engine_of
from tests.logs.lines_in import receive
from tests.support import World

PATH = "/ux/log_pipeline/log_pipeline_configuration/"
TABLES = "/ux/log_pipeline/lookup_table/"
LOGIN = {
    "name": "Logins",
    "condition": 'app == "sshd"',
    "stages": [{"type": "grok", "patterns": ["%{SSHD_LOGIN}"]}],
}
ACCEPTED = "Accepted publickey for ann from 203.0.113.4 port 40022 ssh2"


async def in_force(world: World, pipeline: dict[str, Any], **query: Any) -> str:
    """Save a pipeline and put it in force; its id."""
    made = await world.post(PATH, pipeline, expect=201)
    await world.get(f"{PATH}upload_pipeline/{made['id']}/", params=query)
    return str(made["id"])


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/", f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/",
                    f"GET {PATH}upload_pipeline/{{id}}/")  # fmt: skip
async def test_a_version_runs_from_when_it_is_put_in_force(world: World) -> None:
    made = await world.post(PATH, LOGIN, expect=201)
    read = await world.get(f"{PATH}{made['id']}/")
    assert (read["pipeline_id"], read["state"], read["revision"], read["in_force"]) == (made["id"], "draft", 1, 0)
    (line,) = await receive(world, ACCEPTED, app="sshd")
    assert (line["fields"], line["pipeline"]) == ({}, "")

    up = await world.get(f"{PATH}upload_pipeline/{made['id']}/")
    assert (up["version"], up["previous"], up["enabled"]) == (1, 0, True)
    assert (await world.get(f"{PATH}{made['id']}/"))["state"] == "running"
    mine, other = await receive(world, ACCEPTED, ACCEPTED, app=["sshd", "cron"])
    assert mine["fields"] == {
        "auth_method": "publickey", "username": "ann", "src_ip": "203.0.113.4", "src_port": "40022",
    }  # fmt: skip
    assert (mine["pipeline"], other["pipeline"], other["fields"]) == ("Logins", "", {})

    stages = [*LOGIN["stages"], {"type": "remove", "fields": ["src_port"]}]
    await world.put(f"{PATH}{made['id']}/", {**read, "stages": stages})
    changed = await world.get(f"{PATH}{made['id']}/")
    assert (changed["state"], changed["revision"], changed["in_force"]) == ("changed", 2, 1)
    (line,) = await receive(world, ACCEPTED, app="sshd")
    assert "src_port" in line["fields"]
    await world.get(f"{PATH}upload_pipeline/{made['id']}/")
    (line,) = await receive(world, ACCEPTED, app="sshd")
    assert "src_port" not in line["fields"]

    await world.put(f"{PATH}{made['id']}/", {"enabled": False})
    (line,) = await receive(world, ACCEPTED, app="sshd")
    assert line["pipeline"] == ""
    await world.put(f"{PATH}{made['id']}/", {"enabled": True})
    assert (await receive(world, ACCEPTED, app="sshd"))[0]["pipeline"] == "Logins"
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    assert (await receive(world, ACCEPTED, app="sshd"))[0]["pipeline"] == ""
    assert (await world.get(PATH))["count"] == 0


async def test_every_save_is_a_version_and_any_can_come_back(world: World) -> None:
    pipeline = await in_force(world, LOGIN)
    await world.put(f"{PATH}{pipeline}/", {"stages": [{"type": "drop"}], "note": "Quiet"})
    await world.put(f"{PATH}{pipeline}/", {"description": "No new version"})
    await world.get(f"{PATH}upload_pipeline/{pipeline}/")
    assert await receive(world, ACCEPTED, app="sshd") == []
    saved = await world.get(f"{PATH}{pipeline}/versions/")
    assert [(item["number"], item["in_force"], item["note"]) for item in saved["results"]] == [
        (2, True, "Quiet"),
        (1, False, ""),
    ]
    back = await world.post(f"{PATH}{pipeline}/rollback/", {"version": 1})
    assert (back["version"], back["previous"]) == (3, 2)
    (line,) = await receive(world, ACCEPTED, app="sshd")
    assert line["fields"]["username"] == "ann"
    await world.get(f"{PATH}upload_pipeline/{pipeline}/", params={"version": 2})
    assert await receive(world, ACCEPTED, app="sshd") == []
    await world.get(f"{PATH}upload_pipeline/{pipeline}/", params={"version": 9}, expect=404)
    trail = await world.get(f"{PATH}{pipeline}/history/")
    assert trail["results"][0]["action"] == "upload"


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"stages": [{"type": "grok", "patterns": ["(?>a)"]}]}, "stages", "Stage 1: An atomic group"),
        ({"stages": [{"type": "remove", "fields": ["a"]}, {"type": "kv", "prefixx": "a"}]}, "stages", "Stage 2"),
        ({"stages": [{"type": "nonsense"}]}, "stages", "nonsense"),
        ({"stages": [{"type": "grok", "patterns": []}]}, "stages", "patterns"),
        ({"stages": [{"type": "date", "field": "t", "formats": ["qq"]}]}, "stages", "not a part of a time"),
        ({"stages": [{"type": "date", "field": "t", "timezone": "Mars/Base"}]}, "stages", "not a time zone"),
        ({"stages": [{"type": "set", "fields": {"received": "x"}}]}, "stages", "cannot be set"),
        ({"stages": [{"type": "if", "then": []}]}, "stages", "condition"),
        ({"stages": [{"type": "if", "when": "a == 1", "then": [{"type": "csv", "columns": []}]}]}, "stages",
         "Stage 1, then, stage 1: A CSV stage"),
        ({"stages": [{"type": "mask", "kinds": ["everything"]}]}, "stages", "not a kind"),
        ({"stages": [{"type": "enrich_table", "field": "a", "table": "No"}]}, "stages", "no lookup table"),
        ({"stages": [{"type": "enrich_geo"}]}, "stages", "MAINSTAY_GEO_DATABASE"),
        ({"stages": [{"type": "route", "pipeline": "No"}]}, "stages", "no pipeline"),
        ({"stages": [{"type": "drop"}] * 101}, "stages", "at most 100"),
        ({"condition": "app ="}, "condition", "value"),
        ({"condition": 'app matches "(?=a)"'}, "condition", "looks ahead"),
        ({"name": ""}, "name", "provide"),
    ],
)  # fmt: skip
async def test_what_cannot_run_is_not_saved(world: World, change: Any, field: str, says: str) -> None:
    refused = await world.post(PATH, {**LOGIN, **change}, expect=400)
    assert says in refused["fields"][field][0]
    assert (await world.get(PATH))["count"] == 0


async def test_the_first_pipeline_that_wants_a_line_has_it(world: World) -> None:
    def marked(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "stages": [{"type": "set", "fields": {name.lower(): "yes"}}], **more}

    await in_force(world, marked("Last", position=300))
    await in_force(world, marked("First", position=100, condition="severity <= warning"))
    await in_force(world, marked("Also", position=50, condition="severity <= error", passing=True))
    rows = await receive(world, "a", "b", "c", severity=[6, 4, 2])
    assert [(row["message"], row["pipeline"], sorted(row["fields"])) for row in rows] == [
        ("a", "Last", ["last"]),
        ("b", "First", ["first"]),
        ("c", "First", ["also", "first"]),
    ]


async def test_lines_keep_what_they_came_with(world: World, stranger: World) -> None:
    await in_force(world, {"name": "All", "stages": [{"type": "set", "fields": {"site": "fra", "message": "new"}}]})
    (line,) = await receive(world, "old", fields=[{"a": "1", "site": "?"}], tags=[["_unparsed"]], source="198.51.100.9")
    assert line["fields"] == {"a": "1", "site": "fra"}
    assert (line["message"], line["raw"], line["tags"], line["source"]) == ("new", "old", ["_unparsed"], "198.51.100.9")
    # Nothing of it touches another organization's lines.
    (other,) = await receive(stranger, "old")
    assert (other["message"], other["pipeline"]) == ("old", "")


@pytest.mark.proves(f"GET {PATH}get_child_pipeline_data/", f"GET {PATH}get_pipeline_list/")
async def test_children_follow_their_parent(world: World) -> None:
    parent = await in_force(
        world, {"name": "Parent", "stages": [{"type": "grok", "patterns": ["^%{WORD:what} %{GREEDYDATA:rest}"]}]}
    )
    child = await in_force(
        world,
        {"name": "Child", "parent": parent, "condition": "what == pay", "stages": [{"type": "kv", "field": "rest"}]},
    )
    other = await in_force(
        world, {"name": "Other", "position": 200, "stages": [{"type": "route", "pipeline": "Child"}]}
    )
    pay, ship = await receive(world, "pay sum=12 cur=EUR", "ship a=1")
    assert pay["fields"] == {"what": "pay", "rest": "sum=12 cur=EUR", "sum": "12", "cur": "EUR"}
    assert ship["fields"] == {"what": "ship", "rest": "a=1"}
    data = await world.get(f"{PATH}get_child_pipeline_data/", params={"pipeline": parent})
    assert [item["id"] for item in data["results"]] == [child]
    assert [item["id"] for item in data["candidates"]] == [other]
    every = await world.get(f"{PATH}get_pipeline_list/")
    assert [(item["name"], item["state"], item["children"]) for item in every["results"]] == [
        ("Parent", "running", [child]),
        ("Child", "running", []),
        ("Other", "running", []),
    ]
    refused = await world.put(f"{PATH}{parent}/", {"parent": child}, expect=400)
    assert "circle" in refused["fields"]["parent"][0]
    refused = await world.put(f"{PATH}{child}/", {"stages": [{"type": "route", "pipeline": "Other"}]}, expect=400)
    assert "circle" in refused["error"]
    refused = await world.delete(f"{PATH}{child}/", expect=409)
    assert "Other" in refused["error"]
    refused = await world.delete(f"{PATH}{parent}/", expect=409)
    assert "Child" in refused["error"]


@pytest.mark.proves(f"GET {PATH}get_asset_Preview_data/")
async def test_a_preview_shows_what_every_stage_does_to_recent_lines(world: World) -> None:
    await receive(world, "user=ann ok password=hunter22", "noise", app="portal", host="web07")
    await receive(world, "other", app="else")
    stages = [
        {"type": "kv", "name": "pairs"},
        {"type": "if", "when": "user == ann", "then": [{"type": "route", "tags": ["ann"]}], "else": [{"type": "drop"}]},
        {"type": "mask"},
    ]
    query = {"stages": json.dumps(stages), "app": "portal", "condition": "host startswith web"}
    shown = await world.get(f"{PATH}get_asset_Preview_data/", params=query)
    assert (shown["count"], shown["applies"], shown["dropped"]) == (2, 2, 1)
    by_path = {item["path"]: item for item in shown["stages"]}
    assert list(by_path) == ["0", "1", "1.then.0", "1.else.0", "2"]
    first = by_path["0"]
    assert (first["type"], first["name"], first["lines_in"], first["failed"]) == ("kv", "pairs", 2, 1)
    at = next(n for n, line in enumerate(shown["lines"]) if line["before"]["message"].startswith("user"))
    assert next(c for c in first["changes"] if c["line"] == at)["set"] == {"user": "ann", "password": "hunter22"}
    assert next(c for c in first["changes"] if c["line"] != at)["tags"] == ["_kvfailure"]
    assert by_path["1.else.0"]["dropped"] == [1 - at]
    after = shown["lines"][at]["after"]
    assert (after["message"], after["fields"]["password"]) == ("user=ann ok password=***", "***")
    assert after["tags"] == ["ann"]
    assert shown["lines"][1 - at]["after"] is None
    # The store holds what it held.
    again = await world.get(f"{PATH}get_asset_Preview_data/", params={"app": "portal"})
    assert sorted(line["before"]["message"] for line in again["lines"]) == ["noise", "user=ann ok password=hunter22"]


async def test_a_saved_pipeline_is_previewed_on_pasted_lines(world: World, stranger: World) -> None:
    made = await world.post(PATH, {**LOGIN, "stages": [{"type": "grok", "patterns": ["%{SSHD_LOGIN}"]}]})
    shown = await world.post(f"{PATH}preview/", {"pipeline": made["id"], "lines": f"{ACCEPTED}\nnoise"})
    assert shown["applies"] == 0  # pasted lines have no app
    shown = await world.post(
        f"{PATH}preview/", {"pipeline": made["id"], "lines": [ACCEPTED, "noise"], "ignore_condition": True}
    )
    assert shown["lines"][0]["after"]["fields"]["username"] == "ann"
    assert shown["lines"][1]["after"]["tags"] == ["_grokfailure"]
    assert shown["failed"] == 1
    refused = await world.post(f"{PATH}preview/", {"stages": [{"type": "grok", "pattern": "(a"}], "lines": ["a"]},
                               expect=400)  # fmt: skip
    assert "not closed" in refused["error"]
    await stranger.post(f"{PATH}preview/", {"pipeline": made["id"], "lines": ["a"]}, expect=404)
    assert (await stranger.post(f"{PATH}preview/", {"stages": []}))["count"] == 0


@pytest.mark.proves(f"GET {PATH}get_asset_filter_data/")
async def test_the_values_that_lines_have_are_offered_for_conditions(world: World, stranger: World) -> None:
    await receive(world, "a", "b", "c", app=["nginx", "nginx", 'od"d'], host=["w1", "w2", "w1"])
    await receive(stranger, "x", app="secret")
    data = await world.get(f"{PATH}get_asset_filter_data/")
    apps = {item["value"]: (item["lines"], item["condition"]) for item in data["filters"]["app"]}
    assert apps == {"nginx": (2, 'app == "nginx"'), 'od"d': (1, 'app == "od\\"d"')}
    assert (data["lines"], [item["value"] for item in data["filters"]["host"]]) == (3, ["w1", "w2"])
    for _lines, condition in apps.values():
        shown = await world.post(f"{PATH}preview/", {"stages": [], "condition": condition})
        assert shown["applies"] == _lines
    found = await world.get(f"{PATH}get_asset_filter_data/", params={"search": "NGI"})
    assert [item["value"] for item in found["filters"]["app"]] == ["nginx"]


@pytest.mark.proves(f"GET {PATH}get_logstash_health/")
async def test_health_counts_lines_failures_and_time(world: World) -> None:
    pipeline = await in_force(
        world,
        {"name": "Web", "condition": "app == web", "stages": [
            {"type": "kv"}, {"type": "drop", "when": "user == bob"}, {"type": "set", "when": "has user", "fields": {"x": 1}},
        ]},
    )  # fmt: skip
    await receive(world, "user=ann", "user=bob", "noise", "not mine", app=["web", "web", "web", "else"])
    health = await world.get(f"{PATH}get_logstash_health/")
    assert (health["status"], health["lines_in"], health["lines_out"]) == ("healthy", 3, 2)
    (mine,) = health["results"]
    assert (mine["id"], mine["dropped"], mine["failed"], mine["version"]) == (pipeline, 1, 1, 1)
    assert [(s["path"], s["type"], s["lines_in"], s["lines_out"], s["failed"]) for s in mine["stages"]] == [
        ("0", "kv", 3, 3, 1),
        ("1", "drop", 1, 0, 0),
        ("2", "set", 1, 1, 0),
    ]
    assert mine["seconds"] > 0
    assert mine["microseconds"] > 0
    await receive(world, "user=ann", app="web")
    again = await world.get(f"{PATH}get_logstash_health/", params={"pipeline": pipeline})
    assert again["results"][0]["lines_in"] == 4


@pytest.mark.proves(f"GET {PATH}get_options/")
async def test_options_describe_every_stage(world: World) -> None:
    await world.post(TABLES, {"name": "Sites", "content": "prefix,site\nfra,Frankfurt\n"}, expect=201)
    options = await world.get(f"{PATH}get_options/")
    stages = {item["type"]: item for item in options["stages"]}
    assert set(stages) == {
        "grok", "kv", "json", "csv", "date", "rename", "remove", "set", "if", "drop", "mask", "enrich_table",
        "enrich_geo", "enrich_cmdb", "route",
    }  # fmt: skip
    assert stages["grok"]["failure_tag"] == "_grokfailure"
    assert "patterns" in stages["grok"]["schema"]["required"]
    assert [table["name"] for table in options["lookup_tables"]] == ["Sites"]
    assert {"==", "contains", "matches", "cidr", "has"} <= set(options["operators"])
    assert options["geo"] is False


@pytest.mark.proves(f"GET {PATH}grok_pattern/", f"GET {PATH}grok_response/")
async def test_expressions_are_listed_and_tried(world: World) -> None:
    listed = await world.get(f"{PATH}grok_pattern/", params={"search": "SSHD"})
    assert [item["name"] for item in listed["results"]] == ["SSHD_LOGIN"]
    tried = await world.get(f"{PATH}grok_response/", params={"pattern": "port %{INT:port:int}", "line": ACCEPTED})
    assert (tried["results"][0]["fields"], tried["results"][0]["length"]) == ({"port": 40022}, 10)
    missed = await world.get(f"{PATH}grok_response/", params={"pattern": "%{IP:ip} to", "line": ACCEPTED})
    assert (missed["results"][0]["matched"], missed["results"][0]["failed_at"]) == (False, "t")
    refused = await world.get(f"{PATH}grok_response/", params={"pattern": "(?!a)", "line": "a"})
    assert (refused["valid"], "looks ahead" in refused["reason"]) == (False, True)
    await world.get(f"{PATH}grok_response/", expect=400)


async def test_lookup_tables(world: World) -> None:
    table = await world.post(TABLES, {"name": "Sites", "content": "prefix,site,region\nfra,Frankfurt,EU\n"}, expect=201)
    pipeline = await in_force(
        world,
        {"name": "Sites", "stages": [{"type": "enrich_table", "field": "host", "table": "sites", "target": "geo"}]},
    )
    known, unknown = await receive(world, "a", "b", host=["fra", "muc"])
    assert known["fields"] == {"geo.site": "Frankfurt", "geo.region": "EU"}
    assert (unknown["fields"], unknown["tags"]) == ({}, ["_lookupfailure"])
    await world.put(f"{TABLES}{table['id']}/", {"content": "prefix,site,region\nmuc,Munich,EU\n"})
    known, unknown = await receive(world, "a", "b", host=["muc", "fra"])
    assert known["fields"]["geo.site"] == "Munich"
    assert unknown["tags"] == ["_lookupfailure"]
    refused = await world.delete(f"{TABLES}{table['id']}/", expect=409)
    assert "pipeline Sites" in refused["error"]
    refused = await world.post(TABLES, {"name": "Bad", "content": "a,b\n1,2\n1,2,3\n"}, expect=400)
    assert "Line 3" in refused["fields"]["content"][0]
    await world.delete(f"{PATH}{pipeline}/")
    await world.delete(f"{TABLES}{table['id']}/", expect=204)


async def test_permissions(world: World, stranger: World) -> None:
    pipeline = await in_force(world, LOGIN)
    editor = await world.granted({"log_pipeline": ("view", "add", "edit")})
    await world.put(f"{PATH}{pipeline}/", {"stages": []}, by=editor)
    await world.get(f"{PATH}upload_pipeline/{pipeline}/", by=editor, expect=403)
    await world.post(f"{PATH}{pipeline}/rollback/", {"version": 1}, by=editor, expect=403)
    await stranger.get(f"{PATH}upload_pipeline/{pipeline}/", expect=404)
    await stranger.get(f"{PATH}{pipeline}/versions/", expect=404)
    await stranger.post(f"{PATH}{pipeline}/rollback/", {"version": 1}, expect=404)
    assert (await stranger.get(f"{PATH}get_logstash_health/"))["results"] == []
    nobody = await world.granted({"tag": ("view",)})
    for path in (
        "get_options/",
        "get_pipeline_list/",
        "get_logstash_health/",
        "grok_response/?pattern=a",
        "get_asset_Preview_data/",
        "get_asset_filter_data/",
        "get_child_pipeline_data/",
        "grok_pattern/",
    ):
        await world.get(f"{PATH}{path}", by=nobody, expect=403)  # fmt: skip


async def test_a_change_by_another_process_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = await in_force(world, LOGIN)
    assert (await receive(world, ACCEPTED, app="sshd"))[0]["pipeline"] == "Logins"
    engine = engine_of(world.platform)
    # Another process cannot tell this one: only looking at the database does.
    monkeypatch.setattr(engine, "forget", lambda _organization: None)
    await world.put(f"{PATH}{pipeline}/", {"enabled": False})
    monkeypatch.setattr("mainstay.modules.logs.pipeline.service.FRESH", 0.0)
    assert (await receive(world, ACCEPTED, app="sshd"))[0]["pipeline"] == ""
