"""Facts from several sources become one item each."""

from __future__ import annotations

from typing import Any

import pytest

from mainstay.modules.assets.cmdb import lookup
from mainstay.modules.assets.cmdb.facts import Facts
from mainstay.modules.assets.cmdb.reconcile import Outcome, reconcile, referenced
from tests.assets.test_items import PATH, make
from tests.support import Statements, World


async def tell(world: World, source: str, *facts: dict[str, Any], create: bool = True) -> list[Outcome]:
    given = referenced([Facts(**one) for one in facts])
    async with world.platform.work(world.organization) as ctx:
        return await reconcile(ctx, source, given, create=create)


def device(number: int, **more: Any) -> dict[str, Any]:
    return {
        "category": "Switch",
        "attributes": {"name": f"sw-{number}", "serial_number": f"SN{number:04d}", "os_version": "1.0"},
        "addresses": [f"10.0.{number // 250}.{number % 250 + 1}"],
        **more,
    }


async def test_a_second_look_finds_the_same_items_and_changes_only_what_differs(world: World) -> None:
    first = await tell(world, "discovery", *(device(n) for n in range(5)))
    assert [one.what for one in first] == ["created"] * 5
    again = await tell(world, "discovery", *(device(n) for n in range(5)))
    assert [(one.what, one.matched_by) for one in again] == [("unchanged", "serial_number")] * 5
    newer = device(3)
    newer["attributes"]["os_version"] = "2.0"
    (one,) = await tell(world, "discovery", newer)
    assert (one.what, one.changed) == ("updated", ["os_version"])
    read = await world.get(f"{PATH}{one.ci_id}/")
    assert (read["os_version"], read["source"], read["ip_address"]) == ("2.0", "discovery", "10.0.0.4")
    assert (await world.get(PATH))["count"] == 5
    history = (await world.get(f"{PATH}{one.ci_id}/history/"))["results"][0]
    assert history["changes"] == [{"label": "Version", "field": "os_version", "old": "1.0", "new": "2.0"}]


async def test_a_device_with_ten_addresses_is_one_item(world: World) -> None:
    many = [f"10.9.0.{n}" for n in range(1, 11)]
    (made,) = await tell(world, "discovery", device(1, addresses=many))
    by_any = [{"attributes": {"os_name": "IOS"}, "addresses": [address]} for address in many]
    found = await tell(world, "discovery", *by_any)
    assert {(one.ci_id, one.matched_by) for one in found} == {(made.ci_id, "address")}
    # Ten unknown addresses that carry one serial number are one device, too.
    same = [{"attributes": {"name": "fw", "serial_number": "FW1"}, "addresses": [f"10.8.0.{n}"]} for n in range(10)]
    made_of = await tell(world, "discovery", *same)
    assert len({one.ci_id for one in made_of}) == 1
    async with world.platform.work(world.organization, write=False) as ctx:
        assert len(await lookup.by_address(ctx, [f"10.8.0.{n}" for n in range(10)])) == 10


async def test_an_item_keeps_the_address_it_is_known_by_while_that_is_its_own(world: World) -> None:
    def seen(at: str, *own: str) -> dict[str, Any]:
        attributes = {"name": "router", "serial_number": "SN-R", "ip_address": at}
        return {"category": "Router", "attributes": attributes, "addresses": [at, *own]}

    async def address(ci: str) -> str:
        return str((await world.get(f"{PATH}{ci}/"))["ip_address"])

    (one,) = await tell(world, "discovery", seen("10.7.0.1", "10.7.1.1"))
    (again,) = await tell(world, "discovery", seen("10.7.1.1", "10.7.0.1"))
    assert (again.ci_id, again.what, await address(one.ci_id)) == (one.ci_id, "unchanged", "10.7.0.1")
    # It was given another one.
    (moved,) = await tell(world, "discovery", seen("10.7.1.1", "10.7.9.9"))
    assert (moved.ci_id, await address(one.ci_id)) == (one.ci_id, "10.7.1.1")


async def test_another_device_under_the_same_address_is_another_item(world: World) -> None:
    (old,) = await tell(world, "discovery", device(1))
    replaced = device(1)
    replaced["attributes"] = {"name": "sw-1-new", "serial_number": "OTHER"}
    (new,) = await tell(world, "discovery", replaced)
    assert (new.what, new.ci_id != old.ci_id) == ("created", True)
    async with world.platform.work(world.organization, write=False) as ctx:
        found = await lookup.by_address(ctx, ["10.0.0.2"])
    assert found["10.0.0.2"].id == new.ci_id
    told = (await world.get(f"{PATH}{old.ci_id}/history/"))["results"][0]
    assert told["changes"][0]["field"] == "management_address"


