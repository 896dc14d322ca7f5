"""Business hours: the calendar against a minute-by-minute count on the wall clock, daylight saving time included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.kernel.calendar import ALWAYS, DAY, HORIZON, BusinessHours

ZONES = ("UTC", "Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia",
         "America/Sao_Paulo", "Africa/Casablanca")  # fmt: skip
DUBLIN = ZoneInfo("Europe/Dublin")
MINUTE = timedelta(minutes=1)
OFFICE = BusinessHours(DUBLIN, (((9 * 60, 12 * 60), (13 * 60, 17 * 60)),) * 5 + ((), ()))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@st.composite
def weeks(draw: st.DrawFn) -> tuple[tuple[tuple[int, int], ...], ...]:
    made = []
    for _ in range(7):
        marks = sorted(draw(st.sets(st.integers(0, DAY), max_size=6)))
        made.append(tuple(zip(marks[::2], marks[1::2], strict=False)))
    return tuple(made)


@st.composite
def calendars(draw: st.DrawFn) -> BusinessHours:
    holidays = draw(st.frozensets(st.dates(date(2011, 12, 25), date(2012, 1, 5)), max_size=3))
    yearly = draw(st.frozensets(st.sampled_from([(1, 1), (3, 31), (10, 27)]), max_size=2))
    return BusinessHours(ZoneInfo(draw(st.sampled_from(ZONES))), draw(weeks()), holidays, yearly)


# Around changes of the clocks, and the day that Samoa left out.
TURNS = ("2026-03-28T12:00Z", "2026-10-24T12:00Z", "2026-03-07T12:00Z", "2026-10-31T20:00Z", "2011-12-29T00:00Z",
         "2018-11-03T12:00Z", "2026-04-04T03:00Z", "2026-02-14T12:00Z")  # fmt: skip
moments = st.builds(
    lambda turn, minutes: at(turn) + minutes * MINUTE, st.sampled_from(TURNS), st.integers(-3 * DAY, 3 * DAY)
)


@given(calendars(), moments, st.integers(0, 3 * DAY))
@settings(max_examples=80, deadline=None)
def test_counted_time_is_the_open_minutes_of_the_wall_clock(
    hours: BusinessHours, start: datetime, minutes: int
) -> None:
    counted = sum(hours.is_open(start + number * MINUTE) for number in range(minutes))
    assert hours.business_time_between(start, start + minutes * MINUTE) == counted * MINUTE
    assert hours.business_time_between(start + minutes * MINUTE, start) == -counted * MINUTE


@given(calendars(), moments, st.integers(1, 20 * DAY * 60))
@settings(max_examples=150, deadline=None)
def test_adding_time_and_counting_it_agree(hours: BusinessHours, start: datetime, seconds: int) -> None:
    wanted = timedelta(seconds=seconds)
    due = hours.add_business_time(start, wanted)
    if due is None:
        # A minute a week is not enough for everything.
        assert hours.business_time_between(start, start + HORIZON) < wanted
        return
    assert hours.business_time_between(start, due) == wanted
    assert hours.business_time_between(start, due - timedelta(seconds=1)) < wanted
    assert hours.add_business_time(start, timedelta(0)) == start


@given(calendars(), moments, st.integers(0, 5 * DAY), st.integers(0, 5 * DAY))
@settings(max_examples=150, deadline=None)
def test_time_adds_up(hours: BusinessHours, start: datetime, first: int, second: int) -> None:
    middle, end = start + first * MINUTE, start + (first + second) * MINUTE
    parts = hours.business_time_between(start, middle) + hours.business_time_between(middle, end)
    assert parts == hours.business_time_between(start, end)
    opens = hours.next_open(start)
    if opens is not None:
        assert hours.is_open(opens)
        assert hours.business_time_between(start, opens) == timedelta(0)


def test_an_office_week() -> None:
    assert OFFICE.is_open(at("2026-06-01T08:00Z"))  # 9:00 in Dublin
    assert not OFFICE.is_open(at("2026-06-01T11:30Z"))  # lunch
    friday = at("2026-06-05T15:30Z")
    assert OFFICE.add_business_time(friday, timedelta(hours=1)) == at("2026-06-08T08:30Z")
    assert OFFICE.next_open(at("2026-06-06T00:00Z")) == at("2026-06-08T08:00Z")
    assert OFFICE.business_time_between(at("2026-06-01T00:00Z"), at("2026-06-08T00:00Z")) == timedelta(hours=35)


def test_a_night_in_which_the_clocks_change() -> None:
    night = BusinessHours(DUBLIN, (((0, 6 * 60),),) * 7)
    assert night.business_time_between(at("2026-03-29T00:00Z"), at("2026-03-29T12:00Z")) == timedelta(hours=5)
    start = datetime(2026, 10, 25, tzinfo=DUBLIN).astimezone(UTC)
    assert night.business_time_between(start, start + timedelta(hours=12)) == timedelta(hours=7)


def test_holidays_close_the_day_and_round_the_clock_never_closes() -> None:
    closed = BusinessHours(DUBLIN, OFFICE.week, frozenset({date(2026, 6, 1)}), frozenset({(6, 2)}))
    assert closed.next_open(at("2026-06-01T00:00Z")) == at("2026-06-03T08:00Z")
    assert closed.next_open(at("2027-06-01T00:00Z")) == at("2027-06-01T08:00Z")
    start = at("2026-03-28T17:45:12.345678Z")
    assert ALWAYS.add_business_time(start, timedelta(days=400)) == start + timedelta(days=400)
    assert BusinessHours(DUBLIN, ((),) * 7).next_open(start) is None
