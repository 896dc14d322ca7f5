"""Partners through the API."""

from __future__ import annotations

import pytest

from tests.support import World

PATH = "/ux/common/partner/partner/"
SECRET = "Quay-side-morning-4"


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_partner_takes_the_documented_sample(world: World) -> None:
    sample = {
        "partner_name": "Harbour",
        "business_email": "desk@harbour.example",
        "phone": "+1 555 0101",
        "address": "2 Quay Road",
    }
    made = await world.post(PATH, sample, expect=201)
    read = await world.get(f"{PATH}{made['id']}/")
    assert (read["partner_id"], read["partner_name"]) == (made["id"], "Harbour")
    assert (read["email"], read["contact_number"]) == ("desk@harbour.example", "+1 555 0101")
    assert read["phone"] == {"number": "+1 555 0101"}
    assert [row["partner_name"] for row in (await world.get(PATH, params={"search": "quay"}))["results"]] == ["Harbour"]


async def test_a_password_makes_a_portal_account_and_is_never_answered(world: World) -> None:
    made = await world.post(
        PATH, {"partner_name": "Pier Works", "business_email": f"p@{world.slug}.example", "password": SECRET}
    )
    assert made["data"]["profile_id"]
    assert made["data"]["user_id"]
    for text in (
        str(made),
        str(await world.get(f"{PATH}{made['id']}/")),
        str(await world.get(f"{PATH}{made['id']}/history/")),
        str(await world.get(f"{PATH}options/")),
    ):
        assert SECRET not in text
        assert "password_hash" not in text
    assert "password" not in made["data"]
    async with world.platform.work(world.organization) as ctx:
        from mainstay.kernel import store
        from mainstay.kernel.access.tables import User
        from mainstay.kernel.secrets import password_matches

        account = await store.get(ctx, User, made["data"]["profile_id"])
        assert password_matches(account.password_hash, SECRET)
        assert (account.kind, account.must_change_password) == ("requester", True)
    weak = await world.post(PATH, {"partner_name": "B", "email": "b@b.example", "password": "short"}, expect=400)
    assert "password" in weak["fields"]
    await world.post(PATH, {"partner_name": "C", "password": SECRET}, expect=400)
    limited = await world.granted({"partner": ("view", "add")})
    await world.post(PATH, {"partner_name": "D", "email": "d@d.example", "password": SECRET}, by=limited, expect=403)
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    async with world.platform.work(world.organization) as ctx:
        assert (await store.get(ctx, User, made["data"]["profile_id"])).is_active is False


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_a_partner_is_changed_and_deleted(world: World) -> None:
    made = await world.post(PATH, {"partner_name": "Harbour", "phone": "+1 555 0101", "email": "a@h.example"})
    record = {
        **made["data"],
        "address": "3 Quay Road",
        "phone": {"number": "+1 555 0102"},
        "business_email": "b@h.example",
    }
    changed = (await world.put(f"{PATH}{made['id']}/", record))["data"]
    assert (changed["address"], changed["contact_number"]) == ("3 Quay Road", "+1 555 0102")
    assert changed["email"] == "b@h.example"
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await world.get(f"{PATH}{made['id']}/", expect=404)


@pytest.mark.proves(f"GET {PATH}filter/")
async def test_partners_are_found_by_operator_name_and_mail(world: World) -> None:
    operator = await world.person()
    await world.post(PATH, {"partner_name": "Harbour", "partner_operators": [{"profile_id": operator.profile_id}]})
    await world.post(PATH, {"partner_name": "Pier", "email": "pier@works.example"})

    async def names(**wanted: str) -> list[str]:
        found = await world.get(f"{PATH}filter/", params={"sort": "partner_name", **wanted})
        return [row["partner_name"] for row in found["results"]]

    assert await names(operator=operator.profile_id) == ["Harbour"]
    assert await names(partner_name="PIE") == ["Pier"]
    assert await names(email="works") == ["Pier"]
    assert await names() == ["Harbour", "Pier"]
