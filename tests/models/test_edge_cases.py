"""The edge cases of grades and signals, from candles in the lake to the marts that decide.

| case | its tests |
|---|---|
| a missing day in each window | `test_windows`: every window of the catalogue |
| an asset younger than each window | `test_windows`: every window of the catalogue |
| constant prices | `test_a_price_that_never_moves_has_no_momentum_and_no_signal` |
| ties | `test_ties_share_their_places_and_are_ranked_by_name` |
| a zero-volume day | `test_a_day_without_volume_*` |
| a redenomination of 100 | `test_a_redenomination_is_seen_in_prices_alone` |
| a ticker reassigned | `test_prices.test_a_reused_ticker_*`, `.test_the_end_of_a_code_*` |
| a delisting | `test_a_delisting_ends_the_position_at_the_last_price` |
| a death | `test_a_death_takes_the_position_with_it` |
| the same, of what strategies hold | `test_strategies_*` |
| all-NULL narratives | `test_narratives.test_a_narrative_of_which_nothing_is_known_*` |
| one venue's wick | `test_the_wick_*`, `test_twins_*`, `test_no_alert_*`, `test_the_coin_*` |

Twins tell: assets with the same candles at three venues, but for the one thing that a story is
about. USDe's wick of 2025-10-10 is one venue's close at 0.65 of the others'.
"""

# the queries are made of constants
from __future__ import annotations

import math
import random
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.core.windows import Window
from pipelines.validation.invariants import INVARIANTS, Context, WarehouseMarts
from tests.models.lake_box import LakeBox, days
from tests.models.market import Market, constant, dollars

DAYS = days("2025-07-01", 125)
WICK = DAYS[115]
VENUES = (("binance", "{}USDT", "USDT"), ("coinbase", "{}-USD", "USD"), ("kraken", "{}USD", "USD"))
CALM, STRUCK = "uniswap", "aave"
SPLIT, SPLIT_ASSET = DAYS[110], "chainlink"
NO_VOLUME, IDLE = DAYS[112], "cosmos"
LAST = DAYS[117]
DELISTED, DEAD, FLAT = "solana", "avalanche-2", "algorand"
COLUMNS = {
    "price_daily": "close_usd",
    "ohlcv_daily": "open_usd, high_usd, low_usd, close_usd",
    "returns_risk_daily": "ret_1d, vol_30d_ann, drawdown_frac",
    "technical_daily": "rsi_14, atr_14, donch_pos, volume_z_30d, cross_12_26",
    "trader_grade_daily": "trader_grade, calm_grade, trend_score, ta_grade, grade_change_1d",
    "signal_daily": "signal, signal_reason",
}


def walk(seed: int, start: float) -> dict[Any, Any]:
    draw, close, bars = random.Random(seed), start, {}
    for day in DAYS:
        opened, close = close, round(close * math.exp(draw.gauss(0.001, 0.03)), 6)
        bars[day] = {
            "close": close,
            "open": opened,
            "high": round(max(opened, close) * 1.01, 6),
            "low": round(min(opened, close) * 0.99, 6),
        }
    return bars


def struck(bars: dict[Any, Any]) -> dict[Any, Any]:
    """Return the bars with a close at 0.65 of what it was on one day."""
    close = round(0.65 * bars[WICK]["close"], 6)
    low = round(0.64 * bars[WICK]["close"], 6)
    return bars | {WICK: bars[WICK] | {"close": close, "low": low}}


def rising(seed: int) -> dict[Any, Any]:
    """Return bars that everybody wants to hold, until they end."""
    draw = random.Random(seed)
    closes = {
        day: round(5 * math.exp(0.02 * number + draw.gauss(0, 0.004)), 6)
        for number, day in enumerate(DAYS)
        if day <= LAST
    }
    return {day: {"close": close, "open": close} for day, close in closes.items()}


