"""Every recursion and window against plain Python on arbitrary markets."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.analytics import (
    alerts,
    crosses,
    momentum,
    moving,
    oscillators,
    ranges,
    regime,
    risk,
    scoring,
    signals,
    volume,
)
from pipelines.analytics.depeg import depeg_log
from pipelines.analytics.levels import levels, swings
from tests.unit.analytics import reference
from tests.unit.analytics.support import (
    DEPEG,
    GAP,
    LEVELS,
    SIGNAL,
    Market,
    assert_list,
    assert_reference,
    assert_same,
    days,
    markets,
    per_asset,
    series,
)

few = settings(max_examples=40, deadline=None, derandomize=True)


@few
@given(markets, st.integers(1, 12))
def test_moving_averages(market: Market, n: int) -> None:
    frame = market.frame()
    result = moving.sma(moving.ema(frame.lazy(), n=n, max_gap_d=GAP), n=n)
    result = moving.wilder(result, value="close_usd", n=n, max_gap_d=GAP, alias="w").collect()
    for output, expected in (
        (f"ema_{n}", lambda c: reference.ema(c, n, GAP)),
        (f"sma_{n}", lambda c: reference.sma(c, n)),
        ("w", lambda c: reference.wilder(c, n, GAP)),
    ):
        assert_reference(frame, result, inputs=["close_usd"], output=output, reference=expected)


@few
@given(markets)
def test_macd(market: Market) -> None:
    frame = market.frame()
    result = moving.macd(frame.lazy(), fast=3, slow=6, signal=4, max_gap_d=GAP).collect()
    for place, output in enumerate(("macd", "macd_signal", "macd_hist")):
        assert_reference(
            frame,
            result,
            inputs=["close_usd"],
            output=output,
            reference=lambda c, place=place: reference.macd(c, 3, 6, 4, GAP)[place],
        )


@few
@given(markets, st.integers(1, 14))
def test_rsi(market: Market, n: int) -> None:
    frame = market.frame()
    assert_reference(
        frame,
        oscillators.rsi(frame.lazy(), n=n, max_gap_d=GAP).collect(),
        inputs=["close_usd"],
        output=f"rsi_{n}",
        reference=lambda c: reference.rsi(c, n, GAP),
    )


@few
@given(markets, st.integers(1, 14))
def test_true_range_and_atr(market: Market, n: int) -> None:
    frame = market.frame()
    result = ranges.atr(frame.lazy(), n=n, max_gap_d=GAP).collect()
    bar = ["high_usd", "low_usd", "close_usd"]
    for output, expected in (
        ("tr", lambda h, low, c: reference.true_range(h, low, c, GAP)),
        (f"atr_{n}", lambda h, low, c: reference.atr(h, low, c, n, GAP)),
    ):
        assert_reference(frame, result, inputs=bar, output=output, reference=expected)


@few
@given(markets, st.integers(2, 20))
def test_bollinger(market: Market, n: int) -> None:
    frame = market.frame()
    result = ranges.bollinger(frame.lazy(), n=n, deviations=2).collect()
    for place, output in enumerate(("bb_low", "bb_mid", "bb_up")):
        assert_reference(
            frame,
            result,
            inputs=["close_usd"],
            output=output,
            reference=lambda c, place=place: [
                band and band[place] for band in reference.bollinger(c, n, 2)
            ],
        )


@few
@given(markets, st.integers(1, 20))
def test_donchian(market: Market, n: int) -> None:
    frame = market.frame()
    result = ranges.donchian(frame.lazy(), n=n).collect()
    for place, output in enumerate((f"donchian_high_{n}", f"donchian_low_{n}", "donch_pos")):
        assert_reference(
            frame,
            result,
            inputs=["high_usd", "low_usd", "close_usd"],
            output=output,
            reference=lambda h, low, c, place=place: [
                row[place] for row in reference.donchian(h, low, c, n)
            ],
        )


@few
@given(markets)
def test_crosses(market: Market) -> None:
    frame = market.frame().with_columns(pl.col("open_usd").round(0), pl.col("close_usd").round(0))
    assert_reference(
        frame,
        crosses.cross(
            frame.lazy(), fast="close_usd", slow="open_usd", alias="cross", max_gap_d=GAP
        ).collect(),
        inputs=["close_usd", "open_usd"],
        output="cross",
        reference=lambda fast, slow: reference.crosses(fast, slow, GAP),
    )


@few
@given(markets)
def test_time_series_momentum(market: Market) -> None:
    frame = market.frame()
    result = momentum.tsmom(frame.lazy(), horizons=(5,), vol_d=12, min_obs=8, sd_floor=1e-9)
    assert_reference(
        frame,
        result.collect(),
        inputs=["close_usd"],
        output="tsmom_5",
        reference=lambda c: reference.tsmom(c, 5, 12, 8, 1e-9),
    )


@few
@given(markets)
def test_volume_z(market: Market) -> None:
    frame = market.frame()
    assert_reference(
        frame,
        volume.volume_z(frame.lazy(), n=15, min_obs=12, sd_floor=1e-9).collect(),
        inputs=["volume_usd"],
        output="volume_z_15d",
        reference=lambda v: reference.volume_z(v, 15, 12, 1e-9),
    )


@few
@given(markets, st.integers(1, 40))
def test_history_percentile(market: Market, n: int) -> None:
    frame = market.frame()
    minimum = max(1, n // 3)
    result = scoring.history_percentile(
        frame.lazy(), value="trend", days=n, min_obs=minimum, alias="p"
    )
    assert_reference(
        frame,
        result.collect(),
        inputs=["trend"],
        output="p",
        reference=lambda v: reference.history_percentile(v, n, minimum),
    )


@few
@given(markets, st.integers(1, 40))
def test_max_drawdown(market: Market, n: int) -> None:
    frame = market.frame()
    window = risk.Window(days=n, min_obs=max(1, n // 2))
    assert_reference(
        frame,
        risk.max_drawdown(frame.lazy(), window=window).collect(),
        inputs=["close_usd"],
        output=f"max_drawdown_{n}d",
        reference=lambda c: reference.max_drawdown(c, n, window.min_obs),
    )


@few
@given(markets)
def test_ewma_volatility(market: Market) -> None:
    frame = risk.returns(market.frame().lazy()).collect()
    result = risk.ewma_volatility(
        frame.lazy(), decay=0.94, seed_obs=10, max_gap_d=GAP, days_per_year=365
    )
    assert_reference(
        frame,
        result.collect(),
        inputs=["logret_1d"],
        output="ewma_vol_ann",
        reference=lambda r: [
            None if v is None else math.sqrt(365 * v)
            for v in reference.ewma_variance(r, 0.94, 10, GAP)
        ],
    )


@few
@given(markets)
def test_signals(market: Market) -> None:
    frame = market.frame()
    result = signals.signals(frame.lazy(), SIGNAL).collect()
    for asset, columns in per_asset(
        frame, ["trader_grade", "in_universe", "is_dead", "price_quality"]
    ).items():
        expected = reference.signals(
            columns["trader_grade"],
            [flag is False for flag in columns["in_universe"]],
            [flag is True for flag in columns["is_dead"]],
            [quality in (None, "missing") for quality in columns["price_quality"]],
        )
        actual = result.filter(pl.col("asset_id") == asset)
        assert actual["day"].to_list() == columns["day"]
        assert list(actual.select("signal", "reason").iter_rows()) == expected


deviations = st.lists(
    st.one_of(st.none(), st.sampled_from([0.0, 49.0, 50.0, -51.0, 60.0, -99.0, 100.0, -350.0])),
    min_size=1,
    max_size=60,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(deviations, min_size=1, max_size=3))
def test_depegs(coins: list[list[float | None]]) -> None:
    frame = pl.concat(
        series(
            {
                "dev_bps": dev,
                "dev_low_bps": [
                    None if d is None or i % 5 == 0 else d - i % 3 for i, d in enumerate(dev)
                ],
                "is_eligible": [True] * len(dev),
                "dead_from": [None] * len(dev),
            },
            asset=f"coin-{number}",
            key="stablecoin_id",
        ).with_columns(
            pl.col("dev_bps", "dev_low_bps").cast(pl.Float64), pl.col("dead_from").cast(pl.Date)
        )
        for number, dev in enumerate(coins)
    )
    log = depeg_log(frame, DEPEG).collect()
    calendar = days(60)
    for number, dev in enumerate(coins):
        lows = [None if d is None or i % 5 == 0 else d - i % 3 for i, d in enumerate(dev)]
        expected = [
            (
                calendar[row["day"]],
                row["change"],
                calendar[row["start"]],
                calendar[row["detected"]],
                row["rule"],
                row["worst"],
                row["worst_low"],
                calendar[row["last_off"]],
            )
            for row in reference.depegs(dev, lows)
        ]
        names = ["known_from_day", "change", "start_day", "detected_day", "rule", "worst_bps"]
        actual = log.filter(pl.col("stablecoin_id") == f"coin-{number}")
        rows = list(actual.select(*names, "worst_low_bps", "last_day_off").iter_rows())
        assert rows == expected


@few
@given(markets, st.integers(1, 3))
def test_swings(market: Market, bars: int) -> None:
    frame = market.frame()
    found = swings(frame.lazy(), bars=bars).collect()
    for asset, columns in per_asset(frame, ["high_usd", "low_usd"]).items():
        expected = [
            (columns["day"][t], columns["day"][t + bars], kind, price)
            for t, kind, price in reference.swings(columns["high_usd"], columns["low_usd"], bars)
        ]
        actual = found.filter(pl.col("asset_id") == asset)
        names = ["swing_day", "known_from_day", "kind", "price_usd"]
        assert list(actual.select(names).iter_rows()) == expected


@settings(max_examples=40, deadline=None, derandomize=True)
@given(markets)
def test_levels(market: Market) -> None:
    frame = market.frame()
    parameters = replace(LEVELS, swing_bars=2, atr_d=5, lookback_d=30, half_life_d=10)
    actual = levels(frame.lazy(), parameters).collect()
    rows = []
    for asset, columns in per_asset(frame, ["high_usd", "low_usd", "close_usd"]).items():
        found = reference.levels(
            columns["high_usd"],
            columns["low_usd"],
            columns["close_usd"],
            columns["day"][0],
            k=2,
            merge=0.5,
            touch=0.25,
            lookback=30,
            half_life=10,
            atr_d=5,
            gap=GAP,
        )
        rows += [{"asset_id": asset, **row} for row in found]
    names = list(rows[0]) if rows else ["asset_id", "day", "level_id"]
    schema = {name: actual.schema[name] for name in names}
    expected = pl.DataFrame(rows, schema=schema)
    assert_same(actual.select(names), expected, keys=["asset_id", "day", "level_id"], what="levels")


sizes = st.lists(
    st.one_of(st.integers(1, 5).map(float), st.floats(1e-3, 1e12)), min_size=1, max_size=30
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(sizes, min_size=1, max_size=4), st.sampled_from([0.1, 0.25, 0.5, 1.0]))
def test_capped_weights(baskets: list[list[float]], cap: float) -> None:
    rows = [(group, size) for group, members in enumerate(baskets) for size in members]
    frame = pl.LazyFrame(rows, schema={"group": pl.Int64, "size": pl.Float64}, orient="row")
    result = regime.capped_weights(frame, groups=["group"], size="size", cap=cap).collect()
    for group, members in enumerate(baskets):
        actual = result.filter(pl.col("group") == group)["weight"].to_list()
        assert_list(actual, reference.capped(members, cap), what=f"weights of {members}")
        assert math.isclose(sum(actual), 1, rel_tol=1e-12)


switches = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(switches, min_size=1, max_size=3), st.integers(1, 9))
def test_rearming_and_cooling_down(assets: list[list[tuple[bool, bool]]], silence: int) -> None:
    frame = pl.concat(
        series(
            {"t": [t for t, _ in rows], "r": [r for _, r in rows], "at": list(range(len(rows)))},
            asset=f"asset-{number}",
        )
        for number, rows in enumerate(assets)
    ).filter(pl.col("at") % 7 != 3)
    result = alerts.rearming(frame, keys=["asset_id"], trigger="t", rearm="r")
    result = alerts.cooling_down(result, keys=["asset_id"], trigger="t", days=silence, alias="cool")
    for (_,), rows in result.collect().group_by("asset_id"):
        at, trigger, rearm = rows["at"].to_list(), rows["t"].to_list(), rows["r"].to_list()
        assert rows["fires"].to_list() == reference.rearming(trigger, rearm)
        assert rows["cool"].to_list() == reference.cooling_down(at, trigger, silence)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from(["x", "y", None]), min_size=1, max_size=40),
    st.integers(1, 4),
)
def test_confirmed_labels(labels: list[str | None], n: int) -> None:
    frame = series({"label": labels}).with_columns(pl.col("label").cast(pl.String))
    result = regime.confirmed(frame, entity="asset_id", label="label", days=n, alias="c")
    assert result.collect()["c"].to_list() == reference.confirmed(labels, n)
