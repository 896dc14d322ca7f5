"""Running a command on an item, below the Cmdb module, and the host keys that are trusted."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

import msgspec
from sqlalchemy import delete, func, or_, select

from mainstay.kernel import changes, options
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid, NotFound, TooManyRequests
from mainstay.kernel.late import asyncssh
from mainstay.kernel.operation import Group, Success
from mainstay.kernel.options import option
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.monitoring.commands import hostkeys, shell
from mainstay.modules.monitoring.commands.resource import opened, ssh_accesses
from mainstay.modules.monitoring.commands.tables import SshAccess, SshHostKey
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.credentials.tables import ACTIVE

ENABLED = option(
    "devices.run_commands", "boolean", False, "Commands may be run on devices", section="Devices",
    help="By those who hold execute on assets and on SSH accesses. Every command is in the history of the item.",
)  # fmt: skip
STARTED, ENDED = "command", "command ended"
"""What the history of an item calls them."""
LONGEST, AT_ONCE = 2000, 8
commands = Group("Cmdb", "/ux/common/cmdb/profile/")


class CommandInput(msgspec.Struct, kw_only=True):
    """The item and the command, one line. ``access``: id or name of the SSH access; else the first that is for the
    address. ``host_key``: the fingerprint that is accepted for a device that is not known yet."""

    ci_id: str
    command: str
    access: str = ""
    host_key: str = ""
    seconds: float = 30.0


class CommandDone(msgspec.Struct, kw_only=True):
    """What the command said. ``exit_status`` is null where it was ended: by a signal, because it took too long
    (``timed_out``) or said too much (``truncated``)."""

    ci_id: str
    address: str
    access: str
    command: str
    exit_status: int | None
    signal: str
    stdout: str
    stderr: str
    truncated: bool
    timed_out: bool
    host_key: str
    milliseconds: float


@commands.route("POST", "run-command/", permission=("asset", "execute"), write=False)
async def run_command(ctx: Context, body: CommandInput) -> CommandDone:
    """Run a command on an item by SSH

    An administrator switches it on in the settings. The command, who ran it and how it ended are in the history of the
    item; what it said is not kept."""
    ctx.principal.require(ssh_accesses.permission, "execute")
    (enabled,) = await options.get(ctx, ENABLED)
    if not enabled:
        raise Conflict("Running commands is switched off. An administrator can switch it on in the settings: Devices.")
    command = body.command.strip()
    if not command or len(command) > LONGEST or not command.isprintable():
        raise Invalid.field("command", f"Please provide a command: one line of at most {LONGEST} characters.")
    if not 1 <= body.seconds <= 60:
        raise Invalid.field("seconds", "seconds must be between 1 and 60.")
    item = await item_of(ctx, body.ci_id)
    if not item.ip_address:
        raise Conflict(f"{item.name} has no address.")
    address = await credentials.allowed(ctx, item.ip_address)
    access = await _access(ctx, body.access, address)
    secrets = opened(ctx, access)
    slots: asyncio.Semaphore = ctx.platform.memory.setdefault("commands", asyncio.Semaphore(AT_ONCE))
    if slots.locked():
        raise TooManyRequests(f"{AT_ONCE} commands are being run. Try again when one has ended.", 5)
    async with slots:
        trusted = await _trusted(ctx, address, access.port or 22, body.host_key)
        told = [changes.entry("command", None, command), changes.entry("access", None, access.name)]
        await _note(ctx, item.id, STARTED, told)
        began = time.perf_counter()
        try:
            done = await shell.run(
                address, access.port or 22, access.username, secrets, trusted, command, body.seconds
            )  # fmt: skip
        except shell.ShellError as error:
            await _note(ctx, item.id, ENDED, [changes.entry("error", None, str(error))])
            if isinstance(error, shell.WrongKey):
                raise Conflict(str(error), address=address) from None
            raise Invalid(str(error), address=address) from None
    took = (time.perf_counter() - began) * 1000
    ended = "timed out" if done.late else done.signal or ("too much output" if done.truncated else done.status)
    await _note(ctx, item.id, ENDED, [changes.entry("exit_status", None, ended)])
    return CommandDone(
        ci_id=item.id, address=address, access=access.name, command=command, exit_status=done.status,
        signal=done.signal, stdout=done.out, stderr=done.err, truncated=done.truncated, timed_out=done.late,
        host_key=trusted.get_fingerprint(), milliseconds=took,
    )  # fmt: skip


async def _note(ctx: Context, ci: str, action: str, entries: list[dict[str, object]]) -> None:
    """A line in the history of an item, stored at once: also when this process ends before the command does."""
    async with ctx.platform.work(ctx.organization, ctx.principal, request_id=ctx.request_id) as noting:
        await changes.record(noting, "ci", action, [(ci, 0, entries)])


async def _access(ctx: Context, given: str, address: str) -> SshAccess:
    query = select(SshAccess).where(SshAccess.status == ACTIVE).order_by(SshAccess.priority, SshAccess.id)
    if given:
        query = query.where(or_(SshAccess.id == given, func.lower(SshAccess.name) == given.lower()))
    found = list((await ctx.session.execute(query)).scalars())
    if given and not found:
        raise NotFound(f"There is no active SSH access {given[:80]!r}.")
    one = credentials.spans(address)[0][0]
    for row in found:
        held = credentials.spans(row.scope)
        if not held or credentials.inside(one, held):
            return row
    raise Conflict(f"The SSH access {given} is not for {address}." if given else f"No SSH access is for {address}.")


async def _trusted(ctx: Context, address: str, port: int, accepted: str) -> asyncssh.SSHKey:
    """The key that is trusted for an address; a new one is stored when its fingerprint was accepted."""
    known = (await hostkeys.known(ctx, [address])).get((address, port))
    if known:
        return asyncssh.import_public_key(known)
    try:
        shown = await shell.host_key(address, port)
    except shell.ShellError as error:
        raise Invalid(str(error), address=address) from None
    fingerprint = shown.get_fingerprint()
    if accepted.strip() != fingerprint:
        raise Conflict(
            f"The host key of {address} is not known yet. Compare {fingerprint} with the device, and send it as "
            "host_key to accept it.", address=address, host_key=fingerprint,
        )  # fmt: skip
    async with ctx.platform.work(ctx.organization, ctx.principal, request_id=ctx.request_id) as keeping:
        await hostkeys.keep(keeping, address, port, shown)
    return shown


host_keys = Group("Credentials", "/api/ssh-host-keys/")


class HostKey(msgspec.Struct, kw_only=True):
    """A host key that is trusted, since when, and who accepted it."""

    address: str
    port: int
    fingerprint: str
    since: datetime
    by: str


class HostKeys(msgspec.Struct, kw_only=True):
    results: list[HostKey]


@host_keys.route("GET", "", permission=("ssh_access", "view"))
async def listed(ctx: Context) -> HostKeys:
    """The host keys of devices that are trusted; the first thousand by address"""
    query = select(SshHostKey).order_by(SshHostKey.address, SshHostKey.port).limit(1000)
    return HostKeys(results=[
        HostKey(address=row.address, port=row.port, fingerprint=row.fingerprint, since=row.since, by=row.by_name)
        for row in (await ctx.session.execute(query)).scalars()
    ])  # fmt: skip


class ForgetInput(msgspec.Struct, kw_only=True):
    """Whose key is trusted no more."""

    address: str
    port: int = 22


@host_keys.route("POST", "forget/", permission=("ssh_access", "edit"))
async def forget(ctx: Context, body: ForgetInput) -> Success:
    """Trust the host key of a device no more; the next one has to be accepted"""
    gone = delete(SshHostKey).where(SshHostKey.address == body.address.strip(), SshHostKey.port == body.port)
    done = await ctx.session.execute(gone.execution_options(synchronize_session=False))
    if not getattr(done, "rowcount", 0):
        raise NotFound(f"No host key is known for {body.address[:45]} port {body.port}.")
    return Success()
