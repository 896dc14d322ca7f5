"""The two usual forms of syslog, taken apart by their octets: a batch in a few dozen steps over columns of numbers.

Only lines that are exactly of a form are taken; for every other one ``syslog`` has the patterns, and reads the same in
these. It is several times as fast, and nearly all lines of nearly all networks are of these forms.

    <34>1 2003-10-11T22:14:15.003Z host app 123 ID47 - text       RFC 5424, without structured data
    <34>Oct 11 22:14:15 host app[123]: text                       RFC 3164 as it is written most
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mainstay.kernel.intake.batch import Batch
from mainstay.modules.logs.intake.clocks import AHEAD, BEHIND, CLOCK, DAY, read_clock
from mainstay.modules.logs.intake.lines import PAIR, TIME
from mainstay.modules.logs.intake.octets import Mask, Octets, Places, all_digits, first, like, pairs

_SPACE, _DASH, _ANGLE, _OPEN, _CLOSE = b" -<[]"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_CODES = np.array([int.from_bytes(name.encode(), "little") for name in _MONTHS], dtype=np.uint64)
_MONTH_ORDER = np.argsort(_MONTH_CODES)
# What follows the clock in RFC 3164: host, tag and colon.
_NAMES = (
    r"^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])? "
    r"[A-Za-z0-9_/.-]{1,64}(?:\[[A-Za-z0-9_.-]{1,64}\])?:$"
)
_BOM = int.from_bytes(b"\xef\xbb\xbf", "little")
# %SYS-5-CONFIG_I and %ASA-6-302013 name the kind of message, %%01IFNET/4/LINK does too.
MNEMONIC = r"^%(?:%\d\d)?([A-Z][A-Z0-9_]*(?:[-/][A-Z0-9_]+)*[-/]\d[-/][A-Za-z0-9_]+)"
UNKNOWN = int(np.iinfo(np.int64).min)
"""The moment of a clock that shows none."""


class Parts(NamedTuple):
    """Where the parts of some lines are, and what their clocks show."""

    rows: Places
    """Which lines of the batch these are, rising."""
    modern: Mask
    """Which of the two forms."""
    priority: Places
    moment: Places
    """Microseconds since 1970, or ``UNKNOWN``."""
    host: tuple[Places, Places]
    """Offsets and lengths; so the others."""
    app: tuple[Places, Places]
    procid: tuple[Places, Places]
    msgid: tuple[Places, Places]
    message: tuple[Places, Places]

    def keep(self, mask: Mask) -> Parts:
        kept: Any = [
            tuple(item[mask] for item in part) if isinstance(part, tuple) else part[mask] for part in self
        ]  # fmt: skip
        return Parts(*kept)


class Lines:
    """The messages of a batch: from ``start`` to ``end`` each, ends of line left out."""

    def __init__(self, data: bytes, start: Places, end: Places) -> None:
        self.octets = Octets(data)
        self.start = start
        self.end = end
        each = self.octets.each
        while len(end):
            last = each[np.maximum(self.end - 1, 0)]
            cut = ((last == 10) | (last == 13)) & (self.end > self.start)
            if not cut.any():
                break
            self.end = self.end - cut

    def priorities(self) -> tuple[Places, Places, Mask]:
        """The numbers in ``<...>``, where the line goes on, and where there are such numbers."""
        head = self.octets.eight(self.start)
        digits = np.select([((head >> np.uint64(8 * at)) & np.uint64(0xFF)) == ord(">") for at in (2, 3, 4)], (1, 2, 3))
        numbers = (head >> np.uint64(8)).view(np.int64)
        one, two, three = (((numbers >> (8 * at)) & 0xFF) - 48 for at in range(3))
        value = np.select([digits == 1, digits == 2, digits == 3], [one, one * 10 + two, one * 100 + two * 10 + three])
        where = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF], dtype=np.uint64)[digits]
        usable = ((head & np.uint64(0xFF)) == _ANGLE) & (digits > 0) & all_digits(head >> np.uint64(8), where)
        go_on = self.start + digits + 2
        return value, go_on, usable & (value <= 191) & (go_on < self.end)

    def words(self, rows: Places, at: Places, count: int) -> tuple[list[Places], Mask]:
        """The ``count`` next spaces of lines from ``at`` on, and for which lines there are as many."""
        end = self.end[rows]
        found: list[Places] = []
        for _ in range(count):
            at = self.octets.find(_SPACE, at, end)
            found.append(at)
            at = at + 1
        return found, found[-1] < end


def modern(lines: Lines, rows: Places, priority: Places, at: Places) -> Parts:
    """Those of RFC 5424. ``at``: where they go on behind the priority."""
    octets = lines.octets
    mask = like(octets.eight(at), b"1 0000-0")
    rows, priority, at = rows[mask], priority[mask], at[mask]
    clock = at + 2
    # The clock has no space within.
    (clock_end, host_end, app_end, proc_end, id_end), whole = lines.words(rows, clock + 19, 5)
    early, late, seconds = octets.eight(clock + 5), octets.eight(clock + 8), octets.eight(clock + 16)
    whole &= like(early, b"00-00T00") & like(late, b"00T00:00") & like(seconds, b":00?????")
    bounds = (clock_end, host_end, app_end, proc_end, id_end)
    for before, after in itertools.pairwise(bounds):
        whole &= after > before + 1
    # Nothing but "-" where structured data would be.
    text = id_end + 1
    end = lines.end[rows]
    whole &= (text < end) & (octets.each[text] == _DASH) & ((text + 1 >= end) | (octets.each[text + 1] == _SPACE))
    fraction, zone, known = _after_seconds(octets, clock + 19, clock_end)
    whole &= known
    month, hour = pairs(early, 0, 6)
    day, minute = pairs(late, 0, 6)
    century, year = pairs(octets.eight(clock), 0, 2)
    (second,) = pairs(seconds, 1)
    stamp = ((((century * 100 + year) * 100 + month) * 100 + day) * 100 + hour) * 100 + minute
    stamp = (stamp * 100 + second) * 100_000 + zone
    begin = np.minimum(text + 2, end)
    begin += 3 * (first(octets.eight(begin), np.minimum(end - begin, 3)) == _BOM)

    def stretch(before: Places, after: Places) -> tuple[Places, Places]:
        length = after - before - 1
        absent = (length == 1) & (octets.each[before + 1] == _DASH)
        return before + 1, np.where(absent, 0, length)

    found = Parts(
        rows, np.ones(len(rows), dtype=np.bool_), priority, fraction, stretch(clock_end, host_end),
        stretch(host_end, app_end), stretch(app_end, proc_end), stretch(proc_end, id_end), (begin, end - begin),
    ).keep(whole)  # fmt: skip
    moments = _moments(stamp[whole], _read_stamp)
    return found._replace(moment=np.where(moments == UNKNOWN, UNKNOWN, moments + found.moment))


def _after_seconds(octets: Octets, at: Places, end: Places) -> tuple[Places, Places, Mask]:
    """What follows the seconds: the fraction in microseconds, the zone as a number, and whether it is as it must be."""
    each = octets.each
    length = end - at
    zulu = each[np.maximum(end - 1, 0)] == ord("Z")
    offset = octets.eight(np.maximum(end - 6, 0))
    sign = offset & np.uint64(0xFF)
    hours, minutes = pairs(offset, 1, 4)
    usable = like(offset, b"?00:00??") & ((sign == ord("+")) | (sign == ord("-"))) & (hours < 24) & (minutes < 60)
    zone = np.where(zulu, 0, 1 + hours * 100 + minutes + 10_000 * (sign == ord("-")))
    digits = length - np.where(zulu, 1, 6) - 1
    none = digits == -1
    digits = np.clip(digits, 0, 14)
    written = octets.eight(at + 1)
    ones = np.full(len(at), 2**64 - 1, dtype=np.uint64)
    six = first(written, np.minimum(digits, 6))
    well = (each[at] == ord(".")) & (digits > 0) & (digits < 14)
    well &= all_digits(written, first(ones, np.minimum(digits, 8)))
    well &= all_digits(octets.eight(at + 7), first(ones, np.clip(digits - 6, 0, 8)))
    high, middle, low = pairs(six, 0, 2, 4)
    fraction = np.where(none, 0, high * 10_000 + middle * 100 + low)
    return fraction, zone, (zulu | usable) & (none | well)


def _read_stamp(stamp: int) -> int | None:
    stamp, zone = divmod(stamp, 100_000)
    minus, rest = divmod(zone - 1, 10_000)
    name = f"{'-' if minus else '+'}{rest // 100:02}:{rest % 100:02}" if zone else "Z"
    rest, clock = divmod(stamp, 1_000_000)
    return read_clock(f"{rest // 10_000:04}-{rest // 100 % 100:02}-{rest % 100:02}T{_hours(clock)}", name, "UTC", 0)


def _hours(clock: int) -> str:
    return f"{clock // 10_000:02}:{clock // 100 % 100:02}:{clock % 100:02}"


def usual(lines: Lines, rows: Places, priority: Places, at: Places, zones: list[str], zone: Places, day: int) -> Parts:
    """Those of RFC 3164. ``zone``: which of ``zones`` each line's clock runs in; ``day``: of receipt, since 1970."""
    octets = lines.octets
    head, clock = octets.eight(at), octets.eight(at + 7)
    code = head & np.uint64(0xFFFFFF)
    place = np.minimum(np.searchsorted(_MONTH_CODES, code, sorter=_MONTH_ORDER), 11)
    month = _MONTH_ORDER[place]
    padded = ((head >> np.uint64(32)) & np.uint64(0xFF)) == _SPACE
    mask = (_MONTH_CODES[month] == code) & like(clock, b"00:00:00") & (octets.each[at + 15] == _SPACE)
    mask &= like(head, b"??? ?0 ?") & (padded | like(head, b"??? 0???"))
    rows, priority, at, zone, month = rows[mask], priority[mask], at[mask], zone[mask], month[mask]
    head, clock = head[mask], clock[mask]
    name = at + 16
    (host_end, tag_end), whole = lines.words(rows, name, 2)
    whole &= tag_end < name + 512
    heads = octets.texts(np.where(whole, name, 0), np.where(whole, tag_end - name, 0))
    whole &= heads.str.contains(_NAMES).to_numpy()
    rows, priority, zone, month = rows[whole], priority[whole], zone[whole], month[whole]
    head, clock, name, host_end, tag_end = head[whole], clock[whole], name[whole], host_end[whole], tag_end[whole]
    app, app_end = host_end + 1, tag_end - 1
    closed = octets.each[app_end - 1] == _CLOSE
    bracket = app_end
    if closed.any():
        bracket = np.where(closed, octets.find(_OPEN, app, app_end), app_end)
    procid = np.minimum(bracket + 1, app_end), np.where(closed, app_end - bracket - 2, 0)
    (days,) = pairs(head, 4)
    hours, minutes, seconds = pairs(clock, 0, 3, 6)
    stamp = (((month * 100 + days) * 100 + hours) * 100 + minutes) * 100 + seconds

    def read(stamp: int) -> int | None:
        number, stamp = divmod(stamp, 10_000_000_000)
        months, stamp = divmod(stamp, 100_000_000)
        text = f"{_MONTHS[months]} {stamp // 1_000_000:2} {_hours(stamp % 1_000_000)}"
        return read_clock(text, "", zones[number], day)

    end = lines.end[rows]
    nothing = np.zeros(len(rows), dtype=np.int64)
    return Parts(
        rows, np.zeros(len(rows), dtype=np.bool_), priority, _moments(zone * 10_000_000_000 + stamp, read),
        (name, host_end - name), (app, bracket - app), procid, (nothing, nothing), (tag_end + 1, end - tag_end - 1),
    )  # fmt: skip


