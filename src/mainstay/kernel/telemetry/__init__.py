"""The telemetry store: high-rate, append-only data on the ClickHouse engine.

The same code runs on the engine embedded in the process (``chdb``, a folder that belongs to one process) and
on a ClickHouse server (26.2 or newer), chosen by ``MAINSTAY_TELEMETRY_URL``. ``Telemetry`` opens the store
and applies migrations, ``Writer`` batches rows into it, ``search_access_log`` reads the first table that uses
it.
"""

from mainstay.kernel.telemetry.access_log import ACCESS_LOG, AccessLogRow, search_access_log
from mainstay.kernel.telemetry.migrations import register_migration, register_retention
from mainstay.kernel.telemetry.store import Telemetry, TelemetryError, TelemetryInUse
from mainstay.kernel.telemetry.writer import Writer

__all__ = [
    "ACCESS_LOG",
    "AccessLogRow",
    "Telemetry",
    "TelemetryError",
    "TelemetryInUse",
    "Writer",
    "register_migration",
    "register_retention",
    "search_access_log",
]
