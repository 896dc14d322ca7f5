"""The organization's settings through the API."""

from __future__ import annotations

from tests.support import World

PATH = "/api/settings"


async def values(world: World) -> dict[str, object]:
    return {item["name"]: item["value"] for item in (await world.get(PATH))["settings"]}


async def test_settings_are_read_changed_and_obeyed(world: World, stranger: World) -> None:
    shown = {item["name"]: item for item in (await world.get(PATH))["settings"]}
    length = shown["password.min_length"]
    assert (length["kind"], length["value"], length["default"], length["section"]) == (
        "integer",
        10,
        10,
        "Passwords",
    )
    answer = await world.put(PATH, {"values": {"password.min_length": "14", "leave.weekend": ["Friday", 5]}})
    changed = {item["name"]: item["value"] for item in answer["settings"]}
    assert (changed["password.min_length"], changed["leave.weekend"]) == (14, [4, 5])
    assert (await world.get("/api/password-policy"))["min_length"] in (10, 14)
    assert (await values(world))["password.min_length"] == 14
    assert (await values(stranger))["password.min_length"] == 10


async def test_all_values_or_none(world: World) -> None:
    wrong = {"password.min_length": 2, "password.require_digit": False, "no.such": 1}
    refused = await world.put(PATH, {"values": wrong}, expect=400)
    assert set(refused["fields"]) == {"password.min_length", "no.such"}
    assert (await values(world))["password.require_digit"] is True
    await world.put(PATH, {"values": {}}, expect=400)
    await world.put(PATH, {}, expect=400)


async def test_settings_need_their_permission(world: World) -> None:
    reader = await world.granted({"settings": ("view",)})
    await world.get(PATH, by=reader)
    await world.put(PATH, {"values": {"password.min_length": 12}}, by=reader, expect=403)
    nobody = await world.granted({"department": ("view",)})
    await world.get(PATH, by=nobody, expect=403)
