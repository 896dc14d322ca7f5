"""A batch of addresses: what a run needs to know to ask them, and what follows from what each answered.

Nothing is stored here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainstay.kernel import options
from mainstay.kernel.context import Context
from mainstay.kernel.errors import ApiError
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.cmdb.facts import Facts
from mainstay.modules.monitoring.commands import hostkeys, said
from mainstay.modules.monitoring.commands.said import Device
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.credentials.service import ALLOWED, Address, Span, spans
from mainstay.modules.monitoring.credentials.tables import SNMP as SNMP_KINDS
from mainstay.modules.monitoring.credentials.tables import SSH as SSH_KIND
from mainstay.modules.monitoring.credentials.tables import WINDOWS, Credential
from mainstay.modules.monitoring.discovery import banners, describing, leads, reading, surroundings
from mainstay.modules.monitoring.discovery.asking import Account, Heard, How, Way, ask
from mainstay.modules.monitoring.discovery.leads import Lead
from mainstay.modules.monitoring.discovery.ping import CANNOT
from mainstay.modules.monitoring.discovery.tables import ICMP, SNMP, SSH, TCP, WINRM
from mainstay.modules.monitoring.discovery.targets import why_not
from mainstay.modules.monitoring.templates import service as templates
from mainstay.modules.monitoring.templates.engine import Identity, Library
from mainstay.modules.monitoring.topology.engine import Evidence

LOG_INS = {SSH: (SSH_KIND,), WINRM: WINDOWS}
"""Protocols by which a device is logged in to, and the kinds of credentials for each."""
FOUND, ALIVE = "found", "alive"
SILENT = (
    "It does not answer ICMP, and only addresses that do are asked further (filter_by_ping).",
    "It answers neither ICMP nor at a TCP port, and only addresses that do are asked further (filter_by_ping).",
)
REASONS = {
    "excluded": "It is among the addresses that this discovery leaves out.",
    "not_allowed": "It is outside the networks whose devices may be asked (settings, Devices).",
    "no_answer": "Nothing answered there.",
}


@dataclass(slots=True)
class Setup:
    """What a batch needs to know from the database."""

    ways: list[Way]
    permitted: list[Span]
    excluded: list[Span]
    library: Library
    categories: frozenset[str]
    params: Mapping[str, Any]
    protocols: Sequence[str]
    follow: Sequence[str] = ()
    """Which tables lead on, in a discovery with seeds."""
    insist: bool = False
    """Ask also what does not answer echo requests."""
    accounts: Sequence[Account] = ()
    keys: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def how(self) -> How:
        """What asking needs of it."""
        return How(self.ways, self.library, self.params, self.protocols, reading.wanted(self.params, self.follow),
                   self.insist, self.accounts, self.keys)  # fmt: skip


@dataclass(slots=True)
class Look:
    """What came of asking one address."""

    address: str
    position: int
    result: str
    reason: str = ""
    rtt: float | None = None
    open_ports: list[int] = field(default_factory=list)
    ssh: dict[str, str] = field(default_factory=dict)
    depth: int | None = None
    via: str = ""
    """Why it was looked at, where it was not in the ranges."""
    leads: list[Lead] = field(default_factory=list)
    credential: str = ""
    facts: Facts | None = None
    identity: dict[str, str] = field(default_factory=dict)
    neighbours: list[dict[str, str]] = field(default_factory=list)
    evidence: Evidence | None = None
    problems: list[str] = field(default_factory=list)
    met: tuple[int, str] | None = None
    """Port and SSH host key that is trusted from now on."""


async def setup(
    ctx: Context, plan: Mapping[str, Any], addresses: Sequence[str], *, follow: Sequence[str] = (),
    insist: bool = False,
) -> Setup:  # fmt: skip
    """Read what the run of this plan needs to ask these addresses."""
    rows = list((await ctx.session.execute(credentials.active((*SNMP_KINDS, SSH_KIND, *WINDOWS)))).scalars())
    if plan["credentials"]:
        order = {one: number for number, one in enumerate(plan["credentials"])}
        rows = sorted((row for row in rows if row.id in order), key=lambda row: order[row.id])
    protocols = plan["protocol"]
    if not protocols:
        # Who names an account wants it used.
        named = {row.kind for row in rows} if plan["credentials"] else set()
        protocols = [SNMP, *(each for each, kinds in LOG_INS.items() if named & set(kinds))]
    kinds = [kind for each in protocols for kind in LOG_INS.get(each, ())]
    accounts = [_account(ctx, row) for row in rows if row.kind in kinds]
    (permitted,) = await options.get(ctx, ALLOWED)
    known = await categories.classes(ctx)
    return Setup(
        ways=[await _way(ctx, row) for row in rows if row.kind in SNMP_KINDS], permitted=spans(str(permitted)),
        excluded=spans(", ".join(plan["params"]["exclude_ip_address"])), library=await templates.library(ctx),
        categories=frozenset(one.name for one in known.values() if one.enabled and not one.abstract),
        params=plan["params"], protocols=protocols, follow=follow, insist=insist,
        accounts=accounts, keys=await hostkeys.known(ctx, addresses) if accounts else {},
    )  # fmt: skip


async def _way(ctx: Context, row: Credential) -> Way:
    try:
        access = await credentials.access_of(credentials.values_of(row), credentials.opened(ctx, row))
    except ApiError as error:
        return Way(row.id, row.name, spans(row.scope), None, str(error))
    return Way(row.id, row.name, spans(row.scope), access)


def _account(ctx: Context, row: Credential) -> Account:
    try:
        login = credentials.login_of(credentials.values_of(row), credentials.opened(ctx, row))
    except ApiError as error:
        return Account(row.id, row.name, spans(row.scope), None, str(error))
    return Account(row.id, row.name, spans(row.scope), login)


async def look(given: Sequence[tuple[int, Address]], known: Setup) -> list[Look]:
    """Ask the addresses; the outcome of each, in their order."""
    looks = barred(given, known)
    heard: dict[str, Heard] = {}

    async def take(one: Heard) -> None:
        heard[one.address] = one

    await ask([one.address for one in looks if not one.result], known.how(), take)
    return await judged(looks, heard, known)


def barred(given: Sequence[tuple[int, Address]], known: Setup) -> list[Look]:
    """The addresses as looks; those that must not be asked have their result."""
    return [
        Look(str(address), position, why_not(address, known.excluded, known.permitted)) for position, address in given
    ]


async def judged(looks: list[Look], heard: Mapping[str, Heard], known: Setup) -> list[Look]:
    """What follows from what was heard."""
    for one in looks:
        if one.address in heard:
            told = heard[one.address]
            # Long lists take a while to read.
            device = await asyncio.to_thread(said.device, told.said) if told.said else None
            _judge(one, told, device, known)
        one.reason = one.reason or REASONS.get(one.result, "")
    return looks


def _judge(one: Look, heard: Heard, device: Device | None, known: Setup) -> None:
    one.rtt, one.open_ports, one.ssh = heard.rtt, heard.open_ports, heard.ssh
    if heard.passed:
        one.result, one.reason = "no_answer", SILENT[TCP in known.protocols]
        return
    if not heard.able:
        one.problems.append(CANNOT)
    if SNMP in known.protocols:
        _snmp(one, heard, known)
    one.problems += heard.refused
    if device is not None:
        _shell(one, heard, device, known)
    if one.ssh.get("banner") and not one.ssh.get("host_key"):
        one.problems.append("Its SSH host key could not be read.")
    elif one.ssh.get("host_key") and one.facts is not None:
        one.facts.attributes["ssh_host_key"] = one.ssh["host_key"]
    if one.result != FOUND and _lives(one, known.protocols):
        one.result, one.problems = ALIVE, [*one.problems, *([one.reason] if one.reason else [])]
        one.reason = ""
        one.identity, one.facts = _outside(one, known)
    one.result = one.result or "no_answer"


def _lives(one: Look, protocols: Sequence[str]) -> bool:
    """Whether it answered in a way that was asked for."""
    return bool(
        (one.rtt is not None and ICMP in protocols)
        or (one.open_ports and TCP in protocols)
        or (one.ssh and SSH in protocols)
    )


def _outside(one: Look, known: Setup) -> tuple[dict[str, str], Facts]:
    """What can be told of a device that SNMP does not open: what its SSH server says."""
    identity = banners.identify(one.ssh.get("banner", ""))
    told = {"vendor": identity.vendor, "os": identity.os, "version": identity.version, "type": identity.type}
    attributes = {
        "name": one.address, "ip_address": one.address, "manufacturer": identity.vendor, "os_name": identity.os,
        "os_version": identity.version, "ssh_host_key": one.ssh.get("host_key", ""),
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}, Facts(
        ref=one.address, category=describing.category(identity, 0, known.categories),
        attributes={name: value for name, value in attributes.items() if value}, addresses=[one.address],
        guesses=["name", "ip_address", "manufacturer", "os_name", "os_version", "category"],
    )  # fmt: skip


def _shell(one: Look, heard: Heard, device: Device, known: Setup) -> None:
    """What follows from what its shell said."""
    one.result, one.met = FOUND, heard.met
    # That SNMP did not open it is no news of a device that was asked otherwise.
    one.reason, one.identity = "", device.shown()
    one.ssh = {**one.ssh, "credential": heard.account}
    identity = Identity(vendor=device.vendor, os=device.os, version=device.version, model=device.model,
                        type=device.type, serial=device.serial)  # fmt: skip
    one.facts = describing.of_shell(one.address, device, describing.category(identity, 0, known.categories))
    one.problems += device.problems
    if device.neighbours is not None:
        one.neighbours = surroundings.listed(device.neighbours)
        one.leads = leads.heard(device.neighbours, one.facts.addresses, known.follow)
        if known.params["neighbours"]:
            one.evidence = Evidence(heard=device.neighbours, partial=device.partial)


def _snmp(one: Look, heard: Heard, known: Setup) -> None:
    if not heard.fitting:
        one.result, one.reason = "no_credential", "No active credential is for this address."
        return
    answers = heard.answers
    if answers is None:
        lives = "It answers ICMP" if one.rtt is not None else "It takes TCP connections" if one.open_ports else ""
        one.result = "no_snmp" if lives else "no_answer"
        one.reason = (f"{lives}, but no credential opens it. " if lives else "Nothing answered. ") + (
            "Tried: " + "; ".join(heard.told) + "."
        )
        one.reason = one.reason[:1000]
        return
    identity = describing.identify(answers, known.library)
    one.result, one.credential = FOUND, heard.credential
    one.facts = describing.facts(one.address, answers, identity, known.categories)
    one.neighbours = surroundings.shown(answers)
    one.evidence = surroundings.evidence(answers, known.params)
    one.problems += answers.problems
    one.leads = leads.of(answers, known.follow)
    told = {"vendor": identity.vendor, "os": identity.os, "version": identity.version, "model": identity.model,
            "type": identity.type, "serial": identity.serial, "template": identity.template,
            "sys_object_id": reading.text(answers.scalars.get("sys_object_id")),
            "sys_descr": reading.text(answers.scalars.get("sys_descr"))[:500]}  # fmt: skip
    one.identity = {name: value[:500] for name, value in told.items() if value}
