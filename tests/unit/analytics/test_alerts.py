"""When alerts fire, and when they keep quiet."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pipelines.analytics.alerts import (
    LevelCrossParameters,
    VolumeSpikeParameters,
    cooling_down,
    latch,
    level_crosses,
    new_high,
    rearming,
    volume_spikes,
)
from tests.unit.analytics.support import START, column, days, series

KEYS = ["asset_id"]


def crosses(
    prices: list[float | None], level: list[float | None], *, atr: float | None = 1.0
) -> list[tuple[int, str]]:
    """(day number, direction) of each alert about one level, known on the days given."""
    levels = series({"level_id": ["high|x"] * len(level), "level_usd": level}).with_columns(
        pl.col("level_usd").cast(pl.Float64)
    )
    market = series({"close_usd": prices, "atr_14": [atr] * len(prices)}).with_columns(
        pl.col("close_usd", "atr_14").cast(pl.Float64)
    )
    found = level_crosses(
        levels.filter(pl.col("level_usd").is_not_null()),
        market,
        LevelCrossParameters(rearm_atr=0.5),
        atr="atr_14",
    ).collect()
    return [((day - START).days, way) for day, way in found.select("day", "direction").rows()]


def test_a_close_through_a_level_is_an_alert_in_both_directions() -> None:
    assert crosses([9, 11, 12, 8], [10] * 4) == [(1, "up"), (3, "down")]


def test_a_level_must_be_known_the_day_before() -> None:
    assert crosses([9, 11], [None, 10]) == []
    assert crosses([9, 11], [10, None]) == [(1, "up")]


def test_a_level_that_moves_through_the_price_is_no_cross() -> None:
    assert crosses([10, 10.1, 10.2], [9, 11, 11]) == []


def test_a_close_on_the_level_is_no_cross() -> None:
    assert crosses([9, 10, 11], [10] * 3) == []


def test_a_level_alert_arms_again_only_after_half_an_atr() -> None:
    assert crosses([9.0, 10.2, 9.9, 10.3, 9.8], [10] * 5) == [(1, "up")]
    assert crosses([9.0, 10.2, 10.6, 9.9], [10] * 4) == [(1, "up"), (3, "down")]
    assert crosses([9.0, 10.2, 10.5, 9.9], [10] * 4) == [(1, "up")], "more than 0.5, not 0.5"


def test_without_an_atr_nothing_arms_again() -> None:
    assert crosses([9, 11, 9, 11], [10] * 4, atr=None) == [(1, "up")]


def test_a_day_without_a_close_crosses_nothing() -> None:
    assert crosses([9, None, 11], [10] * 3) == []


def test_levels_of_one_asset_are_armed_separately() -> None:
    levels = pl.concat(
        series({"level_id": [name] * 4, "level_usd": [price] * 4})
        for name, price in (("low|a", 10.0), ("low|b", 10.1))
    )
    market = series({"close_usd": [9.0, 10.05, 10.2, 9.0], "atr_14": [1.0] * 4})
    found = level_crosses(levels, market, LevelCrossParameters(rearm_atr=0.5), atr="atr_14")
    names = column(found, "level_id")
    assert names == ["low|a", "low|b"], "the last fall finds both disarmed"


def test_a_volume_spike_fires_once_until_volume_is_normal_again() -> None:
    z = [0.0, 3.0, 4.0, 2.0, 3.5, 1.5, 3.0, 1.4, None, 3.1]
    frame = series({"z": z})
    found = volume_spikes(frame, VolumeSpikeParameters(fire_z=3, rearm_z=1.5), value="z")
    assert column(found, "z") == [3.0, 3.1]


def test_a_day_that_fires_and_arms_leaves_the_alert_armed() -> None:
    frame = series({"t": [True, True, True], "r": [True, False, False]})
    assert column(rearming(frame, keys=KEYS, trigger="t", rearm="r"), "fires") == [
        True,
        True,
        False,
    ]


def test_unknown_conditions_neither_fire_nor_arm() -> None:
    frame = series({"t": [None, True, None, True], "r": [None, None, None, None]}).with_columns(
        pl.col("t", "r").cast(pl.Boolean)
    )
    fires = column(rearming(frame, keys=KEYS, trigger="t", rearm="r"), "fires")
    assert fires == [False, True, False, False]


def test_a_cool_down_counts_calendar_days_and_not_rows() -> None:
    frame = series({"t": [True] * 20}).filter(~pl.col("day").is_in(days(20)[1:7]))
    result = cooling_down(frame, keys=KEYS, trigger="t", days=7).filter(pl.col("fires"))
    assert column(result, "day") == [days(20)[0], days(20)[7], days(20)[14]]


def test_a_cool_down_of_one_day_is_once_a_day() -> None:
    frame = series({"t": [True, False, True, True]})
    assert column(cooling_down(frame, keys=KEYS, trigger="t", days=1), "fires") == [
        True,
        False,
        True,
        True,
    ]


def test_cool_downs_of_no_rows() -> None:
    frame = series({"t": [True]}).filter(pl.lit(value=False))
    assert cooling_down(frame, keys=KEYS, trigger="t", days=7).collect().height == 0


def test_a_breakdown_stays_until_it_clears() -> None:
    """Rising edge, hysteresis, clearing."""
    frame = series(
        {
            "up": [False, True, False, True, False, False, None],
            "down": [True, False, False, False, True, False, None],
        }
    )
    result = latch(frame, keys=KEYS, rises="up", clears="down", alias="flag")
    assert column(result, "flag") == [False, True, True, True, False, False, False]
    assert column(result, "flag_edge") == [0, 1, 0, 0, -1, 0, 0]


def test_a_new_high_counts_after_thirty_days_below() -> None:
    values = [10.0] + [9.0] * 29 + [11.0]
    fires = column(new_high(series({"v": values}), keys=KEYS, value="v", days_below=30), "fires")
    assert not any(fires), "29 days below are too few"
    values = [10.0] + [9.0] * 30 + [11.0, 12.0]
    fires = column(new_high(series({"v": values}), keys=KEYS, value="v", days_below=30), "fires")
    assert [i for i, fired in enumerate(fires) if fired] == [31], "the day after is no event"


def test_the_first_value_is_no_new_high() -> None:
    frame = series({"v": [None, 5.0, 6.0]}).with_columns(pl.col("v").cast(pl.Float64))
    assert column(new_high(frame, keys=KEYS, value="v", days_below=0), "fires") == [
        False,
        False,
        True,
    ]


def test_an_alert_is_the_same_after_a_backfill() -> None:
    """History that ends later repeats the alerts that it gave before."""
    prices = [9.0, 11, 10.4, 9.6, 9.0, 11, 9, 11, 12, 8]
    full = crosses(prices, [10] * 10)
    for length in range(2, 11):
        assert crosses(prices[:length], [10] * length) == [
            event for event in full if event[0] < length
        ]
    assert START + timedelta(days=full[-1][0]) == days(10)[-1]
