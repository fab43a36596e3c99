"""The edge cases of the signals half, a named test each (also F-4, F-5, F-11 to F-15)."""

from __future__ import annotations

import math
from datetime import timedelta

import polars as pl
import pytest

from pipelines.analytics import (
    calendar,
    crosses,
    levels,
    momentum,
    moving,
    oscillators,
    ranges,
    regime,
    scoring,
    signals,
    technical,
    volume,
)
from tests.unit.analytics.support import (
    GAP,
    LEVELS,
    SIGNAL,
    START,
    TECHNICAL,
    TRADER,
    bars,
    closes,
    column,
    days,
    series,
    walk,
)

WINDOWS = {
    "sma_20": 20,
    "sma_50": 50,
    "sma_200": 200,
    "bb_mid": 20,
    "bb_up": 20,
    "bb_pctb": 20,
    "donchian_high_20": 20,
    "donchian_low_20": 20,
    "donch_pos": 20,
}
FIRST = {
    "sma_20": 20,
    "sma_50": 50,
    "sma_200": 200,
    "ema_12": 12,
    "ema_26": 26,
    "rsi_14": 15,
    "macd": 26,
    "macd_signal": 34,
    "macd_hist": 34,
    "tr": 2,
    "atr_14": 15,
    "natr_14": 15,
    "bb_mid": 20,
    "bb_up": 20,
    "bb_low": 20,
    "bb_width": 20,
    "bb_pctb": 20,
    "donchian_high_20": 21,
    "donchian_low_20": 21,
    "donch_pos": 20,
    "ret_28d": 29,
    "ret_90d": 91,
    "tsmom_28": 61,
    "tsmom_90": 91,
    "volume_z_30d": 25,
    "pivot_p": 2,
    "pivot_s3": 2,
}
"""Column and the day of an asset's life on which it first has a value."""


def still(count: int, price: float = 0.1) -> pl.LazyFrame:
    prices = {name: [price] * count for name in ("high_usd", "low_usd", "close_usd")}
    return series({**prices, "volume_usd": [1000.0] * count})


def without(frame: pl.DataFrame, *positions: int) -> pl.LazyFrame:
    """The market with days missing."""
    gone = [days(max(positions) + 1)[position] for position in positions]
    return frame.filter(~pl.col("day").is_in(gone)).lazy()


# --- a missing day in each window


@pytest.mark.parametrize(("name", "length"), WINDOWS.items())
def test_a_missing_day_empties_each_window_that_needs_all_its_days(name: str, length: int) -> None:
    frame = walk(1, assets=1, length=450)
    result = technical.technical(without(frame, 220), TECHNICAL).collect()
    values = dict(result.select("day", name).iter_rows())
    # donchian's window ends the day before
    shift = 1 if name.startswith("donchian") else 0
    affected = days(450)[221 : 220 + length + shift]
    assert all(values[day] is None for day in affected), f"{name} bridges the missing day"
    assert values[days(450)[219]] is not None
    assert values[days(450)[220 + length + shift]] is not None, f"{name} never recovers"


def test_a_missing_day_in_the_window_of_ema_and_macd_carries_the_state() -> None:
    """The average waits; its next step starts from the last one."""
    values = [float(v) for v in range(1, 41)]
    full = column(moving.ema(closes(values), n=3, max_gap_d=GAP), "ema_3")
    holed = [*values[:20], None, *values[20:]]
    result = column(moving.ema(closes(holed), n=3, max_gap_d=GAP), "ema_3")
    assert result[20] is None
    assert result[:20] + result[21:] == full
    smooth = moving.macd(closes(holed), fast=3, slow=6, signal=4, max_gap_d=GAP).collect()
    assert smooth["macd_hist"].null_count() == 5 + 3 + 1


def test_a_missing_day_in_the_window_of_rsi_bridges_the_change() -> None:
    values = [100.0 + (i % 3) for i in range(30)]
    full = column(oscillators.rsi(closes(values), n=5, max_gap_d=GAP), "rsi_5")
    holed = column(
        oscillators.rsi(closes([*values[:9], None, *values[9:]]), n=5, max_gap_d=GAP), "rsi_5"
    )
    assert holed[9] is None
    assert holed[:9] + holed[10:] == full


