"""Depeg events beyond their golden vectors, as a log that can be read as of any day."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.depeg import DepegParameters, death_spiral, depeg_log
from tests.unit.analytics.support import DEPEG, column, days, series

N = None


def coin(
    dev: list[float | None],
    *,
    low: list[float | None] | None = None,
    eligible: list[bool | None] | None = None,
    dead_from: date | None = None,
    name: str = "usd",
) -> pl.LazyFrame:
    count = len(dev)
    return series(
        {
            "dev_bps": dev,
            "dev_low_bps": low or [None] * count,
            "is_eligible": eligible or [True] * count,
            "dead_from": [dead_from] * count,
        },
        asset=name,
        key="stablecoin_id",
    ).with_columns(
        pl.col("dev_bps", "dev_low_bps").cast(pl.Float64),
        pl.col("is_eligible").cast(pl.Boolean),
        pl.col("dead_from").cast(pl.Date),
    )


def log(*args: Any, **kwargs: Any) -> list[tuple[Any, ...]]:
    """(day number, change, start, detected, worst) of each row."""
    first = days(1)[0]
    rows = depeg_log(coin(*args, **kwargs), DEPEG).collect()
    return [
        (
            (row["known_from_day"] - first).days,
            row["change"],
            (row["start_day"] - first).days,
            (row["detected_day"] - first).days,
            row["worst_bps"],
        )
        for row in rows.iter_rows(named=True)
    ]


def test_thresholds_are_inclusive() -> None:
    assert log([100.0]) == [(0, "open", 0, 0, 100)]
    assert log([99.9, 0.0]) == []
    assert log([-50.0, -50.0, -50.0]) == [(2, "open", 0, 2, -50)]
    assert log([50.0, 49.9, 50.0, 50.0]) == []
    assert log([100.0, 50.0, 50.0])[-1][:2] == (2, "close")


def test_a_fast_event_counts_the_days_off_before_it() -> None:
    assert log([-60.0, -70.0, -150.0]) == [(2, "open", 0, 2, -150)]


def test_an_event_is_not_known_before_it_was_detected() -> None:
    """A slow event starts two days before anybody could know of it."""
    rows = depeg_log(coin([-60.0, -60.0, -60.0]), DEPEG).collect()
    assert rows["start_day"].to_list() == [days(3)[0]]
    assert rows["known_from_day"].to_list() == rows["detected_day"].to_list() == [days(3)[2]]


def test_each_new_worst_is_a_row_and_an_equal_one_is_none() -> None:
    assert log([-100.0, -100.0, 90.0, -120.0, 200.0]) == [
        (0, "open", 0, 0, -100),
        (3, "worst", 0, 0, -120),
        (4, "worst", 0, 0, 200),
    ]


def test_two_days_at_the_peg_must_follow_each_other() -> None:
    assert [row[:2] for row in log([150.0, 0.0, 60.0, 0.0, 0.0])] == [(0, "open"), (4, "close")]


def test_days_on_which_nobody_is_heard_freeze_all_counters() -> None:
    dev = [60.0, 60.0, N, N, 60.0]
    assert log(dev, eligible=[True, True, False, N, True]) == [(4, "open", 0, 4, 60)]
    closing = [150.0, 0.0, N, N, 0.0]
    rows = log(closing, eligible=[True, True, N, False, True])
    assert [row[:2] for row in rows] == [(0, "open"), (4, "close")]


def test_an_open_event_worsens_on_days_of_any_quality() -> None:
    """What is published of a day without enough venues or volume is the event's worst, too."""
    dev = [-150.0, -800.0, -9652.0]
    assert log(dev, eligible=[True, False, False]) == [
        (0, "open", 0, 0, -150),
        (1, "worst", 0, 0, -800),
        (2, "worst", 0, 0, -9652),
    ]


