"""Items from several sides, through their life, and by file."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest

from mainstay.kernel import jobs
from tests.assets.test_items import PATH, make
from tests.support import Statements, World

RELATION = "/ux/common/cmdb/relation/"


def names(answer: dict[str, Any]) -> list[str]:
    return [row["name"] for row in answer["results"]]


@pytest.mark.proves(f"POST {PATH}list/", f"GET {PATH}assetList/", f"GET {PATH}options/")
async def test_lists_are_narrowed_down_by_body(world: World) -> None:
    for name, category in (("sw-1", "Switch"), ("rt-1", "Router"), ("srv-1", "Server"), ("srv-2", "Server")):
        await make(world, name, category, criticality="Critical" if name == "srv-2" else "Low")
    network = await world.post(f"{PATH}list/", {"category": "Network Device", "sort": "name"})
    assert names(network) == ["rt-1", "sw-1"]
    both = {"filters": {"criticality": 1}, "category": "Hardware", "items_per_page": 10}
    assert names(await world.post(f"{PATH}list/", both)) == ["srv-2"]
    assert names(await world.get(f"{PATH}assetList/", params={"search": "srv"})) == ["srv-1", "srv-2"]
    options = await world.get(f"{PATH}options/")
    assert {"name", "port_count", "warranty_expiry"} <= {field["name"] for field in options["fields"]}


@pytest.mark.proves(
    f"GET {PATH}asset-count/", f"GET {PATH}asset-summary/", f"GET {PATH}get-tags/", f"GET {PATH}cmdb-exists/"
)
async def test_the_estate_in_numbers(world: World) -> None:
    soon, past = date.today() + timedelta(days=5), date.today() - timedelta(days=5)
    await make(world, "a", cost=100, warranty_expiry=str(soon), tags=["blue", "rack"])
    await make(world, "b", cost=50.5, warranty_expiry=str(past), tags=["blue"], serial_number="S1")
    await make(world, "c", "Printer", status="In Stock", ip_address="10.0.0.1")
    counted = await world.get(f"{PATH}asset-count/")
    assert (counted["total"], counted["results"][0]["name"], counted["results"][0]["count"]) == (3, "Server", 2)
    by_status = await world.get(f"{PATH}asset-count/", params={"by": "status"})
    assert {row["name"]: row["count"] for row in by_status["results"]} == {"In Use": 2, "In Stock": 1}
    await world.get(f"{PATH}asset-count/", params={"by": "description"}, expect=400)
    summary = await world.get(f"{PATH}asset-summary/")
    assert (summary["total"], summary["warranty_expired"], summary["warranty_expiring"], summary["cost"]) == (
        3,
        1,
        1,
        150.5,
    )
    only = await world.get(f"{PATH}asset-summary/", params={"filters": '{"status": "In Stock"}'})
    assert only["total"] == 1
    tags = await world.get(f"{PATH}get-tags/")
    assert tags["results"] == [{"name": "blue", "count": 2}, {"name": "rack", "count": 1}]
    there = await world.get(f"{PATH}cmdb-exists/", params={"serial_number": "s1", "ip_address": "::ffff:10.0.0.1"})
    assert {(row["name"], row["by"][0]) for row in there["results"]} == {("b", "serial_number"), ("c", "ip_address")}
    assert (await world.get(f"{PATH}cmdb-exists/", params={"name": "nobody"}))["exists"] is False
    await world.get(f"{PATH}cmdb-exists/", expect=400)


@pytest.mark.proves(
    f"GET {PATH}basicview/",
    f"GET {PATH}child-cis/",
    f"GET {PATH}category-form-options/",
    f"GET {PATH}allocated-assets/",
)
async def test_one_item_its_children_its_form_and_its_people(world: World) -> None:
    person = await world.person()
    chassis = await make(world, "chassis", ip_address="10.1.1.1", used_by=person.profile_id)
    await make(world, "blade", parent=chassis, owner=person.profile_id)
    view = await world.get(f"{PATH}basicview/", params={"ci_id": chassis})
    assert (view["path"], view["counts"]["children"]) == (["Hardware", "Server"], 1)
    assert [row["address"] for row in view["addresses"]] == ["10.1.1.1"]
    assert names(await world.get(f"{PATH}child-cis/", params={"ci_id": chassis})) == ["blade"]
    circle = await world.patch(f"{PATH}{chassis}/", {"parent": "blade"}, expect=400)
    assert "cannot be part of itself" in circle["error"]
    form = await world.get(f"{PATH}category-form-options/", params={"category": "Switch"})
    fields = [field["key"] for section in form["sections"] for field in section["fields"]]
    assert {"name", "port_count", "serial_number"} <= set(fields)
    assert "imei" not in fields
    mine = await world.get(f"{PATH}allocated-assets/", params={"email": person.email})
    assert set(names(mine)) == {"chassis", "blade"}
    await world.get(f"{PATH}allocated-assets/", params={"email": "nobody@example.com"}, expect=400)


@pytest.mark.proves(f"GET {PATH}asset-life-cycle/", f"GET {PATH}asset-operations/")
async def test_the_way_of_an_item_through_its_states(world: World) -> None:
    person = await world.person(full_name="Olga Owner")
    item = await make(world, status="In Stock")
    can = (await world.get(f"{PATH}asset-operations/", params={"ci_id": item}))["operations"]
    assert {one["name"] for one in can if one["allowed"]} >= {"allocate", "install", "retire"}
    assert "cannot become Disposed" in next(one["why_not"] for one in can if one["name"] == "dispose")
    await world.post(
        f"{PATH}asset-operations/", {"operation": "allocate", "ci_ids": [item], "used_by": person.profile_id}
    )
    await world.post(f"{PATH}asset-operations/", {"operation": "return", "ci_ids": [item], "reason": "Broken"})
    refused = await world.post(f"{PATH}asset-operations/", {"operation": "order", "ci_ids": [item]}, expect=409)
    assert "An item that is Returned cannot become Ordered" in refused["error"]
    life = await world.get(f"{PATH}asset-life-cycle/", params={"ci_id": item})
    assert life["status_name"] == "Returned"
    told = [(step["what"], step["old"], step["new"]) for step in life["steps"]]
    assert ("status", "In Stock", "Allocated") in told
    assert ("used_by", "", "Olga Owner") in told
    assert ("used_by", "Olga Owner", "") in told
    assert next(step["reason"] for step in life["steps"] if step["new"] == "Returned") == "Broken"
    assert {one["name"] for one in life["next"]} >= {"In Stock", "Retired"}


@pytest.mark.proves(f"GET {PATH}history/", f"GET {PATH}history_data_export/", f"GET {PATH}activity_log_options/")
async def test_history_is_told_exported_and_a_value_brought_back(world: World) -> None:
    item = await make(world, "one", os_version="12", custom_field_data={"form_factor": "Rack"})
    other = await make(world, "two")
    await world.patch(f"{PATH}{item}/", {"os_version": "13", "custom_field_data": {"form_factor": "Tower"}})
    told = await world.get(f"{PATH}history/", params={"ci_id": item})
    assert [row["action"] for row in told["results"]] == ["update", "create"]
    assert (await world.get(f"{PATH}history/", params={"action": "create"}))["count"] == 2
    narrowed = await world.get(f"{PATH}history/", params={"field": "os_version", "action": "update"})
    assert [row["ci_id"] for row in narrowed["results"]] == [item]
    options = await world.get(f"{PATH}activity_log_options/", params={"ci_id": other})
    assert options["actions"] == [{"name": "create", "count": 1}]
    text = await world.get(f"{PATH}history_data_export/", params={"ci_id": item})
    lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    assert ["Version", "12", "13"] in [line[5:] for line in lines]
    change = told["results"][0]["id"]
    await world.post(f"{PATH}{item}/restore/", {"change": change, "field": "os_version"})
    back = await world.post(f"{PATH}{item}/restore/", {"change": change, "field": "custom_field_data"})
    assert (back["data"]["os_version"], back["data"]["custom_field_data"]) == ("12", {"form_factor": "Rack"})
    await world.post(f"{PATH}{item}/restore/", {"change": change, "field": "model"}, expect=404)
    await world.post(f"{PATH}{other}/restore/", {"change": change, "field": "os_version"}, expect=404)


@pytest.mark.proves(f"POST {PATH}add-attachment/", f"GET {PATH}attachment/")
async def test_files_of_an_item(world: World, stranger: World) -> None:
    item = await make(world)
    made = await world.post(
        f"{PATH}add-attachment/",
        {"ci_id": item, "attachments": [{"name": "invoice.txt", "data": "data:text/plain,42"}]},
    )
    listed = await world.get(f"{PATH}attachment/", params={"ci_id": item})
    assert names(listed) == ["invoice.txt"]
    file = {"attachment_id": made["results"][0]["id"]}
    assert (await world.send("GET", f"{PATH}attachment/", params=file)).text == "42"
    assert (await stranger.send("GET", f"{PATH}attachment/", params=file)).status_code == 404


@pytest.mark.proves(
    f"GET {PATH}all-topology/", f"GET {PATH}get-nodes/", f"GET {PATH}service-mapping/", f"GET {PATH}bmc_vm_relation/",
    f"GET {PATH}access-points/",
)  # fmt: skip
async def test_the_estate_as_a_map(world: World) -> None:
    at = {
        name: await make(world, name, category)
        for name, category in (
            ("Web shop", "Service"), ("web", "Application"), ("vm", "Virtual Machine"), ("esx", "Hypervisor"),
            ("wlc", "Wireless Controller"), ("ap-1", "Access Point"),
        )
    }  # fmt: skip
    for source, kind, target in (
        ("Web shop", "Depends on", "web"),
        ("web", "Runs on", "vm"),
        ("vm", "Hosted on", "esx"),
        ("wlc", "Manages", "ap-1"),
    ):
        await world.post(RELATION, {"source": at[source], "type": kind, "target": at[target]})
    whole = await world.get(f"{PATH}all-topology/")
    assert (len(whole["nodes"]), len(whole["edges"])) == (6, 4)
    virtual = await world.get(f"{PATH}all-topology/", params={"category": "Virtual"})
    assert {node["name"] for node in virtual["nodes"]} == {"vm", "esx"}
    near = await world.get(f"{PATH}all-topology/", params={"ci_id": at["vm"], "depth": 1})
    assert {node["name"] for node in near["nodes"]} == {"web", "vm", "esx"}
    nodes = await world.get(f"{PATH}get-nodes/", params={"search": "e"})
    assert [node["name"] for node in nodes["nodes"]] == ["Web shop", "esx", "web"]
    hit = await world.get(f"{PATH}service-mapping/", params={"ci_id": at["esx"]})
    assert [(node["name"], node["depth"]) for node in hit["services"]] == [("Web shop", 3)]
    guests = await world.get(f"{PATH}bmc_vm_relation/", params={"ci_id": at["esx"]})
    assert [node["name"] for node in guests["guests"]] == ["vm", "web"]
    assert [
        node["name"] for node in (await world.get(f"{PATH}access-points/", params={"ci_id": at["wlc"]}))["nodes"]
    ] == ["ap-1"]


def table(rows: int, start: int = 0) -> bytes:
    lines = ["Name,Category,Serial number,IP address,Version"]
    lines += [
        f"srv-{n},Server,SN{n:06d},10.{n // 62500}.{n // 250 % 250}.{n % 250 + 1},1.0"
        for n in range(start, start + rows)
    ]
    return "\n".join(lines).encode()


async def upload(world: World, spelling: str, content: bytes, expect: int = 200) -> Any:
    files = {"file": ("items.csv", content, "text/csv")}
    return await world.call("POST", f"{PATH}{spelling}", files=files, expect=expect)


@pytest.mark.proves(f"GET {PATH}download-csv-sample/", f"POST {PATH}create-csv/", f"POST {PATH}upload-csv/")
async def test_items_are_imported_and_bad_rows_come_back(world: World) -> None:
    sample = await world.get(f"{PATH}download-csv-sample/")
    assert {"Name", "Category", "Serial number", "Ports"} <= set(next(csv.reader(io.StringIO(sample.lstrip("\ufeff")))))
    bad = table(3) + b"\nsrv-9,Toaster,,,\nsrv-8,Server,SN000001,,\nsrv-7,Server,,10.0.0.999,"
    done = await upload(world, "create-csv/", bad)
    assert (done["created"], done["failed"]) == (3, 3)
    assert [(error["row"], error["field"]) for error in done["errors"]] == [
        (5, "category"), (6, "serial_number"), (7, "ip_address"),
    ]  # fmt: skip
    item = (await world.get(PATH, params={"search": "srv-1"}))["results"][0]
    assert (item["source"], item["ip_address"]) == ("csv", "10.0.0.2")
    again = await upload(world, "upload-csv/", table(1))
    assert (again["created"], again["failed"]) == (0, 1)
    assert "has this serial number already" in again["errors"][0]["error"]


@pytest.mark.proves(
    f"POST {PATH}bulk_inventory_csv_cols/", f"POST {PATH}bulk-inventory-create-csv/",
    f"POST {PATH}upload-bulk-inventory-csv/",
)  # fmt: skip
async def test_a_file_of_known_items_brings_them_up_to_date(world: World) -> None:
    columns = await upload(world, "bulk_inventory_csv_cols/", table(2))
    assert columns["mapping"]["Serial number"] == "serial_number"
    first = await upload(world, "bulk-inventory-create-csv/", table(3))
    assert (first["created"], first["updated"]) == (3, 0)
    second = await upload(world, "upload-bulk-inventory-csv/", b"Serial number,Version\nSN000001,2.0\nSN000009,2.0\n")
    assert (second["created"], second["updated"], second["failed"]) == (0, 1, 1)
    assert (await world.get(PATH, params={"search": "srv-1"}))["results"][0]["os_version"] == "2.0"


async def test_thousands_of_items_are_imported_by_a_job(world: World) -> None:
    started = await upload(world, "upload-csv/", table(6000) + b"\nx,Server,SN000005,,\n", expect=202)
    await jobs.wait(started["task"])
    task = await world.get(f"/ux/common/async_tasks/{started['task']}/")
    assert (task["status"], task["created"], task["failed"]) == ("succeeded", 6000, 1)
    assert (await world.get(PATH))["count"] == 6000
    bulk = await upload(world, "upload-bulk-inventory-csv/", table(1000), expect=202)
    await jobs.wait(bulk["task"])
    task = await world.get(f"/ux/common/async_tasks/{bulk['task']}/")
    assert (task["status"], task["created"], task["updated"]) == ("succeeded", 0, 1000)


LIFE = "/ux/common/user/profile/asset-lifecycle/"
ASSETS = "/ux/common/requester/profile/assets/"


@pytest.mark.proves(f"GET {LIFE}", f"POST {ASSETS}")
async def test_people_and_their_items(world: World) -> None:
    person = await world.person(full_name="Olga Owner")
    ids = [await make(world, f"pc-{n}", "Laptop", used_by=person.profile_id) for n in range(5)]
    (row,) = (await world.get(LIFE))["results"]
    assert (row["full_name"], row["asset_count"], len(row["assets"]), row["more"]) == ("Olga Owner", 5, 3, 2)
    await world.post(f"{PATH}asset-operations/", {"operation": "return", "ci_ids": ids[:1]})
    one = (await world.get(LIFE, params={"profile_id": person.profile_id}))["results"][0]
    assert (one["asset_count"], len(one["assets"])) == (4, 4)
    assert ("used_by", "Olga Owner", "") in [(step["what"], step["old"], step["new"]) for step in one["steps"]]
    asked = await world.post("/ux/common/requester/profile/", {"full_name": "Rita", "email": "rita@example.com"})
    await make(world, "tablet", "Mobile Device", requester=asked["id"])
    assert names(await world.post(ASSETS, {"email": "RITA@example.com"})) == ["tablet"]
    await world.post(ASSETS, {"requester_id": "nobody"}, expect=400)


async def test_who_leaves_gives_everything_back(world: World) -> None:
    person = await world.person()
    item = await make(world, "pc", "Laptop", used_by=person.profile_id, owner=person.profile_id)
    await world.patch(f"/ux/common/user/profile/{person.profile_id}/", {"is_active": False})
    read = await world.get(f"{PATH}{item}/")
    assert (read["used_by"], read["owner"], read["allocation"]) == (None, None, "deallocated")
    changed = {
        change["field"] for row in (await world.get(f"{PATH}{item}/history/"))["results"] for change in row["changes"]
    }
    assert {"used_by", "owner", "allocation"} <= changed


async def test_names_are_looked_up_for_the_rows_of_a_page_only(world: World, statements: Statements) -> None:
    # PostgreSQL joins more than eight tables in the order in which they are named.
    await world.get(PATH)
    statements.ran.clear()
    await world.get(PATH, params={"items_per_page": 7})
    (listed,) = [sql for sql in statements.ran if "AS page" in sql]
    assert listed.count("LEFT OUTER JOIN") >= 8
    assert listed.index("AS page") < listed.index("LEFT OUTER JOIN")
