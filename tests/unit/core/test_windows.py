"""Half-open windows of UTC days, and clocks."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.windows import (
    DAY,
    FixedClock,
    SystemClock,
    Window,
    clock_at,
    last_complete_day,
    start_of,
)
from tests.unit.json_values import FUZZ

MAY = Window.between(date(2024, 5, 1), date(2024, 5, 31))
windows = st.builds(
    lambda start, days: Window(start, start + days * DAY),
    st.dates(date(2009, 1, 1), date(2030, 1, 1)),
    st.integers(1, 4000),
)


def test_a_window_is_half_open() -> None:
    assert Window(date(2024, 5, 1), date(2024, 6, 1)) == MAY
    assert (MAY.start, MAY.end, MAY.last) == (date(2024, 5, 1), date(2024, 6, 1), date(2024, 5, 31))
    assert MAY.start_at == datetime(2024, 5, 1, tzinfo=UTC)
    assert MAY.end_at == datetime(2024, 6, 1, tzinfo=UTC)
    assert MAY.day_count == 31
    assert str(MAY) == "2024-05-01..2024-05-31"


def test_a_day_is_a_window() -> None:
    assert Window.of_day(date(2024, 2, 29)) == Window(date(2024, 2, 29), date(2024, 3, 1))


@pytest.mark.parametrize("end", [date(2024, 5, 1), date(2024, 4, 30)])
def test_an_empty_window_is_an_error(end: date) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        Window(date(2024, 5, 1), end)


def test_look_back_moves_the_start_only() -> None:
    assert MAY.look_back(3) == Window(date(2024, 4, 28), date(2024, 6, 1))
    assert MAY.look_back(0) == MAY


@FUZZ
@given(windows, st.integers(1, 500))
def test_chunks_cover_each_day_once(window: Window, size: int) -> None:
    chunks = list(window.chunks(size))
    assert chunks[0].start == window.start
    assert chunks[-1].end == window.end
    assert all(left.end == right.start for left, right in pairwise(chunks))
    assert all(chunk.day_count == size for chunk in chunks[:-1])
    assert chunks[-1].day_count <= size


def test_a_fixed_clock_stands_and_is_utc() -> None:
    berlin = timezone(timedelta(hours=2))
    clock = FixedClock(datetime(2024, 5, 1, 1, 30, tzinfo=berlin))
    assert clock.now() == datetime(2024, 4, 30, 23, 30, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    assert last_complete_day(clock) == date(2024, 4, 29)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2024, 5, 2, 0, 0, tzinfo=UTC), date(2024, 5, 1)),
        (datetime(2024, 5, 1, 23, 59, 59, 999_999, tzinfo=UTC), date(2024, 4, 30)),
    ],
)
def test_a_day_is_complete_at_midnight(instant: datetime, day: date) -> None:
    assert last_complete_day(FixedClock(instant)) == day


def test_a_naive_clock_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        FixedClock(datetime(2024, 5, 1))  # noqa: DTZ001  # the point


def test_clock_at() -> None:
    instant = datetime(2024, 5, 1, tzinfo=UTC)
    assert clock_at(instant) == FixedClock(instant)
    wall = clock_at(None)
    assert isinstance(wall, SystemClock)
    assert wall.now().utcoffset() == timedelta(0)


def test_start_of_a_day() -> None:
    assert start_of(date(2024, 5, 1)) == datetime(2024, 5, 1, tzinfo=UTC)


def test_a_window_covers_its_own_days_and_parts_of_them() -> None:
    window = Window(date(2025, 1, 2), date(2025, 1, 5))
    assert window.covers(window)
    assert window.covers(Window.of_day(date(2025, 1, 4)))
    assert not window.covers(Window(date(2025, 1, 1), date(2025, 1, 3)))
    assert not window.covers(Window(date(2025, 1, 4), date(2025, 1, 6)))
