"""The collector of another site."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from datetime import datetime

from rich.console import Console

from mainstay.commands.loop import run_on
from mainstay.kernel.logging import configure
from mainstay.settings import SettingError, Settings

out = Console(highlight=False, soft_wrap=True)


def collector(*, status: bool = False) -> int:
    """Receive syslog and traps and poll devices at this site, and hand all of it over to the server.

    MAINSTAY_SERVER_URL and MAINSTAY_COLLECTOR_TOKEN say where to. Runs until SIGTERM or Ctrl-C; while the server is
    away everything is kept in the data folder.

    Parameters
    ----------
    status
        Say how the collector that runs on this data folder is, and end.
    """
    settings = Settings.load()
    if status:
        return _status(settings)
    configure(settings)
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"The data folder {settings.data_dir.absolute()} cannot be made: {error.strerror}. "
                           "Choose another one with MAINSTAY_DATA_DIR.") from None  # fmt: skip
    run_on(_run(settings))
    return 0


async def _run(settings: Settings) -> None:
    from mainstay.collector.running import Running

    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def told() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    running = Running(settings)
    await running.start()
    for trouble in running.listening.troubles:
        out.print(trouble)
    out.print(f"The collector works for {settings.server_url.rstrip('/')} (stop with Ctrl-C).")
    await stop.wait()
    await running.stop()


def _status(settings: Settings) -> int:
    from mainstay.collector.running import folder_of, status_of

    found = status_of(settings)
    if found is None:
        out.print(f"No collector has run on {folder_of(settings).absolute()}.")
        return 1
    fresh = found["running"] and time.time() - found["at"] < 15
    problem = found["server_problem"]
    out.print(f"Collector   {found['name'] or '(not yet named by the server)'}, version {found['version']}")
    out.print(f"State       {'running' if fresh else 'not running'}{'' if not fresh else ', pid ' + str(found['pid'])}")
    out.print(f"Server      {problem or ('reached ' + _when(found['last_contact']))}")
    waits = f", the oldest since {_when(found['oldest'])}" if found["oldest"] else ""
    out.print(f"Backlog     {found['backlog']} segments, {found['backlog_bytes'] / 2**20:.1f} MiB{waits}")
    out.print(f"Received    {found['received']} messages; {found['lost']} lost; {found['handed_over']} segments over")
    out.print(f"Polls       {found['devices']} devices")
    for listener in found["listeners"]:
        out.print(f"Listens     {listener['name']} on {listener['port']}: {listener['received']} received")
    if found["trouble"]:
        out.print(f"Trouble     {found['trouble']}")
    return 0 if fresh and not problem else 1


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(sep=" ", timespec="seconds") if at else "never"
