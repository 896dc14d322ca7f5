"""Log lines as raw events: only those that a rule may know, or that are bad enough by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.eventrules import severity
from mainstay.modules.monitoring.events.setup import Setup

if TYPE_CHECKING:
    import polars


class Relays:
    """Senders that pass on the lines of others: those that send under several names, and this machine itself.

    What a relay sends is about the device that the line names, not about the address it came from.
    """

    MOST = 100_000

    def __init__(self) -> None:
        self._host: dict[tuple[str, str], str] = {}
        self._relays: set[tuple[str, str]] = set()

    def learn(self, organization: str, pairs: Iterable[tuple[str, str]]) -> None:
        """Note under which names addresses send: ``(address, host)`` each."""
        if len(self._host) > self.MOST:
            self._host.clear()
        for source, host in pairs:
            if host and host != source and self._host.setdefault((organization, source), host) != host:
                self._relays.add((organization, source))

    def __contains__(self, sender: tuple[str, str]) -> bool:
        return sender in self._relays or sender[1] in ("127.0.0.1", "::1")


NEEDED = ("id", "received", "source", "host", "ci", "severity", "app", "procid", "message", "raw")


def raw_events(lines: polars.DataFrame, organization: str, setup: Setup, relays: Relays) -> list[RawEvent]:
    """The lines of one organization that are worth a look by the rules.

    What devices call the sender's program is a part of the message to the rules: network devices put their mnemonic
    there, hosts the daemon's name.
    """
    import polars as pl

    app = pl.col("app").cast(pl.String)
    named = (app != "") & (app != "-") & ~pl.col("message").str.starts_with("%")
    process = pl.when(pl.col("procid") != "").then(pl.concat_str(app, pl.lit("["), pl.col("procid"), pl.lit("]: ")))
    prefix = pl.when(named).then(process.otherwise(pl.concat_str(app, pl.lit(": ")))).otherwise(pl.lit(""))
    mine = lines.filter(pl.col("organization").cast(pl.String) == organization).select(NEEDED)
    relays.learn(organization, mine.select(pl.col("source", "host").cast(pl.String)).unique().iter_rows())
    texts = mine.with_columns(pl.concat_str(prefix, pl.col("message")).alias("text"))
    wanted = setup.rules.sieve(texts["text"])
    if setup.unknown_level >= 0:
        wanted = wanted | (texts["severity"] <= setup.unknown_level)
    found: list[RawEvent] = []
    for row in texts.filter(wanted).iter_rows(named=True):
        # Not by the relay's address: equal problems of two devices behind it are two problems.
        passed_on = row["host"] not in ("", row["source"]) and (organization, row["source"]) in relays
        bad = setup.unknown_level >= 0 and row["severity"] <= setup.unknown_level
        found.append(
            RawEvent(
                organization=organization, source="syslog", at=row["received"], message=row["text"],
                address="" if passed_on else row["source"], host=row["host"], ci="" if passed_on else row["ci"],
                raw=row["raw"] or row["text"],
                reference=str(row["id"]), extra={"unknown_severity": severity.of_syslog(row["severity"])}
                if bad else {"drop_unknown": True},
            )
        )  # fmt: skip
    return found
