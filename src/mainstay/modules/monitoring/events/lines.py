"""Log lines as raw events: only those that a rule may know, or that are bad enough by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.eventrules import severity
from mainstay.modules.monitoring.events.setup import Setup

if TYPE_CHECKING:
    import polars

NEEDED = ("id", "received", "source", "host", "ci", "severity", "app", "procid", "message", "raw")


def raw_events(lines: polars.DataFrame, organization: str, setup: Setup) -> list[RawEvent]:
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
    texts = mine.with_columns(pl.concat_str(prefix, pl.col("message")).alias("text"))
    wanted = setup.rules.sieve(texts["text"])
    if setup.unknown_level >= 0:
        wanted = wanted | (texts["severity"] <= setup.unknown_level)
    found: list[RawEvent] = []
    for row in texts.filter(wanted).iter_rows(named=True):
        bad = setup.unknown_level >= 0 and row["severity"] <= setup.unknown_level
        found.append(
            RawEvent(
                organization=organization, source="syslog", at=row["received"], message=row["text"],
                address=row["source"], host=row["host"], ci=row["ci"], raw=row["raw"] or row["text"],
                reference=str(row["id"]), extra={"unknown_severity": severity.of_syslog(row["severity"])}
                if bad else {"drop_unknown": True},
            )
        )  # fmt: skip
    return found
