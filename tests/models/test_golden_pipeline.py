"""Golden vectors once more, from candles in the lake to the tables.

Indicators whose golden parameters are not the product's are built a second time with a seed that
has them: the same models on the same candles. Others go through the pipeline in test_technical,
test_return, test_narrative, test_derivative, test_peg_facts, test_defi and test_network. The
same numbers as unit tests of the functions: tests/unit/analytics/test_golden; of the price models,
which are SQL, their dbt unit tests.
"""

# the queries are made of constants
from __future__ import annotations

import math
from datetime import date
from typing import Any

import duckdb
import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market, dollars

DAYS = days("2024-01-01", 92)
# bars, for the average true range
HIGH, LOW = [10, 11, 12, 11.5, 13, 14], [9, 9.5, 10.5, 10, 11, 12.5]
CLOSE = [9.5, 10.5, 11, 10.5, 12.5, 13]
# returns, for the ratios of risk
RETURNS = [0.01, -0.02, 0.03, -0.01, 0.02]
# a grade that enters, holds and leaves
GRADES = [50, 66, 64, 66, 67, 60, 55, 49, None, 48, 34, 33, 30, 52, 70, 71]
STATES = [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, -1, -1, -1, -1, 1]
# values, for their ranks
FACTOR = {"cardano": 0.10, "uniswap": -0.05, "litecoin": None, "algorand": 0.10, "solana": 0.30}
PLACES = {"cardano": 50, "uniswap": 12.5, "litecoin": None, "algorand": 50, "solana": 87.5}

# closes of four venues, their volumes, who is out, and the price
VENUES = (
    ("coinbase", "{}-USD", "USD"),
    ("kraken", "{}USD", "USD"),
    ("bitstamp", "{}usd", "USD"),
    ("binance", "{}USDT", "USDT"),
)
DISAGREE = {
    "AVAX": ("avalanche-2", (100, 101, 102, 150), (1, 3, 2, 1), "binance", 101),
    "DOT": ("polkadot", (0.68, 0.985, 0.998, 0.997), (1, 1, 1, 1), "coinbase", 0.997),
    "GRT": ("the-graph", (100, 100.2, 99.9, 103.5), (1, 1, 1, 1), "binance", 100),
}

SELECT = "+returns_risk_daily +signal_daily +signal_event"


def path(start: float, returns: list[float]) -> list[float]:
    closes = [start]
    for change in returns:
        closes.append(closes[-1] * (1 + change))
    return closes


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    stories: dict[str, list[Any]] = {
        "ADA": [
            {"open": c, "high": h, "low": low, "close": c}
            for h, low, c in zip(HIGH, LOW, CLOSE, strict=True)
        ],
        "UNI": list(range(1, 11)),
        "LTC": [number**2 for number in range(1, 16)],
        "ALGO": [10, 12, 11, 13, 14],
        "SOL": path(100, [0, 0, 0, -0.10] * 7),
        "LINK": path(100, RETURNS * 18),
        "AAVE": [100, 120, 90, 95, 130, 65, 70, *[70.5 + number for number in range(13)]],
    }
    for code, closes in stories.items():
        bars = dict(zip(DAYS, closes, strict=False))
        town.add("coinbase", f"{code}-USD", code, "USD", bars, volume_usd=3e6)
        town.add("kraken", f"{code}USD", code, "USD", bars, volume_usd=3e6)
    for code, (_, reported, volumes, _, _) in DISAGREE.items():
        for (venue, symbol, quote), close, volume in zip(VENUES, reported, volumes, strict=True):
            name = symbol.format(code.lower() if venue == "bitstamp" else code)
            town.add(venue, name, code, quote, {DAYS[0]: close}, volume_usd=1e6 * volume)
    town.land(shared_box)
    shared_box.run(SELECT)
    return shared_box


def write(box: LakeBox, *statements: str) -> None:
    connection = duckdb.connect(str(box.warehouse))
    try:
        for statement in statements:
            connection.execute(statement)
    finally:
        connection.close()


@pytest.fixture(scope="module")
def golden_indicators(box: LakeBox) -> LakeBox:
    """The indicators with the windows of the golden vectors."""
    write(
        box,
        "update curated.cfg_technical set sma_d = '5,6', cross_sma_d = '5,6', ema_d = '3,6', "
        "cross_ema_d = '3,6', macd_fast_d = 3, macd_slow_d = 6, macd_signal_d = 3, atr_d = 3, "
        "bollinger_d = 5, bollinger_sd = 2",
    )
    box.run("int_technical_daily")
    return box


def indicator(box: LakeBox, asset: str, column: str) -> list[float | None]:
    rows = box.query(
        f"select {column} from intermediate.int_technical_daily where asset_id = '{asset}' "
        "order by day"
    )
    return [value for (value,) in rows]


def near(value: float) -> Any:
    return pytest.approx(value, abs=1e-6)


def test_average_true_range(golden_indicators: LakeBox) -> None:
    """Wilder's average, seeded by the mean of the first three true ranges."""
    found = indicator(golden_indicators, "cardano", "tr")
    assert found[1:6] == [near(value) for value in (1.5, 1.5, 1.5, 2.5, 1.5)]
    found = indicator(golden_indicators, "cardano", "atr_3")
    assert found[:3] == [None, None, None]
    assert found[3:6] == [near(value) for value in (1.5, 1.833333, 1.722222)]


def test_exponential_average(golden_indicators: LakeBox) -> None:
    """Seeded by the mean of the first three closes."""
    found = indicator(golden_indicators, "uniswap", "ema_3")
    assert found[:10] == [None, None, *(near(value) for value in range(2, 10))]


