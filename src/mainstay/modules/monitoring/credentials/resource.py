"""Credentials in the API."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mainstay.kernel import verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import secret
from mainstay.kernel.record import new_id
from mainstay.kernel.resource import Resource
from mainstay.kernel.sealing import Sealing
from mainstay.kernel.validation import BadValue, read
from mainstay.modules.monitoring.credentials import service
from mainstay.modules.monitoring.credentials.service import check_user, spans
from mainstay.modules.monitoring.credentials.tables import SNMP_V1, SNMP_V2C, SNMP_V3, Credential
from mainstay.modules.monitoring.mibs.values import shown
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.client import Client, SnmpError

SYSTEM = {"sys_descr": 1, "sys_object_id": 2, "sys_up_time": 3, "sys_name": 5, "sys_location": 6}


SECRETS = (
    secret("community", "Community", kind=(SNMP_V1, SNMP_V2C)),
    secret("write_community", "Community for writing", kind=(SNMP_V1, SNMP_V2C)),
    secret("auth_password", "Authentication password", kind=(SNMP_V3,)),
    secret("privacy_password", "Privacy password", kind=(SNMP_V3,)),
)


class Credentials(Sealing[Credential]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row, source in zip(rows, given, strict=True):
            row["id"] = row.get("id") or new_id()
            secrets = self.given(source)
            check({"kind": SNMP_V2C, **row}, secrets)
            row["sealed"] = self.seal(ctx, row["id"], {}, secrets)

    async def change(
        self, ctx: Context, entity: Credential, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:  # fmt: skip
        secrets = self.given(given)
        after = {**service.values_of(entity), **values}
        check(after, {**dict.fromkeys(entity.sealed, "********"), **secrets})
        if secrets:
            entity.sealed = self.seal(ctx, entity.id, entity.sealed, secrets)


def check(values: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """Raises ``Invalid`` where a credential cannot work."""
    wrong: dict[str, list[str]] = {}
    if values["kind"] == SNMP_V3:
        wrong = check_user(values, secrets)
    elif not secrets.get("community"):
        wrong["community"] = ["Please provide the community."]
    if wrong:
        raise Invalid(fields=wrong)
    spans(values.get("scope") or "")


behaviour = Credentials(Credential, SECRETS, service.purpose)
credentials = Resource(
    Credential,
    module="Credentials",
    path="/api/credentials/",
    label="Credential",
    title="name",
    area="monitoring",
    section="IT Operations",
    privileges=("view", "add", "edit", "delete", "execute"),
    verbs={"template": None, "columns": None, "validate": None, "import": None, "export": None},
    extra={"secrets_set": list[str]},
    secrets=SECRETS,
    behaviour=behaviour,
    natural_key="name",
    sample={"name": "Campus switches", "kind": "snmp_v2c", "community": "s3cret", "scope": "10.0.0.0/8"},
)


class TestInput(msgspec.Struct, kw_only=True):
    """The device to ask, and what to try: values over those stored, so that a form can be tried before it is saved."""

    address: str = ""
    id: str = ""
    kind: str = ""
    port: int | None = None
    timeout: float | None = None
    retries: int | None = None
    username: str | None = None
    auth_protocol: str | None = None
    privacy_protocol: str | None = None
    community: str | None = None
    auth_password: str | None = None
    privacy_password: str | None = None


class TestResult(msgspec.Struct, kw_only=True):
    """Whether the device answered, and what it says of itself."""

    ok: bool
    msg: str
    address: str
    milliseconds: float
    system: dict[str, str]


@credentials.action("POST", "test/", privilege="execute", write=False)
async def test_values(ctx: Context, body: TestInput) -> TestResult:
    """Ask a device with a credential before it is saved"""
    return await _try(ctx, body)


@credentials.action("POST", "{id}/test/", privilege="execute", write=False)
async def test_credential(ctx: Context, id: str, body: TestInput) -> TestResult:
    """Ask a device with a stored credential"""
    body.id = id
    return await _try(ctx, body)


async def _try(ctx: Context, body: TestInput) -> TestResult:
    values: dict[str, Any] = {"kind": SNMP_V2C}
    secrets: dict[str, str] = {}
    if body.id:
        row = await verbs.entity_of(ctx, credentials, body.id)
        values, secrets = service.values_of(row), service.opened(ctx, row)
    given = {name: value for name, value in msgspec.to_builtins(body).items() if value not in (None, "")}
    for name in service.NAMES:
        if name in given:
            try:
                values[name] = read(credentials.fields[name], given[name])
            except BadValue as bad:
                raise Invalid.field(name, str(bad)) from None
    secrets.update(behaviour.given(given))
    check(values, secrets)
    address = await service.allowed(ctx, body.address)
    access = await service.access_of(values, secrets)
    started = time.perf_counter()
    system: dict[str, str] = {}
    try:
        async with Client(address, access) as device:
            names = [(1, 3, 6, 1, 2, 1, 1, number, 0) for number in SYSTEM.values()]
            answer = await device.get(names)
    except SnmpError as error:
        took = (time.perf_counter() - started) * 1000
        return TestResult(ok=False, msg=str(error), address=address, milliseconds=took, system={})
    took = (time.perf_counter() - started) * 1000
    for label, (_name, tag, content) in zip(SYSTEM, answer, strict=False):
        if tag not in ber.EXCEPTIONS:
            system[label] = shown(None, tag, content)
    said = system.get("sys_name") or address
    return TestResult(ok=True, msg=f"{said} answered.", address=address, milliseconds=took, system=system)