def _moments(stamps: Places, read: Callable[[int], int | None]) -> Places:
    """What ``read`` makes of each number, asked once for each that is there."""
    distinct, which = np.unique(stamps, return_inverse=True)
    found = [read(stamp) for stamp in distinct.tolist()]
    return np.array([UNKNOWN if moment is None else moment for moment in found], dtype=np.int64)[which]


def odd(batch: Batch) -> Mask:
    """Lines that are not to be read by their octets: those with NULs, and other than ASCII where not all is UTF-8."""
    found = np.zeros(len(batch), dtype=np.bool_)
    each = np.frombuffer(batch.data, dtype=np.uint8)
    if b"\x00" in batch.data:
        found[np.searchsorted(batch.ends, np.flatnonzero(each == 0), side="right")] = True
    if not batch.data.isascii() and not _utf8(batch):
        found[np.searchsorted(batch.ends, np.flatnonzero(each >= 0x80), side="right")] = True
    return found


def _utf8(batch: Batch) -> bool:
    try:
        batch.data.decode()
    except UnicodeDecodeError:
        return False
    # Two lines with half a character each look well together.
    starts = batch.ends[:-1]
    each = np.frombuffer(batch.data, dtype=np.uint8)
    return not bool(((each[starts[starts < len(each)]] & 0xC0) == 0x80).any())


