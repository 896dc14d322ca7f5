"""What a collector has to do, and whether it is there at all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel import options
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.services import Service, cancelled
from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.collectors import service
from mainstay.modules.monitoring.collectors.engine import site_of
from mainstay.modules.monitoring.collectors.tables import NEW, OFFLINE, ONLINE, Collector
from mainstay.modules.monitoring.collectors.wire import DeviceAccess, LoginAccess, PolledDevice, Work
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.credentials.tables import SSH, WINDOWS, Credential
from mainstay.modules.monitoring.discovery import remote
from mainstay.modules.monitoring.polling.tables import Polled

if TYPE_CHECKING:
    import asyncio

    from mainstay.kernel.platform import Platform

log = structlog.stdlib.get_logger("mainstay.collectors")
AWAY = timedelta(seconds=60)
"""A collector reports every ten seconds: after so long without a word it is offline."""
LOOK_SECONDS = 10.0


async def of(ctx: Context, collector: Collector, *, secrets: bool) -> Work:
    """The work of a collector; without ``secrets``, only that which needs none."""
    sites = await service.sites(ctx)
    (text,) = await options.get(ctx, credentials.ALLOWED)
    permitted = credentials.spans(str(text), "address")
    query = select(Polled).where(Polled.enabled.is_(True), Polled.ci.in_(select(Ci.id))).order_by(Polled.ci)
    devices = []
    for row in (await ctx.session.execute(query)).scalars():
        site = site_of(row.address, sites)
        if site is None or site.id != collector.id:
            continue
        try:
            address = credentials.spans(row.address, "address")[0][0]
        except (Invalid, IndexError):
            continue
        if credentials.inside(address, permitted):
            devices.append(PolledDevice(
                ci=row.ci, address=row.address, credential=row.credential if row.snmp and secrets else "",
                ping=row.ping, interval=row.interval, asked_at=row.asked_at.timestamp() if row.asked_at else 0,
            ))  # fmt: skip
    scans = await remote.scans(ctx, collector.id, permitted)
    ordered = scans if secrets else []
    wanted = sorted(
        {*(device.credential for device in devices), *(way[0] for one in ordered for way in one.ways)} - {""}
    )
    note = "" if secrets or not (devices or scans) else (
        "Credentials are handed out over TLS only: use an https:// address. Where a proxy ends TLS on another machine, "
        "name it in MAINSTAY_TRUSTED_PROXIES."
    )  # fmt: skip
    accounts = sorted({account[0] for one in ordered for account in one.accounts})
    return Work(id=collector.id, name=collector.name, devices=devices, credentials=await _opened(ctx, wanted),
                note=note, scans=ordered, logins=await _logins(ctx, accounts))  # fmt: skip


async def _opened(ctx: Context, wanted: list[str]) -> dict[str, DeviceAccess]:
    found: dict[str, DeviceAccess] = {}
    if not wanted:
        return found
    query = credentials.active().where(Credential.id.in_(wanted))
    for row in (await ctx.session.execute(query)).scalars():
        try:
            secrets = credentials.opened(ctx, row)
        except Conflict as error:
            log.error("a credential cannot be handed to a collector", credential=row.name, error=str(error)[:200])
            continue
        # What polling needs: writing to devices is not a collector's work.
        found[row.id] = DeviceAccess(
            version=credentials.VERSIONS[row.kind], port=row.port or 161, timeout=row.timeout or 2.0,
            retries=2 if row.retries is None else row.retries, community=secrets.get("community", ""),
            username=row.username or "", auth_protocol=row.auth_protocol or "",
            auth_password=secrets.get("auth_password", ""), privacy_protocol=row.privacy_protocol or "",
            privacy_password=secrets.get("privacy_password", ""),
        )  # fmt: skip
    return found


async def _logins(ctx: Context, wanted: list[str]) -> dict[str, LoginAccess]:
    found: dict[str, LoginAccess] = {}
    query = credentials.active((SSH, *WINDOWS)).where(Credential.id.in_(wanted))
    for row in (await ctx.session.execute(query)).scalars() if wanted else ():
        try:
            login = credentials.login_of(credentials.values_of(row), credentials.opened(ctx, row))
        except Conflict as error:
            log.error("a credential cannot be handed to a collector", credential=row.name, error=str(error)[:200])
            continue
        found[row.id] = LoginAccess(kind=login.kind, port=login.port, username=login.username, secrets=login.secrets,
                                    seconds=login.seconds, trust_new=login.trust_new)  # fmt: skip
    return found


async def came_back(platform: Platform, organization: str, collector: str, name: str, before: str) -> None:
    """Say that a collector is there again."""
    log.info("collector online", collector=name)
    if before != NEW:
        await _tell(platform, organization, collector, name, clear=True)


async def _tell(platform: Platform, organization: str, collector: str, name: str, *, clear: bool) -> None:
    text = f"The collector {name} is back." if clear else (
        f"The collector {name} has not been heard of for a minute: nothing comes from its site.")  # fmt: skip
    event = RawEvent(
        organization=organization, source="collector", at=platform.now(), message=text, host=name,
        severity=None if clear else 2, event_class="Availability | Collector Offline", key=f"collector/{collector}",
        clear=clear,
    )  # fmt: skip
    try:
        await RAW_EVENTS.publish(platform, [event])
    except Exception as error:
        log.error("an event of a collector was not taken", error=str(error)[:300])


async def look(platform: Platform) -> None:
    """Note which collectors are not heard of any more, and say so once."""
    now = platform.now()
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = select(Collector.organization, Collector.id, Collector.name).where(
            Collector.state == ONLINE, Collector.last_seen < now - AWAY
        )
        silent = (await ctx.session.execute(query)).all()
    for row in silent:
        async with platform.work(row.organization) as ctx:
            gone = update(Collector).where(
                Collector.id == row.id, Collector.state == ONLINE, Collector.last_seen < now - AWAY
            ).values(state=OFFLINE)  # fmt: skip
            noted = await ctx.session.execute(gone.execution_options(synchronize_session=False))
        # Of several processes that look, one says so.
        if noted.rowcount:  # type: ignore[attr-defined]
            log.warning("collector offline", collector=row.name)
            await _tell(platform, row.organization, row.id, row.name, clear=False)


class CollectorWatch(Service):
    """Looks after the collectors as long as the process works."""

    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        import asyncio

        async def run() -> None:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                try:
                    await look(self.platform)
                except SQLAlchemyError as error:
                    log.warning("collectors not looked after", error=str(error)[:300])

        self._task = asyncio.create_task(run(), name="collectors")

    async def stop(self) -> None:
        await cancelled(self._task)
