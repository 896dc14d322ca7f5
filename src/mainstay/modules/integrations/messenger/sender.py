"""The sender: delivers what is in the outbox as long as the process runs; several processes share the work."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel import outgoing
from mainstay.kernel.platform import Platform
from mainstay.kernel.services import Service, cancelled
from mainstay.modules.integrations.messenger import beep, digest, engine, outbox
from mainstay.modules.integrations.messenger.delivery import Deliver, Outcome, delivering
from mainstay.modules.integrations.messenger.outbox import Run
from mainstay.modules.integrations.messenger.tables import BEEP, EMAIL, Notification

log = structlog.get_logger("mainstay.notifications")
WIDTH = 16
"""Targets that are worked at once."""
BATCH = 20
"""Messages of one target that are taken at once."""
LEASE = timedelta(seconds=150)
"""After a crash the messages that were under way are tried again when this is over."""


class Sender(Service):
    """Claims targets, delivers their messages in order, notes what came of each."""

    def __init__(
        self,
        platform: Platform,
        *,
        poll: float = 1.0,
        lease: timedelta = LEASE,
        width: int = WIDTH,
        first_pause: float = engine.FIRST_PAUSE,
    ) -> None:
        super().__init__(platform)
        self.poll, self.lease, self.width, self.first_pause = poll, lease, width, first_pause
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._running: dict[asyncio.Task[None], Run] = {}
        self._cleaned: datetime | None = None

    async def start(self) -> None:
        self.platform.memory["notifications"] = self._wake.set
        self._task = asyncio.create_task(self.run(), name="notifications")

    async def stop(self) -> None:
        """Finish the messages that are under way; the rest waits in the outbox."""
        self.platform.memory.pop("notifications", None)
        await cancelled(self._task)
        if self._running:
            _done, late = await asyncio.wait(self._running, timeout=5)
            runs = [self._running[task] for task in late]
            await cancelled(*late)
            for run in runs:
                await outbox.release(self.platform, run)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            try:
                if await self.step():
                    continue
            except SQLAlchemyError as error:
                log.warning("messages wait for the database", error=str(error)[:200])
            with suppress(TimeoutError):
                async with asyncio.timeout(self.poll):
                    await self._wake.wait()

    async def step(self) -> int:
        """Start what can be started now; how many targets were taken."""
        await outbox.settle_mail(self.platform)
        if self._cleaned is None or self.platform.now() - self._cleaned > timedelta(hours=1):
            self._cleaned = self.platform.now()
            await outbox.clean(self.platform)
        free = self.width - len(self._running)
        if free <= 0 or not await outbox.any_due(self.platform):
            return 0
        await digest.release_due(self.platform)
        runs = await outbox.claim(self.platform, free, BATCH, self.lease)
        for run in runs:
            task = asyncio.create_task(self._work(run))
            self._running[task] = run
            task.add_done_callback(self._ended)
        return len(runs)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("a target failed", error=repr(task.exception())[:500])
        self._wake.set()

    async def _work(self, run: Run) -> None:
        try:
            await self._deliver(run)
        except SQLAlchemyError as error:
            log.warning("messages wait for the database", error=str(error)[:200])
        else:
            return
        # The claim ends by itself where even this is not possible.
        with suppress(SQLAlchemyError):
            await outbox.release(self.platform, run)

    async def _deliver(self, run: Run) -> None:
        kind, channel = run.notes[0].kind, run.channel
        if channel is not None and not channel.enabled:
            await self._refuse(run, f"The channel {channel.name} is switched off.")
        elif kind == EMAIL:
            await outbox.hand_over(self.platform, run)
        elif kind == BEEP:
            for message in run.notes:
                await outbox.note(self.platform, run, message, await beep.push(self.platform, run, message), 0)
        elif channel is None:
            await self._refuse(run, "The channel was deleted.")
        else:
            async with self.platform.work(run.organization, write=False) as ctx:
                policy = await outgoing.policy_of(ctx)
            async with delivering(self.platform.vault, channel, policy) as deliver:
                await self._in_order(run, deliver)

    async def _refuse(self, run: Run, why: str) -> None:
        for message in run.notes:
            await outbox.note(self.platform, run, message, Outcome(False, error=why), 0)

    async def _in_order(self, run: Run, deliver: Deliver) -> None:
        claimed = run.until - self.lease
        for message in run.notes:
            if self.platform.now() > claimed + self.lease / 2:
                break
            outcome = await self._attempt(deliver, message)
            # No secret depends on this chance.
            wait = engine.pause(message.attempts + 1, random.random(), self.first_pause)  # noqa: S311
            if await outbox.note(self.platform, run, message, outcome, wait) == "queued":
                return  # it is its turn again later, and the others wait behind it
        await outbox.release(self.platform, run)

    async def _attempt(self, deliver: Deliver, message: Notification) -> Outcome:
        try:
            return await deliver(message)
        except Exception as error:
            # One message that cannot be delivered must not stop the ones behind it.
            log.exception("delivery failed", id=message.id)
            return Outcome(False, retry=True, error=f"{type(error).__name__}: {error}"[:500])