async def test_hardware_addresses_identify_unless_several_devices_share_them(world: World) -> None:
    mac = {"name": "eth0", "mac": "02:00:5e:10:00:01"}
    (made,) = await tell(world, "agent", {"attributes": {"name": "pc"}, "category": "Desktop", "interfaces": [mac]})
    (again,) = await tell(world, "agent", {"attributes": {"name": "pc-renamed"}, "interfaces": [mac]})
    assert (again.ci_id, again.matched_by) == (made.ci_id, "mac")
    shared = {"name": "vrrp", "mac": "00:00:5e:00:01:01"}
    pair = [device(n, interfaces=[shared]) for n in (1, 2)]
    assert len({one.ci_id for one in await tell(world, "discovery", *pair)}) == 2
    unknown = {"attributes": {"name": "third"}, "addresses": ["10.7.0.1"], "interfaces": [shared]}
    (third,) = await tell(world, "discovery", unknown)
    assert third.what == "created"


async def test_nothing_is_overwritten_silently(world: World) -> None:
    item = await make(world, "srv", serial_number="S1", os_version="12")
    fact = {"attributes": {"serial_number": "S1", "os_version": "13", "firmware": "2.1"}}
    # The item came by the API, which the agent outranks; what nobody said is filled in.
    (one,) = await tell(world, "agent", fact)
    assert (one.changed, one.conflicts) == (["firmware", "os_version"], [])
    fact["attributes"]["os_version"] = "11"
    (one,) = await tell(world, "discovery", fact)
    assert (one.what, one.conflicts) == ("unchanged", ["os_version"])
    (listed,) = (await world.get(f"{PATH}conflicts/"))["results"]
    assert (listed["value"], listed["current"], listed["source"], listed["current_source"]) == (
        "11", "13", "discovery", "agent",
    )  # fmt: skip
    await world.post(f"{PATH}conflicts/", {"ids": [listed["id"]], "decision": "keep"})
    assert (await world.get(f"{PATH}conflicts/"))["count"] == 0
    await tell(world, "discovery", fact)
    assert (await world.get(f"{PATH}conflicts/"))["count"] == 0
    fact["attributes"]["os_version"] = "10"
    await tell(world, "discovery", fact)
    (again,) = (await world.get(f"{PATH}conflicts/"))["results"]
    await world.post(f"{PATH}conflicts/", {"ids": [again["id"]], "decision": "take"})
    assert (await world.get(f"{PATH}{item}/"))["os_version"] == "10"
    # Taken over: from now on discovery keeps it up to date.
    fact["attributes"]["os_version"] = "9"
    (one,) = await tell(world, "discovery", fact)
    assert one.changed == ["os_version"]
    seen = (await world.get(f"{PATH}basicview/", params={"ci_id": item}))["seen"]
    assert {row["source"] for row in seen} == {"agent", "discovery"}


async def test_the_order_of_sources_is_the_organization_s(world: World) -> None:
    await make(world, "srv", serial_number="S1", os_version="12", location=None)
    await world.put("/api/settings", {"values": {"cmdb.precedence_by_attribute": {"os_version": ["csv"]}}})
    (one,) = await tell(world, "csv", {"attributes": {"serial_number": "S1", "os_version": "13", "model": "R650"}})
    assert (one.changed, one.conflicts) == (["model", "os_version"], [])


async def test_what_cannot_be_is_told_and_the_rest_goes_in(world: World) -> None:
    found = await tell(
        world,
        "discovery",
        {"attributes": {"name": "a", "cpu_count": "many", "nonsense": 1}, "category": "Server"},
        {"attributes": {"os_name": "x"}},
        {"attributes": {"name": "b"}, "category": "Toaster"},
        {"ci": "nobody", "attributes": {"os_name": "x"}},
    )
    assert [one.what for one in found] == ["created", "refused", "created", "refused"]
    assert "must be a whole number" in found[0].problems[0]
    assert "nonsense" in found[0].problems[1]
    assert "needs a name" in found[1].problems[0]
    assert (await world.get(f"{PATH}{found[2].ci_id}/"))["category_name"] == "Other"
    (unknown,) = await tell(world, "discovery", {"attributes": {"name": "c"}}, create=False)
    assert unknown.what == "refused"


