"""Whose turn it is: everything that was landed is read again within the period."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.windows import DAY, Window
from pipelines.extraction.sweep import Rotation

START = date(2021, 3, 4)
periods = st.integers(2, 120)


@settings(max_examples=60, deadline=None)
@given(periods, st.integers(1, 2_000), st.data())
def test_every_day_of_a_growing_history_has_its_turn_within_the_period(
    period_d: int, length: int, data: st.DataObject
) -> None:
    """Whenever one begins to look, and whichever day one waits for."""
    wanted = START + data.draw(st.integers(0, length - 1)) * DAY
    looked_at = []
    for number in range(period_d):
        end = START + (length + number) * DAY
        days = Rotation(end, period_d).days(Window(START, end))
        assert days.start >= START
        assert days.end <= end
        assert days.day_count <= (length + number) // period_d + 2
        looked_at.append(days.start <= wanted < days.end)
    assert any(looked_at)


@settings(max_examples=60, deadline=None)
@given(periods, st.text(min_size=1))
def test_every_series_has_one_turn_in_a_period(period_d: int, series: str) -> None:
    turns = [Rotation(START + number * DAY, period_d).is_due(series) for number in range(period_d)]
    assert sum(turns) == 1


@given(periods, st.integers(0, 1_000))
def test_no_more_series_are_due_than_are_planned_for(period_d: int, count: int) -> None:
    rotation = Rotation(START, period_d)
    due = sum(rotation.is_due(f"series {number}") for number in range(count))
    assert due <= rotation.most(count) <= count
