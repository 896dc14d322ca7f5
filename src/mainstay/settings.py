"""Every setting of an installation, typed and read once from ``MAINSTAY_*`` environment variables.

Organization-level choices (password policy, auto-close days, ...) are rows in the database, not settings: see
``kernel.options``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

PREFIX = "MAINSTAY_"


class SettingError(ValueError):
    """A ``MAINSTAY_*`` variable that cannot be read; the text names it and says what is expected."""


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The installation's settings. ``Settings.load()`` reads the environment."""

    data_dir: Path = _setting(
        Path("data"), "Folder of everything that is kept: database, telemetry, files, secret key."
    )
    database_url: str = _setting(
        "",
        "Relational database. Empty: SQLite in the data folder. PostgreSQL: postgresql://user:password@host/name",
    )
    telemetry_url: str = _setting(
        "", "ClickHouse DSN. Empty: the embedded engine in the data folder (one process only)."
    )
    http_host: str = _setting("127.0.0.1", "Address the HTTP server listens on.")
    http_port: int = _setting(8000, "Port of the HTTP server.")
    domain: str = _setting("", "Domain under which organizations are host names: <organization>.<domain>.")
    public_url: str = _setting("", "The URL people use, for links in e-mails. Empty: http://host:port.")
    secure_cookies: bool = _setting(False, "Send the session cookie over HTTPS only. Turn on behind TLS.")
    trusted_proxies: str = _setting("", "Comma-separated proxy addresses whose X-Forwarded-For is believed.")
    log_level: str = _setting("info", "debug, info, warning or error.")
    log_format: str = _setting("auto", "json, text, or auto (text on a terminal).")
    secret_key: str = _setting("", "32 bytes, base64. Empty: a file in the data folder, made at the first start.")
    session_hours: int = _setting(12, "Hours after which an unused session or token ends.")
    max_body_mb: int = _setting(64, "Largest request body, in MiB.")
    max_attachment_mb: int = _setting(25, "Largest single attachment, in MiB.")
    attachment_types: str = _setting(
        "image/*,text/plain,text/csv,application/pdf,application/json,application/zip,application/gzip,"
        "application/msword,application/vnd.ms-excel,application/vnd.openxmlformats-officedocument.*,"
        "application/vnd.oasis.opendocument.*,message/rfc822,application/octet-stream,video/mp4,audio/mpeg",
        "Comma-separated content types accepted as attachments; * at the end matches the rest.",
    )
    smtp_host: str = _setting("", "Mail server for invitations and notices. Empty: e-mails wait in the outbox.")
    smtp_port: int = _setting(587, "Port of the mail server.")
    smtp_user: str = _setting("", "User name at the mail server.")
    smtp_password: str = _setting("", "Password at the mail server.")
    smtp_tls: str = _setting("starttls", "starttls, tls or none.")
    mail_from: str = _setting("mainstay@localhost", "Sender of e-mails.")
    database_pool: int = _setting(8, "Open connections to the relational database per process.")
    worker: bool = _setting(True, "Whether `serve` also runs the background jobs.")
    intake_host: str = _setting("", "Address that syslog and traps are received on. Empty: as http_host.")
    syslog_port: int = _setting(5514, "Port for syslog, UDP and TCP. 0: off.")
    syslog_tls_port: int = _setting(6514, "Port for syslog over TLS. 0: off.")
    syslog_tls_cert: str = _setting(
        "", "Certificate file (PEM) for syslog over TLS. Empty: one made at the first start, in the data folder."
    )
    syslog_tls_key: str = _setting("", "Private key file (PEM) of that certificate.")
    syslog_tls_client_ca: str = _setting(
        "", "File with the authorities (PEM) whose client certificates syslog senders over TLS must show. Empty: none."
    )
    syslog_source_limit: int = _setting(
        50_000, "Syslog lines a second taken from one UDP sender; what is beyond is counted, not stored. 0: no limit."
    )
    trap_port: int = _setting(1162, "UDP port for SNMP traps and informs. 0: off.")
    trap_source_limit: int = _setting(
        5_000, "Traps a second taken from one sender; what is beyond is counted, not stored. 0: no limit."
    )
    trap_days: int = _setting(90, "Days received traps are kept.")
    log_days: int = _setting(30, "Days log lines are kept.")
    log_max_gb: int = _setting(50, "Disk space for log lines, in GiB: beyond it the oldest go. 0: no limit.")
    geo_database: str = _setting(
        "", "Comma-separated MaxMind DB files (.mmdb: city, country, ASN) for the geo stage of log pipelines."
    )
    polling: bool = _setting(True, "Whether this process polls devices, where it works at all: one process should.")
    metric_days: int = _setting(14, "Days single measurements are kept.")
    metric_5m_days: int = _setting(90, "Days their five-minute summaries are kept.")
    metric_1h_days: int = _setting(730, "Days their hourly summaries are kept.")
    server_url: str = _setting("", "Of a collector: the address of its server, such as https://mainstay.example.com.")
    collector_token: str = _setting("", "Of a collector: the token that the server showed when it was added.")
    collector_ca: str = _setting(
        "", "Of a collector: file with the authorities (PEM) that sign its server's certificate. Empty: the system's."
    )
    collector_plain: bool = _setting(
        False, "Of a collector: whether its server may be an http:// address elsewhere than on this machine."
    )
    collector_spool_mb: int = _setting(
        2048, "Of a collector: disk space for what waits while the server is away, in MiB."
    )
    access_log_days: int = _setting(30, "Days the API access log is kept.")
    event_history_days: int = _setting(365, "Days the single occurrences of events are kept.")

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Settings from the environment, then from ``overrides``.

        Raises ``SettingError`` for a value of the wrong type or an unknown ``MAINSTAY_*`` name.
        """
        environ = os.environ if environ is None else environ
        known = {PREFIX + item.name.upper(): item for item in fields(cls)}
        values: dict[str, Any] = {}
        for name, raw in environ.items():
            if not name.startswith(PREFIX):
                continue
            if name not in known:
                raise SettingError(f"{name} is not a setting. `mainstay settings` lists them.")
            item = known[name]
            values[item.name] = _read(name, raw, item.default)
        values.update(overrides)
        return cls(**values)

    @property
    def sqlalchemy_url(self) -> str:
        """The database URL with the async driver named."""
        if not self.database_url:
            return f"sqlite+aiosqlite:///{self.data_dir.resolve() / 'mainstay.db'}"
        scheme, _, rest = self.database_url.partition("://")
        driver = {
            "sqlite": "sqlite+aiosqlite",
            "postgresql": "postgresql+asyncpg",
            "postgres": "postgresql+asyncpg",
        }
        return f"{driver.get(scheme, scheme)}://{rest}"

    @property
    def sync_database_url(self) -> str:
        """The same database for a blocking driver (jobs, migrations)."""
        url = self.sqlalchemy_url
        return url.replace("sqlite+aiosqlite", "sqlite").replace("postgresql+asyncpg", "postgresql+psycopg")

    @property
    def clickhouse_dsn(self) -> str:
        """DSN for ``clickhouse_connect.get_client``."""
        return self.telemetry_url or f"chdb:///{self.data_dir.resolve() / 'telemetry'}"

    @property
    def base_url(self) -> str:
        """Where people reach the console, without a trailing slash."""
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")

    @property
    def is_sqlite(self) -> bool:
        return self.sqlalchemy_url.startswith("sqlite")


def _read(name: str, raw: str, default: Any) -> Any:
    try:
        if isinstance(default, bool):
            return {
                "1": True,
                "true": True,
                "yes": True,
                "on": True,
                "0": False,
                "false": False,
                "no": False,
                "off": False,
            }[raw.strip().lower()]
        if isinstance(default, int):
            return int(raw)
    except (KeyError, ValueError):
        kind = "true or false" if isinstance(default, bool) else "a whole number"
        raise SettingError(f"{name} must be {kind}, not {raw!r}.") from None
    return Path(raw) if isinstance(default, Path) else raw


def describe() -> list[tuple[str, str, str]]:
    """``(variable, default, meaning)`` of every setting, for the CLI and the documentation."""
    return [
        (
            PREFIX + item.name.upper(),
            "" if item.default is MISSING else str(item.default),
            item.metadata["help"],
        )
        for item in fields(Settings)
    ]
