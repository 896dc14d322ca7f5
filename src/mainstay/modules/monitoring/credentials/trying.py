"""Asking a device with a credential, stored or as it stands in the form."""

from __future__ import annotations

import ipaddress
import time
from typing import Any

import msgspec

from mainstay.kernel import verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.late import asyncssh
from mainstay.kernel.validation import BadValue, read
from mainstay.modules.monitoring.commands import hostkeys, inventory, said, shell, winrm
from mainstay.modules.monitoring.credentials import service, web
from mainstay.modules.monitoring.credentials.resource import LOGINS, behaviour, check, credentials, kept
from mainstay.modules.monitoring.credentials.service import Login
from mainstay.modules.monitoring.credentials.tables import SNMP_V2C, SSH, WINDOWS
from mainstay.modules.monitoring.mibs.values import shown
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.client import Client, SnmpError

SYSTEM = {"sys_descr": 1, "sys_object_id": 2, "sys_up_time": 3, "sys_name": 5, "sys_location": 6}


class TestInput(msgspec.Struct, kw_only=True):
    """The device to ask, and what to try: values over those stored, so that a form can be tried before it is saved.

    ``host_key``: the fingerprint of an SSH server's key that is accepted; ``path``: what to ask for by HTTP."""

    address: str = ""
    id: str = ""
    kind: str = ""
    port: int | None = None
    timeout: float | None = None
    retries: int | None = None
    username: str | None = None
    auth_protocol: str | None = None
    privacy_protocol: str | None = None
    trust_new: bool | None = None
    community: str | None = None
    auth_password: str | None = None
    privacy_password: str | None = None
    password: str | None = None
    private_key: str | None = None
    passphrase: str | None = None
    enable_password: str | None = None
    token: str | None = None
    host_key: str = ""
    path: str = "/"


class TestResult(msgspec.Struct, kw_only=True):
    """Whether the device answered, and what it says of itself. ``host_key``: fingerprint of an SSH server's key that
    nobody has accepted yet; ``known_key``: that of the one that is trusted instead, and ``port`` where."""

    ok: bool
    msg: str
    address: str
    milliseconds: float
    system: dict[str, str]
    host_key: str = ""
    known_key: str = ""
    port: int = 0


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
    stored: dict[str, Any] = {}
    if body.id:
        row = await verbs.entity_of(ctx, credentials, body.id)
        values, secrets = service.values_of(row), service.opened(ctx, row)
        stored = dict(values)
    given = {name: value for name, value in msgspec.to_builtins(body).items() if value not in (None, "")}
    for name in service.NAMES:
        if name in given:
            try:
                values[name] = read(credentials.fields[name], given[name])
            except BadValue as bad:
                raise Invalid.field(name, str(bad)) from None
    told = behaviour.given(given)
    if stored and stored["kind"] != values["kind"] and {stored["kind"], values["kind"]} & set(LOGINS):
        # What was given for one kind is not sent by another: by HTTP everybody on the way could read it.
        secrets = {}
    held = kept(secrets, told)
    secrets.update(told)
    check(values, secrets)
    address = await service.allowed(ctx, body.address)
    if values["kind"] in LOGINS and held:
        # A stored password goes where it was meant to go, whoever tries it.
        values |= {name: stored[name] for name in ("port", "trust_new")}
        scope = service.spans(stored["scope"])
        if scope and not service.inside(ipaddress.ip_address(address), scope):
            raise Invalid.field("address", f"The credential is not for {address}.")
    started = time.perf_counter()
    if values["kind"] in LOGINS:
        result = await _logged_in(ctx, address, service.login_of(values, secrets), body)
    else:
        result = await _snmp(address, values, secrets)
    result.milliseconds = (time.perf_counter() - started) * 1000
    return result


async def _snmp(address: str, values: dict[str, Any], secrets: dict[str, str]) -> TestResult:
    access = await service.access_of(values, secrets)
    system: dict[str, str] = {}
    try:
        async with Client(address, access) as device:
            names = [(1, 3, 6, 1, 2, 1, 1, number, 0) for number in SYSTEM.values()]
            answer = await device.get(names)
    except SnmpError as error:
        return _failed(address, str(error))
    for label, (_name, tag, content) in zip(SYSTEM, answer, strict=False):
        if tag not in ber.EXCEPTIONS:
            system[label] = shown(None, tag, content)
    heard = system.get("sys_name") or address
    return TestResult(ok=True, msg=f"{heard} answered.", address=address, milliseconds=0, system=system)


def _failed(address: str, why: str, host_key: str = "") -> TestResult:
    return TestResult(ok=False, msg=why, address=address, milliseconds=0, system={}, host_key=host_key)


async def _logged_in(ctx: Context, address: str, login: Login, body: TestInput) -> TestResult:
    if login.kind == SSH:
        try:
            return await _ssh(ctx, address, login, body.host_key.strip())
        except shell.WrongKey:
            return await _other_key(ctx, address, login.port)
        except shell.ShellError as error:
            return _failed(address, str(error))
    if login.kind in WINDOWS:
        try:
            device = said.device(await winrm.look(address, login, parts=False, seconds=login.seconds))
        except winrm.WinError as error:
            return _failed(address, str(error))
        return TestResult(ok=True, msg=f"{device.host_name or address} let {login.username} in.", address=address,
                          milliseconds=0, system=device.shown())  # fmt: skip
    try:
        seen = await web.look(address, login, body.path)
    except web.WebError as error:
        return _failed(address, str(error))
    system = {"status": str(seen.status), "server": seen.server, "title": seen.title}
    msg = f"{address} let {login.username or 'the token'} in." if seen.proven else (
        f"{address} answers without a log-in, too: whether it would take this one is not known. Ask for a path that "
        "needs one.")  # fmt: skip
    return TestResult(ok=True, msg=msg, address=address, milliseconds=0,
                      system={name: text for name, text in system.items() if text})  # fmt: skip


async def _ssh(ctx: Context, address: str, login: Login, accepted: str) -> TestResult:
    known = (await hostkeys.known(ctx, [address])).get((address, login.port))
    key = asyncssh.import_public_key(known) if known else await shell.host_key(address, login.port)
    if not known:
        fingerprint = key.get_fingerprint()
        if accepted != fingerprint and not login.trust_new:
            return _failed(
                address, f"The host key of {address} is not known yet. Nothing secret was sent. Compare {fingerprint} "
                "with the device, and accept it.", fingerprint,
            )  # fmt: skip
    heard = await inventory.read(address, login.port, login.username, login.secrets, key, software=False,
                                 parts=False, patience=login.seconds)  # fmt: skip
    if not known:
        async with ctx.platform.work(ctx.organization, ctx.principal, request_id=ctx.request_id) as keeping:
            await hostkeys.keep(keeping, address, login.port, key)
    device = said.device(heard)
    return TestResult(ok=True, msg=f"{device.host_name or address} let {login.username} in.", address=address,
                      milliseconds=0, system=device.shown())  # fmt: skip


async def _other_key(ctx: Context, address: str, port: int) -> TestResult:
    """What a person has to decide when a device shows another key than the one that is trusted."""
    known = asyncssh.import_public_key((await hostkeys.known(ctx, [address]))[address, port]).get_fingerprint()
    shown = (await shell.host_key(address, port)).get_fingerprint()
    result = _failed(
        address, f"{address} shows the host key {shown} instead of {known}, which is trusted. Somebody may listen in; "
        "nothing secret was sent. If the device was replaced or installed anew, forget the key that is trusted.", shown,
    )  # fmt: skip
    result.known_key, result.port = known, port
    return result