def read(batch: Batch, known: pl.DataFrame, zones: Sequence[str]) -> tuple[Mask, pl.DataFrame]:
    """Which lines are of the usual forms, and the rows of these in order. ``known`` and ``zones`` tell of each address
    whose it is (source, organization, ci), and in which zone its clock runs."""
    lines = Lines(batch.data, batch.ends - batch.lengths, batch.ends)
    priority, at, fit = lines.priorities()
    fit &= ~odd(batch)
    done = np.zeros(len(batch), dtype=np.bool_)
    found: list[Parts] = []
    rows = np.flatnonzero(fit)
    if len(rows):
        found.append(modern(lines, rows, priority[rows], at[rows]))
        fit[found[0].rows] = False
        rows = np.flatnonzero(fit)
    if len(rows):
        names = sorted(set(zones))
        zone = np.array([names.index(name) for name in zones], dtype=np.int64)[batch.source[rows]]
        day = int(batch.received[0]) // DAY
        found.append(usual(lines, rows, priority[rows], at[rows], names, zone, day))
    found = [part for part in found if len(part.rows)]
    if not found:
        return done, pl.DataFrame()
    part = found[0] if len(found) == 1 else _together(found)
    done[part.rows] = True
    return done, _rows(batch, known, lines.octets, part)


