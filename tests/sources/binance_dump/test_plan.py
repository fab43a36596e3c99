"""Files or pages, counted before the first request."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.windows import DAY, Window
from pipelines.extraction.candles import INTERVAL_S
from pipelines.sources.binance import plan

FIVE_YEARS = Window(date(2021, 3, 1), date(2026, 3, 1))
# the first Monday of March 2026 is the 2nd: February's files are out on the 3rd
TODAY = date(2026, 3, 3)
PAIRS = 50


def counts(interval: str) -> tuple[int, int]:
    """Return what 50 pairs over five years take by file and by page."""
    by_file = plan.choose(FIVE_YEARS, interval, TODAY, "always")
    return PAIRS * by_file.request_count, PAIRS * by_file.page_request_count


@pytest.mark.parametrize(
    ("interval", "by_file", "by_page"),
    [
        ("1d", 6_050, 100),
        ("1h", 6_050, 2_200),
        ("30m", 6_050, 4_400),
        ("15m", 6_050, 8_800),
        ("5m", 6_050, 26_300),
        ("1m", 6_050, 131_500),
        ("1s", 6_050, 7_888_350),
    ],
)
def test_what_fifty_pairs_over_five_years_take(interval: str, by_file: int, by_page: int) -> None:
    assert counts(interval) == (by_file, by_page)


@pytest.mark.parametrize("interval", sorted(INTERVAL_S))
def test_the_way_with_fewer_requests_is_taken(interval: str) -> None:
    by_file, by_page = counts(interval)
    chosen = plan.choose(FIVE_YEARS, interval, TODAY, "auto")
    assert bool(chosen.files) == (by_file < by_page)
    assert PAIRS * chosen.request_count == min(by_file, by_page)


def test_of_minutes_files_take_twenty_times_fewer_requests() -> None:
    by_file, by_page = counts("1m")
    assert by_page / by_file > 20


def test_before_a_month_is_out_its_days_cost_more() -> None:
    ratios = []
    for number in range(60):
        end = date(2026, 2, 1) + number * DAY
        window = Window(end.replace(year=end.year - 5), end)
        chosen = plan.choose(window, "1m", end, "auto")
        ratios.append(chosen.page_request_count / chosen.request_count)
    assert 15.8 < min(ratios) < 16
    assert 21 < max(ratios) < 22


def test_the_documentation_has_the_counts() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "binance.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (\w+) \| ([\d,]+ \| [\d,]+) \|", text, re.MULTILINE))
    assert rows == {
        interval: "{1:,} | {0:,}".format(*counts(interval))
        for interval in ("1d", "1h", "30m", "15m", "5m", "1m", "1s")
    }


def test_daily_candles_are_never_worth_a_file() -> None:
    by_file, by_page = counts("1d")
    assert by_file / by_page > 60
    assert plan.choose(FIVE_YEARS, "1d", TODAY, "auto").files == ()


def test_a_daily_run_of_minutes_asks_by_page() -> None:
    window = Window(date(2026, 2, 27), date(2026, 3, 3))
    assert plan.choose(window, "1m", TODAY, "auto") == plan.Plan((), (window,), 6, 6)


def test_the_month_is_out_after_its_first_monday() -> None:
    february = Window(date(2026, 2, 1), date(2026, 3, 1))
    monday = plan.choose(february, "1m", date(2026, 3, 2), "always")
    assert {file.folder for file in monday.files} == {"daily"}
    tuesday = plan.choose(february, "1m", date(2026, 3, 3), "always")
    assert [file.period for file in tuesday.files] == ["2026-02"]


def test_the_newest_days_are_asked_by_page() -> None:
    window = Window(date(2026, 1, 1), date(2026, 3, 10))
    chosen = plan.choose(window, "1m", date(2026, 3, 10), "auto")
    assert [file.period for file in chosen.files] == ["2026-01", "2026-02"]
    # 9 days of minutes are 13 pages, or 18 requests for files
    assert chosen.pages == (Window(date(2026, 3, 1), date(2026, 3, 10)),)
    assert chosen.request_count == 2 * 2 + 13 + 1


def test_of_seconds_the_newest_days_come_by_file_and_yesterday_by_page() -> None:
    window = Window(date(2026, 3, 1), date(2026, 3, 10))
    chosen = plan.choose(window, "1s", date(2026, 3, 10), "auto")
    assert [file.period for file in chosen.files] == [
        f"2026-03-{number:02}" for number in range(1, 9)
    ]
    assert chosen.pages == (Window(date(2026, 3, 9), date(2026, 3, 10)),)


def test_the_user_may_forbid_files() -> None:
    assert plan.choose(FIVE_YEARS, "1m", TODAY, "never").files == ()


windows = st.builds(
    lambda start, length: Window(start, start + length * DAY),
    st.dates(date(2017, 8, 1), date(2026, 2, 20)),
    st.integers(1, 800),
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(windows, st.sampled_from(sorted(INTERVAL_S)), st.integers(0, 70),
       st.sampled_from(["auto", "always", "never"]))  # fmt: skip
def test_every_wanted_day_is_asked_for_exactly_once(
    window: Window, interval: str, age: int, bulk: plan.Bulk
) -> None:
    chosen = plan.choose(window, interval, window.end + timedelta(days=age), bulk)
    days: list[date] = []
    for part in (*(file.window for file in chosen.files), *chosen.pages):
        days += [part.start + number * DAY for number in range(part.day_count)]
    wanted = {window.start + number * DAY for number in range(window.day_count)}
    assert len(days) == len(set(days)), "a day stands in two parts"
    assert wanted <= set(days), "a wanted day stands in no part"
    for page in chosen.pages:
        assert window.start <= page.start < page.end <= window.end
    if bulk == "auto":
        assert chosen.request_count <= chosen.page_request_count
    for file in chosen.files:
        assert file.window.end <= window.end + timedelta(days=age), "the file cannot be out yet"
