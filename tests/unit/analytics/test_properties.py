"""What holds for every function on every market: no look-ahead, any start, any order, no NaN.

The windows are short, so that short markets reach every branch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.analytics import (
    alerts,
    calendar,
    crosses,
    excursions,
    levels,
    momentum,
    moving,
    oscillators,
    ranges,
    regime,
    risk,
    scoring,
    signals,
    technical,
    volume,
)
from pipelines.analytics.depeg import death_spiral, depeg_log
from tests.unit.analytics.support import (
    DEPEG,
    GAP,
    LEVELS,
    SIGNAL,
    TECHNICAL,
    TRADER,
    Market,
    assert_same,
    markets,
    walk,
)

SHORT = replace(
    TECHNICAL,
    sma_d=(3, 5),
    ema_d=(3, 6),
    cross_sma_d=(3, 5),
    cross_ema_d=(3, 6),
    rsi_d=4,
    macd_fast_d=3,
    macd_slow_d=6,
    macd_signal_d=3,
    atr_d=4,
    bollinger_d=5,
    donchian_d=5,
    tsmom_d=(3, 7),
    tsmom_vol_d=9,
    tsmom_min_obs=6,
    volume_z_d=9,
    volume_z_min_obs=6,
)
SHORT_LEVELS = replace(LEVELS, swing_bars=2, atr_d=4, lookback_d=30, half_life_d=10)
SHORT_TRADER = replace(TRADER, history_d=20, history_min_obs=5)
MONTH = risk.Window(days=10, min_obs=6)

Compute = Callable[[pl.LazyFrame], pl.LazyFrame]


def as_coins(frame: pl.LazyFrame) -> pl.LazyFrame:
    deviation = (pl.col("close_usd") - 100) * 5
    return frame.select(
        pl.col("asset_id").alias("stablecoin_id"),
        "day",
        deviation.alias("dev_bps"),
        (deviation - 3).alias("dev_low_bps"),
        pl.col("in_universe").alias("is_eligible"),
        pl.lit(None, pl.Date).alias("dead_from"),
    )


def as_spirals(frame: pl.LazyFrame) -> pl.LazyFrame:
    return death_spiral(
        frame.with_columns(
            ((pl.col("close_usd") - 100) * 5).alias("dev_bps"),
            pl.col("trend").alias("net_mint_7d_usd"),
            (pl.col("volume_usd") * pl.col("breakout").abs()).alias("supply_par_usd"),
            pl.col("mom_7").alias("backing_supply_growth_3d"),
            pl.col("volume_usd").alias("backing_mcap_usd"),
            pl.col("mom_28").alias("backing_ret_3d"),
        ),
        off_peg_bps=-100,
        supply_growth_3d=0.02,
        cover_floor_x=1,
        crash_3d=-0.3,
    )


def as_members(frame: pl.LazyFrame) -> pl.LazyFrame:
    members = frame.select(
        pl.col("sector").alias("narrative_id"),
        "asset_id",
        "day",
        pl.lit(1.0).alias("membership_weight"),
    )
    prices = frame.select(
        "asset_id",
        "day",
        "close_usd",
        (pl.col("close_usd") * 1e6).alias("mcap_usd"),
        pl.lit(None, pl.Date).alias("dead_from"),
    )
    return regime.basket_weights(members, prices, cap=0.6, min_members=1)


def as_rotation(frame: pl.LazyFrame) -> pl.LazyFrame:
    turning = regime.rotation(
        frame.with_columns(
            pl.col("close_usd").alias("index_level"), pl.col("open_usd").alias("benchmark_level")
        ),
        entity="asset_id",
        fast=2,
        slow=4,
        momentum=3,
        centre=100,
    )
    steady = regime.confirmed(turning, entity="asset_id", label="quadrant", days=2)
    return regime.days_in_label(
        steady, entity="asset_id", label="quadrant", max_gap_d=GAP, alias="days_in_quadrant"
    )


def as_level_crosses(frame: pl.LazyFrame) -> pl.LazyFrame:
    return alerts.level_crosses(
        levels.levels(frame, SHORT_LEVELS),
        ranges.atr(frame, n=4, max_gap_d=GAP),
        alerts.LevelCrossParameters(rearm_atr=0.5),
        atr="atr_4",
    )


def as_spikes(frame: pl.LazyFrame) -> pl.LazyFrame:
    return alerts.volume_spikes(
        volume.volume_z(frame, n=9, min_obs=6, sd_floor=1e-9),
        alerts.VolumeSpikeParameters(fire_z=1, rearm_z=0.5),
        value="volume_z_9d",
    )


def as_gated(frame: pl.LazyFrame) -> pl.LazyFrame:
    keys = ["asset_id"]
    result = frame.with_columns(
        (pl.col("trend") > 0.5).alias("t"), (pl.col("breakout") < 0).alias("r")
    )
    result = alerts.rearming(result, keys=keys, trigger="t", rearm="r", alias="rearmed")
    result = alerts.cooling_down(result, keys=keys, trigger="t", days=7, alias="cooled")
    result = alerts.latch(result, keys=keys, rises="t", clears="r", alias="flag")
    return alerts.new_high(result, keys=keys, value="close_usd", days_below=3, alias="high")


def as_grades(frame: pl.LazyFrame) -> pl.LazyFrame:
    return scoring.assemble_grade(scoring.score_factors(frame, SHORT_TRADER), SHORT_TRADER)


def as_excursions(frame: pl.LazyFrame) -> pl.LazyFrame:
    few = excursions.ExcursionParameters(
        excursion_horizon_d=3,
        excursion_window_d=12,
        excursion_min_obs=3,
        adverse_quantile=0.8,
        favourable_quantile=0.5,
        min_stdev=1e-9,
    )
    ranged = ranges.atr(frame, n=4, max_gap_d=GAP)
    return excursions.excursions(ranged.rename({"atr_4": "atr_usd"}), few)


def as_risk(frame: pl.LazyFrame) -> pl.LazyFrame:
    frame = risk.returns(frame)
    frame = risk.volatility(frame, window=MONTH, days_per_year=365)
    frame = risk.ewma_volatility(frame, decay=0.94, seed_obs=5, max_gap_d=GAP, days_per_year=365)
    frame = risk.downside_deviation(frame, window=MONTH, target=0)
    frame = risk.sharpe(frame, window=MONTH, risk_free=0, sd_floor=1e-9, days_per_year=365)
    frame = risk.sortino(frame, window=MONTH, target=0, days_per_year=365)
    frame = risk.max_drawdown(risk.drawdown(frame), window=MONTH)
    return risk.beta_correlation(
        frame.with_columns(pl.col("ret_1d").shift(1).over("asset_id").alias("other")),
        x="ret_1d",
        y="other",
        window=MONTH,
        sd_floor=1e-9,
    )


def ordered(compute: Compute) -> Compute:
    """For functions that lag by row: the caller's frame is in order."""
    return lambda frame: compute(frame.sort("asset_id", "day"))