def readings(
    reading: list[float | None],
    *,
    confirmed: list[bool] | bool = True,
    recovery: list[float | None] | None = None,
    dev: list[float | None] | None = None,
) -> list[tuple[Any, ...]]:
    """The log of a coin of which no day is eligible."""
    count = len(reading)
    sure = [confirmed] * count if isinstance(confirmed, bool) else confirmed
    frame = coin(dev or reading, eligible=[False] * count).with_columns(
        pl.Series("reading_bps", reading, pl.Float64),
        pl.Series("recovery_bps", recovery or [None] * count, pl.Float64),
        pl.Series("is_confirmed", sure),
    )
    first = days(1)[0]
    return [
        ((row["known_from_day"] - first).days, row["change"], row["worst_bps"], row["rule"])
        for row in depeg_log(frame, DEPEG).collect().iter_rows(named=True)
    ]


def test_venues_that_dispute_how_far_it_fell_open_it_at_the_nearest() -> None:
    """TerraUSD of 2022-05-09: -2,066 on one venue, -2,490 on another."""
    assert readings([-13.0, -2066.0]) == [(1, "open", -2066, "fast")]


def test_readings_on_both_sides_agree_on_nothing() -> None:
    assert readings([0.0, 0.0, 0.0], dev=[80.0, -400.0, 90.0]) == []


def test_a_single_print_waits_for_the_next_reading() -> None:
    wick = [-5.0, -3000.0, -6.0, -4.0]
    assert readings(wick, confirmed=False) == [(1, "suspect", -3000, "fast")]
    fall = [-5.0, -3000.0, N, -2500.0, -2600.0]
    assert readings(fall, confirmed=False) == [
        (1, "suspect", -3000, "fast"),
        (3, "open", -3000, "fast"),
    ]
    assert readings([-5.0, -3000.0, 400.0], confirmed=False)[-1][1] == "suspect"
    # a print that was never published is reported, and is not the worst of what it became
    held = [-5.0, N, -2500.0]
    assert readings([-5.0, -3000.0, -2500.0], confirmed=False, dev=held) == [
        (1, "suspect", -3000, "fast"),
        (2, "open", -2500, "fast"),
    ]


def test_a_second_source_confirms_at_once() -> None:
    sure = [False, False, True]
    assert readings([-5.0, -20.0, -3000.0], confirmed=sure) == [(2, "open", -3000, "fast")]


def test_an_event_ends_by_evidence_of_recovery_alone() -> None:
    """A price at the peg that nobody trades at proves nothing; one that is traded at does."""
    fall: list[float | None] = [-900.0, -900.0, 0.0, 0.0, 0.0, 0.0]
    assert [row[1] for row in readings(fall)] == ["open"]
    proven = [N, N, N, 10.0, 10.0, N]
    assert [row[:2] for row in readings(fall, recovery=proven)] == [(0, "open"), (4, "close")]
    assert [row[1] for row in readings([-900.0, N, N, N, N, N])] == ["open"]


def test_a_day_without_a_row_freezes_too() -> None:
    frame = coin([60.0, 60.0, 0.0, 60.0]).filter(pl.col("day") != days(4)[2])
    assert column(depeg_log(frame, DEPEG), "known_from_day") == [days(4)[3]]


def test_a_new_event_after_a_close_has_its_own_key() -> None:
    rows = depeg_log(coin([120.0, 0.0, 0.0, -130.0]), DEPEG).collect()
    assert rows["event_key"].to_list() == ["usd|2024-01-01", "usd|2024-01-01", "usd|2024-01-04"]
    assert rows["closed_day"].to_list() == [None, days(3)[2], None]


def test_the_canonical_low_is_kept_and_a_lower_one_is_a_row() -> None:
    rows = depeg_log(
        coin([-60.0, -110.0, -80.0, -70.0], low=[-300.0, -200.0, -900.0, N]), DEPEG
    ).collect()
    assert rows["worst_low_bps"].to_list() == [-300, -900]
    assert rows["worst_bps"].to_list() == [-110, -110]
    assert rows["change"].to_list() == ["open", "worst"]


