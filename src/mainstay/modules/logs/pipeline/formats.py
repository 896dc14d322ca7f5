"""Formats of times: strptime or letters (``dd/MMM/yyyy:HH:mm:ss Z``), and columns of text read by them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
from polars.exceptions import PolarsError

from mainstay.modules.logs.intake.lines import TIME

_LETTERS = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d",
    "EEEE": "%A", "EEE": "%a", "E": "%a", "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "m": "%M",
    "ss": "%S", "s": "%S", "a": "%p", "Z": "%z", "ZZ": "%z", "XXX": "%z", "X": "%z", "DDD": "%j", "SSS": "%3f",
    "SSSSSS": "%6f", "SSSSSSSSS": "%9f",
}  # fmt: skip
_RUN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_DIRECTIVE = re.compile(r"%([369]?[A-Za-z%]|\.[369]?f)")
_KNOWN = frozenset("YymdebBhaAHIklMSfpPzZjTDFR%snt") | {
    "3f", "6f", "9f", ".f", ".3f", ".6f", ".9f",
}  # fmt: skip
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_ISO = (
    r"^\s*(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ](?P<clock>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2})?"
    r"(?:[.,](?P<part>[0-9]{1,9}))?\s?(?P<zone>Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*$"
)


class FormatError(ValueError):
    """A format that cannot be used; the text says why."""


class Format:
    """One compiled format. ``read`` makes instants (UTC) of text; null where the text does not fit."""

    def __init__(self, text: str, timezone: str) -> None:
        if not text or len(text) > 100:
            raise FormatError("A time format has 1 to 100 characters.")
        try:
            ZoneInfo(timezone)
        except (ValueError, OSError, KeyError):
            raise FormatError(f"{timezone!r} is not a time zone. Use a name such as Europe/Berlin or UTC.") from None
        self.timezone = timezone
        self.special = text.upper().replace("-", "_") if text.upper().replace("-", "_") in _SPECIAL else ""
        self.strptime = "" if self.special else _strptime(text)
        self.zoned = "%z" in self.strptime
        self.missing = "" if self.special else _missing(self.strptime)

    def read(self, text: pl.Series, received: pl.Series) -> pl.Series:
        """Instants. Without a year (or a day) it is the last such time before ``received``, or a day after at most."""
        if self.special == "ISO8601":
            made = _iso(text, self.timezone)
        elif self.special:
            number = text.str.strip_chars().cast(pl.Float64, strict=False)
            scale = {"UNIX": 1_000_000, "UNIX_MS": 1000, "UNIX_US": 1}[self.special]
            number = pl.select(pl.when((number * scale).abs() < 2**53).then(number * scale)).to_series()
            made = number.round().cast(pl.Int64).cast(TIME)
        elif self.missing:
            made = self._guessed(text, received)
        else:
            made = self._parsed(text, self.strptime)
        sane = (made >= _EARLIEST) & (made < _LATEST)
        return pl.select(pl.when(sane).then(made)).to_series()

    def _guessed(self, text: pl.Series, received: pl.Series) -> pl.Series:
        local = received.dt.convert_time_zone(self.timezone)
        back = {"%Y": "1y", "%Y-%m-%d": "1d"}[self.missing]

        def of(day: pl.Series) -> pl.Series:
            return self._parsed(_written(day, self.missing) + " " + text, f"{self.missing} {self.strptime}")

        now = of(local)
        # Null too: 29 February may have been last year's.
        late = (now > pl.select(received + pl.duration(days=1)).to_series()).fill_null(True) & text.is_not_null()
        if not late.any():
            return now
        return pl.select(pl.when(late).then(of(local.dt.offset_by(f"-{back}"))).otherwise(now)).to_series()

    def _parsed(self, text: pl.Series, form: str) -> pl.Series:
        try:
            made = text.str.strip_chars().str.to_datetime(form, strict=False, time_unit="us", ambiguous="earliest")
        except PolarsError as error:
            if text.null_count() == len(text) or "could not" in str(error) or "failed" in str(error):
                return pl.Series([None], dtype=TIME).new_from_index(0, len(text))
            raise
        return _utc(made, self.timezone)


_SPECIAL = frozenset({"ISO8601", "UNIX", "UNIX_MS", "UNIX_US"})


def _missing(form: str) -> str:
    """What of a date the format leaves open and the time of receipt has to say."""
    if any(mark in form for mark in ("%Y", "%y", "%D", "%F", "%s")):
        return ""
    return "%Y" if any(mark in form for mark in ("%d", "%e", "%j")) else "%Y-%m-%d"


def _written(day: pl.Series, form: str) -> pl.Series:
    """Dates as text. The lines of a batch nearly always came in on the same one, which then is written once."""
    ends = pl.Series([day.min(), day.max()], dtype=day.dtype).dt.strftime(form)
    if ends[0] == ends[1]:
        return ends[:1].new_from_index(0, len(day))
    return day.dt.strftime(form)


def _utc(made: pl.Series, timezone: str) -> pl.Series:
    if made.dtype.time_zone:  # type: ignore[attr-defined]
        return made.dt.convert_time_zone("UTC").cast(TIME)
    local = made.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC").cast(TIME)


def _iso(text: pl.Series, timezone: str) -> pl.Series:
    part = text.str.extract_groups(_ISO).struct.unnest()
    zone = pl.col("zone").str.to_uppercase().str.replace("Z", "+0000", literal=True).str.replace(":", "", literal=True)
    zone = pl.when(zone.str.len_chars() == 3).then(zone + "00").otherwise(zone)
    whole = pl.concat_str(
        "date", pl.lit("T"), "clock", pl.col("second").fill_null(":00"), pl.lit("."),
        pl.col("part").fill_null("0").str.pad_end(6, "0").str.slice(0, 6),
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", strict=False, time_unit="us")  # fmt: skip
    made = part.select(whole.alias("local"), zone.alias("zone"))
    local = _utc(made["local"], timezone)
    if made["zone"].null_count() == len(text):
        return local
    sign = pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
    minutes = pl.col("zone").str.slice(1, 2).cast(pl.Int64) * 60 + pl.col("zone").str.slice(3, 2).cast(pl.Int64)
    exact = made.select(pl.col("local").dt.replace_time_zone("UTC") - pl.duration(minutes=sign * minutes)).to_series()
    return pl.select(pl.when(made["zone"].is_null()).then(local).otherwise(exact.cast(TIME))).to_series()


def _strptime(text: str) -> str:
    """The strptime form of a format written either way. Raises ``FormatError``."""
    if "%" in text:
        for directive in _DIRECTIVE.findall(text):
            if directive not in _KNOWN:
                raise FormatError(f"%{directive} is not a part of a time. See strptime: %Y %m %d %H %M %S %f %z %b.")
        if _DIRECTIVE.sub("", text).count("%"):
            raise FormatError("A percent sign must be followed by a letter, such as %Y.")
        made = text.replace("%f", "%6f") if ".%f" not in text else text.replace(".%f", "%.f")
    else:
        made = ""
        for found in _RUN.finditer(text):
            run = found[0]
            if found[1] is not None:
                made += found[1].replace("''", "'").replace("%", "%%")
            elif run[0].isalpha():
                if run not in _LETTERS:
                    raise FormatError(
                        f"{run!r} is not a part of a time. Use yyyy, MM, MMM, dd, HH, mm, ss, SSS, a, Z, EEE; put "
                        "other letters in quotes: 'T'."
                    )
                made += _LETTERS[run]
            else:
                made += run
    if not any(mark in made for mark in ("%H", "%I", "%T", "%R", "%s", "%k", "%l", "%d", "%e", "%j", "%D", "%F")):
        raise FormatError("The format names neither a day nor an hour.")
    return made
