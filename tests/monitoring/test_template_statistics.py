"""What templates measure: checked, tried on a device, polled, and shown like everything else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mainstay.modules.monitoring.polling.poller import Poller
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.templates.statistics import BadStatistic, checked, parse
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system, text, whole
from tests.monitoring.support import rows
from tests.monitoring.test_discovery import configure, credential, scan
from tests.monitoring.test_polling import device_of, series
from tests.support import World

PATH = "/ux/ims/device-template/"
OWN = (1, 3, 6, 1, 4, 1, 99999)
NUMBER = "1.3.6.1.4.1.99999.7"
STATS: list[dict[str, Any]] = [
    {"key": "inlet", "name": "Inlet temperature", "oid": "1.3.6.1.4.1.99999.1.1.0", "unit": "°C", "scale": 0.1},
    {"key": "fan", "oid": "1.3.6.1.4.1.99999.2.1.3", "type": "column", "label_oid": "1.3.6.1.4.1.99999.2.1.2",
     "unit": "rpm"},
    {"key": "drops", "oid": ".1.3.6.1.4.1.99999.1.2.0", "kind": "counter", "unit": "1/s"},
]  # fmt: skip


def counter(amount: int) -> tuple[int, bytes]:
    return ber.COUNTER64, amount.to_bytes(8, "big")


def box(drops: int = 0) -> dict[Any, Any]:
    return {
        **system("box", oid=f"{NUMBER}.1"), (*OWN, 1, 1, 0): whole(215), (*OWN, 1, 2, 0): counter(drops),
        (*OWN, 2, 1, 2, 1): text("front"), (*OWN, 2, 1, 2, 2): text("rear"),
        (*OWN, 2, 1, 3, 1): whole(3000), (*OWN, 2, 1, 3, 2): whole(0),
    }  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        7,
        {"key": "x"},
        {"key": "X y", "oid": "1.3"},
        {"key": "x", "oid": "sysUpTime"},
        {"key": "x", "oid": "1.3", "a": 1},
        {"key": "x", "oid": "1.3", "kind": "sum"},
        {"key": "x", "oid": "1.3", "scale": 0},
        {"key": "x", "oid": "1.3.99999999999"},
        {"key": "x", "oid": "1.3", "scale": "much"},
    ],
)
def test_what_cannot_be_measured(raw: Any) -> None:
    with pytest.raises(BadStatistic):
        parse(raw)


def test_a_key_from_the_name_and_no_key_twice() -> None:
    good, wrong = checked(
        [{"name": "Fan speed", "oid": "1.3.6"}, {"key": "fan_speed", "oid": "1.3.7"}, {"key": "cpu", "oid": "1.3"}],
        ["cpu"],
    )
    assert [one.key for one in good] == ["fan_speed"]
    assert [one["row"] for one in wrong] == [2, 3]


async def template(world: World, **values: Any) -> str:
    made = await world.post(
        PATH, {"product": "Box", "sysobjectid": NUMBER, "vendor": "Example", "os_type": "ExOS", **values}
    )
    return str(made["id"])


@pytest.mark.proves(
    f"POST {PATH}validate-stats-json/", f"POST {PATH}import-stats-json/", f"GET {PATH}export-import-options/",
    f"GET {PATH}res-config-options/",
)  # fmt: skip
async def test_statistics_come_and_go_as_json(world: World, stranger: World) -> None:
    one = await template(world)
    bad = [*STATS, {"key": "cpu", "oid": "1.3.6.1"}]
    refused = await world.post(f"{PATH}validate-stats-json/", {"id": one}, expect=400)
    assert "Please provide statistics" in refused["fields"]["statistics"][0]
    assert (await world.post(f"{PATH}validate-stats-json/", {"id": one, "resource": STATS[:1]}))["valid"] == 1
    looked = await world.post(f"{PATH}validate-stats-json/", {"id": one, "statistics": bad})
    assert (looked["valid"], looked["invalid"], looked["errors"][0]["row"]) == (3, 1, 4)
    await world.post(f"{PATH}import-stats-json/", {"id": one, "statistics": bad}, expect=400)
    assert (await world.get(f"{PATH}{one}/"))["resource"] == []
    await world.post(f"{PATH}import-stats-json/", {"id": one, "statistics": STATS})
    stored = (await world.get(f"{PATH}export-import-options/", params={"id": one}))["templates"][0]["statistics"]
    assert [(held["key"], held["type"], held["kind"]) for held in stored] == [
        ("inlet", "scalar", "gauge"), ("fan", "column", "gauge"), ("drops", "scalar", "counter")
    ]  # fmt: skip
    # What was exported goes in again, in place of what is there; besides it there is no room for the same keys.
    await world.post(f"{PATH}import-stats-json/", {"id": one, "statistics": stored}, expect=400)
    await world.post(f"{PATH}import-stats-json/", {"id": one, "statistics": stored[:1], "replace": True})
    assert [held["key"] for held in (await world.get(f"{PATH}{one}/"))["resource"]] == ["inlet"]
    await stranger.post(f"{PATH}import-stats-json/", {"id": one, "statistics": STATS}, expect=404)
    options = await world.get(f"{PATH}res-config-options/")
    for kind in options["kinds"]:
        for shape in options["types"]:
            raw = {"key": "x", "oid": "1.3.6.1", "kind": kind, "type": shape, "unit": options["units"][0]}
            assert (await world.post(f"{PATH}validate-stats-json/", {"statistics": [raw]}))["valid"] == 1
    taken = [{"key": options["taken"][0], "oid": "1.3.6.1"}]
    assert (await world.post(f"{PATH}validate-stats-json/", {"statistics": taken}))["valid"] == 0


@pytest.mark.proves(f"GET {PATH}verify-oid-exists/", f"POST {PATH}create-templates/", f"POST {PATH}sys-object-resync/")
async def test_a_template_is_tried_on_a_device_and_its_statistics_are_polled(world: World, poller: Poller) -> None:
    port, state = free_port(), {"drops": 1000}
    await credential(world, port, timeout=0.5, retries=0)
    async with serving("127.0.0.101", port, lambda pdu: honest(box(state["drops"]))(pdu)) as served:
        await scan(world, await configure(world, host="127.0.0.101", params={"ping_monitor": 0}))
        device = await device_of(world, poller)
        asked = {"ci_id": device.ci, "oid": STATS[1]["oid"], "label_oid": STATS[1]["label_oid"]}
        found = await world.get(f"{PATH}verify-oid-exists/", params=asked)
        assert (found["exists"], found["type"], found["kind"]) == (True, "column", "gauge")
        assert [(row["label"], row["value"]) for row in found["rows"]] == [("front", "3000"), ("rear", "0")]
        single = await world.get(f"{PATH}verify-oid-exists/", params={"address": "127.0.0.101", "oid": STATS[2]["oid"]})
        assert (single["type"], single["kind"], single["rows"][0]["value"]) == ("scalar", "counter", "1000")
        gone = await world.get(f"{PATH}verify-oid-exists/", params={"ci_id": device.ci, "oid": "1.3.6.1.4.1.5"})
        assert gone["exists"] is False
        before = served.asked
        await world.get(f"{PATH}verify-oid-exists/", params={"address": "192.0.2.1", "oid": "1.3.6.1"}, expect=400)
        looker = await world.granted({"device_template": ("view",), "asset": ("view",)})
        await world.get(f"{PATH}verify-oid-exists/", params=asked, by=looker, expect=403)
        assert served.asked == before

        made = await world.post(f"{PATH}create-templates/", {"ci_ids": [device.ci]})
        one = await world.get(f"{PATH}{made['results'][0]['id']}/")
        assert one["sysobjectid"] == f"={NUMBER}.1"
        told = {"vendor": "Example", "os_type": "ExOS", "model": "Box 7", "resource": STATS}
        await world.patch(f"{PATH}{one['id']}/", told)
        changed = await world.post(f"{PATH}sys-object-resync/", {"id": one["id"]})
        assert (changed["matched"], changed["updated"]) == (1, 1)
        item = await world.get(f"/ux/common/cmdb/profile/{device.ci}/")
        assert (item["manufacturer"], item["model"], item["os_name"]) == ("Example", "Box 7", "ExOS")

        hot = {"name": "Inlet", "metric": "inlet", "set_point": 20, "reset_point": 18, "set_hold": 1}
        await world.post("/api/thresholds/", hot)
        await poller.refresh()
        await poller.poll(device)
        await asyncio.sleep(0.1)
        state["drops"] = 1500
        await poller.poll(device)
        await poller.drain()
    measured = await series(world, device.ci)
    assert measured["inlet", ""][0]["value"] == pytest.approx(21.5)
    assert [measured["fan", part][0]["value"] for part in ("front", "rear")] == [3000, 0]
    (rate,) = measured["drops", ""]
    assert 0 < rate["value"] <= 5000
    answer = await world.get("/api/metrics/", params={"ci_id": device.ci, "metric": "inlet"})
    assert (answer["series"][0]["label"], answer["series"][0]["unit"]) == ("Inlet temperature", "°C")
    (event,) = await rows(world)
    assert (event["event_class"], event["resource"]) == ("Threshold Exceeded", "")
    await world.post(f"{PATH}create-templates/", {"templates": [{"product": "None"}]}, expect=400)


async def test_a_template_for_a_description_is_brought_to_items_that_have_it(world: World) -> None:
    port = free_port()
    await credential(world, port, timeout=0.5, retries=0)
    descr = "ExOS release 4.2, built 2026"
    async with (
        serving("127.0.0.103", port, honest({**box(), **system("mine", oid=f"{NUMBER}.1", descr=descr)})),
        serving("127.0.0.104", port, honest({**box(), **system("other", oid=f"{NUMBER}.1", descr="Other")})),
    ):
        await scan(world, await configure(world, host="127.0.0.103-104"))
    told = {"product": "ExOS", "sysobjectid": NUMBER, "sysdescr": "^ExOS", "vendor": "Example", "os_type": "ExOS",
            "version_expression": r"release (\d[\d.]*)"}  # fmt: skip
    one = (await world.post(PATH, told, expect=201))["id"]
    changed = await world.post(f"{PATH}sys-object-resync/", {"id": one})
    assert (changed["matched"], [row["name"] for row in changed["items"]]) == (1, ["mine"])
    item = await world.get(f"/ux/common/cmdb/profile/{changed['items'][0]['id']}/")
    assert (item["manufacturer"], item["os_name"], item["os_version"]) == ("Example", "ExOS", "4.2")


async def test_a_template_is_tried_as_it_stands_in_the_form(world: World, stranger: World) -> None:
    port, url = free_port(), f"{PATH}test/"
    await credential(world, port, timeout=0.5, retries=0)
    form = {"sysobjectid": NUMBER, "vendor": "Example", "os_type": "ExOS", "device_type": "Router", "model": "Box 7",
            "version_expression": r"release (\S+)", "address": "127.0.0.102"}  # fmt: skip
    said = {**box(), **system("box", oid=f"{NUMBER}.1", descr="ExOS release 4.2, built 2026")}
    async with serving("127.0.0.102", port, honest(said)) as served:
        tried = await world.post(url, form)
        assert (tried["number_fits"], tried["descr_fits"], tried["decided_by"]) == (True, None, "this")
        assert tried["identity"] == {
            "vendor": "Example", "os": "ExOS", "version": "4.2", "model": "Box 7", "type": "Router", "serial": ""
        }  # fmt: skip
        assert tried["version_found"] == "4.2"
        assert tried["without"]["os"] == ""
        assert (tried["sys_object_id"], tried["sys_descr"]) == (f"{NUMBER}.1", "ExOS release 4.2, built 2026")
        # Nothing is stored, and another template that says more goes before it.
        assert (await world.get(PATH))["count"] == 0
        closer = {"product": "Closer", "sysobjectid": f"={NUMBER}.1", "vendor": "Other"}
        stored = await world.post(PATH, closer, expect=201)
        beaten = await world.post(url, form)
        assert (beaten["decided_by"], beaten["template_name"], beaten["identity"]["vendor"]) == (
            "template", "Closer", "Other"
        )  # fmt: skip
        # As it stands in the form in place of what is stored.
        own = await world.post(url, {**form, "id": stored["id"]})
        assert (own["decided_by"], own["identity"]["vendor"], own["without"]["vendor"]) == ("this", "Example", "")
        not_it = await world.post(url, {**form, "sysdescr": "^Cisco", "id": stored["id"]})
        assert (not_it["number_fits"], not_it["descr_fits"], not_it["decided_by"]) == (True, False, "nothing")
        none = await world.post(url, {"address": "127.0.0.102", "id": stored["id"]})
        assert (none["number_fits"], none["descr_fits"], none["decided_by"]) == (None, None, "nothing")
        before = served.asked
        refused = await world.post(url, {**form, "sysdescr": "("}, expect=400)
        assert "sysdescr" in refused["fields"]
        await world.post(url, {**form, "address": "192.0.2.1"}, expect=400)
        await world.post(url, {**form, "id": "nobody"}, expect=404)
        await stranger.post(url, {**form, "id": stored["id"]}, expect=404)
        looker = await world.granted({"device_template": ("view",), "asset": ("view",)})
        await world.post(url, form, by=looker, expect=403)
        assert served.asked == before
