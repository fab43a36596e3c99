"""The dense calendar: what is refused, what is filled in, and that nothing is left behind."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from pipelines.analytics import calendar, moving
from tests.unit.analytics.support import GAP, START, closes, column, days, walk


def test_repeated_keys_are_refused() -> None:
    frame = pl.concat([closes([1, 2, 3]), closes([9])])
    with pytest.raises(Exception, match=r"1 repeated keys \(asset_id, day\), first: a on 2024"):
        moving.sma(frame, n=2).collect()


@pytest.mark.parametrize("name", ["asset_id", "day"])
def test_null_keys_are_refused(name: str) -> None:
    frame = closes([1, 2]).with_columns(
        pl.when(pl.col("close_usd") > 1).then(pl.col(name)).alias(name)
    )
    with pytest.raises(Exception, match="must not be NULL"):
        moving.sma(frame, n=2).collect()


def test_missing_days_are_null_rows_of_their_asset_only() -> None:
    frame = pl.concat([closes([1, 2, 3, 4]), closes([5, 6], asset="b", start=days(3)[2])]).filter(
        pl.col("close_usd") != 2
    )
    result = calendar.dense(frame).collect()
    assert result.select("asset_id", "day", "close_usd", "_series", "_is_input").rows() == [
        ("a", days(4)[0], 1.0, 1, True),
        ("a", days(4)[1], None, 1, False),
        ("a", days(4)[2], 3.0, 1, True),
        ("a", days(4)[3], 4.0, 1, True),
        ("b", days(4)[2], 5.0, 2, True),
        ("b", days(4)[3], 6.0, 2, True),
    ]


def test_decimals_become_floats_and_nan_becomes_null() -> None:
    frame = pl.LazyFrame(
        {
            "asset_id": ["a"] * 3,
            "day": days(3),
            "close_usd": [Decimal("1.5"), None, Decimal("2.5")],
            "x": [float("nan"), float("inf"), 1.0],
        }
    )
    result = calendar.dense(frame).collect()
    assert result["close_usd"].to_list() == [1.5, None, 2.5]
    assert result["x"].to_list() == [None, None, 1.0]


def test_an_empty_frame_stays_empty_with_its_new_columns() -> None:
    frame = closes([1.0]).filter(pl.lit(value=False))
    result = moving.macd(frame, fast=2, slow=3, signal=2, max_gap_d=GAP).collect()
    assert result.height == 0
    assert result.columns == ["asset_id", "day", "close_usd", "macd", "macd_signal", "macd_hist"]


def test_segments_break_after_more_than_seven_missing_days() -> None:
    def numbers(missing: int) -> list[int | None]:
        values = [None, 1.0, *[None] * missing, 2.0, 3.0]
        return column(calendar.segments(closes(values), "close_usd", max_gap_d=GAP), "segment_no")

    assert numbers(7) == [None, 1, *[None] * 7, 1, 1]
    assert numbers(8) == [None, 1, *[None] * 8, 2, 2]


def test_leap_day_month_end_and_year_end_are_days_like_others() -> None:
    """F-20."""
    for start in (date(2024, 2, 25), date(2023, 12, 28), date(2024, 3, 29), date(2024, 10, 25)):
        values = [float(i) for i in range(10)]
        expected = column(moving.ema(closes(values), n=3, max_gap_d=GAP), "ema_3")
        assert (
            column(moving.ema(closes(values, start=start), n=3, max_gap_d=GAP), "ema_3") == expected
        )


def test_the_caller_s_frame_is_lazy_until_the_end() -> None:
    """Building a query reads nothing."""

    def explode(_: pl.DataFrame) -> pl.DataFrame:
        msg = "read too early"
        raise AssertionError(msg)

    frame = closes([1.0, 2.0])
    trap = frame.map_batches(explode, schema=frame.collect_schema())
    query = moving.ema(trap, n=2, max_gap_d=GAP)
    assert isinstance(query, pl.LazyFrame)
    with pytest.raises(Exception, match="read too early"):
        query.collect()


def test_a_filter_on_the_result_does_not_reach_the_input() -> None:
    frame = walk(1, assets=2, length=60)
    whole = moving.ema(frame.lazy(), n=10, max_gap_d=GAP)
    late = pl.col("day") >= days(60)[40]
    assert whole.filter(late).collect().equals(whole.collect().filter(late))
    assert whole.select("ema_10").collect().height == 120
    assert days(1)[0] == START