def in_hundredths(bars: dict[Any, Any]) -> dict[Any, Any]:
    return {
        day: {name: price / 100 if day >= SPLIT else price for name, price in bar.items()}
        for day, bar in bars.items()
    }


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    town.add("binance", "BTCUSDT", "BTC", "USDT", constant(DAYS, 40_000.0), volume_usd=5e7)
    twin = walk(5, 20.0)
    dollar = {day: {"close": 1.0, "open": 1.0, "high": 1.001, "low": 0.999} for day in DAYS}
    listed = {
        "UNI": twin,
        "AAVE": twin,
        "LINK": in_hundredths(twin),
        "ATOM": twin | {NO_VOLUME: twin[NO_VOLUME] | {"volume_usd": 0.0}},
        "USDE": dollar,
        "ALGO": constant(DAYS, 2.0),
        "SOL": rising(1),
        "AVAX": rising(2),
        "ADA": walk(11, 10.0),
        "LTC": walk(13, 10.0),
    }
    for code, bars in listed.items():
        for venue, symbol, quote in VENUES:
            is_struck = code in {"AAVE", "USDE"} and venue == "binance"
            town.add(
                venue,
                symbol.format(code),
                code,
                quote,
                struck(bars) if is_struck else bars,
                volume_usd=3e6,
                is_trading=LAST not in bars or DAYS[-1] in bars,
            )
    town.land(shared_box)
    folder = shared_box.data_dir / "curation"
    folder.mkdir()
    pl.DataFrame(
        [
            {"asset_id": SPLIT_ASSET, "kind": "redenomination", "effective_day": SPLIT},
            {"asset_id": DEAD, "kind": "dead", "effective_day": DAYS[118]},
        ]
    ).with_columns(
        pl.when(pl.col("kind") == "redenomination").then(100.0).alias("ratio")
    ).write_parquet(folder / "token_events.parquet")
    shared_box.environment["TOKENMART_CURATION_DIR"] = str(folder)
    marts = " ".join(f"+{mart}" for mart in (*COLUMNS, "venue_quality_daily"))
    shared_box.run(
        f"{marts} +stablecoin_peg_daily +depeg_event +alert +signal_event "
        "+signal_performance_daily +grade_components +risk_plan_daily +strategy_trade "
        "+strategy_performance_daily +strategy_summary"
    )
    return shared_box


def test_the_wick_is_there_and_rejected(box: LakeBox) -> None:
    """F-1: without this the twins would prove nothing."""
    rows = box.query(
        "select asset_id, venue_id, exclusion_reason, round(dev_bps) "
        "from marts.venue_quality_daily where not is_accepted and exclusion_reason like 'outlier%' "
        "order by 1"
    )
    assert rows == [
        (STRUCK, "binance", "outlier", -3500.0),
        ("ethena-usde", "binance", "outlier", -3500.0),
    ]


@pytest.mark.parametrize("mart", COLUMNS)
def test_twins_are_reported_the_same(box: LakeBox, mart: str) -> None:
    reported = {
        asset: box.query(
            f"select day, {COLUMNS[mart]} from marts.{mart} where asset_id = '{asset}' order by day"
        )
        for asset in (CALM, STRUCK)
    }
    assert len(reported[CALM]) > 0, f"{mart} has nothing to compare"
    assert any(row[1] is not None for row in reported[CALM] if row[0] >= WICK), mart
    different = [
        (calm, other)
        for calm, other in zip(*reported.values(), strict=True)
        # windows over the same numbers may differ in the last digit
        if not all(
            one == two if one is None or isinstance(one, str | date) else one == pytest.approx(two)
            for one, two in zip(calm, other, strict=True)
        )
    ]
    assert different == [], f"{mart} differs after a wick that was rejected"


def test_no_alert_speaks_of_the_wick(box: LakeBox) -> None:
    """The twins have the same alerts and events, the coin has none."""
    alerts: dict[str, list[Any]] = {
        asset: box.query(
            f"select day, kind, severity from marts.alert where entity_id = '{asset}' order by all"
        )
        for asset in (CALM, STRUCK, "ethena-usde")
    }
    assert alerts[STRUCK] == alerts[CALM]
    assert [row for row in alerts["ethena-usde"] if row[0] >= WICK] == []
    events = {
        asset: box.query(
            "select day, from_signal, to_signal from marts.signal_event "
            f"where asset_id = '{asset}' order by all"
        )
        for asset in (CALM, STRUCK)
    }
    assert events[STRUCK] == events[CALM]


def test_the_coin_keeps_its_peg(box: LakeBox) -> None:
    """USDe at 0.65 on one venue is less than 100 bps off, and no event opens."""
    [(deviation,)] = box.query(
        "select max(abs(dev_bps)) from marts.stablecoin_peg_daily "
        "where stablecoin_id = 'ethena-usde' and dev_bps is not null"
    )
    assert deviation < 100
    assert box.query("select * from marts.depeg_event where stablecoin_id = 'ethena-usde'") == []


def reported(box: LakeBox, mart: str, columns: str, asset: str, day: date) -> tuple[Any, ...]:
    rows = box.query(
        f"select {columns} from marts.{mart} where asset_id = '{asset}' and day = '{day}'"
    )
    assert len(rows) == 1, f"{mart} has {len(rows)} rows of {asset} on {day}"
    return rows[0]


