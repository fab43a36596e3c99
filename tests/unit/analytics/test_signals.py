"""The signal machine beyond its golden vector, its events, and what following it earned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.signals import performance, positions, signal_events, signals
from tests.unit.analytics.support import SIGNAL, START, column, days, series

N = None


def machine(grades: list[float | None], **flags: list[Any]) -> pl.DataFrame:
    count = len(grades)
    frame = series(
        {
            "trader_grade": grades,
            "in_universe": flags.get("in_universe", [True] * count),
            "is_dead": flags.get("is_dead", [False] * count),
            "price_quality": flags.get("price_quality", ["ok"] * count),
        }
    ).with_columns(pl.col("trader_grade").cast(pl.Float64), pl.col("price_quality").cast(pl.String))
    return signals(frame, SIGNAL).collect()


def states(grades: list[float | None], **flags: list[Any]) -> list[int]:
    return machine(grades, **flags)["signal"].to_list()


def test_thresholds_are_inclusive() -> None:
    assert states([65, 65]) == [0, 1]
    assert states([35, 35]) == [0, -1]
    assert states([64.999, 65, 64.999, 65]) == [0, 0, 0, 0]


def test_a_position_ends_below_the_exit_and_not_at_it() -> None:
    assert states([70, 70, 60, 60, 60, 50, 49.9]) == [0, 1, 1, 1, 1, 1, 0]
    assert states([30, 30, 40, 40, 40, 50, 50.1]) == [0, -1, -1, -1, -1, -1, 0]


def test_a_position_is_held_for_the_minimum_time() -> None:
    """Entered on day 1, the grade may end it on day 5 at the earliest."""
    assert states([70, 70, 40, 40, 40, 40]) == [0, 1, 1, 1, 1, 0]
    assert states([30, 30, 60, 60, 60, 60]) == [0, -1, -1, -1, -1, 0]


def test_a_reversal_beats_an_exit() -> None:
    result = machine([70, 70, 60, 60, 60, 30, 30])
    assert result["signal"].to_list() == [0, 1, 1, 1, 1, 0, -1]
    held = machine([70, 70, 30, 30, 30, 30])
    assert held["signal"].to_list() == [0, 1, 1, 1, 1, -1]
    assert held["reason"].to_list()[-1] == "reverse_to_short"


def test_nulls_freeze_the_counters_and_keep_the_state() -> None:
    assert states([70, N, N, 70]) == [0, 0, 0, 1]
    assert states([70, 70, N, N, N, N, 60]) == [0, 1, 1, 1, 1, 1, 1]


def test_the_holding_time_runs_on_without_a_grade() -> None:
    assert states([70, 70, N, N, N, 40]) == [0, 1, 1, 1, 1, 0]


def test_ten_days_without_a_grade_end_a_position() -> None:
    result = machine([70, 70, *[N] * 11, 70, 70])
    assert result["signal"].to_list() == [0, *[1] * 10, 0, 0, 0, 1]
    assert result["reason"].to_list()[11] == "no_data"
    nine = machine([70, 70, *[N] * 9, 70])
    assert nine["signal"].to_list() == [0, *[1] * 11]


def test_leaving_the_universe_ends_a_position_at_once_and_clears_the_counters() -> None:
    member = [True, True, False, True, True]
    result = machine([70, 70, 70, 70, 70], in_universe=member)
    assert result["signal"].to_list() == [0, 1, 0, 0, 1], "confirmation begins anew"
    assert result["reason"].to_list() == [N, "enter_long", "left_universe", N, "enter_long"]


def test_three_days_without_a_price_end_a_position() -> None:
    quality = ["ok", "ok", "missing", N, "missing", "missing", "ok", "ok"]
    result = machine([70] * 8, price_quality=quality)
    assert result["signal"].to_list() == [0, 1, 1, 1, 0, 0, 0, 1]
    assert result["reason"].to_list()[4] == "price_missing"


def test_a_day_without_a_row_is_a_day_without_grade_and_price() -> None:
    frame = series(
        {
            "trader_grade": [70.0] * 8,
            "in_universe": [True] * 8,
            "is_dead": [False] * 8,
            "price_quality": ["ok"] * 8,
        }
    ).filter(~pl.col("day").is_in(days(8)[3:6]))
    result = signals(frame, SIGNAL).collect()
    assert result["day"].to_list() == days(8)
    assert result["signal"].to_list() == [0, 1, 1, 1, 1, 0, 0, 1]
    assert result["trader_grade"].to_list()[3:6] == [N, N, N]


def test_the_strongest_reason_is_given() -> None:
    result = machine([70, 70, 70], is_dead=[False, False, True], in_universe=[True, True, False])
    assert result["reason"].to_list()[-1] == "dead"


def test_the_trend_is_the_last_signal_that_was_not_zero() -> None:
    result = machine([50, 70, 70, 60, 60, 60, 40, 30, 30])
    assert result["signal"].to_list() == [0, 0, 1, 1, 1, 1, 0, 0, -1]
    assert result["trend"].to_list() == [N, N, 1, 1, 1, 1, 1, 1, -1]
    assert result["held_d"].to_list() == [1, 2, 0, 1, 2, 3, 0, 1, 0]


def test_several_thresholds_side_by_side_are_each_of_them_alone() -> None:
    chance = np.random.default_rng(5)
    grades = 50 + np.cumsum(chance.normal(0, 8, (90, 3)), axis=0).clip(-50, 50)
    left = chance.random((90, 3)) < 0.02
    trials = [SIGNAL, replace(SIGNAL, enter_long=75, confirm_d=1), replace(SIGNAL, min_hold_d=9)]
    never = np.zeros_like(left)
    found = positions(grades, dead=never, left=left, unpriced=never, trials=trials)
    for trial, together in zip(trials, found, strict=True):
        (alone,) = positions(grades, dead=never, left=left, unpriced=never, trials=[trial])
        np.testing.assert_array_equal(together, alone)
    for asset in range(3):
        expected = states(grades[:, asset].tolist(), in_universe=(~left[:, asset]).tolist())
        assert found[0][:, asset].tolist() == expected
    assert not np.array_equal(found[0], found[1])


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(Exception, match="in_universe must be true or false"):
        machine([70.0], in_universe=[None])


@pytest.mark.parametrize(
    "change", [{"enter_short": 70.0}, {"exit_long": 66.0}, {"exit_short": 34.0}]
)
def test_thresholds_in_the_wrong_order_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(AnalyticsError):
        replace(SIGNAL, **change)


def test_one_event_per_change_and_none_without() -> None:
    result = machine([50, 66, 64, 66, 67, 60, 55, 49, N, 48, 34, 33, 30, 52, 70, 71])
    events = signal_events(result.lazy(), version="v1").collect()
    rows = events.select("from_signal", "to_signal", "reason").rows()
    assert rows == [
        (0, 1, "enter_long"),
        (1, 0, "exit_long"),
        (0, -1, "enter_short"),
        (-1, 1, "reverse_to_long"),
    ]
    assert events["event_key"].n_unique() == 4
    assert events["event_key"].to_list()[0] == "a|2024-01-05|v1"
    again = signal_events(result.lazy(), version="v1").collect()
    assert events.equals(again), "the same run gives the same events"


def performed(signal: list[int], closes: list[float | None], cost_bps: float = 0) -> pl.DataFrame:
    frame = series({"signal": signal, "close_usd": closes}).with_columns(
        pl.col("signal").cast(pl.Int8), pl.col("close_usd").cast(pl.Float64)
    )
    return performance(frame, cost_bps=cost_bps).collect()


def test_a_signal_earns_from_the_day_after() -> None:
    """The return of the day on which a signal was decided is not its own."""
    result = performed([0, 1, 1, 0, 0], [100, 200, 220, 110, 55])
    assert result["effective_signal"].to_list() == [N, 0, 1, 1, 0]
    assert result["strat_ret"].to_list() == pytest.approx([N, 0, 0.1, -0.5, 0])
    assert result["strat_index"].to_list() == pytest.approx([1, 1, 1.1, 0.55, 0.55])
    assert result["hold_index"].to_list() == pytest.approx([N, N, 1.1, 0.55, 0.275])


def test_a_change_costs_what_it_trades() -> None:
    result = performed([1, -1, -1, 0, 0], [100, 100, 100, 100, 100], cost_bps=10)
    assert result["strat_ret"].to_list() == pytest.approx([N, -0.001, -0.002, 0, -0.001])


def test_a_move_across_a_gap_is_settled_with_the_position_it_began_with() -> None:
    result = performed([1, 1, 0, 0, 0], [100, 100, N, N, 50])
    assert result["effective_signal"].to_list() == [N, 1, 1, 1, 1]
    assert result["strat_ret"].to_list() == pytest.approx([N, 0, N, N, -0.5])
    assert result["strat_index"].to_list() == pytest.approx([1, 1, 1, 1, 0.5])


def test_a_planted_same_day_leak_is_seen() -> None:
    """On a random walk a same-day signal earns absurdly; ours earns nothing."""
    rng = np.random.default_rng(5)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.04, 2000)))
    up = (np.diff(closes, prepend=closes[0]) > 0).astype(int) * 2 - 1
    honest = performed(up.tolist(), closes.tolist())["strat_ret"].to_numpy()
    leaking = performed(np.append(up[1:], 0).tolist(), closes.tolist())["strat_ret"].to_numpy()

    def sharpe(returns: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        known = returns[~np.isnan(returns)]
        return float(known.mean() / known.std() * np.sqrt(365))

    assert abs(sharpe(honest)) < 2
    assert sharpe(leaking) > 15


def test_signals_of_many_assets_do_not_mix() -> None:
    frame = pl.concat(
        series(
            {
                "trader_grade": [grade] * 4,
                "in_universe": [True] * 4,
                "is_dead": [False] * 4,
                "price_quality": ["ok"] * 4,
            },
            asset=name,
            start=START,
        )
        for name, grade in (("a", 80.0), ("b", 20.0), ("c", 50.0))
    )
    result = signals(frame, SIGNAL).filter(pl.col("day") == days(4)[-1])
    assert column(result, "signal") == [1, -1, 0]
