"""Syslog as devices write it, parsed a batch at a time: RFC 5424, RFC 3164 and what is sent under their names.

Every line becomes a row. The header is taken as far as it is understood, and the rest is the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mainstay.kernel.intake.batch import Batch
from mainstay.kernel.telemetry.arrow import pa
from mainstay.modules.logs.intake import quick
from mainstay.modules.logs.intake.clocks import AHEAD, BEHIND, CLOCK, DAY, read_clock
from mainstay.modules.logs.intake.lines import FACILITY, PAIR, SEVERITY, TIME, UNPARSED
from mainstay.modules.logs.intake.quick import MNEMONIC
from mainstay.modules.logs.intake.structured import read_structured

# Lines of RFC 5424 are told by one search and cut at their spaces: that is several times as fast as taking them apart
# with the pattern for everything else (``_HEAD``). Most lines come as far as this only with structured data: see
# ``quick``.
_IS_5424 = (
    r"^<[0-9]{1,3}>1 (?:-|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:[.][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})) "
    r"(?:[^ ]+ ){4}[-\[]"
)

_MONTH = r"[A-Z][a-z]{2}"
_TIME = r"\d{1,2}:\d\d:\d\d"
# A priority; the counters and the name that routers put before the clock; the clock, marked * or . where it is not set.
_HEAD = (
    r"(?s)^\s*(?:<(?<pri>\d{1,3})>)?\s*"
    r"(?:(?:(?<sequence>\d{1,10})?: *(?:\d{1,10}: +)?)?(?:(?<origin>[A-Za-z0-9][A-Za-z0-9_.-]*): +(?:\d{1,10}: +)?)?"
    r"(?<mark>[*.])?(?<clock>"
    rf"{_MONTH} +\d{{1,2}}(?:,? +\d{{4}})?,? +{_TIME}"
    rf"|\d{{4}} +{_MONTH} +\d{{1,2}} +{_TIME}"
    rf"|\d{{1,2}} +{_MONTH} +\d{{4}} +{_TIME}"
    rf"|\d{{4}}[-/]\d\d[-/]\d\d[Tt ]{_TIME})"
    r"(?:[.,](?<fraction>\d{1,9})\d*)?"
    r"(?<year> 20\d\d)?"
    r"(?<zone>[Zz]|[+-]\d\d:?\d\d| [+-]\d\d:?\d\d)?"
    r"(?:(?<named> [A-Z]{2,5})?(?<colon>:)|)(?:\s+|$))?"
    r"(?<rest>.*)$"
)
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.:-]*[A-Za-z0-9_.-])?"
_TAG = r"(?:(?<app>[^\s:\[\]=,\"'(){}<>]{1,64}(?:\([^\s()]{1,32}\))?)(?:\[(?<procid>[^\]\s]{1,64})\])?:(?: |$))?"
_AFTER_CLOCK = rf"(?s)^(?:(?<host>{_NAME}) +)?(?:: +)?{_TAG}(?<message>.*)$"
_AFTER_PRI = rf"(?s)^{_TAG}(?<message>.*)$"


@dataclass(slots=True, frozen=True)
class Sender:
    """What is known of the address that sent: whose lines they are, and in which time zone its clock runs."""

    address: str
    organization: str
    timezone: str = "UTC"
    ci: str = ""


def parse(batch: Batch, senders: Sequence[Sender]) -> pl.DataFrame:
    """The batch's lines as rows, in order; ``senders`` goes with ``batch.addresses``."""
    known = pl.DataFrame({
        "source": [sender.address for sender in senders], "organization": [sender.organization for sender in senders],
        "ci": [sender.ci for sender in senders],
    })  # fmt: skip
    zones = [sender.timezone for sender in senders]
    done, quickly = quick.read(batch, known, zones)
    if not done.any():
        return parse_each(batch, known, zones)
    if done.all():
        return quickly
    others = parse_each(batch.keep(~done), known, zones)
    order = np.argsort(np.concatenate([np.flatnonzero(done), np.flatnonzero(~done)]), kind="stable")
    return pl.concat([quickly, others], how="diagonal")[pl.Series(order)]


def parse_each(batch: Batch, known: pl.DataFrame, zones: Sequence[str]) -> pl.DataFrame:
    """The same by patterns, whatever the lines are."""
    frame = known.with_columns(pl.Series("own_zone", zones, dtype=pl.String))[pl.Series(batch.source)].with_columns(
        texts(batch).alias("line"),
        pl.Series("at", batch.received),
        pl.int_range(len(batch), dtype=pl.UInt32).alias("row"),
    )
    return parse_lines(frame)