def _together(found: list[Parts]) -> Parts:
    """The parts of both forms, in the order of the lines."""
    order = np.argsort(np.concatenate([part.rows for part in found]), kind="stable")
    joined: Any = [
        tuple(np.concatenate(both)[order] for both in zip(*each, strict=True)) if isinstance(each[0], tuple)
        else np.concatenate(each)[order] for each in zip(*found, strict=True)
    ]  # fmt: skip
    return Parts(*joined)


def _rows(batch: Batch, known: pl.DataFrame, octets: Octets, part: Parts) -> pl.DataFrame:
    received = batch.received[part.rows]
    shown = part.moment != UNKNOWN
    wrong = shown & ((part.moment > received + AHEAD) | (part.moment < received - BEHIND))
    host, msgid, message = octets.texts(*part.host), octets.texts(*part.msgid), octets.texts(*part.message)
    of_sender = known[pl.Series(batch.source[part.rows])]
    if not part.host[1].all():
        host = of_sender.select(pl.when(pl.lit(host) == "").then("source").otherwise(pl.lit(host))).to_series()
    marked = ~part.modern & (part.message[1] > 0) & (octets.each[part.message[0]] == ord("%"))
    if marked.any():
        of_kind = message.str.extract(MNEMONIC, 1).fill_null("")
        msgid = pl.select(pl.when(pl.lit(pl.Series(marked))).then(pl.lit(of_kind)).otherwise(pl.lit(msgid))).to_series()
    tags = pl.lit([], dtype=pl.List(pl.String))
    if wrong.any():
        tags = pl.when(pl.lit(pl.Series(wrong))).then(pl.lit([CLOCK])).otherwise(tags)
    form = pl.when(pl.lit(pl.Series(part.modern))).then(pl.lit("rfc5424")).otherwise(pl.lit("rfc3164"))
    return of_sender.with_columns(
        pl.Series("received", received).cast(TIME),
        pl.Series("time", np.where(shown & ~wrong, part.moment, received)).cast(TIME),
        host.alias("host"),
        pl.Series("facility", (part.priority >> 3).astype(np.uint8)),
        pl.Series("severity", (part.priority & 7).astype(np.uint8)),
        octets.texts(*part.app).alias("app"), octets.texts(*part.procid).alias("procid"), msgid.alias("msgid"),
        message.alias("message"), pl.lit(None, dtype=pl.List(PAIR)).alias("fields"), tags.alias("tags"),
        form.alias("format"),
    )  # fmt: skip