def test_a_missing_day_in_the_window_of_atr_measures_from_the_last_close() -> None:
    frame = bars([10, None, 15, 15], [9, None, 14, 14], [10, None, 14.5, 14.5])
    assert column(ranges.atr(frame, n=2, max_gap_d=GAP), "tr") == [None, None, 5.0, 1.0]


def test_a_missing_day_in_the_window_of_momentum() -> None:
    frame = walk(2, assets=1, length=200)
    result = technical.technical(without(frame, 120), TECHNICAL).collect()
    values = dict(result.select("day", "ret_28d").iter_rows())
    assert values[days(200)[148]] is None, "no nearest-day substitution"
    assert values[days(200)[147]] is not None
    assert values[days(200)[149]] is not None
    strength = dict(result.select("day", "tsmom_28").iter_rows())
    assert strength[days(200)[149]] is not None, "88 of 90 returns are enough for sigma"


def test_a_missing_day_in_the_window_of_volume_z() -> None:
    volumes = [math.exp(i % 4) for i in range(60)]
    frame = series({"volume_usd": volumes})
    holed = frame.filter(~pl.col("day").is_in([days(60)[k] for k in range(30, 36)]))
    result = volume.volume_z(holed, n=30, min_obs=24, sd_floor=1e-9).collect()
    values = dict(result.select("day", "volume_z_30d").iter_rows())
    assert values[days(60)[40]] is not None, "24 of 30 days are enough"
    fewer = frame.filter(~pl.col("day").is_in([days(60)[k] for k in range(30, 37)]))
    result = volume.volume_z(fewer, n=30, min_obs=24, sd_floor=1e-9).collect()
    assert dict(result.select("day", "volume_z_30d").iter_rows())[days(60)[40]] is None


def test_a_missing_day_around_a_swing_is_no_swing() -> None:
    high = [1.0, 2, 3, 4, 5, 9, 5, 4, 3, 2, 1]
    frame = bars(high, [h - 0.5 for h in high], [h - 0.2 for h in high])
    assert levels.swings(frame, bars=5).collect().height == 1
    for position in (0, 3, 7, 10):
        holed = frame.filter(pl.col("day") != days(11)[position])
        assert levels.swings(holed, bars=5).collect().height == 0


def test_a_missing_day_before_leaves_no_pivot() -> None:
    frame = walk(3, assets=1, length=10)
    result = levels.pivots(without(frame, 5)).collect()
    values = dict(result.select("day", "pivot_p").iter_rows())
    assert values[days(10)[6]] is None
    assert values[days(10)[7]] is not None


# --- an asset younger than each window


@pytest.mark.parametrize(("name", "life"), FIRST.items())
def test_an_asset_younger_than_each_window_has_no_value(name: str, life: int) -> None:
    frame = walk(4, assets=2, length=220)
    values = technical.technical(frame.lazy(), TECHNICAL).filter(pl.col("asset_id") == "asset-1")
    actual = values.collect()[name].to_list()
    assert actual[: life - 1] == [None] * (life - 1), f"{name} before day {life}"
    assert actual[life - 1] is not None, f"{name} is missing on day {life}"


def test_an_asset_younger_than_its_score_history_is_ranked_across_only() -> None:
    frame = pl.concat(
        series({"x": [float(i * k % 7) for i in range(length)]}, asset=f"asset-{k}", start=start)
        for k, length, start in (
            (1, 120, START),
            (2, 120, START),
            (3, 40, START + timedelta(days=80)),
        )
    ).with_columns(pl.lit(value=True).alias("in_universe"))
    only = scoring.GradeParameters(
        grade="g",
        factors=(scoring.Factor(name="x", group="all", orientation=1),),
        group_weights=(("all", 1.0),),
        history_d=365,
        history_min_obs=90,
        group_min_share=0.5,
        coverage_floor=0.6,
        min_peers=5,
        signal_labels=TRADER.signal_labels,
        momentum_labels=TRADER.momentum_labels,
        momentum_d=7,
    )
    last = scoring.score_factors(frame, only).collect().filter(pl.col("day") == days(120)[-1])
    young = last.filter(pl.col("asset_id") == "asset-3").row(0, named=True)
    assert young["x_is_young"]
    assert young["x_ts"] is None
    assert young["x_factor_score"] == young["x_xs"]
    old = last.filter(pl.col("asset_id") == "asset-1").row(0, named=True)
    assert old["x_factor_score"] == (old["x_xs"] + old["x_ts"]) / 2


