"""Markets to test with, the parameters of the specification, and how two frames compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from pipelines.analytics.depeg import DepegParameters
from pipelines.analytics.levels import LevelParameters
from pipelines.analytics.scoring import Factor, GradeParameters, Label
from pipelines.analytics.signals import SignalParameters
from pipelines.analytics.technical import TechnicalParameters

START = date(2024, 1, 1)
GAP = 7

SIGNAL = SignalParameters(
    enter_long=65,
    exit_long=50,
    enter_short=35,
    exit_short=50,
    confirm_d=2,
    min_hold_d=3,
    no_data_d=10,
    price_missing_d=3,
)
DEPEG = DepegParameters(
    fast_bps=100,
    slow_bps=50,
    slow_d=3,
    close_bps=50,
    close_d=2,
    major_bps=300,
    severe_bps=1000,
)
TECHNICAL = TechnicalParameters(
    max_gap_d=GAP,
    sma_d=(20, 50, 200),
    ema_d=(12, 26),
    cross_sma_d=(50, 200),
    cross_ema_d=(12, 26),
    rsi_d=14,
    macd_fast_d=12,
    macd_slow_d=26,
    macd_signal_d=9,
    atr_d=14,
    bollinger_d=20,
    bollinger_sd=2.0,
    donchian_d=20,
    tsmom_d=(28, 90),
    tsmom_vol_d=90,
    tsmom_min_obs=60,
    volume_z_d=30,
    volume_z_min_obs=24,
    sd_floor=1e-9,
)
LEVELS = LevelParameters(
    swing_bars=5,
    merge_atr=0.5,
    touch_atr=0.25,
    lookback_d=365,
    half_life_d=90,
    max_per_side=None,
    atr_d=14,
    max_gap_d=GAP,
)
TRADER = GradeParameters(
    grade="trader_grade",
    factors=(
        Factor(name="trend", group="ta_grade", orientation=1),
        Factor(name="breakout", group="ta_grade", orientation=1),
        Factor(name="strength", group="ta_grade", orientation=1),
        Factor(name="mom_7", group="quant_grade", orientation=1),
        Factor(name="mom_28", group="quant_grade", orientation=1),
        Factor(name="rel_btc", group="quant_grade", orientation=1),
        Factor(name="downside", group="quant_grade", orientation=-1),
        Factor(name="vol_conf", group="flow_grade", orientation=1),
        Factor(name="crowding", group="flow_grade", orientation=-1),
        Factor(name="usage", group="flow_grade", orientation=1),
    ),
    group_weights=(("ta_grade", 0.4), ("quant_grade", 0.4), ("flow_grade", 0.2)),
    history_d=365,
    history_min_obs=90,
    group_min_share=0.5,
    coverage_floor=0.6,
    min_peers=5,
    signal_labels=(
        Label(name="strong_buy", floor=80),
        Label(name="buy", floor=65),
        Label(name="neutral", floor=35, is_open=True),
        Label(name="sell", floor=20, is_open=True),
        Label(name="strong_sell", floor=-math.inf),
    ),
    momentum_labels=(
        Label(name="surging", floor=15),
        Label(name="gaining", floor=5),
        Label(name="holding", floor=-5, is_open=True),
        Label(name="losing", floor=-15, is_open=True),
        Label(name="crashing", floor=-math.inf),
    ),
    momentum_d=7,
)


def days(count: int, start: date = START) -> list[date]:
    return [start + timedelta(days=i) for i in range(count)]


def series(
    columns: Mapping[str, Sequence[Any]],
    *,
    asset: str = "a",
    start: date = START,
    key: str = "asset_id",
) -> pl.LazyFrame:
    """One asset's rows on consecutive days."""
    count = len(next(iter(columns.values())))
    return pl.LazyFrame({key: [asset] * count, "day": days(count, start), **columns}, strict=False)


def closes(values: Sequence[float | None], **more: Any) -> pl.LazyFrame:
    return series({"close_usd": [None if v is None else float(v) for v in values]}, **more)


