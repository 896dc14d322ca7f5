"""Device credentials and trap credentials through the API."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mainstay.modules.monitoring.credentials import service
from mainstay.modules.monitoring.credentials.tables import Credential
from tests.monitoring.netsnmp import AUTH_PASSWORD, PRIVACY_PASSWORD, Agent, free_port
from tests.support import World

PATH = "/api/credentials/"
TRAPS = "/api/trap-credentials/"
SECRET = "kept-secret-77"


@pytest.mark.parametrize("path", [PATH, TRAPS])
async def test_a_secret_is_sealed_and_never_answered(world: World, path: str) -> None:
    kind = "snmp_v2c" if path == PATH else "community"
    made = await world.post(path, {"name": "Core", "kind": kind, "community": SECRET}, expect=201)
    one = f"{path}{made['id']}/"
    await world.put(one, {**made["data"], "name": "Core routers", "community": "********"})
    await world.patch(one, {"community": SECRET + "-new"})
    for answer in (made, await world.get(one), await world.get(path), await world.get(f"{one}history/")):
        assert SECRET not in str(answer)
    noted = (await world.get(f"{one}history/"))["results"][0]["changes"]
    assert [(item["field"], item["new"]) for item in noted] == [("sealed", "***")]
    assert (await world.get(one))["secrets_set"] == ["community"]
    await world.patch(one, {"community": ""}, expect=400)


async def test_a_secret_changed_is_the_one_used(world: World) -> None:
    made = await world.post(PATH, {"name": "Core", "community": "first", "write_community": "w"}, expect=201)
    await world.patch(f"{PATH}{made['id']}/", {"community": "second", "write_community": ""})
    async with world.platform.work(world.organization, write=False) as ctx:
        row = (await ctx.session.execute(select(Credential).where(Credential.id == made["id"]))).scalar_one()
        assert service.opened(ctx, row) == {"community": "second"}
        assert "second" not in str(row.sealed)


async def test_what_cannot_work_is_refused(world: World) -> None:
    for given, field in (
        ({"kind": "snmp_v2c"}, "community"),
        ({"kind": "snmp_v3", "username": ""}, "username"),
        ({"kind": "snmp_v3", "username": "u", "auth_protocol": "SHA", "auth_password": "short"}, "auth_password"),
        ({"kind": "snmp_v3", "username": "u", "privacy_protocol": "AES", "privacy_password": SECRET}, "auth_protocol"),
        ({"kind": "snmp_v3", "username": "u", "auth_protocol": "ROT13"}, "auth_protocol"),
        ({"kind": "snmp_v2c", "community": "x", "scope": "10.0.0.0/99"}, "scope"),
        ({"kind": "snmp_v2c", "community": "x", "scope": "10.0.0.9-10.0.0.1"}, "scope"),
        ({"kind": "snmp_v2c", "community": "x", "port": 70000}, "port"),
    ):
        refused = await world.post(PATH, {"name": "Wrong", **given}, expect=400)
        assert field in refused["fields"], given
    refused = await world.post(TRAPS, {"name": "Wrong", "community": "x", "networks": "everywhere"}, expect=400)
    assert "networks" in refused["fields"]


async def test_the_best_credential_for_an_address_comes_first(world: World) -> None:
    for name, scope, priority in (("any", "", 200), ("lab", "10.1.0.0/16", 50), ("one", "10.1.1.1", 10)):
        await world.post(PATH, {"name": name, "community": "x", "scope": scope, "priority": priority}, expect=201)
    async with world.platform.work(world.organization, write=False) as ctx:
        assert [row.name for row in await service.for_address(ctx, "10.1.1.1")] == ["one", "lab", "any"]
        assert [row.name for row in await service.for_address(ctx, "10.2.1.1")] == ["any"]


async def test_a_credential_is_tried_before_and_after_it_is_saved(world: World, agent: Agent) -> None:
    form = {
        "kind": "snmp_v3", "username": "usha256aes192", "auth_protocol": "SHA-256", "auth_password": AUTH_PASSWORD,
        "privacy_protocol": "AES-192", "privacy_password": PRIVACY_PASSWORD, "port": agent.port,
    }  # fmt: skip
    tried = await world.post(f"{PATH}test/", {**form, "address": "127.0.0.1"})
    assert (tried["ok"], tried["system"]["sys_descr"]) == (True, "A device for tests")
    made = await world.post(PATH, {"name": "Saved", **form}, expect=201)
    stored = await world.post(f"{PATH}{made['id']}/test/", {"address": "127.0.0.1"})
    assert stored["ok"] is True
    await world.patch(f"{PATH}{made['id']}/", {"auth_protocol": "SHA-1", "privacy_protocol": "AES-128"})
    assert (await world.get(f"{PATH}{made['id']}/"))["privacy_protocol"] == "AES"
    await world.patch(f"{PATH}{made['id']}/", {"auth_protocol": "SHA-256", "privacy_protocol": "AES-192"})
    wrong = await world.post(f"{PATH}{made['id']}/test/", {"address": "127.0.0.1", "privacy_password": "not-that-one"})
    assert (wrong["ok"], "privacy password" in wrong["msg"]) == (False, True)
    wrong = await world.post(f"{PATH}{made['id']}/test/", {"address": "127.0.0.1", "auth_password": "not-that-one"})
    assert (wrong["ok"], "authentication password" in wrong["msg"]) == (False, True)
    silent = {"address": "127.0.0.1", "port": free_port(), "timeout": 0.2, "retries": 0}
    answer = await world.post(f"{PATH}{made['id']}/test/", silent)
    assert (answer["ok"], "did not answer" in answer["msg"]) == (False, True)
    await world.post(f"{PATH}test/", {**form, "address": "198.51.100.1"}, expect=400)
    await world.post(f"{PATH}test/", {**form, "address": "no such name.invalid"}, expect=400)


async def test_forms_ask_for_the_secrets_of_each_kind_and_no_answer_tells_them(world: World) -> None:
    described = {field["name"]: field for field in (await world.get("/api/credentials/options/"))["fields"]}
    assert described["community"]["kind"] == "secret"
    assert described["community"]["only"] == {"kind": ["snmp_v1", "snmp_v2c"]}
    assert described["privacy_password"]["only"] == described["privacy_protocol"]["only"] == {"kind": ["snmp_v3"]}
    made = await world.post("/api/credentials/", {"name": "Lab", "community": "s3cret-word"}, expect=201)
    read = await world.get(f"/api/credentials/{made['id']}/")
    assert read["secrets_set"] == ["community"]
    assert "s3cret-word" not in str(made) + str(read)