# --- constant prices


def test_a_constant_price_has_no_spread_no_crosses_and_a_middling_rsi() -> None:
    result = technical.technical(still(260), TECHNICAL).collect()
    last = result.row(-1, named=True)
    assert last["rsi_14"] == 50
    assert last["tr"] == last["atr_14"] == last["natr_14"] == 0
    assert last["bb_up"] == last["bb_low"]
    assert last["bb_pctb"] is None
    assert last["donch_pos"] is None
    assert last["tsmom_28"] is None
    assert last["volume_z_30d"] is None
    assert last["pivot_r3"] == pytest.approx(0.1)
    for name in ("cross_50_200", "cross_12_26"):
        assert result[name].null_count() == 260, f"{name}: rounding is no cross"
    assert levels.levels(still(260), LEVELS).collect().height == 0


def test_a_price_that_becomes_constant_loses_its_bands_exactly() -> None:
    """A rolling deviation must not remember what has left its window."""
    frame = closes([1e6 * 1.5 ** (i % 9) for i in range(50)] + [0.1] * 40)
    result = ranges.bollinger(frame, n=20, deviations=2).collect()
    settled = result["bb_width"].to_list()[69:]
    assert settled == [0.0] * 21
    assert result["bb_pctb"].to_list()[69:] == [None] * 21


def test_the_bands_of_a_collapsed_price_are_precise() -> None:
    """LUNC fell by seven orders of magnitude within a window."""
    after = [1e-5 * (1 + 0.1 * math.sin(i)) for i in range(60)]
    collapsed = ranges.bollinger(closes([80.0 + i for i in range(60)] + after), n=20, deviations=2)
    fresh = ranges.bollinger(closes(after), n=20, deviations=2)
    left, right = column(collapsed, "bb_width")[60 + 20 :], column(fresh, "bb_width")[20:]
    for a, b in zip(left, right, strict=True):
        assert a == pytest.approx(b, rel=1e-9)


# --- ties


def test_ties_in_a_percentile_share_the_middle_rank() -> None:
    frame = pl.concat(
        series({"ret_7d": [value]}, asset=f"asset-{k:02d}") for k, value in enumerate([1.0] * 20)
    ).with_columns(pl.lit(value=True).alias("in_universe"))
    assert column(momentum.xsmom(frame, n=7, min_assets=20), "xsmom_7_pct") == [50.0] * 20
    assert column(momentum.xsmom(frame, n=7, min_assets=21), "xsmom_7_pct") == [None] * 20


def test_ties_in_a_grade_are_ranked_by_asset_id() -> None:
    names = ["c", "a", "b", "d"]
    frame = pl.concat(
        series({factor.name: [1.0] for factor in TRADER.factors}, asset=name) for name in names
    ).with_columns(pl.lit(value=True).alias("in_universe"))
    result = scoring.assemble_grade(scoring.score_factors(frame, TRADER), TRADER).collect()
    assert result.select("asset_id", "rank", "trader_grade").rows() == [
        ("a", 1, 50.0),
        ("b", 2, 50.0),
        ("c", 3, 50.0),
        ("d", 4, 50.0),
    ]


def test_ties_of_two_equal_highs_are_no_swing() -> None:
    high = [1.0, 2, 3, 4, 9, 9, 4, 3, 2, 1, 1, 1]
    frame = bars(high, [0.5] * 12, [0.8] * 12)
    assert levels.swings(frame, bars=3).collect().height == 0