@dataclass(frozen=True)
class Case:
    compute: Compute
    keys: tuple[str, ...] = ("asset_id", "day")
    known: str = "day"
    keeps_rows: bool = True
    is_cross_section: bool = False


CASES = {
    "sma": Case(lambda f: moving.sma(f, n=4)),
    "ema": Case(lambda f: moving.ema(f, n=4, max_gap_d=GAP)),
    "wilder": Case(lambda f: moving.wilder(f, n=4, value="close_usd", alias="w", max_gap_d=GAP)),
    "macd": Case(lambda f: moving.macd(f, fast=2, slow=4, signal=3, max_gap_d=GAP)),
    "rsi": Case(lambda f: oscillators.rsi(f, n=4, max_gap_d=GAP)),
    "atr": Case(lambda f: ranges.atr(f, n=4, max_gap_d=GAP)),
    "excursions": Case(as_excursions),
    "bollinger": Case(lambda f: ranges.bollinger(f, n=4, deviations=2)),
    "donchian": Case(lambda f: ranges.donchian(f, n=4)),
    "cross": Case(
        lambda f: crosses.cross(f, fast="open_usd", slow="close_usd", alias="x", max_gap_d=GAP)
    ),
    "volume_z": Case(lambda f: volume.volume_z(f, n=9, min_obs=6, sd_floor=1e-9)),
    "tsmom": Case(lambda f: momentum.tsmom(f, horizons=(3,), vol_d=9, min_obs=6, sd_floor=1e-9)),
    "xsmom": Case(
        lambda f: momentum.xsmom(
            momentum.tsmom(f, horizons=(3,), vol_d=9, min_obs=6, sd_floor=1e-9),
            n=3,
            min_assets=2,
        ),
        is_cross_section=True,
    ),
    "technical": Case(lambda f: technical.technical(f, SHORT)),
    "segments": Case(lambda f: calendar.segments(f, "close_usd", max_gap_d=GAP)),
    "pivots": Case(levels.pivots),
    "weekly_pivots": Case(lambda f: levels.weekly_pivots(f, min_days=1)),
    "pivot_levels": Case(
        lambda f: levels.pivot_levels(f, min_week_days=2),
        keys=("asset_id", "day", "level_id"),
        keeps_rows=False,
    ),
    "swings": Case(
        lambda f: levels.swings(f, bars=2),
        keys=("asset_id", "known_from_day", "kind"),
        known="known_from_day",
        keeps_rows=False,
    ),
    "levels": Case(
        lambda f: levels.levels(f, SHORT_LEVELS),
        keys=("asset_id", "day", "level_id"),
        keeps_rows=False,
    ),
    "levels, two a side": Case(
        lambda f: levels.levels(f, replace(SHORT_LEVELS, max_per_side=2)),
        keys=("asset_id", "day", "level_id"),
        keeps_rows=False,
    ),
    "nearest_levels": Case(
        lambda f: levels.nearest_levels(levels.levels(f, SHORT_LEVELS)), keeps_rows=False
    ),
    "history_percentile": Case(
        lambda f: scoring.history_percentile(f, value="trend", days=9, min_obs=3, alias="p")
    ),
    "grades": Case(as_grades, is_cross_section=True),
    "grade_components": Case(
        lambda f: scoring.grade_components(as_grades(f), SHORT_TRADER),
        keys=("asset_id", "day", "factor"),
        keeps_rows=False,
        is_cross_section=True,
    ),
    "signals": Case(lambda f: signals.signals(f, SIGNAL), keeps_rows=False),
    "signal_events": Case(
        lambda f: signals.signal_events(signals.signals(f, SIGNAL), version="v1"),
        keeps_rows=False,
    ),
    "performance": Case(lambda f: signals.performance(f, cost_bps=10)),
    "depeg_log": Case(
        lambda f: depeg_log(as_coins(f), DEPEG),
        keys=("stablecoin_id", "known_from_day"),
        known="known_from_day",
        keeps_rows=False,
    ),
    "death_spiral": Case(as_spirals),
    "alerts": Case(as_gated),
    "level_crosses": Case(as_level_crosses, keys=("asset_id", "day", "level_id"), keeps_rows=False),
    "volume_spikes": Case(as_spikes, keeps_rows=False),
    "rotation": Case(as_rotation),
    "basket_weights": Case(
        as_members,
        keys=("narrative_id", "asset_id", "day"),
        keeps_rows=False,
        is_cross_section=True,
    ),
    "basket_index": Case(
        lambda f: regime.basket_index(as_members(f), base_level=1000, min_members=1),
        keys=("narrative_id", "day"),
        keeps_rows=False,
        is_cross_section=True,
    ),
    "risk": Case(ordered(as_risk)),
}
BOUNDS: dict[str, tuple[float, float]] = {
    "rsi_4": (0, 100),
    "tr": (0, float("inf")),
    "atr_4": (0, float("inf")),
    "natr_4": (0, float("inf")),
    "bb_width": (0, float("inf")),
    "donch_pos": (0, 1),
    "xsmom_3_pct": (0, 100),
    "p": (0, 100),
    "trader_grade": (0, 100),
    "score": (0, 100),
    "coverage_frac": (0, 1),
    "weight_frac": (0, 1),
    "signal": (-1, 1),
    "effective_signal": (-1, 1),
    "strength": (0, float("inf")),
    "touch_count": (0, 30),
    "support_dist_atr": (0, float("inf")),
    "resistance_dist_atr": (0, float("inf")),
    "drawdown_frac": (-1, 0),
    "max_drawdown_10d": (-1, 0),
    "vol_10d_ann": (0, float("inf")),
    "ewma_vol_ann": (0, float("inf")),
    "downside_dev_10d": (0, float("inf")),
    "corr_10d": (-1, 1),
    "n_obs_10d": (0, 10),
    "weight": (0, 1),
    "base_weight": (0, 1),
    "days_in_quadrant": (1, float("inf")),
}
each_case = pytest.mark.parametrize("name", CASES)
few = settings(max_examples=5, deadline=None, derandomize=True)


