"""Trap configurations through the API, and what they make of real traps."""

from __future__ import annotations

from typing import Any

import pytest

from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.traps.receiver import TrapReceiver
from tests.monitoring.mibs import BOILER, ROOT
from tests.monitoring.test_traps import community, send, settled, until
from tests.support import World

PATH = "/ux/common/trap/configuration/"
ACME = "1.3.6.1.4.1.54321"
BOILER_TABLE = f"{ACME}.7.1.1.1"
SAMPLE: dict[str, Any] = {
    "name": "Boiler too hot", "trap_id": "boilerOverheat", "description": "The water is too hot", "type": "alarm",
    "trap_oid": f"{ACME}.7.0.1", "trap_clear_oid": f"{ACME}.7.0.2", "stat_name": "boilerTemperature",
    "stat_dn": "Temperature", "stat_unit": "C", "status": 1, "severity": "Critical",
    "set_criteria": {"varbind": [{"key": 2, "condition": "equal", "value": "overheated"},
                                 {"key": "boilerTemperature", "condition": "greater", "value": "900"}],
                     "condition": "and"},
    "reset_criteria": {"varbind": [{"key": "boilerState", "condition": "in", "value": "off,heating"}],
                       "condition": "or"},
    "resource_var_bind": "boilerName", "alarm_msg": "Boiler $resource of $agent has ${boilerTemperature} degrees",
    "clear_msg": "Boiler $resource is well again ($2)", "applicable": "all", "applies_to": {},
    "applicable_filter": {}, "rca": {"raise_msg": "Perhaps the pump of $resource failed"},
}  # fmt: skip


def boiler(state: int, temperature: int, name: str = "Cellar", trap: int = 1) -> list[str]:
    return ["1", f".{ACME}.7.0.{trap}", f".{BOILER_TABLE}.2.4", "s", name, f".{BOILER_TABLE}.3.4", "i", str(state),
            f".{BOILER_TABLE}.4.4", "i", str(temperature)]  # fmt: skip


async def heard(
    world: World, traps: TrapReceiver, raw_events: list[RawEvent], name: str, *varbinds: list[str]
) -> list[RawEvent]:
    """The events of these traps."""
    await traps.refresh()
    before = (await world.get(f"{PATH}trap_msgs/"))["count"]
    for item in varbinds:
        await send(traps, "-v2c", "-c", name, "--", *item)
    await until(world, lambda found: len(found) == before + len(varbinds))
    await settled(traps)
    mine = [item for item in raw_events if item.organization == world.organization]
    raw_events.clear()
    return mine


@pytest.mark.usefixtures("own_rules_only")
@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}{{id}}/", f"GET {PATH}")
async def test_criteria_decide_what_raises_and_what_clears(
    world: World, traps: TrapReceiver, raw_events: list[RawEvent]
) -> None:
    await world.post("/ux/ims/mib-explorer/", {"mib_text": ROOT + BOILER}, expect=201)
    made = await world.post(PATH, SAMPLE, expect=201)
    read = await world.get(f"{PATH}{made['id']}/")
    for field in (
        "name",
        "trap_id",
        "trap_oid",
        "trap_clear_oid",
        "set_criteria",
        "reset_criteria",
        "alarm_msg",
        "rca",
    ):
        assert read[field] == SAMPLE[field]
    assert (read["severity"], read["status"], read["isdeleted"]) == (1, 1, False)
    assert read["rca_raise_msg"] == "Perhaps the pump of $resource failed"
    assert [
        row["name"] for row in (await world.get(PATH, params={"filters": '{"severity": "Critical"}'}))["results"]
    ] == ["Boiler too hot"]
    name = await community(world, traps)
    events = await heard(
        world, traps, raw_events, name,
        boiler(3, 955), boiler(3, 870), boiler(2, 700), boiler(3, 955), boiler(3, 955, "Attic"), boiler(1, 0, trap=2),
    )  # fmt: skip
    assert [(item.clear, item.message) for item in events] == [
        (False, "Boiler Cellar of 127.0.0.1 has 95.5 degrees"),
        (True, "Boiler Cellar is well again (heating)"),
        (False, "Boiler Cellar of 127.0.0.1 has 95.5 degrees"),
        (False, "Boiler Attic of 127.0.0.1 has 95.5 degrees"),
        (True, "Boiler Cellar is well again (off)"),
    ]
    cellar, attic = events[0], events[3]
    assert (cellar.severity, cellar.resource, cellar.event_class) == (1, "Cellar", "Trap | Boiler too hot")
    assert cellar.extra["cause"] == "Perhaps the pump of Cellar failed"
    assert cellar.extra["statistics"] == {"Temperature": "95.5 C"}
    assert {item.key for item in events if item.resource == "Cellar"} == {cellar.key}
    assert attic.key != cellar.key
    stored = (await world.get(f"{PATH}trap_msgs/", params={"configured": "true"}))["results"]
    assert {item["trap_configuration"] for item in stored} == {made["id"]}
    assert len(stored) == 5