async def test_many_devices_cost_the_same_few_statements(world: World, statements: Statements | None) -> None:
    assert statements is not None

    def whole(n: int, version: str) -> dict[str, Any]:
        made = device(n, interfaces=[{"name": f"e{p}", "mac": f"02:00:00:00:{n:02x}:{p:02x}"} for p in range(5)],
                      software=[{"name": "x", "version": version}])  # fmt: skip
        made["attributes"]["os_version"] = version
        return made

    counts = []
    for number in (5, 100):
        await tell(world, "discovery", *(whole(n, "1") for n in range(number)))
        start = len(statements.ran)
        await tell(world, "discovery", *(whole(n, f"2-{number}") for n in range(number)))
        counts.append(len(statements.ran) - start)
    assert counts[0] == counts[1], counts
    assert counts[0] < 60


async def test_facts_come_by_the_api_with_the_right_to_it(world: World) -> None:
    given = {"source": "agent", "items": [device(1), device(2)]}
    answer = await world.post(f"{PATH}reconcile/", given)
    assert (answer["created"], answer["unchanged"]) == (2, 0)
    assert (await world.post(f"{PATH}reconcile/", given))["unchanged"] == 2
    editor = await world.granted({"asset": ("view", "edit")})
    await world.post(f"{PATH}reconcile/", given, by=editor, expect=403)
    assert (await world.post(f"{PATH}reconcile/", {**given, "create": False}, by=editor))["unchanged"] == 2
    await world.post(f"{PATH}reconcile/", {**given, "source": "manual"}, expect=400)


@pytest.mark.proves(f"PUT {PATH}ipam_asset_update/{{id}}/")
async def test_address_management_corrects_an_item_s_addresses(world: World) -> None:
    item = await make(world, ip_address="192.0.2.1")
    await world.put(f"{PATH}ipam_asset_update/{item}/", {"ip_address": "192.0.2.9", "addresses": ["192.0.2.10"]})
    async with world.platform.work(world.organization, write=False) as ctx:
        found = await lookup.by_address(ctx, ["192.0.2.1", "192.0.2.9", "192.0.2.10"])
    assert set(found) == {"192.0.2.9", "192.0.2.10"}
    assert (await world.get(f"{PATH}{item}/"))["ip_address"] == "192.0.2.9"
    await world.put(f"{PATH}ipam_asset_update/{item}/", {"addresses": ["nonsense"]}, expect=400)


async def test_the_address_book_forgets_what_changed(world: World) -> None:
    book = lookup.AddressBook(world.platform)
    await book._skip()
    assert await book.look_up(world.organization, ["192.0.2.77"]) == {}
    item = await make(world, "srv", ip_address="192.0.2.77")
    await book.refresh()
    assert book.get(world.organization, "192.0.2.77") is None
    assert (await book.look_up(world.organization, ["192.0.2.77"]))["192.0.2.77"] == (item, "srv")
    assert book.get(world.organization, "192.0.2.77") == (item, "srv")
    await world.patch(f"{PATH}{item}/", {"name": "srv-new"})
    await book.refresh()
    assert (await book.look_up(world.organization, ["192.0.2.77"]))["192.0.2.77"].name == "srv-new"
    await world.delete(f"{PATH}{item}/")
    await book.refresh()
    assert await book.look_up(world.organization, ["192.0.2.77"]) == {}


def shown(name: str, address: str, key: str = "SHA256:one", **more: Any) -> dict[str, Any]:
    """What an SSH server at an address shows."""
    interfaces = [{"name": "eth0", "mac": more.pop("mac")}] if "mac" in more else None
    return {
        "attributes": {"name": name, "ssh_host_key": key, **more}, "addresses": [address],
        **({"interfaces": interfaces} if interfaces else {}),
    }  # fmt: skip