@each_case
@few
@given(market=markets)
def test_keys_bounds_and_no_nan(name: str, market: Market) -> None:
    """One row per key, the rows given where a function adds columns, no NaN, all within bounds."""
    case, frame = CASES[name], market.frame()
    result = case.compute(frame.lazy()).collect()
    for column in result.select(cs.float()).columns:
        values = result[column].drop_nulls()
        assert values.is_finite().all(), f"{name}: {column} is not finite"
    given_columns = set(frame.columns) if case.keeps_rows else set()
    for column in (set(result.columns) - given_columns) & set(BOUNDS):
        low, high = BOUNDS[column]
        values = result[column].drop_nulls()
        outside = values.filter((values < low - 1e-12) | (values > high + 1e-12))
        assert not len(outside), f"{name}: {column} is outside [{low}, {high}]: {outside[0]}"
    repeated = result.filter(result.select(case.keys).is_duplicated())
    assert not repeated.height, f"{name}: repeated keys {repeated.select(case.keys).head()}"
    assert sum(result.select(pl.col(case.keys).null_count()).row(0)) == 0
    assert not [column for column in result.columns if column.startswith("_")]
    if case.keeps_rows:
        keys = ["asset_id", "day"]
        assert result.select(keys).rows() == frame.sort(keys).select(keys).rows()
    declared = case.compute(frame.lazy()).collect_schema()
    assert dict(declared) == dict(result.schema), f"{name}: the lazy schema is not the real one"