def test_severity_follows_the_worst_close() -> None:
    rows = depeg_log(coin([-100.0, -300.0, -1000.0, 0.0, 0.0]), DEPEG)
    assert column(rows, "severity") == ["minor", "major", "severe", "severe"]


def test_a_dead_coin_never_recovers() -> None:
    dev = [-500.0, -600.0, 0.0, 0.0, 0.0, -900.0]
    assert [row[:2] for row in log(dev, dead_from=days(6)[2])] == [
        (0, "open"),
        (1, "worst"),
        (2, "dead"),
    ]
    assert log([0.0, 0.0, -900.0], dead_from=days(3)[1]) == []


def test_an_intraday_low_alone_opens_nothing() -> None:
    """USDT 2022-05-12: a dip to 0.95 within the day, a close within 100 bps."""
    assert log([-5.0, -40.0, -3.0], low=[-10.0, -500.0, -8.0]) == []


def test_a_commodity_is_judged_by_its_own_thresholds() -> None:
    gold = DepegParameters(
        fast_bps=150,
        slow_bps=75,
        slow_d=3,
        close_bps=75,
        close_d=2,
        major_bps=300,
        severe_bps=1000,
    )
    assert depeg_log(coin([120.0, 60.0, 74.0]), gold).collect().height == 0
    assert depeg_log(coin([150.0]), gold).collect().height == 1


def test_no_event_gives_an_empty_log_with_its_columns() -> None:
    rows = depeg_log(coin([0.0, 1.0]), DEPEG)
    assert rows.collect().height == 0
    assert dict(rows.collect_schema()) == dict(rows.collect().schema)


def test_thresholds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(AnalyticsError, match="close_bps <= slow_bps <= fast_bps"):
        DepegParameters(
            fast_bps=40,
            slow_bps=50,
            slow_d=3,
            close_bps=50,
            close_d=2,
            major_bps=300,
            severe_bps=1000,
        )


def spiral(**values: float | None) -> dict[str, Any]:
    """Terra on 2022-05-10, with changes."""
    terra: dict[str, float | None] = {
        "dev_bps": -2100,
        "backing_supply_growth_3d": 0.08,
        "net_mint_7d_usd": -1e9,
        "supply_par_usd": 16e9,
        "backing_mcap_usd": 6e9,
        "backing_ret_3d": -0.7,
    }
    frame = series({name: [value] for name, value in (terra | values).items()}).with_columns(
        pl.col(list(terra)).cast(pl.Float64)
    )
    flagged = death_spiral(
        frame, off_peg_bps=-100, supply_growth_3d=0.02, cover_floor_x=1, crash_3d=-0.3
    )
    return flagged.collect().row(0, named=True)


def test_terra_is_a_death_spiral_although_its_own_supply_shrank() -> None:
    row = spiral()
    assert row["reflexive_mint"] is True
    assert row["death_spiral_flag"] is True
    assert row["backing_cover_x"] == 6 / 16


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"dev_bps": -99.0}, False),
        ({"backing_supply_growth_3d": 0.01}, False),
        ({"backing_supply_growth_3d": 0.01, "net_mint_7d_usd": 5.0}, True),
        ({"backing_mcap_usd": 20e9, "backing_ret_3d": -0.29}, False),
        ({"backing_mcap_usd": 20e9, "backing_ret_3d": -0.30}, True),
        ({"backing_supply_growth_3d": None}, None),
        ({"backing_mcap_usd": None}, True),
        ({"backing_mcap_usd": None, "backing_ret_3d": -0.1}, None),
    ],
)
def test_the_death_spiral_needs_all_of_it_and_null_is_not_false(
    values: dict[str, float | None], expected: bool | None
) -> None:
    assert spiral(**values)["death_spiral_flag"] is expected