@pytest.mark.proves(f"PUT {PATH}{{id}}/")
async def test_a_change_takes_effect(world: World, traps: TrapReceiver, raw_events: list[RawEvent]) -> None:
    await world.post("/ux/ims/mib-explorer/", {"mib_text": ROOT + BOILER}, expect=201)
    made = await world.post(PATH, SAMPLE, expect=201)
    path, name = f"{PATH}{made['id']}/", await community(world, traps)
    changed = await world.put(path, {**made["data"], "severity": 3, "alarm_msg": "Hot: $*", "set_criteria": {}})
    assert changed["data"]["severity"] == 3
    (event,) = await heard(world, traps, raw_events, name, boiler(3, 100))
    assert (event.severity, event.message) == (
        3,
        "Hot: boilerName=Cellar, boilerState=overheated, boilerTemperature=10.0",
    )
    await world.patch(path, {"applicable": "selected", "applies_to": {"addresses": ["192.0.2.0/24"]}})
    assert await heard(world, traps, raw_events, name, boiler(3, 100)) == []
    await world.patch(path, {"applicable": "except"})
    assert len(await heard(world, traps, raw_events, name, boiler(3, 100))) == 1
    condition = {"varbind": [{"key": 1, "condition": "starts_with", "value": "Att"}]}
    await world.patch(path, {"applicable": "all", "applicable_filter": condition})
    (event,) = await heard(world, traps, raw_events, name, boiler(3, 100), boiler(3, 100, "Attic"))
    assert event.resource == "Attic"
    await world.patch(path, {"action": "store", "applicable_filter": {}})
    assert await heard(world, traps, raw_events, name, boiler(3, 100)) == []
    await world.patch(path, {"action": "raise", "clear_event_on_clear_oid": False})
    assert [item.clear for item in await heard(world, traps, raw_events, name, boiler(1, 0, trap=2))] == [False]
    await world.patch(path, {"status": "Inactive"})
    (event,) = await heard(world, traps, raw_events, name, boiler(3, 100))
    assert event.event_class == "Trap | boilerOverheatRaised"


@pytest.mark.usefixtures("own_rules_only")
@pytest.mark.proves(f"DELETE {PATH}{{id}}/", f"POST {PATH}multidelete/")
async def test_deleted_configurations_are_applied_no_more(
    world: World, traps: TrapReceiver, raw_events: list[RawEvent]
) -> None:
    ids = [
        (await world.post(PATH, {"name": f"Down {at}", "trap_oid": "linkDown", "alarm_msg": f"Rule {at}"}))["id"]
        for at in range(3)
    ]
    name = await community(world, traps)
    trap = ["1", ".1.3.6.1.6.3.1.1.5.3"]
    assert [item.message for item in await heard(world, traps, raw_events, name, trap)] == [
        "Rule 0",
        "Rule 1",
        "Rule 2",
    ]
    await world.delete(f"{PATH}{ids[0]}/", expect=204)
    assert (await world.post(f"{PATH}multidelete/", {"ids": [ids[1]]}))["deleted"] == 1
    assert [item.message for item in await heard(world, traps, raw_events, name, trap)] == ["Rule 2"]
    await world.delete(f"{PATH}{ids[2]}/", expect=204)
    await world.put("/api/settings", {"values": {"traps.unconfigured_events": False}})
    assert await heard(world, traps, raw_events, name, trap) == []