@each_case
@few
@given(market=markets, data=st.data())
def test_truncation_invariance(name: str, market: Market, data: st.DataObject) -> None:
    """Nothing on a day depends on a later one."""
    case, frame = CASES[name], market.frame()
    if not frame.height:
        return
    known = sorted(frame["day"].unique())
    cut = data.draw(st.sampled_from(known), label="cut")
    past = frame.filter(pl.col("day") <= cut)
    entity = next(key for key in case.keys if key != case.known)
    full = case.compute(frame.lazy()).collect().filter(pl.col(case.known) <= cut)
    if name in ("signals", "signal_events"):
        # signals fill the calendar: of a hole at the cut only the full history can know
        last = past.group_by("asset_id").agg(pl.col("day").max().alias("last"))
        full = full.join(last, on="asset_id").filter(pl.col("day") <= pl.col("last")).drop("last")
    part = case.compute(past.lazy()).collect()
    assert entity in full.columns
    assert_same(full, part, keys=case.keys, what=f"{name} up to {cut}")


@each_case
@few
@given(market=markets, data=st.data())
def test_future_poison(name: str, market: Market, data: st.DataObject) -> None:
    """Absurd values, flipped flags and new assets after a day change nothing before."""
    case, frame = CASES[name], market.frame()
    if not frame.height:
        return
    cut = data.draw(st.sampled_from(sorted(frame["day"].unique())), label="cut")
    after = pl.col("day") > cut
    numbers = cs.float().name.keep()
    poisoned = frame.with_columns(
        pl.when(after).then(numbers * 1e6).otherwise(numbers),
        pl.when(after)
        .then(~pl.col("in_universe"))
        .otherwise(pl.col("in_universe"))
        .alias("in_universe"),
        pl.when(after).then(pl.lit("x")).otherwise(pl.col("sector")).alias("sector"),
    )
    newcomer = poisoned.filter(after & (pl.col("asset_id") == "asset-0")).with_columns(
        pl.lit("asset-9").alias("asset_id")
    )
    poisoned = pl.concat([poisoned, newcomer])
    before = case.compute(frame.lazy()).collect().filter(pl.col(case.known) <= cut)
    poison = case.compute(poisoned.lazy()).collect().filter(pl.col(case.known) <= cut)
    assert_same(before, poison, keys=case.keys, what=f"{name} with poison after {cut}")


@each_case
@few
@given(market=markets, seed=st.integers(0, 1000))
def test_order_of_rows_does_not_matter(name: str, market: Market, seed: int) -> None:
    """To the last bit: a rebuilt warehouse holds the same marts."""
    case, frame = CASES[name], market.frame()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    assert_same(
        case.compute(frame.lazy()).collect(),
        case.compute(shuffled.lazy()).collect(),
        keys=case.keys,
        what=name,
        tolerance=0,
    )


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if not case.is_cross_section]
)
@few
@given(market=markets)
def test_assets_are_independent(name: str, market: Market) -> None:
    """Each asset alone gives the same rows as all of them together, under any name."""
    case, frame = CASES[name], market.frame()
    entity = next(key for key in case.keys if key.endswith("_id"))
    together = case.compute(frame.lazy()).collect()
    for asset in frame["asset_id"].unique():
        renamed = frame.filter(pl.col("asset_id") == asset).with_columns(
            pl.lit("zz").alias("asset_id")
        )
        alone = case.compute(renamed.lazy()).collect().with_columns(pl.lit(asset).alias(entity))
        wanted = together.filter(pl.col(entity) == asset)
        texts = [c for c in wanted.columns if c == "event_key"]
        assert_same(
            wanted.drop(texts),
            alone.drop(texts),
            keys=[key for key in case.keys if key not in texts],
            what=f"{name} of {asset} alone",
        )