def test_a_price_that_never_moves_has_no_momentum_and_no_signal(box: LakeBox) -> None:
    """F-12: nothing is divided by a range or a volatility of zero; what is left is no grade."""
    columns = "trader_grade, calm_grade, trend_score, ta_grade, coverage_frac, grade_rank"
    found = reported(box, "trader_grade_daily", columns, FLAT, DAYS[-1])
    assert found == (None, None, None, None, 0.5, None)
    assert reported(box, "trader_grade_daily", "quant_grade", FLAT, DAYS[-1])[0] > 0
    assert reported(box, "signal_daily", "signal", FLAT, DAYS[-1]) == (0,)
    assert box.query(f"select * from marts.signal_event where asset_id = '{FLAT}'") == []


def test_ties_share_their_places_and_are_ranked_by_name(box: LakeBox) -> None:
    """F-14: equal grades to the last digit, and still a permutation."""
    (one, first), (other, second) = (
        reported(box, "trader_grade_daily", "trader_grade, grade_rank", asset, DAYS[105])
        for asset in (STRUCK, CALM)
    )
    assert one == other
    assert second - first >= 1, "aave stands before uniswap"
    places = box.query(
        "select factor, count(distinct xs_pctile) from marts.grade_components "
        f"where asset_id in ('{STRUCK}', '{CALM}') and day = '{DAYS[105]}' "
        "and grade = 'trend_score' and xs_pctile is not null group by factor"
    )
    assert len(places) >= 8
    assert {count for _, count in places} == {1}


def test_a_day_without_volume_has_no_price_and_no_measure_of_volume(box: LakeBox) -> None:
    """F-11: nobody traded: the bar that a venue prints is no price, and zero is no logarithm."""
    columns = "close_usd, volume_usd, price_quality"
    assert reported(box, "price_daily", columns, IDLE, NO_VOLUME) == (None, None, "missing")
    z, rsi = reported(box, "technical_daily", "volume_z_30d, rsi_14", IDLE, NO_VOLUME)
    assert (z, rsi) == (None, None)


def test_a_day_without_volume_disturbs_no_day_after_it(box: LakeBox) -> None:
    """F-11: the twins differ by one day in thirty, and no alert speaks of it."""
    rows = box.query(
        "select t.day, t.volume_z_30d, calm.volume_z_30d, r.amihud_30d "
        "from marts.technical_daily as t "
        f"inner join marts.technical_daily as calm on t.day = calm.day and calm.asset_id = '{CALM}'"
        "inner join marts.returns_risk_daily as r on t.day = r.day and r.asset_id = t.asset_id "
        f"where t.asset_id = '{IDLE}' and t.day >= '{DAYS[114]}'"
    )
    assert len(rows) == len(DAYS) - 114
    for day, z, calm, amihud in rows:
        assert z == pytest.approx(calm, abs=0.5), day
        assert 0 < amihud < 1, day
    alerts = box.query(
        f"select * from marts.alert where entity_id = '{IDLE}' and kind = 'volume_spike' "
        f"and day >= '{NO_VOLUME}'"
    )
    assert alerts == []


def test_a_redenomination_is_seen_in_prices_alone(box: LakeBox) -> None:
    """F-5: a hundredth of the price; returns, grades, signals and alerts do not notice."""
    prices = box.query(
        "select p.day, p.close_usd / calm_p.close_usd, t.sma_50 / calm_t.sma_50 "
        "from marts.price_daily as p "
        "inner join marts.price_daily as calm_p on p.day = calm_p.day "
        f"and calm_p.asset_id = '{CALM}' "
        "inner join marts.technical_daily as t on p.day = t.day and t.asset_id = p.asset_id "
        "inner join marts.technical_daily as calm_t on p.day = calm_t.day "
        f"and calm_t.asset_id = '{CALM}' "
        f"where p.asset_id = '{SPLIT_ASSET}' and p.day >= '{DAYS[100]}'"
    )
    assert len(prices) == len(DAYS) - 100
    for day, price_ratio, sma_ratio in prices:
        expected = 0.01 if day >= SPLIT else 1
        assert (price_ratio, sma_ratio) == pytest.approx((expected, expected), rel=1e-6), day
    for mart, columns in (
        ("returns_risk_daily", "ret_1d, ret_14d, vol_30d_ann, drawdown_frac"),
        ("technical_daily", "rsi_14, natr_14, donch_pos, cross_12_26"),
        ("trader_grade_daily", "trader_grade, calm_grade, trend_score, ta_grade"),
        ("signal_daily", "signal"),
    ):
        found, calm = (
            box.query(
                f"select day, {columns} from marts.{mart} where asset_id = '{asset}' "
                f"and day >= '{SPLIT}' order by day"
            )
            for asset in (SPLIT_ASSET, CALM)
        )
        assert len(found) == len(DAYS) - 110
        assert [list(row) for row in found] == [
            [pytest.approx(cell, rel=1e-6) if isinstance(cell, float) else cell for cell in row]
            for row in calm
        ], mart
    fired = {
        asset: box.query(
            "select day, kind from marts.alert where kind != 'level_cross' "
            f"and entity_id = '{asset}' order by all"
        )
        for asset in (SPLIT_ASSET, CALM)
    }
    assert fired[SPLIT_ASSET] == fired[CALM]