def test_ties_of_two_lines_keep_the_sign_before() -> None:
    fast = [1.0, 2, 2, 3, 2, 1, 2, 1]
    frame = series({"fast": fast, "slow": [2.0] * 8})
    result = crosses.cross(frame, fast="fast", slow="slow", alias="cross", max_gap_d=GAP)
    assert column(result, "cross") == [None, None, None, "golden", None, "death", None, None]


# --- a zero-volume day


def test_a_zero_volume_day_has_no_z_and_does_not_disturb_the_days_after() -> None:
    volumes = [math.exp(5 + i % 3) for i in range(50)]
    volumes[35] = 0.0
    unknown = [None if i == 35 else v for i, v in enumerate(volumes)]
    z, expected = (
        column(
            volume.volume_z(series({"volume_usd": v}), n=30, min_obs=24, sd_floor=1e-9),
            "volume_z_30d",
        )
        for v in (volumes, unknown)
    )
    assert z[35] is None
    assert z[36] is not None
    assert z == expected, "zero volume has no logarithm, like no volume at all"


# --- NULL stretches and gaps


@pytest.mark.parametrize("missing", [1, 7])
def test_a_gap_of_up_to_seven_days_is_bridged(missing: int) -> None:
    values: list[float | None] = [*map(float, range(1, 11)), *[None] * missing, 30.0]
    result = column(moving.ema(closes(values), n=3, max_gap_d=GAP), "ema_3")
    assert result[-1] == 9 + 0.5 * (30 - 9)
    rsi = column(oscillators.rsi(closes(values), n=3, max_gap_d=GAP), "rsi_3")
    assert rsi[-1] == 100


def test_a_gap_of_more_than_seven_days_reseeds_every_recursion() -> None:
    before, after = [float(v) for v in range(100, 150)], [5.0, 6, 5, 7, 6, 8, 7, 9, 8, 10] * 5
    values: list[float | None] = [*before, *[None] * 8, *after]
    frame = bars([v and v + 1 for v in values], [v and v - 1 for v in values], values)
    fresh = bars([v + 1 for v in after], [v - 1 for v in after], after, start=days(59)[-1])
    short = {"n": 5, "max_gap_d": GAP}

    def indicators(given: pl.LazyFrame) -> pl.DataFrame:
        given = ranges.atr(oscillators.rsi(moving.ema(given, **short), **short), **short)
        return moving.macd(given, fast=3, slow=6, signal=4, max_gap_d=GAP).collect()

    result, expected = indicators(frame)[-50:], indicators(fresh)
    for name in ("ema_5", "rsi_5", "tr", "atr_5", "macd", "macd_signal"):
        assert result[name].to_list() == expected[name].to_list(), f"{name} remembers the gap"


def test_a_gap_forgets_the_side_of_a_cross() -> None:
    def events(missing: int) -> list[str | None]:
        frame = series(
            {
                "fast": [2.0, 2.0, *[None] * missing, 0.5, 2.0],
                "slow": [1.0, 1.0, *[None] * missing, 1.0, 1.0],
            }
        )
        result = crosses.cross(frame, fast="fast", slow="slow", alias="x", max_gap_d=GAP)
        return column(result, "x")[-2:]

    assert events(7) == ["death", "golden"]
    assert events(8) == [None, "golden"], "the first value after a long gap is no event"


def test_a_gap_of_rows_and_a_gap_of_nulls_are_the_same() -> None:
    frame = walk(5, assets=2, length=150)
    away = pl.col("day").is_in(days(150)[60:75])
    rows = frame.filter(~away)
    nulls = frame.with_columns(
        pl.when(~away).then(pl.col(name)).alias(name) for name in frame.columns[2:]
    )
    left = technical.technical(rows.lazy(), TECHNICAL).collect()
    right = technical.technical(nulls.lazy(), TECHNICAL).collect().filter(~away)
    assert left.equals(right)


