"""Syslog lines as devices write them, against what a person reads in them."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

from mainstay.kernel.intake.batch import one_source
from mainstay.modules.logs.intake import quick
from mainstay.modules.logs.intake.lines import FRAME, Numbers, complete, to_arrow
from mainstay.modules.logs.intake.syslog import CLOCK, Sender, parse, parse_each

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SENDER = "192.0.2.9"


def read(*lines: bytes, timezone: str = "UTC", now: datetime = NOW) -> list[dict[str, Any]]:
    batch = one_source(lines, SENDER)
    batch.received[:] = int(now.timestamp() * 1_000_000)
    return parse(batch, [Sender(SENDER, "acme", timezone, "ci1")]).to_dicts()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


OCT = utc(2026, 10, 11, 22, 14, 15)
LINES: list[tuple[str, bytes, dict[str, Any]]] = [
    ("5424", b"<34>1 2026-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed",
     {"time": OCT.replace(microsecond=3000), "host": "mymachine.example.com", "app": "su", "procid": "",
      "msgid": "ID47", "facility": 4, "severity": 2, "message": "'su root' failed", "format": "rfc5424"}),
    ("5424 offset", b"<165>1 2026-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time.",
     {"time": utc(2026, 8, 24, 12, 14, 15).replace(microsecond=3), "procid": "8710", "message": "%% It's time."}),
    ("5424 data",
     b'<165>1 2026-10-11T22:14:15Z m evn - ID47 [ex@32473 iut="3" src="A\\"p\\]l"][x@1 a=""] \xef\xbb\xbfAn event',
     {"message": "An event", "fields": [{"key": "ex@32473.iut", "value": "3"},
                                        {"key": "ex@32473.src", "value": 'A"p]l'},
                                        {"key": "x@1.a", "value": ""}]}),
    ("5424 data only", b'<165>1 2026-10-11T22:14:15Z m evn - ID47 [x@1 a="b"]',
     {"message": "", "fields": [{"key": "x@1.a", "value": "b"}]}),
    ("5424 bad data", b"<165>1 2026-10-11T22:14:15Z m evn - ID47 [x@1 a=b text", {"message": "[x@1 a=b text"}),
    ("5424 nothing known", b"<165>1 - - - - - -", {"time": NOW, "host": SENDER, "app": "", "message": ""}),
    ("3164", b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
     {"time": OCT, "host": "mymachine", "app": "su", "message": "'su root' failed", "format": "rfc3164",
      "severity": 2}),
    ("pid", b"<34>Oct  1 22:14:15 host app[123]: msg",
     {"time": utc(2026, 10, 1, 22, 14, 15), "procid": "123", "app": "app"}),
    ("unpadded", b"<34>Oct 1 2:14:15 host postfix/smtpd[1]: msg",
     {"time": utc(2026, 10, 1, 2, 14, 15), "host": "host", "app": "postfix/smtpd", "message": "msg"}),
    ("year", b"<34>Oct 1 2023 22:14:15 fw1 : %ASA-6-302013: Built inbound",
     {"time": utc(2023, 10, 1, 22, 14, 15), "host": "fw1", "msgid": "ASA-6-302013", "app": "",
      "message": "%ASA-6-302013: Built inbound"}),
    ("year, no host", b"<34>Oct 01 2023 22:14:15: %ASA-6-302013: Built",
     {"time": utc(2023, 10, 1, 22, 14, 15), "host": SENDER, "message": "%ASA-6-302013: Built"}),
    ("year after", b"<30>Oct 11 22:14:15 2026 sw1 ifmgr: text", {"time": OCT, "host": "sw1", "app": "ifmgr"}),
    ("cisco", b"<189>123: Nov 21 18:46:11.123 UTC: %SYS-5-CONFIG_I: Configured",
     {"time": utc(2026, 11, 21, 18, 46, 11).replace(microsecond=123000), "host": SENDER, "msgid": "SYS-5-CONFIG_I",
      "message": "%SYS-5-CONFIG_I: Configured", "fields": [{"key": "sequence", "value": "123"}], "tags": []}),
    ("cisco zone", b"<189>123: Nov 21 18:46:11 CET: %SYS-5-CONFIG_I: x", {"time": utc(2026, 11, 21, 17, 46, 11)}),
    ("cisco unset clock", b"<189>123: *Mar  1 00:00:11.123: %SYS-5-CONFIG_I: x", {"time": NOW, "tags": [CLOCK]}),
    ("cisco lost clock", b"<189>29: 000033: .Nov 20 18:46:11: %SYS-5-CONFIG_I: x",
     {"time": utc(2026, 11, 20, 18, 46, 11), "host": SENDER, "tags": []}),
    ("cisco origin", b"<189>123: rtr1: Nov 21 18:46:11: %SYS-5-CONFIG_I: x",
     {"host": "rtr1", "msgid": "SYS-5-CONFIG_I"}),
    ("nexus", b"<189>: 2026 Oct 11 22:14:15.5 UTC: %DAEMON-3-SYSTEM_MSG: nx",
     {"time": OCT.replace(microsecond=500000), "msgid": "DAEMON-3-SYSTEM_MSG"}),
    ("huawei", b"<188>Oct 11 2026 22:14:15+02:00 hua %%01IFNET/4/LINK: msg",
     {"time": utc(2026, 10, 11, 20, 14, 15), "host": "hua", "msgid": "IFNET/4/LINK"}),
    ("iso", b"<34>2026-10-11T22:14:15.003+02:00 host app[1]: iso msg",
     {"time": utc(2026, 10, 11, 20, 14, 15).replace(microsecond=3000), "host": "host", "app": "app",
      "message": "iso msg"}),
    ("no host", b"<34>Oct 11 22:14:15 app[1]: text", {"host": SENDER, "app": "app", "procid": "1", "message": "text"}),
    ("no tag", b"<30>Oct 11 22:14:15 MikroTik system,info logged in",
     {"host": "MikroTik", "app": "", "message": "system,info logged in"}),
    ("no clock", b"<30>dnsmasq[12]: text",
     {"time": NOW, "host": SENDER, "app": "dnsmasq", "procid": "12", "facility": 3}),
    ("no header", b"<13>message only here", {"host": SENDER, "app": "", "message": "message only here", "tags": []}),
    ("no priority", b"Oct 11 22:14:15 host app: text",
     {"facility": 1, "severity": 5, "time": OCT, "host": "host", "app": "app", "tags": []}),
    ("nothing", b"just text", {"host": SENDER, "message": "just text", "format": "raw", "tags": ["_unparsed"]}),
    ("priority too high", b"<999>text", {"message": "<999>text", "tags": ["_unparsed"], "severity": 5}),
    ("impossible day", b"<30>Nov 31 22:14:15 sw1 x: text", {"time": NOW, "host": "sw1", "app": "x", "message": "text"}),
    ("line ends", b"<30>Oct 11 22:14:15 sw1 x: text\r\n\x00", {"message": "text"}),
    ("nul inside", b"<30>Oct 11 22:14:15 sw1 x: te\x00xt", {"message": "text"}),
    ("bom", b"\xef\xbb\xbf<30>Oct 11 22:14:15 sw1 x: caf\xc3\xa9", {"host": "sw1", "message": "caf\u00e9"}),
    ("latin-1", b"<30>Oct 11 22:14:15 sw1 x: caf\xe9 zu", {"host": "sw1", "message": "caf\u00e9 zu"}),
    ("future", b"<30>1 2031-10-11T22:14:15Z sw1 x - - - text", {"time": NOW, "host": "sw1", "tags": [CLOCK]}),
    ("epoch", b"<30>1 1970-01-01T00:00:15Z sw1 x - - - text", {"time": NOW, "tags": [CLOCK]}),
    ("empty", b"", {"message": "", "host": SENDER}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), [item[1:] for item in LINES], ids=[item[0] for item in LINES])
def test_a_line_is_read_as_a_person_reads_it(line: bytes, expected: dict[str, Any]) -> None:
    [row] = read(line)
    assert {name: row[name] for name in expected} == expected
    assert (row["organization"], row["source"], row["ci"], row["received"]) == ("acme", SENDER, "ci1", NOW)


def test_every_kind_of_line_in_one_batch_reads_as_alone_and_in_order() -> None:
    lines = [line for _name, line, _expected in LINES] * 3
    alone = [row for line in lines for row in read(line)]
    assert read(*lines) == alone


@pytest.mark.parametrize(
    ("now", "clock", "expected"),
    [
        (utc(2026, 1, 1, 0, 5), b"Dec 31 23:59:59", utc(2025, 12, 31, 23, 59, 59)),
        (utc(2025, 12, 31, 23, 59), b"Jan  1 00:00:01", utc(2026, 1, 1, 0, 0, 1)),
        (utc(2026, 3, 2, 0, 0), b"Feb 29 10:00:00", utc(2024, 2, 29, 10)),
        (utc(2024, 3, 1, 0, 0), b"Feb 29 10:00:00", utc(2024, 2, 29, 10)),
    ],
)
def test_a_clock_without_a_year_is_of_the_last_such_day(now: datetime, clock: bytes, expected: datetime) -> None:
    [row] = read(b"<30>" + clock + b" sw1 app: x", now=now)
    assert row["time"] == expected


def test_clocks_without_a_zone_are_in_the_zone_of_their_source() -> None:
    rows = read(
        b"<30>Jul 11 22:14:15 sw1 app: x", b"<30>Nov 11 22:14:15 sw1 app: x", b"<30>2026-11-11T22:14:15Z sw1 app: x",
        timezone="Europe/Berlin",
    )  # fmt: skip
    assert [row["time"] for row in rows] == [
        utc(2026, 7, 11, 20, 14, 15), utc(2026, 11, 11, 21, 14, 15), utc(2026, 11, 11, 22, 14, 15),
    ]  # fmt: skip


def test_a_word_after_the_clock_that_is_no_zone_breaks_nothing() -> None:
    rows = read(b"<30>Oct 11 22:14:15 SYST: Loop detected on port 1.", b"<30>Oct 11 22:14:15 sw1 app: x")
    assert [row["time"] for row in rows] == [OCT, OCT]
    assert "Loop detected" in rows[0]["message"]


PIECES = st.sampled_from([
    b"<34>", b"<34>1 ", b"<999>", b"1 ", b"Oct 11 22:14:15 ", b"Oct 99 99:99:99 ", b"2026-13-45T99:99:99Z ", b"*", b".",
    b"2026-10-11T22:14:15.003Z ", b"host ", b"app[1]: ", b"%SYS-5-X: ", b"- ", b"[a b=\"c\"]", b"[a b=\"c", b"\\",
    b"\"",
    b"]", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"123: ", b"\r\n", b" ", b"::", b"0000-00-00T00:00:00Z ",
    b"9999-12-31T23:59:59.999999999Z ", b"Feb 29 23:59:60 ",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), st.lists(PIECES, max_size=9).map(b"".join)), min_size=1, max_size=12))
def test_hostile_lines_become_rows_that_the_store_takes(lines: list[bytes]) -> None:
    rows = read(*lines)
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        assert "\x00" not in row["message"]
        if row["format"] == "raw":
            # What was not understood is there, whatever its bytes: each readable run of it.
            for run in re.findall(rb"[!-~]+", line.replace(b"\x00", b"")):
                assert run.decode() in row["message"]
    batch = one_source(lines, SENDER)
    frame = complete(parse(batch, [Sender(SENDER, "acme")]))
    assert to_arrow(frame).num_rows == len(lines)
    assert frame.schema == pl.Schema(FRAME)
    assert frame["time"].min() > utc(2000, 1, 1)  # type: ignore[operator]
    assert frame["time"].max() < datetime.now(UTC) + timedelta(days=2)  # type: ignore[operator]


USUAL = [
    b"<34>1 2026-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed for us",
    b"<165>1 2026-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts",
    b"<165>1 2026-10-11T22:14:15.123456789+05:30 - - - - - \xef\xbb\xbfGr\xc3\xbc\xc3\x9fe",
    b"<0>1 2026-10-11T22:14:15Z a b c d -",
    b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
    b"<189>Oct  1 22:14:15 a-host.example.com postfix/smtpd[12345]: %SYS-5-CONFIG_I: Configured from console\n",
    b"<5>Feb 29 23:59:59 h a: \xc3\xa4 text that is long enough to be kept apart\r\n",
]
CHANGES = b"<>19 -[]:.,Z+T%Oct\x00\xc3\xa4\xff\n\r/_"


def test_lines_of_the_usual_forms_are_read_by_octets_as_by_patterns() -> None:
    chance = random.Random(5)
    lines = list(USUAL)
    for at in range(6000):
        line = bytearray(USUAL[at % len(USUAL)])
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            # The header is what is taken apart; the end matters too.
            place = chance.randrange(min(len(line), 70)) if chance.random() < 0.9 else len(line) - 1
            match chance.randrange(3):
                case 0:
                    line[place] = chance.choice(CHANGES)
                case 1:
                    line.insert(place, chance.choice(CHANGES))
                case _:
                    del line[place]
        lines.append(bytes(line))
    lines += [line[: chance.randrange(len(line))] for line in USUAL for _ in range(20)]
    proper = [line for line in lines if line.isascii() or _is_text(line)]
    assert len(proper) < len(lines)
    assert _by_octets_and_by_patterns(proper)[: len(USUAL)].all()
    _by_octets_and_by_patterns(lines)


def _is_text(line: bytes) -> bool:
    try:
        return bool(line.decode())
    except UnicodeDecodeError:
        return False


def _by_octets_and_by_patterns(lines: list[bytes]) -> NDArray[np.bool_]:
    """Compares the rows; which lines were read by octets."""
    batch = one_source(lines, SENDER)
    batch.source[1::2], batch.addresses = 1, [SENDER, "192.0.2.10"]
    batch.received[:] = int(NOW.timestamp() * 1_000_000)
    senders = [
        Sender(SENDER, "acme", "Europe/Berlin", "ci1"), Sender("192.0.2.10", "other", "America/New_York"),
    ]  # fmt: skip
    known = pl.DataFrame({"source": batch.addresses, "organization": ["acme", "other"], "ci": ["ci1", ""]})
    zones = [sender.timezone for sender in senders]
    done, _rows = quick.read(batch, known, zones)
    assert 0.2 < done.mean() < 0.9, "both ways are to be tried"
    assert_frame_equal(parse(batch, senders), parse_each(batch, known, zones))
    return done


def test_numbers_rise_and_differ_when_the_clock_jumps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    first = numbers.take(100_000)
    monkeypatch.setattr("time.time_ns", lambda: 1_600_000_000 * 10**9)
    second = numbers.take(5)
    assert (first[1:] > first[:-1]).all()
    assert second[0] > first[-1]
    assert len({*first.tolist(), *second.tolist()}) == 100_005
