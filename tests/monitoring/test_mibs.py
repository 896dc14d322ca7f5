"""The MIB explorer through the API."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import pytest

from tests.monitoring.mibs import BOILER, BROKEN, LOST, ROOT, uri
from tests.monitoring.netsnmp import Agent
from tests.support import World

PATH = "/ux/ims/mib-explorer/"
ACME = "1.3.6.1.4.1.54321"


async def upload(world: World, *texts: str) -> dict[str, Any]:
    made: dict[str, Any] = await world.post(PATH, {"mib_text": "\n".join(texts)}, expect=201)
    return made


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_file_is_uploaded_compiled_and_read(world: World) -> None:
    root = await world.post(PATH, {"mib_file": {"name": "acme-root.mib", "data": uri(ROOT)}}, expect=201)
    assert (root["data"]["mib_name"], root["data"]["mib_file"]) == ("ACME-ROOT-MIB", "acme-root.mib")
    made = await world.call(
        "POST", PATH, files={"file": ("boiler.mib", BOILER.encode())}, data={"mib_description": "Our boilers"}
    )
    read = await world.get(f"{PATH}{made['id']}/")
    assert (read["mib_id"], read["mib_name"], read["mib_description"]) == (made["id"], "ACME-BOILER-MIB", "Our boilers")
    assert (read["status"], read["object_count"], read["notification_count"]) == ("loaded", 4, 2)
    assert read["mib_file_dependencies"] == ["SNMPv2-SMI", "SNMPv2-TC", "ACME-ROOT-MIB"]
    assert read["oid_name_map"][f"{ACME}.7.1.1.1.3"] == "boilerState"
    assert read["name_type_map"]["boilerTemperature"] == "Tenths"
    state = next(item for item in read["mibdata"] if item["name"] == "boilerState")
    assert state["enums"] == {"1": "off", "2": "heating", "3": "overheated"}
    assert read["mib_text"].startswith("ACME-BOILER-MIB")
    listed = await world.get(PATH, params={"search": "boiler"})
    assert [(row["mib_name"], row["object_count"]) for row in listed["results"]] == [("ACME-BOILER-MIB", 4)]


async def test_an_archive_loads_in_the_order_of_its_imports(world: World) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mibs/a-boiler.mib", BOILER)
        archive.writestr("mibs/z-root.mib", ROOT)
        archive.writestr("mibs/readme.txt", "Nothing to compile here.")
        archive.writestr("__MACOSX/._z-root.mib", "x")
    data = f"data:application/zip;base64,{base64.b64encode(packed.getvalue()).decode()}"
    made = await world.post(PATH, {"mib_file": {"name": "acme.zip", "data": data}}, expect=201)
    assert {item["mib_name"]: item["status"] for item in made["modules"]} == {
        "ACME-ROOT-MIB": "loaded", "ACME-BOILER-MIB": "loaded",
    }  # fmt: skip
    assert [(item["file"], "no MIB module" in item["reason"]) for item in made["failed"]] == [("readme.txt", True)]
    data = f"data:application/zip;base64,{base64.b64encode(b'PK' + bytes((3, 4)) + b'rubbish').decode()}"
    await world.post(PATH, {"mib_file": {"name": "acme.zip", "data": data}}, expect=400)


async def test_a_broken_file_names_line_and_reason_and_the_rest_loads(world: World) -> None:
    (loaded,) = (await upload(world, BROKEN))["modules"]
    assert loaded["status"] == "failed"
    assert loaded["missing"] == ["ACME-ROOT-MIB", "ACME-LOST-MIB"]
    await upload(world, ROOT)
    (row,) = (await world.get(PATH, params={"search": "BROKEN"}))["results"]
    assert (row["status"], row["missing"]) == ("partial", ["ACME-LOST-MIB"])
    problems = {item["definition"]: item for item in row["problems"]["items"]}
    assert problems["unfinished"]["line"] == 7
    assert "not complete" in problems["unfinished"]["reason"]
    assert (problems["orphan"]["line"], "'lost'" in problems["orphan"]["reason"]) == (11, True)
    assert (await world.get(f"{PATH}object/", params={"oid": "good"}))["oid"] == f"{ACME}.9"
    await world.get(f"{PATH}object/", params={"oid": "orphan"}, expect=404)
    await upload(world, LOST)
    assert (await world.get(f"{PATH}object/", params={"oid": "orphan"}))["oid"] == f"{ACME}.11.3"
    refused = await world.post(PATH, {"mib_text": "Dear sir or madam"}, expect=400)
    assert "no MIB module" in refused["fields"]["mib_file"][0]
    await world.post(PATH, {}, expect=400)
    await world.post(PATH, {"mib_file": "data:text/plain;base64,%%%"}, expect=400)


@pytest.mark.proves(f"PUT {PATH}{{id}}/")
async def test_a_module_is_described_and_replaced(world: World) -> None:
    made = await upload(world, ROOT)
    path = f"{PATH}{made['id']}/"
    changed = await world.put(path, {**made["data"], "mib_description": "The root of ACME"})
    assert changed["data"]["mib_description"] == "The root of ACME"
    newer = ROOT.replace("END\n", "acmeNew OBJECT IDENTIFIER ::= { acme 99 }\nEND\n")
    assert (await world.put(path, {"mib_text": newer}))["id"] == made["id"]
    assert (await world.get(path))["oid_name_map"][f"{ACME}.99"] == "acmeNew"
    assert (await world.get(f"{PATH}object/", params={"oid": "acmeNew"}))["oid"] == f"{ACME}.99"
    refused = await world.put(path, {"mib_text": LOST}, expect=400)
    assert "ACME-ROOT-MIB" in refused["error"]
    again = await upload(world, ROOT)
    assert (again["id"], again["modules"][0]["replaced"]) == (made["id"], True)


@pytest.mark.proves(f"DELETE {PATH}{{id}}/", f"POST {PATH}multidelete/", f"GET {PATH}options/")
async def test_a_deleted_module_names_nothing_any_more(world: World) -> None:
    made = await upload(world, ROOT, BOILER)
    assert "ACME-BOILER-MIB" in (await world.get(f"{PATH}options/"))["extra"]["modules"]
    boiler = next(item["id"] for item in made["modules"] if item["mib_name"] == "ACME-BOILER-MIB")
    await world.delete(f"{PATH}{boiler}/", expect=204)
    await world.get(f"{PATH}object/", params={"oid": "boilerState"}, expect=404)
    assert (await world.get(f"{PATH}object/", params={"oid": "acme"}))["module"] == "ACME-ROOT-MIB"
    assert (await world.post(f"{PATH}multidelete/", {"ids": [made["id"]]}))["deleted"] == 1
    await world.get(f"{PATH}object/", params={"oid": "acme"}, expect=404)
    assert "ACME-ROOT-MIB" not in (await world.get(f"{PATH}options/"))["extra"]["modules"]
    await upload(world, ROOT)


async def test_the_tree_is_browsed_and_searched(world: World, stranger: World) -> None:
    await upload(world, ROOT, BOILER)
    top = await world.get(f"{PATH}tree/")
    assert [item["oid"] for item in top["children"]] == ["0", "1", "2"]
    branch = await world.get(f"{PATH}tree/", params={"oid": "boilerEntry"})
    assert [item["name"] for item in branch["path"]][-3:] == ["boilerMIB", "boilerObjects", "boilerTable"]
    assert [(item["name"], item["kind"], item["children"]) for item in branch["children"]] == [
        ("boilerIndex", "column", 0), ("boilerName", "column", 0), ("boilerState", "column", 0),
        ("boilerTemperature", "column", 0),
    ]  # fmt: skip
    found = await world.get(f"{PATH}search/", params={"search": "boilerS"})
    assert [item["name"] for item in found["results"]] == ["boilerState", "boilerMIB"]
    found = await world.get(f"{PATH}search/", params={"search": "temperature of the WATER"})
    assert [item["name"] for item in found["results"]] == ["boilerTemperature"]
    found = await world.get(f"{PATH}search/", params={"search": "1.3.6.1.2.1.2.2.1.8"})
    assert found["results"][0]["name"] == "ifOperStatus"
    await world.get(f"{PATH}search/", params={"search": "x"}, expect=400)
    detail = await world.get(f"{PATH}object/", params={"oid": "ACME-BOILER-MIB::boilerTemperature"})
    assert (detail["syntax"], detail["base_type"], detail["units"]) == ("Tenths", "Integer32", "degrees Celsius")
    assert [item["name"] for item in detail["indexes"]] == ["boilerIndex"]
    assert detail["description"] == "Temperature of the water."
    detail = await world.get(f"{PATH}object/", params={"oid": f"{ACME}.7.0.1"})
    assert [item["name"] for item in detail["objects"]] == ["boilerName", "boilerState", "boilerTemperature"]
    found = await world.get(f"{PATH}notifications/", params={"search": "boiler"})
    assert [item["name"] for item in found["results"]] == ["boilerOverheatCleared", "boilerOverheatRaised"]
    modules = await world.get(f"{PATH}modules/")
    own = [item["mib_name"] for item in modules["results"] if not item["built_in"]]
    assert own == ["ACME-BOILER-MIB", "ACME-ROOT-MIB"]
    assert "IF-MIB" in [item["mib_name"] for item in modules["results"]]
    await stranger.get(f"{PATH}object/", params={"oid": "boilerState"}, expect=404)


async def credential(world: World, agent: Agent, **values: Any) -> str:
    given = {"name": "agent", "kind": "snmp_v2c", "community": "public", "write_community": "private",
             "port": agent.port, "timeout": 1, "retries": 1, **values}  # fmt: skip
    made = await world.post("/api/credentials/", given, expect=201)
    return str(made["id"])


async def ask(world: World, verb: str, *oids: str, expect: int = 200, **values: Any) -> Any:
    body = {"address": "127.0.0.1", "verb": verb, "oids": list(oids), **values}
    return await world.post(f"{PATH}run/", body, expect=expect)


async def test_a_device_is_asked_with_a_stored_credential(world: World, agent: Agent) -> None:
    await credential(world, agent)
    (value,) = (await ask(world, "get", "sysDescr"))["results"]
    assert (value["name"], value["value"], value["type"]) == ("sysDescr.0", "A device for tests", "DisplayString")
    values = (await ask(world, "next", "ifDescr", "ifOperStatus"))["results"]
    assert (values[0]["value"], values[1]["value"]) == ("lo", "up")
    assert values[1]["raw"] == 1
    assert (await ask(world, "bulk", "ifEntry", repetitions=3))["count"] == 3
    walked = await ask(world, "walk", "system")
    assert walked["count"] > 10
    assert walked["truncated"] is False
    cut = await ask(world, "walk", "system", limit=4)
    assert (cut["count"], cut["truncated"]) == (4, True)
    (value,) = (await ask(world, "set", "sysName", value="changed.example"))["results"]
    assert value["value"] == "changed.example"
    assert (await ask(world, "get", "sysName.0"))["results"][0]["value"] == "changed.example"
    (value,) = (await ask(world, "get", "1.3.6.1.2.1.1.99.0"))["results"]
    assert (value["exists"], value["value"]) == (False, "noSuchObject")


async def test_what_cannot_be_asked_is_said(world: World, agent: Agent) -> None:
    assert "No credential" in (await ask(world, "get", "sysDescr", expect=400))["error"]
    await credential(world, agent, scope="10.0.0.0/8, 127.0.0.1-127.0.0.9")
    await ask(world, "get", "sysDescr")
    assert "can only be read" in (await ask(world, "set", "sysDescr", value="x", expect=400))["error"]
    assert "No loaded MIB" in (await ask(world, "get", "noSuchThing", expect=404))["error"]
    assert "verb must be" in (await ask(world, "destroy", "sysDescr", expect=400))["error"]
    outside = await ask(world, "get", "sysDescr", expect=400, address="198.51.100.7")
    assert "outside the networks" in outside["fields"]["address"][0]
    refused = await ask(world, "get", "sysDescr", expect=400, address="127.0.0.77")
    assert "No credential is for 127.0.0.77" in refused["fields"]["credential"][0]
    await world.put("/api/settings", {"values": {"devices.allowed_networks": "192.0.2.0/24"}})
    await ask(world, "get", "sysDescr", expect=400)
    viewer = await world.granted({"mib": ("view",)})
    await world.post(f"{PATH}run/", {"address": "127.0.0.1", "oids": ["sysDescr"]}, by=viewer, expect=403)
    asker = await world.granted({"mib": ("view", "execute")})
    body = {"address": "127.0.0.1", "verb": "set", "oids": ["sysName"], "value": "x"}
    assert (await world.post(f"{PATH}run/", body, by=asker, expect=403))["permission"] == "mib.edit"
