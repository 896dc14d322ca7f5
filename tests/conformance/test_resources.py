"""The generic suite: every declared resource, through the API."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import jsonschema
import msgspec
import pytest

from mainstay.app import build_registry
from mainstay.kernel import openapi
from mainstay.kernel.resource import Resource
from tests.conformance.samples import create, sample, value
from tests.support import Statements, World

REGISTRY = build_registry()
NAMES = sorted(REGISTRY.resources)
DOCUMENT = msgspec.json.decode(msgspec.json.encode(openapi.build(REGISTRY.operations, version="0", server="")))

every = pytest.mark.parametrize("name", NAMES)


def resource(world: World, name: str) -> Resource[Any]:
    return world.platform.registry.resources[name]


def editable(res: Resource[Any]) -> str | None:
    """A plain text field to change, if the resource has one."""
    return next(
        (
            name
            for name, spec in res.writable().items()
            if spec.kind in ("text", "longtext")
            and not spec.required
            and spec.listed
            and name not in ("key", "task_path", "task_trigger_data", "timezone", "module", "status")
        ),
        None,
    )


def having(verb: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", [name for name in NAMES if verb in REGISTRY.resources[name].verbs])


def check_schema(path: str, method: str, status: str, answer: Any) -> None:
    """The answer is what the OpenAPI document says."""
    schema = DOCUMENT["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    jsonschema.validate(answer, {**schema, "components": DOCUMENT["components"]})


@having("create")
async def test_create_read_list_and_delete(world: World, name: str) -> None:
    res = resource(world, name)
    response = await world.post(res.path, await sample(world, res), expect=201)
    check_schema(res.path, "post", "201", response)
    made = response["data"]
    assert made[res.id_name] == response["id"]
    read = await world.get(f"{res.path}{response['id']}/")
    check_schema(f"{res.path}{{id}}/", "get", "200", read)
    listed = await world.get(res.path)
    check_schema(res.path, "get", "200", listed)
    assert response["id"] in [row[res.id_name] for row in listed["results"]]
    await world.delete(f"{res.path}{response['id']}/", expect=204)
    await world.get(f"{res.path}{response['id']}/", expect=404)
    assert response["id"] not in [row[res.id_name] for row in (await world.get(res.path))["results"]]


@having("patch")
async def test_a_change_is_stored_audited_and_versioned(world: World, name: str) -> None:
    res = resource(world, name)
    field = editable(res)
    if field is None:
        pytest.skip("no plain text field")
    made = await create(world, res)
    path = f"{res.path}{made[res.id_name]}/"
    before = (await world.send("GET", path)).headers["etag"]
    text = value(res.fields[field], 4711)
    await world.patch(path, {field: text}, headers={"If-Match": before})
    stale = await world.patch(path, {field: "later"}, headers={"If-Match": before}, expect=412)
    assert stale["current"]
    history = await world.get(f"{path}history/")
    changed = [change for entry in history["results"] for change in entry["changes"] if change["field"] == field]
    assert changed
    assert changed[0]["new"] == text
    assert history["results"][0]["actor_name"] == "Ada Admin"


@every
async def test_every_operation_needs_its_permission(world: World, name: str) -> None:
    nobody = await world.granted({})
    for operation in [item for item in world.platform.registry.operations if item.resource == name and item.permission]:
        path = operation.path.replace("{id}", "x").replace("{attachment}", "y")
        refused = await world.call(operation.method, path, by=nobody, expect=403)
        assert refused["permission"] == ".".join(operation.permission or ())
        anonymous = await world.client.request(operation.method, path)
        assert (anonymous.status_code, anonymous.json()) == (403, {"error": "API key is missing."})
        wrong = await world.client.request(operation.method, path, headers={"Authorization": "ApiKey nonsense"})
        assert (wrong.status_code, wrong.json()) == (401, {"error": "Invalid API key."})


@having("create")
async def test_another_organization_reaches_nothing(world: World, stranger: World, name: str) -> None:
    res = resource(world, name)
    made = await create(world, res)
    record = made[res.id_name]
    before = await world.get(f"{res.path}{record}/")
    for operation in [item for item in world.platform.registry.operations if item.resource == name]:
        path = operation.path.replace("{id}", record).replace("{attachment}", record)
        body = {
            "ids": [record],
            "id": record,
            f"{name}_id": record,
            res.id_name: record,
            "filters": {"id": record},
            "text": "Hello",
            "name": "a.txt",
            "data": "data:text/plain,hello",
        }
        options: dict[str, Any] = {"params": {"id": record, res.id_name: record}}
        if operation.method != "GET":
            options["json"] = body
        answer = await stranger.send(operation.method, path, **options)
        assert answer.status_code < 500, f"{operation.key}: {answer.text}"
        if "{id}" in operation.path:
            assert answer.status_code == 404, f"{operation.key}: {answer.status_code} {answer.text[:200]}"
        elif operation.stage != "create":
            assert record not in answer.text.replace(f"\"{record}'", "").replace(repr(record), ""), operation.key
    after = await world.get(f"{res.path}{record}/")
    assert after == before


@having("list")
async def test_bad_list_input_is_a_clear_400(world: World, name: str) -> None:
    res = resource(world, name)
    for query, field in (
        ({"items_per_page": 0}, "items_per_page"),
        ({"items_per_page": 100_000}, "items_per_page"),
        ({"items_per_page": "many"}, "items_per_page"),
        ({"page": 0}, "page"),
        ({"sort": "no_such_field"}, "sort"),
        ({"filters": "{broken"}, "filters"),
        ({"filters": '{"no_such_field": 1}'}, "filters"),
        ({"filters": '{"field": "creation_time", "condition": "resembles", "value": 1}'}, "filters"),
        ({"filters": '{"creation_time": "yesterday-ish"}'}, "filters"),
    ):
        if res.module == "Leaves" and field in ("page", "items_per_page"):
            continue
        refused = await world.get(res.path, params=query, expect=400)
        assert field in refused["fields"], query


@having("create")
async def test_bad_bodies_are_a_clear_4xx(world: World, name: str) -> None:
    res = resource(world, name)
    deep = "[" * 500 + "]" * 500
    for body in ("{", "[1]", '"text"', "7", '{"a": "\\u0000"}', f'{{"a": {deep}}}', '{"a": 1e999}'):
        answer = await world.send("POST", res.path, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, f"{body[:40]}: {answer.status_code} {answer.text}"
        assert answer.json()["error"]
    required = [field for field, spec in res.writable().items() if spec.required]
    if required:
        refused = await world.post(res.path, {}, expect=400)
        assert set(required) & set(refused["fields"]) or refused["error"]
    huge = await world.send("POST", res.path, content=b"<x/>", headers={"Content-Type": "application/xml"})
    assert huge.status_code == 415


@having("create")
async def test_a_list_costs_the_same_few_statements_at_any_length(
    world: World, name: str, statements: Statements | None
) -> None:
    res = resource(world, name)
    assert statements is not None
    counts = []
    for wanted in (5, 25):
        have = (await world.get(res.path, params={"items_per_page": 1}))["count"]
        for _ in range(max(0, wanted - have)):
            await create(world, res)
        await create(world, res)  # so that the count is not remembered
        await world.get(res.path, params={"search": "a"})  # but the configuration is
        start = len(statements.ran)
        await world.get(res.path, params={"items_per_page": wanted})
        counts.append(len(statements.ran) - start)
        listed = statements.ran[start:]
        assert 1 <= counts[-1] <= 4, "\n\n".join(listed)
    assert counts[0] == counts[1]


@having("create")
async def test_a_repeated_create_with_one_key_is_done_once(world: World, name: str) -> None:
    res = resource(world, name)
    given = await sample(world, res)
    key = {"Idempotency-Key": f"retry-{name}"}
    first = await world.post(res.path, given, headers=key, expect=201)
    again = await world.send("POST", res.path, json=given, headers=key)
    assert again.status_code == 201
    assert again.json() == first
    assert again.headers["idempotency-replayed"] == "true"
    other = await world.send("POST", res.path, json={**given, "x": 1}, headers=key)
    assert other.status_code == 409


@having("export")
async def test_an_export_holds_every_record(world: World, name: str) -> None:
    res = resource(world, name)
    if "import" not in res.verbs:
        pytest.skip("not imported")
    for _ in range(3):
        await create(world, res)
    text = await world.get(f"{res.path}export/", params={"format": "csv"})
    exported = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    have = (await world.get(res.path))["count"]
    assert len(exported) == have
    book = await world.send("GET", f"{res.path}export/", params={"format": "xlsx"})
    assert book.content[:2] == b"PK"
    columns = await world.get(res.path + res.verbs["columns"][0])
    label = res.fields[res.title].label
    assert label in [item["label"] for item in columns["columns"]] or res.fields[res.title].read_only


@having("options")
async def test_options_describe_every_field(world: World, name: str) -> None:
    res = resource(world, name)
    described = await world.get(res.path + res.verbs["options"][0])
    if "fields" in described:
        names = {item["name"] for item in described["fields"]}
        assert {key for key, spec in res.fields.items() if spec.kind != "secret"} <= names


@having("multidelete")
async def test_several_are_deleted_at_once(world: World, name: str) -> None:
    res = resource(world, name)
    ids = [(await create(world, res))[res.id_name] for _ in range(3)]
    answer = await world.post(res.path + res.verbs["multidelete"][0], {"ids": ids[:2]})
    assert answer["deleted"] == 2
    left = [row[res.id_name] for row in (await world.get(res.path))["results"]]
    assert ids[2] in left
    assert not set(ids[:2]) & set(left)


def test_every_operation_is_documented() -> None:
    for operation in REGISTRY.operations:
        described = DOCUMENT["paths"][operation.path][operation.method.lower()]
        assert described["summary"], operation.key
        assert described["tags"] == [operation.module]
    assert json.dumps(DOCUMENT)