def bars(
    high: Sequence[float | None],
    low: Sequence[float | None],
    close: Sequence[float | None],
    **more: Any,
) -> pl.LazyFrame:
    return series({"high_usd": high, "low_usd": low, "close_usd": close}, **more).with_columns(
        pl.col("high_usd", "low_usd", "close_usd").cast(pl.Float64)
    )


def column(frame: pl.LazyFrame, name: str) -> list[Any]:
    return frame.collect()[name].to_list()


def walk(
    seed: int, assets: int = 3, length: int = 420, *, holes: float = 0.0, nulls: float = 0.0
) -> pl.DataFrame:
    """A random-walk market of whole bars, with rows left out and values unknown if asked."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.04, (assets, length)), axis=1))
    opens = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    wick = np.abs(rng.normal(0, 0.02, (2, assets, length)))
    frame = pl.DataFrame(
        {
            "asset_id": np.repeat([f"asset-{i}" for i in range(assets)], length),
            "day": days(length) * assets,
            "open_usd": opens.ravel(),
            "high_usd": (np.maximum(opens, close) * (1 + wick[0])).ravel(),
            "low_usd": (np.minimum(opens, close) * (1 - np.minimum(wick[1], 0.9))).ravel(),
            "close_usd": close.ravel(),
            "volume_usd": np.exp(rng.normal(10, 1, assets * length)),
        }
    )
    unknown = pl.Series(rng.random(frame.height) < nulls)
    prices = ["open_usd", "high_usd", "low_usd", "close_usd", "volume_usd"]
    frame = frame.with_columns(pl.when(~unknown).then(pl.col(prices)).name.keep())
    return frame.filter(pl.Series(rng.random(frame.height) >= holes))


@dataclass(frozen=True)
class Market:
    """What Hypothesis varies; the numbers come from the seed."""

    seed: int
    assets: int
    length: int
    holes: float
    nulls: float
    zero_volume: float
    gap: int
    is_constant: bool
    decimals: int

    def frame(self) -> pl.DataFrame:
        rng = np.random.default_rng(self.seed)
        frame = walk(self.seed, self.assets, self.length, holes=self.holes, nulls=self.nulls)
        prices = ["open_usd", "high_usd", "low_usd", "close_usd"]
        frame = frame.with_columns(pl.col(prices).round(self.decimals))
        if self.is_constant:
            still = (pl.col("asset_id") == "asset-0") & (
                pl.col("day") > days(self.length)[-1] - timedelta(days=self.length // 2)
            )
            frame = frame.with_columns(
                pl.when(still & pl.col(name).is_not_null())
                .then(0.1)
                .otherwise(pl.col(name))
                .alias(name)
                for name in prices
            )
        if self.gap:
            middle = days(self.length)[self.length // 3]
            away = pl.col("day").is_between(middle, middle + timedelta(days=self.gap - 1))
            frame = frame.filter(~(away & (pl.col("asset_id") == f"asset-{self.assets - 1}")))
        quiet = pl.Series(rng.random(frame.height) < self.zero_volume)
        grade = np.clip(50 + np.round(rng.normal(0, 20, frame.height)), 0, 100)
        unknown = rng.random(frame.height) < 0.1
        return frame.with_columns(
            pl.when(quiet).then(0.0).otherwise(pl.col("volume_usd")).alias("volume_usd"),
            pl.Series("in_universe", rng.random(frame.height) > 0.03),
            pl.Series("is_dead", np.zeros(frame.height, dtype=bool)),
            pl.Series("trader_grade", np.where(unknown, np.nan, grade), nan_to_null=True),
            pl.when(pl.col("close_usd").is_null())
            .then(pl.lit("missing"))
            .otherwise(pl.lit("ok"))
            .alias("price_quality"),
            pl.Series("sector", rng.choice(["x", "y"], frame.height)),
            pl.Series("signal", rng.choice([-1, 0, 1], frame.height)).cast(pl.Int8),
            *(
                pl.Series(
                    factor.name,
                    np.where(
                        rng.random(frame.height) < 0.2,
                        np.nan,
                        np.round(rng.normal(size=frame.height), 1),
                    ),
                    nan_to_null=True,
                )
                for factor in TRADER.factors
            ),
        )


markets = st.builds(
    Market,
    seed=st.integers(0, 2**32 - 1),
    assets=st.integers(1, 4),
    length=st.integers(1, 120),
    holes=st.sampled_from([0.0, 0.05, 0.3]),
    nulls=st.sampled_from([0.0, 0.05]),
    zero_volume=st.sampled_from([0.0, 0.1, 1.0]),
    gap=st.sampled_from([0, 1, 7, 8, 20]),
    is_constant=st.booleans(),
    decimals=st.sampled_from([0, 1, 8]),
)


def assert_same(
    left: pl.DataFrame,
    right: pl.DataFrame,
    *,
    keys: Sequence[str],
    what: str = "",
    tolerance: float = 1e-9,
) -> None:
    """Same keys, same NULLs, and |x - y| <= ``tolerance`` max(1, |x|)."""
    assert left.columns == right.columns, f"{what}: columns differ"
    left, right = left.sort(*keys), right.sort(*keys)
    missing = left.join(right, on=keys, how="anti", nulls_equal=True)
    extra = right.join(left, on=keys, how="anti", nulls_equal=True)
    assert not missing.height, f"{what}: rows missing on the right: {missing.select(keys).head()}"
    assert not extra.height, f"{what}: rows missing on the left: {extra.select(keys).head()}"
    assert left.height == right.height, f"{what}: {left.height} rows against {right.height}"
    for name in left.columns:
        a, b = left[name], right[name]
        if a.dtype.is_float():
            near = ((a - b).abs() <= tolerance * a.abs().clip(lower_bound=1.0)) | (a == b)
            same = near.fill_null(value=False) | (a.is_null() & b.is_null())
        else:
            same = a.eq_missing(b)
        rows = (~same).arg_true()
        assert not len(rows), (
            f"{what}: {name} differs in {len(rows)} rows, first "
            f"{left.select(keys).row(rows[0])}: {a[rows[0]]} against {b[rows[0]]}"
        )


def assert_list(
    actual: Sequence[Any], expected: Sequence[Any], *, tolerance: float = 1e-9, what: str = ""
) -> None:
    assert len(actual) == len(expected), f"{what}: {len(actual)} values, not {len(expected)}"
    for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
        if isinstance(e, float) and a is not None:
            near = abs(a - e) <= tolerance * max(1.0, abs(e))
            assert near, f"{what}[{i}] is {a!r}, not {e!r}"
        else:
            assert a == e, f"{what}[{i}] is {a!r}, not {e!r}"


def per_asset(
    frame: pl.DataFrame, names: Sequence[str], key: str = "asset_id"
) -> dict[str, dict[str, list[Any]]]:
    """Each asset's columns on its dense calendar, holes as None: what references read."""
    result: dict[str, dict[str, list[Any]]] = {}
    for (entity,), rows in frame.group_by(key):
        first, last = rows["day"].min(), rows["day"].max()
        spine = pl.DataFrame({"day": pl.date_range(first, last, eager=True)})
        filled = spine.join(rows, on="day", how="left").sort("day")
        result[str(entity)] = {
            "day": filled["day"].to_list(),
            **{name: filled[name].to_list() for name in names},
        }
    return result


def assert_reference(
    frame: pl.DataFrame,
    result: pl.DataFrame,
    *,
    inputs: Sequence[str],
    output: str,
    reference: Callable[..., list[Any]],
    tolerance: float = 1e-9,
) -> None:
    """Hold a column against a reference that is given each asset's dense lists."""
    actual = {
        (entity, day): value
        for entity, day, value in result.select("asset_id", "day", output).iter_rows()
    }
    given = set(frame.select("asset_id", "day").iter_rows())
    assert set(actual) == given, f"{output}: the rows are not those that were given"
    for entity, columns in per_asset(frame, inputs).items():
        expected = reference(*(columns[name] for name in inputs))
        kept = [
            (day, value)
            for day, value in zip(columns["day"], expected, strict=True)
            if (entity, day) in given
        ]
        assert_list(
            [actual[entity, day] for day, _ in kept],
            [value for _, value in kept],
            tolerance=tolerance,
            what=f"{output} of {entity}",
        )
