"""Table of log agents."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Identifier, Record, unique

RSYSLOG, FLUENT_BIT, VECTOR, OTEL, SHELL = "rsyslog", "fluent-bit", "vector", "otel-collector", "shell"
TYPES = (
    Choice(RSYSLOG, "rsyslog"),
    Choice(FLUENT_BIT, "Fluent Bit"),
    Choice(VECTOR, "Vector"),
    Choice(OTEL, "OpenTelemetry Collector"),
    Choice(SHELL, "Shell (logger, nc, curl)"),
)
TRANSPORTS = (
    Choice("http", "HTTP"),
    Choice("tcp", "Syslog over TCP"),
    Choice("tls", "Syslog over TLS"),
    Choice("udp", "Syslog over UDP"),
)


class LogAgentConfig(Record):
    """A shipper's configuration. Its token is an API key that can only bring log lines."""

    __tablename__ = "log_agent_config"
    __table_args__ = (unique("log_agent_config", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name", required=True, search=True, unique=True, column=True, aliases=("config_name", "agent_name")
    )
    agent_type: Mapped[str] = f.choice(
        TYPES, label="Agent", required=True, column=True, aliases=("agent", "type", "log_agent")
    )
    transport: Mapped[str | None] = f.choice(
        TRANSPORTS, label="Transport", column=True, aliases=("protocol",),
        help="How lines travel. Empty: syslog over TCP for rsyslog and the shell, HTTP for the others.",
    )  # fmt: skip
    server: Mapped[str] = f.text(
        label="Server", help="Name or address under which the agent reaches this server. Empty: as people do.",
        aliases=("host", "server_host"),
    )  # fmt: skip
    files: Mapped[list[str]] = f.tags(
        label="Files",
        help="Paths of the files to follow, such as /var/log/nginx/*.log.",
        aliases=("paths", "log_files"),
    )
    journal: Mapped[bool] = f.boolean(
        default=True, label="System log", help="Send what the system itself logs.", aliases=("system_log",)
    )
    description: Mapped[str] = f.text(label="Description", length=1000, column=True)
    is_custom: Mapped[bool] = f.boolean(label="Uploaded", read_only=True, column=True)
    content: Mapped[str] = f.longtext(
        label="Own configuration", length=500_000, listed=False, filter=False, csv=False,
        help="A configuration of your own; empty: made from the fields above.", aliases=("config", "configuration"),
    )  # fmt: skip
    token_prefix: Mapped[str] = f.text(label="Token", length=16, read_only=True, help="How its token begins.")
    key: Mapped[str | None] = mapped_column(Identifier)
    format: Mapped[str] = mapped_column(String(16), default="")


def plain_defaults(agent: LogAgentConfig) -> dict[str, Any]:
    """The transport that is used where none was chosen."""
    chosen = agent.transport or ("tcp" if agent.agent_type in (RSYSLOG, SHELL) else "http")
    return {"transport": chosen}