def test_an_unknown_price_is_null_and_never_zero() -> None:
    frame = walk(6, assets=1, length=60).with_columns(pl.lit(None, pl.Float64).alias("volume_usd"))
    nothing = frame.with_columns(pl.lit(None, pl.Float64).alias(n) for n in frame.columns[2:])
    result = technical.technical(nothing.lazy(), TECHNICAL).collect()
    for name in result.columns[2:]:
        assert result[name].null_count() == 60, name


# --- redenominations and tickers


def redenominated() -> tuple[pl.DataFrame, pl.LazyFrame]:
    """A market whose asset-0 splits one unit into a hundred on day 100, and the event."""
    frame = walk(7, assets=2, length=300)
    prices = ["open_usd", "high_usd", "low_usd", "close_usd"]
    after = (pl.col("day") >= days(300)[100]) & (pl.col("asset_id") == "asset-0")
    split = frame.with_columns(
        pl.when(after).then(pl.col(name) / 100).otherwise(pl.col(name)).alias(name)
        for name in prices
    )
    event = pl.LazyFrame(
        {"asset_id": ["asset-0"], "effective_day": [days(300)[100]], "ratio": [100.0]}
    )
    return split, event


def test_a_redenomination_of_100_leaves_no_trace_in_adjusted_indicators() -> None:
    split, event = redenominated()
    prices = ["open_usd", "high_usd", "low_usd", "close_usd"]
    adjusted = calendar.to_first_units(split.lazy(), event, columns=prices)
    result = technical.technical(adjusted, TECHNICAL).collect()
    smooth = technical.technical(walk(7, assets=2, length=300).lazy(), TECHNICAL).collect()
    for name in ("rsi_14", "natr_14", "bb_pctb", "donch_pos", "tsmom_28", "ret_28d"):
        gap = (result[name] - smooth[name]).abs().max()
        assert gap < 1e-9, f"{name} sees the redenomination: {gap}"
    assert result["cross_12_26"].equals(smooth["cross_12_26"])


def test_a_redenomination_leaves_the_days_before_alone_and_levels_in_their_own_units() -> None:
    split, event = redenominated()
    adjusted = calendar.to_first_units(split.lazy(), event, columns=["close_usd"]).collect()
    before = pl.col("day") < days(300)[100]
    assert adjusted.filter(before)["close_usd"].equals(split.filter(before)["close_usd"])
    ema = moving.ema(adjusted.lazy(), n=12, max_gap_d=GAP)
    back = calendar.to_current_units(ema, columns=["close_usd", "ema_12"]).collect()
    assert back["close_usd"].to_list() == pytest.approx(split["close_usd"].to_list())
    last = back.filter(pl.col("asset_id") == "asset-0").row(-1, named=True)
    assert 0.2 < last["ema_12"] / last["close_usd"] < 5


def test_two_token_events_multiply_and_only_from_their_day_on() -> None:
    frame = closes([1.0] * 6)
    events = pl.LazyFrame(
        {
            "asset_id": ["a", "a", "b"],
            "effective_day": [days(6)[2], days(6)[4], days(6)[1]],
            "ratio": [10.0, 3.0, 7.0],
        }
    )
    result = calendar.to_first_units(frame, events, columns=["close_usd"])
    assert column(result, "unit_ratio") == [1, 1, 10, 10, 30, 30]


def test_a_ticker_reassigned_to_another_asset_starts_from_nothing() -> None:
    """LUNA of 2022-05-28 is not LUNC: another asset_id, another series."""
    frame = pl.concat(
        [
            closes([80.0 - i for i in range(40)], asset="terra-classic"),
            closes([10.0 + i % 3 for i in range(40)], asset="terra", start=days(41)[-1]),
        ]
    )
    result = oscillators.rsi(frame, n=14, max_gap_d=GAP).collect()
    fresh = result.filter(pl.col("asset_id") == "terra")["rsi_14"].to_list()
    assert fresh[:14] == [None] * 14
    assert fresh[14] > 40, "the fall of the old asset is not in the new one's index"


# --- delisting, death, all-NULL narratives


