"""Cards and transceivers of an item read again from the device through the Cmdb module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mainstay.modules.monitoring.discovery.cards import is_transceiver
from tests.assets.test_items import PATH, make
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system, text, whole
from tests.monitoring.test_discovery import credential
from tests.support import World

ENTITY = (1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1)
CHASSIS, CARD, CAGE, OPTIC, PORT = 3, 9, 5, 10, 10


class Chassis:
    """A device whose parts can be pulled: index → description, parent, class, model, serial number."""

    def __init__(self) -> None:
        self.parts: dict[int, tuple[str, int, int, str, str]] = {
            1: ("Chassis", 0, CHASSIS, "C9400", "CH1"),
            2: ("Line card 1", 1, CARD, "C9400-LC-48T", "LC1"),
            3: ("SFP cage 1/1", 2, CAGE, "", ""),
            4: ("10GBASE-LR SFP+ transceiver", 3, OPTIC, "SFP-10G-LR", "OPT1"),
            5: ("Line card 2", 1, CARD, "C9400-LC-24S", "LC2"),
            6: ("GigabitEthernet2/1", 5, PORT, "", ""),
        }

    def __call__(self, pdu: Any) -> Any:
        values = dict(system("chassis"))
        for index, (name, parent, kind, model, serial) in self.parts.items():
            values |= {
                (*ENTITY, 2, index): text(name), (*ENTITY, 4, index): whole(parent), (*ENTITY, 5, index): whole(kind),
                (*ENTITY, 7, index): text(name), (*ENTITY, 11, index): text(serial),
                (*ENTITY, 13, index): text(model),
            }  # fmt: skip
        return honest(values)(pdu)


@pytest.fixture
async def device(world: World) -> AsyncIterator[tuple[Chassis, str]]:
    port, made = free_port(), Chassis()
    await credential(world, port, timeout=0.5, retries=0)
    async with serving("127.0.0.63", port, made):
        yield made, await make(world, "chassis-1", "Switch", ip_address="127.0.0.63")


@pytest.mark.proves(f"GET {PATH}update-card-inventory/", f"GET {PATH}delate-card-inventory/")
async def test_cards_are_read_again_and_those_that_are_gone_removed(
    world: World, stranger: World, device: tuple[Chassis, str]
) -> None:
    agent, item = device
    params = {"ci_id": item}
    found = await world.get(f"{PATH}update-card-inventory/", params=params)
    assert [(card["name"], card["serial_number"]) for card in found["cards"]] == [
        ("Line card 1", "LC1"), ("Line card 2", "LC2")
    ]  # fmt: skip
    assert (found["parts"], found["changed"], found["missing"]) == (6, True, 0)
    assert (await world.get(f"{PATH}all-card-inv/", params=params))["count"] == 2
    assert (await world.get(f"{PATH}update-card-inventory/", params=params))["changed"] is False

    # What is still reported is not removed.
    assert (await world.get(f"{PATH}delate-card-inventory/", params=params))["removed"] == 0
    second = next(card for card in found["cards"] if card["serial_number"] == "LC2")
    await world.get(f"{PATH}delate-card-inventory/", params={"id": second["id"]}, expect=409)

    del agent.parts[5], agent.parts[6]
    found = await world.get(f"{PATH}update-card-inventory/", params=params)
    assert (len(found["cards"]), found["missing"]) == (1, 2)
    assert (await world.get(f"{PATH}hardware/", params={**params, "missing": True}))["count"] == 6
    looker = await world.granted({"asset": ("view",)})
    await world.get(f"{PATH}delate-card-inventory/", params={"id": second["id"]}, by=looker, expect=403)
    await world.get(f"{PATH}update-card-inventory/", params=params, by=looker, expect=403)
    await stranger.get(f"{PATH}delate-card-inventory/", params={"id": second["id"]}, expect=404)
    await stranger.get(f"{PATH}update-card-inventory/", params=params, expect=404)
    gone = await world.get(f"{PATH}delate-card-inventory/", params={"id": second["id"]})
    assert (gone["removed"], gone["names"]) == (2, ["Line card 2", "GigabitEthernet2/1"])
    assert (await world.get(f"{PATH}hardware/", params={**params, "missing": True}))["count"] == 4
    history = (await world.get(f"{PATH}{item}/history/"))["results"]
    assert history[0]["action"] == "inventory removed"
    await world.get(f"{PATH}delate-card-inventory/", params={"id": second["id"]}, expect=404)

    del agent.parts[2], agent.parts[3], agent.parts[4]
    await world.get(f"{PATH}update-card-inventory/", params=params)
    assert (await world.get(f"{PATH}delate-card-inventory/", params=params))["removed"] == 3
    assert [row["name"] for row in (await world.get(f"{PATH}hardware/", params=params))["results"]] == ["Chassis"]
    agent.parts.clear()
    await world.get(f"{PATH}update-card-inventory/", params=params, expect=409)
    assert (await world.get(f"{PATH}hardware/", params=params))["count"] == 1
    silent = await make(world, "silent", "Switch", ip_address="127.0.0.64")
    await world.get(f"{PATH}update-card-inventory/", params={"ci_id": silent}, expect=400)


@pytest.mark.proves(f"POST {PATH}save-latest-sfp/")
async def test_transceivers_are_read_again(world: World, stranger: World, device: tuple[Chassis, str]) -> None:
    agent, item = device
    path = f"{PATH}save-latest-sfp/"
    found = await world.post(path, {"ci_id": item})
    assert [(one["model"], one["serial_number"]) for one in found["transceivers"]] == [("SFP-10G-LR", "OPT1")]
    # The other parts are not touched: they are not there yet.
    assert (await world.get(f"{PATH}hardware/", params={"ci_id": item}))["count"] == 1
    await world.get(f"{PATH}update-card-inventory/", params={"ci_id": item})
    assert (await world.post(path, {"ci_id": item}))["changed"] is False
    agent.parts[4] = ("10GBASE-SR SFP+ transceiver", 3, OPTIC, "SFP-10G-SR", "OPT2")
    found = await world.post(path, {"ci_id": item})
    assert (found["changed"], found["transceivers"][0]["serial_number"], found["gone"]) == (True, "OPT2", [])
    history = (await world.get(f"{PATH}{item}/history/"))["results"]
    assert {"OPT1", "OPT2"} <= {str(one[side]) for one in history[0]["changes"] for side in ("old", "new")}
    del agent.parts[4]
    found = await world.post(path, {"ci_id": item})
    assert (found["gone"], found["transceivers"]) == (["10GBASE-SR SFP+ transceiver"], [])
    assert (await world.get(f"{PATH}hardware/", params={"ci_id": item}))["count"] == 5
    looker = await world.granted({"asset": ("view", "edit")})
    await world.post(path, {"ci_id": item}, by=looker, expect=403)
    await stranger.post(path, {"ci_id": item}, expect=404)


@pytest.mark.parametrize(
    ("kind", "words", "wanted"),
    [
        ("port", "SFP-10G-LR", True), ("module", "QSFP28 100G SR4", True), ("other", "1000Base-T GBIC", True),
        ("module", "QSFP-DD 400G", True), ("module", "CFP2-DCO", True), ("module", "optical Transceiver", True),
        ("container", "SFP+ cage", False), ("module", "WS-X6748-GE-TX", False), ("module", "Supervisor X200", False),
        ("port", "GigabitEthernet1/0/1", False),
    ],
)  # fmt: skip
def test_what_a_transceiver_is(kind: str, words: str, wanted: bool) -> None:
    assert is_transceiver({"kind": kind, "name": "", "description": words, "model": ""}) is wanted