@pytest.mark.proves(f"GET {PATH}msg_options/", f"GET {PATH}options/")
async def test_what_messages_can_say(world: World) -> None:
    await world.post("/ux/ims/mib-explorer/", {"mib_text": ROOT + BOILER}, expect=201)
    plain = await world.get(f"{PATH}msg_options/")
    assert "$source" in [item["macro"] for item in plain["macros"]]
    assert [item["name"] for item in plain["severities"]] == ["Critical", "Major", "Minor", "Informational"]
    named = await world.get(f"{PATH}msg_options/", params={"trap_oid": "boilerOverheatRaised"})
    assert [(item["macro"], item["position"]) for item in named["variables"]] == [
        ("$boilerName", 1), ("$boilerState", 2), ("$boilerTemperature", 3),
    ]  # fmt: skip
    assert named["variables"][1]["enumerations"] == {"1": "off", "2": "heating", "3": "overheated"}
    assert named["description"] == "The water is too hot. Somebody should look."
    await world.get(f"{PATH}msg_options/", params={"trap_oid": "sysDescr"}, expect=404)
    choices = (await world.get(f"{PATH}options/"))["choices"]
    assert [item["name"] for item in choices["severity"]] == ["Critical", "Major", "Minor", "Informational"]
    assert [item["id"] for item in choices["applicable"]] == ["all", "selected", "except"]


@pytest.mark.usefixtures("own_rules_only")
async def test_from_a_notification_to_a_configuration(
    world: World, traps: TrapReceiver, raw_events: list[RawEvent]
) -> None:
    await world.post("/ux/ims/mib-explorer/", {"mib_text": ROOT + BOILER}, expect=201)
    (found,) = (await world.get("/ux/ims/mib-explorer/notifications/", params={"search": "Overheat"}))["results"][1:]
    made = await world.post(f"{PATH}from_notification/", {"notification": found["oid"]}, expect=201)
    record = made["data"]
    assert (record["name"], record["trap_oid"]) == ("boilerOverheatRaised", f"{ACME}.7.0.1")
    assert (record["trap_clear_oid"], record["resource_var_bind"]) == (f"{ACME}.7.0.2", "boilerName")
    name = await community(world, traps)
    hot, cool = await heard(world, traps, raw_events, name, boiler(3, 955), boiler(1, 200, trap=2))
    assert "The water is too hot" in hot.message
    assert "boilerTemperature 95.5" in hot.message
    assert (hot.clear, cool.clear, cool.key) == (False, True, hot.key)
    shipped = await world.post(f"{PATH}from_notification/", {"notification": "IF-MIB::linkDown", "severity": "Minor"})
    assert (shipped["data"]["name"], shipped["data"]["severity"]) == ("Link down", 3)
    await world.post(f"{PATH}from_notification/", {"notification": "ifIndex"}, expect=400)
    await world.post(f"{PATH}from_notification/", {"notification": "linkDown"}, expect=400)


async def test_what_cannot_be_applied_is_refused(world: World) -> None:
    good = {"name": "Wrong", "trap_oid": "linkDown"}
    for given, field in (
        ({"name": "Wrong"}, "trap_oid"),
        ({**good, "trap_oid": "noSuchTrap"}, "trap_oid"),
        ({**good, "trap_oid": "1.2.x"}, "trap_oid"),
        ({**good, "trap_clear_oid": "linkDown"}, "trap_clear_oid"),
        ({**good, "set_criteria": {"varbind": [{"condition": "equal", "value": "1"}]}}, "set_criteria"),
        ({**good, "set_criteria": {"varbind": [{"key": 1, "condition": "resembles", "value": "1"}]}}, "set_criteria"),
        ({**good, "reset_criteria": {"varbind": [{"key": 1, "condition": "greater", "value": "x"}]}}, "reset_criteria"),
        ({**good, "set_criteria": {"varbind": "all"}}, "set_criteria"),
        ({**good, "applicable": "selected"}, "applies_to"),
        ({**good, "applicable": "selected", "applies_to": {"addresses": ["x"]}}, "applies_to"),
        ({**good, "severity": "Dreadful"}, "severity"),
    ):
        refused = await world.post(PATH, given, expect=400)
        assert field in refused["fields"], (given, refused)