async def test_a_host_key_identifies_unless_something_surer_speaks_against_it(world: World) -> None:
    first, second = await tell(world, "discovery", shown("a", "10.7.0.1"), shown("a", "10.7.0.2"))
    assert first.ci_id == second.ci_id
    (later,) = await tell(world, "discovery", shown("a", "10.7.0.3"))
    assert (later.ci_id, later.matched_by) == (first.ci_id, "ssh_host_key")
    for number, pair in enumerate((
        ({"serial_number": "S1"}, {"serial_number": "S2"}), ({"engine_id": "e1"}, {"engine_id": "e2"}),
        ({"mac": "02:00:00:00:00:01"}, {"mac": "02:00:00:00:00:02"}),
    )):  # fmt: skip
        key = f"SHA256:shared{number}"
        here = [shown(f"x{n}", f"10.7.{number + 1}.{n}", key, **marks) for n, marks in enumerate(pair, 1)]
        # In one look, and one after the other.
        together = await tell(world, "discovery", *here)
        assert together[0].ci_id != together[1].ci_id, pair
        there = [
            shown(f"y{n}", f"10.7.{number + 1}.{n + 10}", f"{key}b", **{k: v[:-1] + str(n + 4) for k, v in one.items()})
            for n, one in enumerate(pair, 1)
        ]
        apart = [(await tell(world, "discovery", one))[0] for one in there]
        assert [one.what for one in apart] == ["created"] * 2, pair
        # Once several have it, it says nothing about a third.
        (third,) = await tell(world, "discovery", shown("z", f"10.7.{number + 1}.99", f"{key}b"))
        assert third.what == "created"


def agent(engine: str, name: str = "box", mac: str = "02:00:00:00:0a:01", **more: Any) -> dict[str, Any]:
    """What an SNMP agent at an address says of its device."""
    return {"attributes": {"name": name, "engine_id": engine, **more}, "addresses": ["10.4.0.1"],
            "interfaces": [{"name": "eth0", "mac": mac}] if mac else []}  # fmt: skip


async def test_an_agent_that_was_installed_again_is_of_the_same_device(world: World) -> None:
    (made,) = await tell(world, "discovery", agent("e1"))
    (again,) = await tell(world, "discovery", agent("e2"))
    assert (again.ci_id, again.matched_by, again.changed) == (made.ci_id, "address", ["engine_id"])
    # Also where it shows no interfaces; from then on it is known by the new one.
    (hidden,) = await tell(world, "discovery", agent("e3", mac=""))
    assert (hidden.ci_id, hidden.matched_by) == (made.ci_id, "address")
    (known,) = await tell(world, "discovery", agent("e3", mac=""))
    assert (known.ci_id, known.matched_by) == (made.ci_id, "engine_id")
    # Another name, other addresses of its interfaces or another serial number: another device.
    for other in (agent("e4", name="bay"), agent("e5", mac="02:00:00:00:0a:02")):
        (new,) = await tell(world, "discovery", other)
        assert new.what == "created"


async def test_a_key_does_not_make_one_of_two_items_that_are_there(world: World) -> None:
    there = [{"attributes": {"name": name}, "addresses": [f"10.6.0.{n}"]} for n, name in ((1, "a"), (2, "b"))]
    one, two = await tell(world, "discovery", *there)
    again = await tell(world, "discovery", shown("a", "10.6.0.1"), shown("b", "10.6.0.2"))
    assert [item.ci_id for item in again] == [one.ci_id, two.ci_id]


async def test_a_guess_fills_a_gap_and_replaces_nothing(world: World) -> None:
    known = device(1)
    del known["attributes"]["os_version"]
    (made,) = await tell(world, "discovery", known)
    guess = {
        "category": "Server", "addresses": ["10.0.0.2"], "guesses": ["name", "os_version", "os_name", "category"],
        "attributes": {"name": "10.0.0.2", "os_name": "Debian", "os_version": "12"},
    }  # fmt: skip
    (told,) = await tell(world, "discovery", guess)
    assert (told.ci_id, told.changed, told.conflicts) == (made.ci_id, ["os_name", "os_version"], [])
    read = await world.get(f"{PATH}{made.ci_id}/")
    assert (read["name"], read["category_name"], read["os_name"]) == ("sw-1", "Switch", "Debian")
    # Of one device in one look, what is known wins over what is guessed, whichever comes first.
    sure = {"category": "Router", "attributes": {"name": "r", "os_name": "IOS", "ssh_host_key": "SHA256:r"}}
    vague = {**shown("10.5.0.1", "10.5.0.1", "SHA256:r"), "category": "Server", "guesses": ["name", "category"]}
    for number, pair in enumerate(([vague, sure], [sure, vague])):
        given = [{**one, "attributes": {**one["attributes"], "ssh_host_key": f"SHA256:r{number}"}} for one in pair]
        given = [{**one, "addresses": [f"10.5.{number}.{n}"]} for n, one in enumerate(given, 1)]
        first, second = await tell(world, "discovery", *given)
        assert first.ci_id == second.ci_id
        read = await world.get(f"{PATH}{first.ci_id}/")
        assert (read["name"], read["category_name"]) == ("r", "Router")