def test_macd(golden_indicators: LakeBox) -> None:
    """The line from the slow average on, its signal two closes later."""
    macd = indicator(golden_indicators, "litecoin", "macd")
    assert (macd[4], macd[5], macd[14]) == (None, near(11.666667), near(33.282009))
    line = indicator(golden_indicators, "litecoin", "macd_signal")
    assert (line[6], line[7], line[14]) == (None, near(13.228175), near(30.463699))


def test_bollinger_bands(golden_indicators: LakeBox) -> None:
    """Of the population; of a sample it would be 15.162278."""
    assert indicator(golden_indicators, "algorand", "bb_mid")[4] == near(12)
    assert indicator(golden_indicators, "algorand", "bb_up")[4] == near(14.828427)
    assert indicator(golden_indicators, "algorand", "bb_up")[3] is None


@pytest.mark.parametrize("code", DISAGREE)
def test_the_price_of_venues_that_disagree(box: LakeBox, code: str) -> None:
    """The outlier is out; of the others the price at half of the volume."""
    asset, _, _, out, price = DISAGREE[code]
    venues = box.query(
        "select venue_id, is_accepted, exclusion_reason, canonical_close_usd "
        f"from intermediate.int_venue_price_daily where asset_id = '{asset}' and day = '{DAYS[0]}'"
    )
    assert {venue for venue, *_ in venues} == {venue for venue, *_ in VENUES}
    assert [(venue, why) for venue, is_in, why, _ in venues if not is_in] == [(out, "outlier")]
    assert [close for *_, close in venues] == [pytest.approx(price, rel=1e-9)] * len(VENUES)


def risk(box: LakeBox, asset: str, column: str, day: date) -> float | None:
    rows = box.query(
        f"select {column} from marts.returns_risk_daily "
        f"where asset_id = '{asset}' and day = '{day}'"
    )
    assert len(rows) == 1, f"{asset} has no row on {day}"
    value: float | None = rows[0][0]
    return value


def test_downside_deviation_counts_all_days(box: LakeBox) -> None:
    """Three quiet days and a fall of ten make five, not ten."""
    assert risk(box, "solana", "downside_dev_30d", DAYS[28]) == pytest.approx(0.05, rel=1e-9)


def test_sharpe_and_sortino(box: LakeBox) -> None:
    """The series repeated; a sample of 90 has another correction than one of 5."""
    correction = math.sqrt((5 / 4) / (90 / 89))
    sharpe, sortino = (
        risk(box, "chainlink", f"{name}_90d", DAYS[90]) for name in ("sharpe", "sortino")
    )
    assert sharpe == pytest.approx(5.527941708708922 * correction, rel=1e-7)
    assert sortino == pytest.approx(11.462983904725679, rel=1e-7)


def test_drawdown(box: LakeBox) -> None:
    """From the highest close so far."""
    assert risk(box, "aave", "drawdown_frac", DAYS[5]) == pytest.approx(-0.5, abs=1e-12)


def test_signal_machine(box: LakeBox) -> None:
    """One event for each change, in force from the next day."""
    rows = [
        f"select '{DAYS[number]}'::date as day, {'null' if grade is None else grade} as grade"
        for number, grade in enumerate(GRADES)
    ]
    write(
        box,
        "create or replace table golden as select 'aave' as asset_id, day, "
        f"cast(grade as double) as grade from ({' union all '.join(rows)})",
        "create or replace table template as select * from intermediate.int_trader_grade_daily "
        "where asset_id = 'aave' and day in (select day from golden)",
        "delete from intermediate.int_trader_grade_daily",
        "insert into intermediate.int_trader_grade_daily by name select template.* replace "
        "(golden.grade as trader_grade, true as in_universe) from template "
        "inner join golden using (asset_id, day)",
    )
    box.run("int_signal_input_daily int_signal_daily signal_daily int_signal_event signal_event")
    found = box.query(
        f"select signal from marts.signal_daily where asset_id = 'aave' and day <= '{DAYS[15]}' "
        "order by day"
    )
    assert [state for (state,) in found] == STATES
    events = box.query(
        "select day, from_signal, to_signal, effective_day - day from marts.signal_event "
        f"where day <= '{DAYS[15]}' order by event_seq"
    )
    pairs = list(zip([0, *STATES], STATES, strict=False))
    assert events == [
        (DAYS[number], before, state, 1)
        for number, (before, state) in enumerate(pairs)
        if before != state
    ]


def test_places_among_equals(box: LakeBox) -> None:
    """Equals share their place, the unknown has none."""
    columns = box.query(
        "select column_name from duckdb_columns() where "
        "table_name = 'int_trader_factor_daily' order by column_index"
    )
    names = [name for (name,) in columns]
    rows = [
        ", ".join(
            f"'{asset}'"
            if name == "asset_id"
            else f"date '{DAYS[0]}'"
            if name == "day"
            else "true"
            if name == "in_universe"
            else ("null" if value is None else str(value))
            if name == "rel_btc"
            else "null"
            for name in names
        )
        for asset, value in FACTOR.items()
    ]
    write(
        box,
        "delete from intermediate.int_trader_factor_daily",
        *(f"insert into intermediate.int_trader_factor_daily values ({row})" for row in rows),
    )
    box.run("int_trend_score_daily")
    found = dict(box.query("select asset_id, rel_btc_xs from intermediate.int_trend_score_daily"))
    assert found == PLACES