@each_case
@few
@given(market=markets)
def test_nothing_is_known_before_the_first_observation(name: str, market: Market) -> None:
    """Rows without values before the listing leave every value as it is."""
    case, frame = CASES[name], market.frame()
    if name in ("signals", "signal_events", "basket_weights", "basket_index"):
        return  # their calendar begins with the first row, whatever it holds
    first = frame.group_by("asset_id").agg(pl.col("day").min())
    numbers = frame.select(cs.float()).columns
    early = pl.concat(
        first.with_columns(pl.col("day") - timedelta(days=shift)) for shift in range(1, 12)
    ).with_columns(
        *(pl.lit(None, pl.Float64).alias(column) for column in numbers),
        pl.lit(value=False).alias("in_universe"),
        pl.lit(value=False).alias("is_dead"),
        pl.lit("missing").alias("price_quality"),
        pl.lit("x").alias("sector"),
        pl.lit(0, pl.Int8).alias("signal"),
    )
    extended = pl.concat([frame, early.select(frame.columns)])
    start = pl.col(case.known) >= pl.col("_first")
    entity = next(key for key in case.keys if key.endswith("_id"))
    firsts = first.rename({"day": "_first", "asset_id": entity})
    result = case.compute(extended.lazy()).collect().join(firsts, on=entity).filter(start)
    assert_same(
        case.compute(frame.lazy()).collect(),
        result.drop("_first"),
        keys=case.keys,
        what=f"{name} with unknown days before",
    )


WINDOWED = ("sma", "bollinger", "donchian", "volume_z", "tsmom", "pivots", "history_percentile")
RECURSIVE = {
    "ema": (lambda f: moving.ema(f, n=14, max_gap_d=GAP), ["ema_14"]),
    "rsi": (lambda f: oscillators.rsi(f, n=14, max_gap_d=GAP), ["rsi_14"]),
    "atr": (lambda f: ranges.atr(f, n=14, max_gap_d=GAP), ["atr_14", "natr_14"]),
}


@pytest.mark.parametrize("name", WINDOWED)
def test_windows_do_not_remember_the_start(name: str) -> None:
    """A column that is no recursion is the same from any start."""
    frame = walk(8, assets=2, length=200, nulls=0.02).with_columns(
        pl.col("close_usd").alias("trend")
    )
    late = frame.filter(pl.col("day") >= frame["day"].min() + timedelta(days=100))
    settled = pl.col("day") >= frame["day"].min() + timedelta(days=120)
    assert_same(
        CASES[name].compute(frame.lazy()).collect().filter(settled),
        CASES[name].compute(late.lazy()).collect().filter(settled),
        keys=["asset_id", "day"],
        what=name,
    )


@pytest.mark.parametrize("name", RECURSIVE)
@pytest.mark.parametrize("skipped", [170, 420, 670])
def test_recursions_forget_the_start(name: str, skipped: int) -> None:
    """250 days after another start the difference is below 1e-6."""
    compute, columns = RECURSIVE[name]
    frame = walk(9, assets=3, length=1000)
    start = frame["day"].min()
    late = frame.filter(pl.col("day") >= start + timedelta(days=skipped))
    settled = pl.col("day") >= start + timedelta(days=skipped + 250)
    full = compute(frame.lazy()).collect().filter(settled)
    part = compute(late.lazy()).collect().filter(settled)
    for column in columns:
        gap = ((full[column] - part[column]) / full[column]).abs().max()
        assert gap < 1e-6, f"{column} still differs by {gap} after 250 days"


def test_the_suite_can_see_a_leak() -> None:
    """A swing level used on its own day must fail the test of truncation."""
    frame = walk(3, assets=2, length=120)

    def leaking(given: pl.LazyFrame) -> pl.DataFrame:
        found = levels.swings(given, bars=5).select(
            "asset_id", pl.col("swing_day").alias("day"), "kind", "price_usd"
        )
        return given.join(
            found.filter(pl.col("kind") == "high"), on=["asset_id", "day"], how="left"
        ).collect()

    caught = 0
    for cut in sorted(frame["day"].unique())[30:]:
        past = frame.filter(pl.col("day") <= cut)
        full = leaking(frame.lazy()).filter(pl.col("day") <= cut)
        try:
            assert_same(full, leaking(past.lazy()), keys=["asset_id", "day"])
        except AssertionError:
            caught += 1
    assert caught > 5, "a planted look-ahead went through"
