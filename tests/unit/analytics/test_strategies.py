"""Rules traded by hand, against an independent loop, and what must hold of every market."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.analytics import strategies
from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.parameters import from_seed
from pipelines.analytics.strategies import Rule, decisions, performance, simulate, summary, trades
from tests.unit.analytics.strategy_loop import loop
from tests.unit.analytics.support import START, assert_same, days, walk

PLAN = Rule(
    measure="signal_daily.signal",
    entry="sign",
    part_count=5,
    asset_id=None,
    top_count=None,
    exit="any_day",
    fill_at="open",
    stop_atr=1,
    stop_excursion_x=None,
    take_profit_r=(1, 3),
    take_profit_excursion_x=None,
    sizing="risk_at_stop",
    risk_at_stop_frac=0.01,
    max_weight_frac=0.5,
    is_resized=False,
    rebalance_d=1,
    max_gross_frac=1,
    max_net_frac=1,
    fee_bps=10,
    slippage_bps=0,
    impact_bps=0,
    borrow_ann=0.365,
    haircut_frac=0.5,
    missing_d=2,
    capital_usd=1e6,
    capacity_frac=None,
)
FIFTHS = replace(
    PLAN,
    entry="top_and_bottom_part",
    part_count=2,
    exit="rebalance",
    stop_atr=None,
    take_profit_r=None,
    sizing="equal_weight",
    is_resized=True,
    rebalance_d=3,
    impact_bps=30,
    capacity_frac=0.5,
    max_net_frac=0.3,
)

N = None
Bar = tuple[float | None, float | None, float | None, float | None]
QUIET: Bar = (100, 105, 95, 100)
NOTHING: Bar = (N, N, N, N)


def traded(
    bars: list[Bar], sides: list[int], rule: Rule = PLAN, **more: list[Any]
) -> list[dict[str, Any]]:
    """Trades of one asset: its bars, the side wanted at the end of each day; atr is 10."""
    return trades(simulate(market(bars, **more), wanted(sides), rule)).to_dicts()


def market(bars: list[Bar], asset: str = "a", **more: list[Any]) -> pl.DataFrame:
    count = len(bars)
    return pl.DataFrame(
        {
            "asset_id": [asset] * count,
            "day": days(count),
            **{
                name: pl.Series([bar[place] for bar in bars], dtype=pl.Float64)
                for place, name in enumerate(("open_usd", "high_usd", "low_usd", "close_usd"))
            },
            "volume_usd": pl.Series(more.get("volume", [1e9] * count), dtype=pl.Float64),
            "volume_median_30d_usd": pl.Series(more.get("usual", [1e9] * count), dtype=pl.Float64),
            "funding_frac": pl.Series(more.get("funding", [N] * count), dtype=pl.Float64),
            "is_dead": more.get("dead", [False] * count),
        }
    )


def wanted(sides: list[int], asset: str = "a", atr: float = 10) -> pl.DataFrame:
    count = len(sides)
    return pl.DataFrame(
        {"asset_id": [asset] * count, "day": days(count), "side": sides, "atr_usd": [atr] * count}
    )


# a close of 100 and a range of 10: the stop is at 90 (110 of a short), targets at 110 and 130; a
# hundredth at risk is a weight of 0.1, a thousandth of a unit
BY_HAND: dict[str, tuple[list[Bar], list[int], dict[str, Any]]] = {
    "what opens beyond its stop is sold at the open": (
        [QUIET, QUIET, (85, 86, 80, 82), QUIET],
        [1, 1, 1, 1],
        {
            "exit_reason": "stop",
            "exit_usd": 85.0,
            "gross_pnl_frac": -0.015,
            "net_pnl_frac": -0.015 - (0.1 + 0.085) * 0.001,
            "r_multiple": -1.5185,
            "held_d": 1,
        },
    ),
    "a bar with both is a stop": (
        [QUIET, QUIET, (100, 140, 88, 120), QUIET],
        [1, 1, 1, 1],
        {"exit_reason": "stop", "exit_usd": 90.0, "gross_pnl_frac": -0.01},
    ),
    "also on the day of the entry": (
        [QUIET, (100, 101, 89, 100), QUIET],
        [1, 1, 1],
        {"exit_reason": "stop", "exit_usd": 90.0, "held_d": 0},
    ),
    "half at the first target, the rest when the signal ends": (
        [QUIET, QUIET, (100, 112, 99, 111), (105, 106, 104, 105)],
        [1, 1, 0, 0],
        {"exit_reason": "signal", "exit_usd": 105.0, "gross_pnl_frac": 0.0005 * (10 + 5)},
    ),
    "both targets within one bar": (
        [QUIET, QUIET, (100, 131, 99, 111), QUIET],
        [1, 1, 1, 1],
        {"exit_reason": "take_profit", "exit_usd": 130.0, "gross_pnl_frac": 0.0005 * (10 + 30)},
    ),
    "what opens beyond a target is sold at the open": (
        [QUIET, QUIET, (135, 136, 134, 135), QUIET],
        [1, 1, 1, 1],
        {"exit_reason": "take_profit", "exit_usd": 135.0, "gross_pnl_frac": 0.035},
    ),
    "what dies is worth its last close less the haircut, and pays no fee": (
        [QUIET, QUIET, NOTHING, NOTHING],
        [1, 1, 0, 0],
        {
            "exit_reason": "dead",
            "exit_usd": 50.0,
            "gross_pnl_frac": -0.05,
            "fee_cost_frac": 0.0001,
        },
    ),
    "so is what has had no price for too long": (
        [QUIET, QUIET, NOTHING, NOTHING],
        [1, 1, 1, 1],
        {"exit_reason": "no_price", "exit_usd": 50.0, "exit_day": START + timedelta(days=3)},
    ),
    "without an open the close will do": (
        [QUIET, (N, 105, 95, 102), (N, 105, 95, 104), (N, 105, 95, 103)],
        [1, 0, 0, 0],
        {"entry_usd": 102.0, "exit_usd": 104.0, "exit_reason": "signal"},
    ),
    "without an open a bar beyond its stop is sold at its close": (
        [QUIET, QUIET, (N, 80, 70, 75), QUIET],
        [1, 1, 1, 1],
        {"exit_usd": 75.0, "exit_reason": "stop"},
    ),
    "without a price the exit waits": (
        [QUIET, QUIET, NOTHING, (101, 105, 95, 100)],
        [1, 0, 0, 0],
        {"exit_usd": 101.0, "exit_reason": "signal", "held_d": 2},
    ),
    "what is held to the end is valued": (
        [QUIET, QUIET, (100, 105, 95, 104)],
        [1, 1, 1],
        {"exit_day": N, "exit_usd": N, "exit_reason": N, "gross_pnl_frac": 0.004},
    ),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_by_hand(case: str) -> None:
    bars, sides, expected = BY_HAND[case]
    dead = [False] * len(bars)
    if expected["exit_reason"] == "dead":
        dead[2] = True
    (trade,) = traded(bars, sides, dead=dead)
    assert trade["stop_usd"] == 90
    assert {name: trade[name] for name in expected} == {
        name: pytest.approx(value) if isinstance(value, float) else value
        for name, value in expected.items()
    }


def test_a_short_by_hand() -> None:
    """Funding is received on the first day; on the second nobody knows it and borrowing costs."""
    (trade,) = traded(
        [QUIET, QUIET, QUIET, (112, 115, 111, 112)],
        [-1, -1, -1, -1],
        funding=[N, 0.001, N, N],
    )
    assert trade["side"] == -1
    assert trade["stop_usd"] == 110
    assert trade["exit_usd"] == 112
    assert trade["funding_cost_frac"] == pytest.approx(-0.1 * 0.001)
    assert trade["borrow_cost_frac"] == pytest.approx(0.1 * 0.365 / 365)
    assert trade["gross_pnl_frac"] == pytest.approx(-0.012)


def test_reverse_at_one_open() -> None:
    long, short = traded([QUIET, QUIET, (98, 99, 97, 98)], [1, -1, -1])
    assert long["exit_day"] == short["entry_day"] == START + timedelta(days=2)
    assert long["exit_usd"] == short["entry_usd"] == 98


def test_a_plan_that_was_passed_overnight_is_void() -> None:
    assert traded([QUIET, (89, 91, 88, 90)], [1, 0]) == []
    assert traded([QUIET, (111, 112, 110, 111)], [1, 0]) == []


def test_a_side_that_was_stopped_out_needs_another_signal() -> None:
    bars: list[Bar] = [QUIET, (100, 101, 89, 100), QUIET, QUIET, QUIET]
    assert len(traded(bars, [1, 1, 1, 1, 1])) == 1
    assert len(traded(bars, [1, 1, 0, 1, 1])) == 2


def test_a_position_is_part_of_an_ordinary_days_volume() -> None:
    capped = replace(PLAN, capacity_frac=0.01)
    (trade,) = traded([QUIET, QUIET], [1, 1], capped, usual=[1e6, 1e6])
    assert trade["size_frac"] == pytest.approx(0.01)
    assert traded([QUIET, QUIET], [1, 1], capped, usual=[N, N]) == []


def test_impact_grows_with_the_root_of_the_part() -> None:
    priced = replace(PLAN, impact_bps=100, slippage_bps=5)
    (trade,) = traded([QUIET, QUIET], [1, 1], priced, volume=[1e6, 1e6])
    assert trade["impact_cost_frac"] == pytest.approx(0.1 * 0.01 * math.sqrt(0.1))
    assert trade["slippage_cost_frac"] == pytest.approx(0.1 * 0.0005)


@pytest.mark.parametrize(
    ("limits", "sides", "size"),
    [
        ({"max_gross_frac": 0.1}, (1, 1), 0.05),
        ({"max_net_frac": 0.1}, (1, 1), 0.05),
        ({"max_net_frac": 0.1}, (1, -1), 0.1),
    ],
)
def test_limits_scale_all_alike(
    limits: dict[str, float], sides: tuple[int, int], size: float
) -> None:
    bars = pl.concat([market([QUIET, QUIET], asset) for asset in "ab"])
    decided = pl.concat(
        [wanted([side, side], asset) for asset, side in zip("ab", sides, strict=True)]
    )
    found = trades(simulate(bars, decided, replace(PLAN, **limits)))  # type: ignore[arg-type]
    assert found["size_frac"].to_list() == pytest.approx([size, size])


def test_equal_weights_are_brought_back() -> None:
    """One opens at twice its price: what is beyond its weight is sold, and shared the day after."""
    rule = replace(
        FIFTHS, entry="always", measure=None, rebalance_d=1, fee_bps=0, impact_bps=0, max_net_frac=1
    )
    still: Bar = (100, 100, 100, 100)
    double: Bar = (200, 200, 200, 200)
    bars = pl.concat([market([still, still, double, double], "a"), market([still] * 4, "b")])
    decided = pl.concat([wanted([1] * 4, asset) for asset in "ab"])
    daily = performance(simulate(bars, decided, rule))
    assert daily["equity"].to_list() == pytest.approx([1, 1.5, 1.5])
    assert daily["turnover_frac"].to_list() == pytest.approx([1, 0.5, 0.5 / 1.5])
    assert daily["position_count"].to_list() == [2, 2, 2]


def test_a_short_can_ruin() -> None:
    rule = replace(
        PLAN, stop_atr=None, take_profit_r=None, sizing="equal_weight", max_weight_frac=1
    )
    up: Bar = (300, 300, 300, 300)
    ledger = simulate(market([QUIET, QUIET, up, up, up, up]), wanted([-1] * 6), rule)
    (trade,) = trades(ledger).to_dicts()
    assert trade["exit_reason"] == "ruin"
    daily = performance(ledger, last_day=days(6)[-1])
    assert daily["equity"][1] == pytest.approx(-1, abs=0.01)
    assert daily["ret_1d"][-1] is None


def test_parts_are_of_the_members() -> None:
    count = 10
    frame = pl.DataFrame(
        {
            "asset_id": [f"a{i}" for i in range(count)],
            "day": days(1) * count,
            "value": [float(i) for i in range(count)],
            "is_member": [i != 9 for i in range(count)],
            "universe_rank": [i + 1 for i in range(count)],
            "is_shortable": [i != 1 for i in range(count)],
            "is_dead": [i == 8 for i in range(count)],
            "atr_usd": [1.0] * count,
        }
    )
    rule = replace(FIFTHS, part_count=4)
    side = dict(decisions(frame, rule).select("asset_id", "side").iter_rows())
    assert side == {"a0": -1, "a1": 0, "a2": 0, "a3": 0, "a4": 0, "a5": 0, "a6": 1, "a7": 1}
    few = decisions(frame, replace(rule, top_count=4))
    assert few["side"].to_list() == [-1, 0, 0, 1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"stop_atr": -2.0}, "wrong side of the entry"),
        ({"take_profit_r": (-1.0,)}, "wrong side"),
        ({"take_profit_r": (3.0, 1.0)}, "rise"),
        ({"stop_atr": None}, "need stop_atr"),
        ({"stop_excursion_x": 1.0}, "choose one of them"),
        ({"take_profit_excursion_x": (1.0,)}, "choose one of them"),
        ({"entry": "whim"}, "one of top_part"),
        ({"measure": None}, "needs a measure"),
        ({"haircut_frac": 1.5}, "between 0 and 1"),
        ({"max_gross_frac": 0.0}, "max_gross_frac must be above 0"),
        ({"fee_bps": -1.0}, "fee_bps must not be below 0"),
        ({"is_resized": True}, "choose one of them"),
    ],
)
def test_an_impossible_rule_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AnalyticsError, match=sentence):
        replace(PLAN, **change)


def test_a_rule_is_read_from_a_seeds_row() -> None:
    row = {name: getattr(PLAN, name) for name in Rule.__slots__}
    row |= {"take_profit_r": "1,3", "is_resized": "false", "capacity_frac": ""}
    assert from_seed(Rule, row) == PLAN


def test_a_plan_by_excursions_is_that_of_its_side() -> None:
    frame = pl.DataFrame(
        {
            "asset_id": ["long", "short", "young"],
            "day": days(1) * 3,
            "value": [1.0, -1.0, 1.0],
            "is_member": [True] * 3,
            "universe_rank": [1, 2, 3],
            "is_shortable": [True] * 3,
            "is_dead": [False] * 3,
            "atr_usd": [10.0] * 3,
            "long_adverse_excursion_atr": [1.5, 9.0, None],
            "long_favourable_excursion_atr": [3.0, 9.0, None],
            "short_adverse_excursion_atr": [9.0, 2.0, None],
            "short_favourable_excursion_atr": [9.0, 4.0, None],
        }
    )
    found = decisions(frame, RULES["plan by excursions"])
    assert found.select("adverse_usd", "favourable_usd").rows() == [
        (15.0, 30.0),
        (20.0, 40.0),
        (None, None),
    ]


def test_a_plan_by_excursions_is_traded() -> None:
    rule = replace(RULES["plan by excursions"], take_profit_excursion_x=(1,))
    bars: list[Bar] = [QUIET, QUIET, (100, 121, 99, 111), QUIET]
    plan = wanted([1, 1, 1, 1]).with_columns(adverse_usd=8.0, favourable_usd=20.0)
    (trade,) = trades(simulate(market(bars), plan, rule)).to_dicts()
    assert trade["stop_usd"] == 92.0
    assert (trade["exit_reason"], trade["exit_usd"]) == ("take_profit", 120.0)
    assert trade["size_frac"] == pytest.approx(0.01 / 0.08)
    nobody = plan.with_columns(favourable_usd=pl.lit(None, pl.Float64))
    assert simulate(market(bars), nobody, rule).is_empty(), "an unknown target is no plan"


# -- any market


@st.composite
def scenes(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars and decisions of a wild little market: holes, missing opens, deaths, unknown numbers."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    assets, length = draw(st.integers(1, 5)), draw(st.integers(1, 40))
    bars = walk(
        seed,
        assets,
        length,
        holes=draw(st.sampled_from([0.0, 0.1])),
        nulls=draw(st.sampled_from([0.0, 0.1])),
    )
    count = bars.height

    def some(values: np.ndarray[Any, Any], unknown: float) -> pl.Series:
        hidden = rng.random(count) < unknown
        return pl.Series(np.where(hidden, np.nan, values), nan_to_null=True, dtype=pl.Float64)

    gaps = np.exp(rng.normal(0, 0.05, count))
    bars = bars.with_columns(
        (pl.col("open_usd") * some(gaps, 0.2)).alias("open_usd"),
        (pl.col("volume_usd") * 100).alias("volume_usd"),
        some(np.exp(rng.normal(15, 1, count)), 0.1).alias("volume_median_30d_usd"),
        some(rng.normal(0, 0.001, count), 0.5).alias("funding_frac"),
        pl.Series("is_dead", rng.random(count) < 0.01, dtype=pl.Boolean),
    )
    decided = bars.select("asset_id", "day").with_columns(
        pl.Series("side", rng.choice([-1, 0, 1, 1], count), dtype=pl.Int64),
        some(np.abs(rng.normal(6, 3, count)), 0.05).alias("atr_usd"),
        some(np.abs(rng.normal(9, 6, count)), 0.1).alias("adverse_usd"),
        some(np.abs(rng.normal(9, 6, count)), 0.1).alias("favourable_usd"),
    )
    if draw(st.booleans()):  # a side lasts for days
        decided = decided.with_columns(
            pl.col("side").first().over("asset_id", pl.col("day").to_physical() // 6)
        )
    return bars, decided


RULES = {
    "plan": PLAN,
    "plan at the close, wide": replace(PLAN, fill_at="close", take_profit_r=(0.5,), stop_atr=0.3),
    "plan every third day": replace(
        PLAN, rebalance_d=3, exit="rebalance", max_gross_frac=0.2, slippage_bps=7, impact_bps=50
    ),
    "plan by excursions": replace(
        PLAN,
        stop_atr=None,
        stop_excursion_x=1,
        take_profit_r=None,
        take_profit_excursion_x=(0.5, 1),
    ),
    "a stop by excursions, targets by it": replace(PLAN, stop_atr=None, stop_excursion_x=0.5),
    "parts, brought back": FIFTHS,
    "parts with a stop": replace(FIFTHS, stop_atr=1.5, max_gross_frac=3, max_weight_frac=2),
}
each_rule = pytest.mark.parametrize("name", RULES)
few = settings(max_examples=25, deadline=None, derandomize=True)


@each_rule
@few
@given(scene=scenes())
def test_an_independent_loop_says_the_same(
    name: str, scene: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    """Another program, one asset and one event at a time: to 1e-9."""
    bars, decided = scene
    found = simulate(bars, decided, RULES[name])
    assert_same(
        found,
        loop(bars, decided, RULES[name]),
        keys=["asset_id", "day", "entry_day"],
        what=name,
        tolerance=1e-9,
    )


@each_rule
@few
@given(scene=scenes(), data=st.data())
def test_the_future_changes_nothing(
    name: str, scene: tuple[pl.DataFrame, pl.DataFrame], data: st.DataObject
) -> None:
    """Neither what is cut off nor what is poisoned after a day changes a line up to it."""
    bars, decided = scene
    if bars.is_empty():
        return
    rule, key = RULES[name], ["asset_id", "day", "entry_day"]
    cut = data.draw(st.sampled_from(sorted(bars["day"].unique())), label="cut")
    after = pl.col("day") > cut
    whole = simulate(bars, decided, rule).filter(~after)
    part = simulate(bars.filter(~after), decided.filter(~after), rule)
    assert_same(whole, part, keys=key, what=f"{name} cut after {cut}")
    prices = pl.col("open_usd", "high_usd", "low_usd", "close_usd", "volume_usd")
    poison = simulate(
        bars.with_columns(pl.when(after).then(prices * 1e3).otherwise(prices)),
        decided.with_columns(pl.when(after).then(-pl.col("side")).otherwise(pl.col("side"))),
        rule,
    )
    assert_same(whole, poison.filter(~after), keys=key, what=f"{name} poisoned after {cut}")


def test_the_suite_can_see_a_leak() -> None:
    """Decisions that know the close two days on, one after they are traded, must be caught."""
    bars = walk(7, assets=2, length=30).with_columns(
        pl.lit(1e12).alias("volume_median_30d_usd"),
        pl.lit(None, pl.Float64).alias("funding_frac"),
        pl.lit(value=False).alias("is_dead"),
    )

    def leaking(given: pl.DataFrame) -> pl.DataFrame:
        rises = pl.col("close_usd").shift(-2).over("asset_id") > pl.col("close_usd")
        decided = given.sort("asset_id", "day").select(
            "asset_id",
            "day",
            rises.fill_null(value=False).cast(pl.Int64).alias("side"),
            pl.lit(5.0).alias("atr_usd"),
        )
        return simulate(given, decided, replace(FIFTHS, rebalance_d=1))

    caught = 0
    for cut in sorted(bars["day"].unique())[5:]:
        past = pl.col("day") <= cut
        caught += not leaking(bars).filter(past).equals(leaking(bars.filter(past)))
    assert caught > 3, "a planted look-ahead went through"


@each_rule
@few
@given(scene=scenes())
def test_equity_is_what_the_trades_earned(
    name: str, scene: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    """Each trade's part of the equity that it was entered with, added up, is the equity."""
    bars, decided = scene
    ledger = simulate(bars, decided, RULES[name])
    daily, traded_ = performance(ledger), trades(ledger)
    if ledger.is_empty():
        assert daily.is_empty()
        assert summary(daily, traded_).is_empty()
        return
    earned = (traded_["net_pnl_frac"] * traded_["entry_equity"]).sum()
    assert daily["equity"][-1] == pytest.approx(1 + earned, abs=1e-9)
    costs = sum(traded_[f"{kind}_cost_frac"] for kind in strategies.COSTS)
    assert (traded_["gross_pnl_frac"] - costs - traded_["net_pnl_frac"]).abs().max() < 1e-9
    assert daily["drawdown_frac"].max() <= 0
    reported = summary(daily, traded_)
    assert reported.filter(period="all")["trade_count"][0] == traded_["exit_day"].count()
    assert reported.filter(period="all")["ret_frac"][0] == pytest.approx(daily["equity"][-1] - 1)


@each_rule
@few
@given(scene=scenes(), seed=st.integers(0, 1000))
def test_the_order_of_rows_does_not_matter(
    name: str, scene: tuple[pl.DataFrame, pl.DataFrame], seed: int
) -> None:
    bars, decided = scene
    shuffled = [frame.sample(fraction=1, shuffle=True, seed=seed) for frame in scene]
    assert simulate(bars, decided, RULES[name]).equals(simulate(*shuffled, RULES[name]))


def test_a_sharpe_ratio_has_its_error() -> None:
    """For normal returns it is the root of (1 + SR²/2) / n (Lo 2002)."""
    returns = np.random.default_rng(1).normal(0.002, 0.02, 20_000)
    ratio = returns.mean() / returns.std(ddof=1)
    assert strategies.sharpe_error(returns) == pytest.approx(
        math.sqrt((1 + ratio**2 / 2) / len(returns)), rel=0.02
    )
