"""Discovery at the site: the addresses that the server ordered, asked with the same code, the answers spooled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from mainstay.collector.spool import Full, Spool
from mainstay.modules.monitoring.collectors.wire import Scan, Work
from mainstay.modules.monitoring.credentials.service import spans
from mainstay.modules.monitoring.discovery import asking
from mainstay.modules.monitoring.discovery.asking import KIND, Account, Envelope, Heard, How, Way
from mainstay.modules.monitoring.templates.library import shipped

log = structlog.stdlib.get_logger("mainstay.collector")
NO_CREDENTIAL = "the collector was not given it"


class Scanning:
    """Orders that are under way."""

    def __init__(self, spool: Spool, told: Callable[[], None]) -> None:
        self._spool = spool
        self._told = told
        self._scans: dict[str, asyncio.Task[None]] = {}
        self.unkept = 0
        """Answers that the spool had no room for."""

    @property
    def busy(self) -> bool:
        """Whether the server waits for something."""
        return bool(self._scans)

    async def take_over(self, work: Work) -> None:
        """What is ordered from now on. One that is under way goes on; one that is not wanted any more ends."""
        wanted = {scan.id: scan for scan in work.scans}
        for name in [name for name in self._scans if name not in wanted]:
            self._scans.pop(name).cancel()
        for name, scan in wanted.items():
            if name not in self._scans:
                how = await asyncio.to_thread(_how, scan, work)
                self._scans[name] = asyncio.create_task(self._one(scan, how), name=f"scan-{name}")

    async def _one(self, scan: Scan, how: How) -> None:
        async def take(heard: Heard) -> None:
            made = Envelope(scan=scan.id, address=heard.address, heard=asking.encoded(heard))
            try:
                await asyncio.to_thread(self._spool.append, KIND, msgspec.msgpack.encode(made))
                self._told()
            except Full:
                self.unkept += 1

        try:
            await asking.ask(scan.addresses, how, take)
        except Exception as error:
            log.warning("a discovery's order was not done", scan=scan.id, exc_info=error)

    async def stop(self) -> None:
        """End what is under way; it is ordered again."""
        for task in self._scans.values():
            task.cancel()
        await asyncio.gather(*self._scans.values(), return_exceptions=True)
        self._scans.clear()


def _how(scan: Scan, work: Work) -> How:
    ways = []
    for key, name, scope in scan.ways:
        access, problem = None, NO_CREDENTIAL
        if key in work.credentials:
            try:
                access, problem = work.credentials[key].made(), ""
            except (KeyError, ValueError) as error:
                problem = str(error)[:200]
        ways.append(Way(key, name, spans(scope), access, problem))
    accounts = []
    for key, name, scope in scan.accounts:
        login = work.logins[key].made() if key in work.logins else None
        accounts.append(Account(key, name, spans(scope), login, "" if login else NO_CREDENTIAL))
    keys = {(address, port): trusted for address, port, trusted in scan.keys}
    return How(ways, shipped(), scan.params, scan.protocols, scan.tables, scan.insist, accounts, keys)
