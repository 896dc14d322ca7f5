"""An organization's own device templates."""

from __future__ import annotations

import pytest

from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system
from tests.monitoring.test_discovery import ITEMS, configure, credential, scan
from tests.support import World

PATH = "/ux/ims/device-template/"
OID = "1.3.6.1.4.1.99999.7"


@pytest.mark.proves(
    f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/", f"PUT {PATH}{{id}}/",
    f"GET {PATH}verify-sysobjectid-asset-exists/",
)  # fmt: skip
async def test_own_templates_go_before_the_shipped_ones(world: World, stranger: World) -> None:
    given = {"product": "Edge", "sysobjectid": OID, "vendor": "Example", "device_type": "Router", "os_type": "ExOS",
             "model": "ER-1", "version_expression": r"release (\S+)"}  # fmt: skip
    made = await world.post(PATH, given, expect=201)
    port = free_port()
    await credential(world, port)
    one = await configure(world, host="127.0.0.120-127.0.0.121")
    first = honest(system("edge", f"{OID}.3", "Some box, release 4.2 of today"))
    async with serving("127.0.0.120", port, first), serving("127.0.0.121", port, honest(system("other"))):
        await scan(world, one)
        found = {row["name"]: row for row in (await world.get(ITEMS))["results"]}
        edge = found["edge"]
        assert (edge["manufacturer"], edge["os_name"], edge["os_version"], edge["model"], edge["category_name"]) == (
            "Example", "ExOS", "4.2", "ER-1", "Router"
        )  # fmt: skip
        assert found["other"]["os_name"] == "Linux"
        read = await world.get(f"{PATH}{made['id']}/")
        await world.put(f"{PATH}{made['id']}/", {**read, "os_type": "ExOS 2"})
        await scan(world, one)
    assert {row["name"]: row["os_name"] for row in (await world.get(ITEMS))["results"]}["edge"] == "ExOS 2"
    told = await world.get(f"{PATH}verify-sysobjectid-asset-exists/", params={"sysobjectid": OID})
    assert (told["exists"], [item["name"] for item in told["items"]]) == (True, ["edge"])
    absent = await world.get(f"{PATH}verify-sysobjectid-asset-exists/", params={"sysobjectid": f"{OID}9"})
    assert (absent["exists"], absent["count"]) == (False, 0)
    assert (await world.get(PATH))["count"] == 1
    assert (await stranger.get(PATH))["count"] == 0


@pytest.mark.proves(
    f"DELETE {PATH}{{id}}/", f"POST {PATH}multidelete/", f"GET {PATH}options/", f"GET {PATH}download_csv/",
    f"POST {PATH}csv_cols/", f"POST {PATH}upload-csv/",
)  # fmt: skip
async def test_templates_are_checked_and_kept(world: World) -> None:
    for wrong, field in (({}, "sysobjectid"), ({"sysobjectid": "x.y"}, "sysobjectid"), ({"sysdescr": "("}, "sysdescr"),
                         ({"sysobjectid": OID, "version_expression": "(?=a)"}, "version_expression")):  # fmt: skip
        refused = await world.post(PATH, {"product": "Wrong", **wrong}, expect=400)
        assert list(refused["fields"]) == [field]
    assert "sysobjectid" in [item["name"] for item in (await world.get(f"{PATH}options/"))["fields"]]
    assert "sysObjectID" in (await world.get(f"{PATH}download_csv/")).splitlines()[0]
    file = f"Name,sysObjectID,Manufacturer\nA,{OID},Example\nB,{OID}.1,Example\nC,,Example\n"
    headers = {"Content-Type": "text/csv"}
    read = await world.post(f"{PATH}csv_cols/", content=file, headers=headers)
    assert read["mapping"]["sysObjectID"] == "sysobjectid"
    done = await world.post(f"{PATH}upload-csv/", content=file, headers=headers)
    assert (done["created"], done["failed"]) == (2, 1)
    rows = (await world.get(PATH, params={"sort": "product"}))["results"]
    assert [row["product"] for row in rows] == ["A", "B"]
    await world.delete(f"{PATH}{rows[0]['id']}/", expect=204)
    assert (await world.post(f"{PATH}multidelete/", {"ids": [rows[1]["id"]]}))["deleted"] == 1
    assert (await world.get(PATH))["count"] == 0
    listed = await world.get(f"{PATH}library/", params={"search": "cisco ios", "items_per_page": 5})
    assert listed["results"][0]["vendor"] == "Cisco"
    listed = await world.get(f"{PATH}library/", params={"search": "synology dsm"})
    assert {row["object"] for row in listed["results"]} >= {"", "1.3.6.1.4.1.6574.1.5.1.0"}