def performance(box: LakeBox, asset: str) -> list[tuple[Any, ...]]:
    return box.query(
        "select day, effective_signal, strat_index from marts.signal_performance_daily "
        f"where asset_id = '{asset}' and day >= '{LAST}' order by day"
    )


def test_a_delisting_ends_the_position_at_the_last_price(box: LakeBox) -> None:
    """F-6: a day after the last price there is nothing left to hold; what was earned stays."""
    assert reported(box, "signal_daily", "signal", DELISTED, LAST) == (1,), "nothing was held"
    columns = "from_signal, to_signal, signal_reason"
    assert reported(box, "signal_event", columns, DELISTED, DAYS[118]) == (1, 0, "left_universe")
    rows = performance(box, DELISTED)
    assert rows[-1][0] == DAYS[118]
    assert rows[0][2] > 1, "it had risen by 2 % a day"
    assert rows[-1][2] == rows[0][2]
    assert box.query(f"select max(day) from marts.price_daily where asset_id = '{DELISTED}'") == [
        (LAST,)
    ]


def test_a_death_takes_the_position_with_it(box: LakeBox) -> None:
    """F-6: dead is worth nothing, not as much as the last price said."""
    assert reported(box, "signal_daily", "signal", DEAD, LAST) == (1,), "nothing was held"
    columns = "from_signal, to_signal, signal_reason"
    assert reported(box, "signal_event", columns, DEAD, DAYS[118]) == (1, 0, "dead")
    rows = performance(box, DEAD)
    assert rows[0][2] > 1
    assert rows[-1] == (DAYS[118], 1, 0)


def replace(box: LakeBox, relation: str, query: str) -> None:
    """Put rows where a model's rows were, as if it had been built so."""
    with duckdb.connect(str(box.warehouse)) as connection:
        kind = connection.execute(
            "select table_type from information_schema.tables "
            f"where table_schema || '.' || table_name = '{relation}'"
        ).fetchone()
        if kind is not None:
            connection.execute(f"drop {'view' if kind[0] == 'VIEW' else 'table'} {relation}")
        connection.execute(f"create table {relation} as {query}")


def test_a_long_is_reported_when_its_narrative_loses_the_lead(box: LakeBox) -> None:
    """From the confirmed turn to weakening until the lead is won back."""
    replace(
        box,
        "intermediate.int_narrative_member_daily",
        "select 'ai' as narrative_id, asset_id, day from marts.price_daily "
        f"where asset_id = '{DELISTED}'",
    )
    replace(
        box,
        "intermediate.int_narrative_index_daily",
        f"""
        select 'ai' as narrative_id, day,
            case
                when day < '{DAYS[60]}' then 'leading'
                when day < '{DAYS[98]}' then 'lagging'
                when day < '{DAYS[103]}' then 'leading'
                when day < '{DAYS[107]}' then 'weakening'
                when day < '{DAYS[110]}' then 'lagging'
                else 'leading'
            end as quadrant_confirmed,
            case day
                when '{DAYS[60]}' then 'leading'
                when '{DAYS[98]}' then 'lagging'
                when '{DAYS[103]}' then 'leading'
                when '{DAYS[107]}' then 'weakening'
                when '{DAYS[110]}' then 'lagging'
            end as quadrant_confirmed_from
        from marts.price_daily where asset_id = 'bitcoin'
        """,
    )
    box.run("risk_plan_daily")
    reported_on = {
        asset: [
            day
            for (day,) in box.query(
                f"select day from marts.risk_plan_daily where asset_id = '{asset}' "
                "and ',' || exit_reason_candidates || ',' like '%,narrative,%' order by day"
            )
        ]
        for asset in (DELISTED, DEAD)
    }
    assert reported(box, "risk_plan_daily", "position", DELISTED, DAYS[97]) == (1,), (
        "nothing was held"
    )
    assert reported_on == {DELISTED: DAYS[103:110], DEAD: []}