def texts(batch: Batch) -> pl.Series:
    """The messages as text: UTF-8, else each byte as the character of its number. Ends of line and NULs go."""
    ends = np.zeros(len(batch) + 1, dtype=np.int64)
    ends[1:] = batch.ends
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(batch.data)]
    if batch.data.isascii():
        series = _series(pa.Array.from_buffers(pa.large_string(), len(batch), buffers))
    else:
        raw = _series(pa.Array.from_buffers(pa.large_binary(), len(batch), buffers))
        try:
            series = raw.cast(pl.String)
        except pl.exceptions.ComputeError:
            series = pl.Series([_text(message) for message in batch.messages()], dtype=pl.String)
        series = series.str.strip_prefix("\ufeff")
    if b"\x00" in batch.data:
        series = series.str.replace_all("\x00", "", literal=True)
    return series.str.strip_chars_end("\r\n")


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError:
        return message.decode("latin-1")


def _series(array: Any) -> pl.Series:
    made = pl.from_arrow(array)
    assert isinstance(made, pl.Series)
    return made


def parse_lines(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``line``, ``at`` (received, microseconds), ``row``, and what is known of the sender."""
    line = frame["line"]
    modern = line.str.contains(_IS_5424)
    parts = []
    if modern.any():
        parts.append(_modern(frame if modern.all() else frame.filter(modern)))
    if not modern.all():
        parts.append(_classic(frame.filter(~modern) if parts else frame))
    done = parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal").sort("row")
    return done.drop("row", "line", "own_zone", "at")


def _modern(frame: pl.DataFrame) -> pl.DataFrame:
    """RFC 5424: seven words, and what follows them."""
    words = frame["line"].str.splitn(" ", 7).struct
    priority, clock = words["field_0"], words["field_1"]
    # After the seconds: a fraction and Z, or an offset.
    tail = clock.str.slice(19)
    if tail.str.ends_with("Z").all():
        fraction = tail.str.strip_prefix(".").str.strip_suffix("Z")
        zone = pl.lit("Z")
    else:
        ends = tail.str.extract_groups(r"^(?:[.](?<fraction>[0-9]+))?(?<zone>.*)$").struct
        fraction, zone = ends["fraction"], pl.lit(ends["zone"])
    got = frame.with_columns(
        priority.str.slice(1).str.strip_suffix(">1").alias("pri"),
        clock.str.slice(0, 19).str.strip_prefix("-").alias("clock"),
        pl.lit(fraction).alias("fraction"), zone.alias("zone"),
        *(pl.Series(name, words[f"field_{at}"]) for at, name in enumerate(("host", "app", "procid", "msgid"), 2)),
        words["field_6"].alias("rest"),
    )  # fmt: skip
    got = _times(got)
    has_data = got["rest"].str.starts_with("[")
    if has_data.any():
        got = read_structured(got, has_data)
    else:
        got = got.with_columns(pl.lit(None, dtype=pl.List(PAIR)).alias("fields"), pl.col("rest").alias("message"))
    message = pl.col("message")
    if not has_data.all():
        message = (
            pl.when(~pl.lit(has_data)).then(message.str.strip_prefix("-").str.strip_prefix(" ")).otherwise(message)
        )
    return _finish(got.with_columns(
        message.str.strip_prefix("\ufeff").alias("message"),
        *[_absent(name) for name in ("host", "app", "procid", "msgid")],
        pl.lit("rfc5424").alias("format"), pl.lit(False).alias("unparsed"),
    ))  # fmt: skip


def _absent(name: str) -> pl.Expr:
    return pl.when(pl.col(name) == "-").then(pl.lit("")).otherwise(pl.col(name)).alias(name)


def _classic(frame: pl.DataFrame) -> pl.DataFrame:
    got = frame.with_columns(pl.col("line").str.extract_groups(_HEAD).alias("head")).unnest("head")
    priority = pl.col("pri").cast(pl.UInt16, strict=False)
    clocked = pl.col("clock").is_not_null()
    got = got.with_columns(
        pl.when(priority <= 191).then(pl.col("pri")).alias("pri"),
        pl.when(priority > 191).then("line").otherwise("rest").alias("rest"),
        (pl.col("clock") + pl.col("year").fill_null("")).alias("clock"),
        pl.coalesce(pl.col("zone").str.strip_chars(), pl.col("named").str.strip_chars()).alias("zone"),
        ((priority > 191) | (priority.is_null() & ~clocked)).fill_null(False).alias("unparsed"),
    )
    got = _times(got)
    named = got["clock"].is_not_null() & got["colon"].is_null() & got["origin"].is_null() & got["sequence"].is_null()
    parts = []
    for mask, pattern in (
        (named & ~got["unparsed"], _AFTER_CLOCK), (~named & ~got["unparsed"], _AFTER_PRI), (got["unparsed"], None),
    ):  # fmt: skip
        if not mask.any():
            continue
        part = got if mask.all() else got.filter(mask)
        if pattern is None:
            part = part.with_columns(pl.col("rest").alias("message"))
        else:
            part = part.with_columns(pl.col("rest").str.extract_groups(pattern).alias("body")).unnest("body")
        parts.append(part)
    got = parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal").sort("row")
    empty = [pl.lit(None, dtype=pl.String).alias(name) for name in ("host", "app", "procid") if name not in got.columns]
    got = got.with_columns(empty) if empty else got
    sequence = pl.col("sequence")
    fields: pl.Expr = pl.lit(None, dtype=pl.List(PAIR))
    if got["sequence"].is_not_null().any():
        pair = pl.struct(pl.lit("sequence").alias("key"), sequence.alias("value"))
        fields = pl.when(sequence.is_not_null()).then(pl.concat_list(pair))
    return _finish(_mnemonics(got).with_columns(
        pl.coalesce("host", "origin").alias("host"), fields.alias("fields"),
        pl.when(pl.col("unparsed")).then(pl.lit("raw")).otherwise(pl.lit("rfc3164")).alias("format"),
    ))  # fmt: skip


def _mnemonics(got: pl.DataFrame) -> pl.DataFrame:
    """``%SYS-5-CONFIG_I:`` was read as the name of a program: it is the kind of message, and stays part of its text."""
    marked = (got["app"].str.starts_with("%") | got["message"].str.starts_with("%")).fill_null(False)
    if not marked.any():
        return got.with_columns(pl.lit("").alias("msgid"))
    tagged = pl.col("app").str.starts_with("%").fill_null(False)
    got = got.with_columns(
        pl.when(tagged).then(pl.col("app") + ": " + pl.col("message")).otherwise("message").alias("message"),
        pl.when(tagged).then(None).otherwise("app").alias("app"),
    )
    return got.with_columns(pl.col("message").str.extract(MNEMONIC, 1).alias("msgid"))


def _times(got: pl.DataFrame) -> pl.DataFrame:
    """``moment``: the device's clock in microseconds since 1970, or nothing."""
    day = int(got["at"][0]) // DAY
    zones = got.select(pl.col("zone").fill_null("") + "|" + pl.col("own_zone")).to_series()
    key = got.select(pl.col("clock").fill_null("") + "|" + zones).to_series()
    distinct = key.unique()
    read: list[int | None] = []
    for item in distinct.to_list():
        clock, zone, own = item.split("|", 2)
        read.append(read_clock(clock, zone, own, day) if clock else None)
    moments = key.replace_strict(distinct, pl.Series(read, dtype=pl.Int64), return_dtype=pl.Int64)
    fraction = (pl.col("fraction").fill_null("").str.slice(0, 6).str.pad_end(6, "0")).cast(pl.Int64, strict=False)
    return got.with_columns((moments + fraction).alias("moment"))


def _finish(got: pl.DataFrame) -> pl.DataFrame:
    priority = pl.col("pri").cast(pl.UInt8, strict=False)
    at, moment = pl.col("at"), pl.col("moment")
    wrong = ((moment > at + AHEAD) | (moment < at - BEHIND)).fill_null(False)
    # A router marks a clock that nobody set with an asterisk: it counts from the start of the machine.
    unset = (pl.col("mark") == "*").fill_null(False) & ((moment - at).abs() > DAY) if "mark" in got.columns else None
    unusable = wrong if unset is None else wrong | unset.fill_null(False)
    return got.select(
        "row", "line", "own_zone", "at", "source", "organization", "ci",
        at.cast(TIME).alias("received"),
        pl.when(unusable).then(at).otherwise(pl.coalesce(moment, at)).cast(TIME).alias("time"),
        pl.when(pl.col("host").fill_null("") == "").then("source").otherwise("host").alias("host"),
        (priority // 8).fill_null(FACILITY).alias("facility"),
        (priority % 8).fill_null(SEVERITY).alias("severity"),
        pl.col("app").fill_null(""), pl.col("procid").fill_null(""), pl.col("msgid").fill_null(""),
        pl.col("message").fill_null(""), "fields",
        pl.when(pl.col("unparsed")).then(pl.lit([UNPARSED]))
        .when(unusable).then(pl.lit([CLOCK])).otherwise(pl.lit([], dtype=pl.List(pl.String))).alias("tags"),
        "format",
    )  # fmt: skip