def grades(values: list[float | None], **flags: list[object]) -> pl.LazyFrame:
    count = len(values)
    return series(
        {
            "trader_grade": values,
            "in_universe": flags.get("in_universe", [True] * count),
            "is_dead": flags.get("is_dead", [False] * count),
            "price_quality": flags.get("price_quality", ["ok"] * count),
        }
    ).with_columns(pl.col("trader_grade").cast(pl.Float64))


def test_a_delisting_ends_the_rows_and_nothing_is_filled_behind_it() -> None:
    frame = pl.concat([grades([70.0] * 10), grades([70.0] * 30).with_columns(asset_id=pl.lit("b"))])
    result = signals.signals(frame, SIGNAL).collect()
    assert result.filter(pl.col("asset_id") == "a")["day"].max() == days(10)[-1]
    ema = moving.ema(
        pl.concat([closes([1.0] * 10), closes([1.0] * 30, asset="b")]), n=3, max_gap_d=GAP
    ).collect()
    assert ema.filter(pl.col("asset_id") == "a").height == 10


def test_a_death_ends_a_position_at_once_and_costs_all_of_it() -> None:
    dead = [False] * 5 + [True] * 3
    states = signals.signals(grades([70.0] * 8, is_dead=list(dead)), SIGNAL).collect()
    assert states["signal"].to_list() == [0, 1, 1, 1, 1, 0, 0, 0]
    assert states["reason"].to_list() == [None, "enter_long", None, None, None, "dead", None, None]
    prices = states.lazy().with_columns(
        pl.Series("close_usd", [10.0, 10.0, 11.0, 12.0, 12.0, 0.0, 0.0, 0.0])
    )
    result = signals.performance(prices, cost_bps=0).collect()
    assert result["strat_index"].to_list()[4] == pytest.approx(1.2)
    assert result["strat_index"].to_list()[-1] == 0
    assert result["hold_index"].to_list()[-1] == 0


def test_an_all_null_narrative_stays_null() -> None:
    rows = pl.LazyFrame({"asset_id": ["a", "b", "c"]}).join(
        pl.LazyFrame({"day": days(100)}), how="cross"
    )
    members = rows.with_columns(
        pl.lit("ai").alias("narrative_id"), pl.lit(1.0).alias("membership_weight")
    )
    prices = rows.with_columns(
        pl.lit(None, pl.Float64).alias("close_usd"),
        pl.lit(None, pl.Float64).alias("mcap_usd"),
        pl.lit(None, pl.Date).alias("dead_from"),
    )
    weights = regime.basket_weights(members, prices, cap=0.25, min_members=3)
    assert weights.collect().height == 0
    assert regime.basket_index(weights, base_level=1000, min_members=3).collect().height == 0
    turning = regime.rotation(
        series({"index_level": [None] * 60, "benchmark_level": [1.0] * 60}).with_columns(
            pl.col("index_level").cast(pl.Float64)
        ),
        entity="asset_id",
        fast=10,
        slow=30,
        momentum=9,
        centre=100,
    )
    steady = regime.confirmed(turning, entity="asset_id", label="quadrant", days=3)
    counted = regime.days_in_label(
        steady, entity="asset_id", label="quadrant", max_gap_d=GAP, alias="days_in_quadrant"
    ).collect()
    for name in ("quadrant", "quadrant_confirmed", "quadrant_confirmed_from", "days_in_quadrant"):
        assert counted[name].null_count() == 60, name


# --- one venue's wick


def test_a_canonical_price_without_the_wick_moves_no_indicator() -> None:
    """USDe at 0.65 on one venue: the functions read the canonical bar only."""
    frame = walk(9, assets=1, length=120)
    wicked = frame.with_columns(
        (pl.col("low_usd") * 0.65).alias("low_any_usd"),
        (pl.col("high_usd") * 1.5).alias("high_any_usd"),
    )
    result = technical.technical(wicked.lazy(), TECHNICAL).drop("low_any_usd", "high_any_usd")
    assert result.collect().equals(technical.technical(frame.lazy(), TECHNICAL).collect())