def test_what_is_brought_to_a_tokens_protocols_is_its_usage(box: LakeBox) -> None:
    """7 d USD inflow over TVL where nobody counts addresses, a day late as its source is."""
    replace(
        box,
        "intermediate.int_token_fundamentals_daily",
        f"""
        select asset_id, day, case asset_id when '{CALM}' then 2e8 else 1.0 end as tvl_usd,
            case when day >= '{DAYS[100]}' then 1e7 else null end as usd_inflow_7d_usd
        from marts.price_daily where asset_id in ('{CALM}', '{STRUCK}')
        """,
    )
    box.run("int_trader_factor_daily")
    found = box.query(
        "select asset_id, day, usage from intermediate.int_trader_factor_daily "
        f"where asset_id in ('{CALM}', '{STRUCK}') and day in ('{DAYS[100]}', '{DAYS[101]}') "
        "order by all"
    )
    assert found == [
        (STRUCK, DAYS[100], None),
        (STRUCK, DAYS[101], None),
        (CALM, DAYS[100], None),
        (CALM, DAYS[101], pytest.approx(0.05)),
    ], "a protocol with a dollar in it has no usage, and nothing is known on the day itself"


HELD = {DEAD: "hold_what_dies", DELISTED: "hold_what_ends", CALM: "hold", SPLIT_ASSET: "hold_split"}
STRATEGY_MARTS = ("strategy_trade", "strategy_performance_daily", "strategy_summary")


@pytest.fixture(scope="module")
def traded(box: LakeBox) -> LakeBox:
    """The strategies of the seed, and four more that buy one asset and hold it."""
    with duckdb.connect(str(box.warehouse)) as connection:
        for asset, strategy in HELD.items():
            connection.execute(
                "insert into curated.cfg_strategy select * replace ($1 as asset_id, $2 as "
                "strategy_id) from curated.cfg_strategy where strategy_id = 'bitcoin_hold'",
                [asset, strategy],
            )
    models = (*(f"int_{mart}" for mart in STRATEGY_MARTS), *STRATEGY_MARTS)
    box.run(" ".join(("int_strategy_ledger_daily", *models, "+dim_asset")))
    return box


def test_strategies_lose_the_haircut_on_what_ends(traded: LakeBox) -> None:
    """Seven days without a price after the last one, or the day of the death."""
    rows = traded.query(
        "select trade.asset_id, exit_reason, exit_day, exit_usd / close_usd, r_multiple "
        "from marts.strategy_trade as trade inner join marts.price_daily as price "
        f"on trade.asset_id = price.asset_id and price.day = date '{LAST}' "
        "where strategy_id in ('hold_what_dies', 'hold_what_ends') order by 1"
    )
    assert rows == [
        (DEAD, "dead", DAYS[118], pytest.approx(0.5), None),
        (DELISTED, "no_price", DAYS[124], pytest.approx(0.5), None),
    ]


def test_strategies_earn_nothing_by_a_redenomination(traded: LakeBox) -> None:
    columns = "day, equity, ret_1d, gross_frac, turnover_frac"
    calm, split = (
        traded.query(
            f"select {columns} from marts.strategy_performance_daily "
            f"where strategy_id = '{HELD[asset]}' order by day"
        )
        for asset in (CALM, SPLIT_ASSET)
    )
    assert len(calm) > 90
    assert [list(row) for row in split] == [
        [pytest.approx(cell, rel=1e-6) if isinstance(cell, float) else cell for cell in row]
        for row in calm
    ]


def test_strategies_keep_the_rules_of_their_marts(traded: LakeBox) -> None:
    kinds = {
        name for (name,) in traded.query("select distinct strategy_id from marts.strategy_trade")
    }
    assert kinds >= {"signal_with_plan", "bitcoin_hold", *HELD.values()}
    traded.dbt("test", "--select", "*strategy_*_quality_suite", "equity_compounds*")


def test_strategies_have_what_their_trades_earned(traded: LakeBox) -> None:
    (invariant,) = [one for one in INVARIANTS if one.name == "equity_is_what_trades_earned"]
    context = Context(Window.of_day(DAYS[-1]), DAYS[-1], {})
    with duckdb.connect(str(traded.warehouse), read_only=True) as connection:
        broken = invariant.find(WarehouseMarts(connection), context)
    assert broken.is_empty(), str(broken)
