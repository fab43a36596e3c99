"""Days added up from shorter candles: the sums, how much of a day is there, what is said of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, day_start, days

DAYS = days("2024-01-01", 8)
FETCHED = "2024-01-09T06:00"
DAY_S = 86_400
OUTAGE = DAYS[3]
GONE_HOURS = {"02", "03", "04", "05"}
TABLES = {
    "binance": "klines_intraday",
    "coinbase": "candles_intraday",
    "kraken": "ohlc_intraday",
    "okx": "history_candles_intraday",
    "bybit": "kline_intraday",
    "bitstamp": "ohlc_intraday",
    "gateio": "candlesticks_intraday",
}


@dataclass(frozen=True)
class Series:
    """Shorter candles of one market, and what a venue calls it."""

    venue: str
    symbol: str
    length: str
    length_s: int

    @property
    def series_id(self) -> str:
        return f"{self.symbol} {self.length}"

    def columns(self, opened: datetime) -> dict[str, Any]:
        """Return the columns that only this venue has."""
        end = opened + timedelta(seconds=self.length_s)
        return {
            "binance": {
                "symbol": self.symbol, "interval": self.length, "taker_buy_base": 0,
                "taker_buy_quote": 0, "close_time": end - timedelta(milliseconds=1),
            },
            "coinbase": {"product_id": self.symbol, "granularity_s": self.length_s},
            "kraken": {"pair": self.symbol, "interval_min": self.length_s // 60},
            "okx": {"inst_id": self.symbol, "bar": "8Hutc"},
            "bybit": {"category": "spot", "symbol": self.symbol, "interval": "240"},
            "bitstamp": {"market_symbol": self.symbol, "step_s": self.length_s},
            "gateio": {"currency_pair": self.symbol, "interval": self.length},
        }[self.venue]  # fmt: skip


HOURS = [Series("binance", symbol, "1h", 3_600) for symbol in ("AUSDT", "BUSDT", "CUSDT")]
MINUTES = Series("binance", "AUSDT", "15m", 900)
OTHERS = [
    Series("coinbase", "A-USD", "4h", 14_400),
    Series("kraken", "AUSD", "1h", 3_600),
    Series("okx", "A-USDT", "8h", 28_800),
    Series("bybit", "AUSDT", "4h", 14_400),
    Series("bitstamp", "ausd", "12h", 43_200),
    Series("gateio", "A_USDT", "8h", 28_800),
]
WITH_QUOTE = {"binance", "okx", "bybit", "gateio"}
WITH_TRADES = {"binance", "kraken"}


def bars(series: Series) -> Iterator[dict[str, Any]]:
    """Yield a market's candles; Binance is out for four hours of one day."""
    chance = random.Random(series.series_id + series.venue)
    for day in DAYS:
        for number in range(DAY_S // series.length_s):
            opened = day_start(day) + timedelta(seconds=number * series.length_s)
            if series.venue == "binance" and day == OUTAGE and f"{opened:%H}" in GONE_HOURS:
                continue
            ends = [Decimal(chance.randrange(900, 1100)) / 7 for _ in range(2)]
            prices = [price.quantize(Decimal("1e-9")) for price in ends]
            volume = Decimal(chance.randrange(1, 10**15)).scaleb(-18)
            row = {
                "series_id": series.series_id,
                "length_s": series.length_s,
                "open_time": opened,
                "open": prices[0],
                "close": prices[1],
                "high": max(prices) + chance.randrange(5),
                "low": min(prices) - chance.randrange(5),
                "volume_base": volume,
                **series.columns(opened),
            }
            if series.venue in WITH_QUOTE:
                row["volume_quote"] = volume * 140
            if series.venue in WITH_TRADES:
                row["trade_count"] = chance.randrange(100)
            if series.venue == "kraken":
                row["vwap"] = prices[0]
            yield row


def own_day(close: Decimal, **columns: Any) -> dict[str, Any]:
    return {
        "symbol": "BUSDT", "interval": "1d", "open_time": day_start(DAYS[0]), "open": close,
        "high": close, "low": close, "close": close, "volume_base": 1, "volume_quote": 1,
        "trade_count": 1, "taker_buy_base": 0, "taker_buy_quote": 0,
        "close_time": day_start(DAYS[1]) - timedelta(milliseconds=1), **columns,
    }  # fmt: skip


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    whole = (day_start(DAYS[0]), day_start(DAYS[-1]) + timedelta(days=1))
    for venue, table in TABLES.items():
        wanted = [one for one in (*HOURS, MINUTES, *OTHERS) if one.venue == venue]
        rows = {table: [bar for series in wanted for bar in bars(series)]}
        if venue == "binance":
            # the venue's own word for one day, and it is another
            rows["klines"] = [own_day(Decimal(50))]
        shared_box.load(
            venue,
            rows,
            fetched_at=FETCHED,
            asked=[Asked(table, series.series_id, *whole) for series in wanted],
        )
    shared_box.run("+ops_gap +int_market_candle_raw_daily cfg_candle")
    return shared_box


def expected(series: Series, day: date) -> dict[str, Any]:
    """Return what a day's candles add up to, in plain Python."""
    found = [bar for bar in bars(series) if bar["open_time"].date() == day]
    return {
        "open_quote": float(found[0]["open"]),
        "high_quote": float(max(bar["high"] for bar in found)),
        "low_quote": float(min(bar["low"] for bar in found)),
        "close_quote": float(found[-1]["close"]),
        "volume_base": float(sum(bar["volume_base"] for bar in found)),
        "volume_quote": float(sum(bar["volume_quote"] for bar in found))
        if series.venue in WITH_QUOTE
        else None,
        "trade_count": sum(bar["trade_count"] for bar in found)
        if series.venue in WITH_TRADES
        else None,
        "bars_count": len(found),
        "expected_count": DAY_S // series.length_s,
        "is_complete": len(found) == DAY_S // series.length_s,
    }


@pytest.mark.parametrize("series", [*HOURS, MINUTES, *OTHERS], ids=lambda one: one.series_id)
def test_a_day_is_what_its_candles_add_up_to(box: LakeBox, series: Series) -> None:
    names = list(expected(series, DAYS[0]))
    rows = box.query(
        f"select day, {', '.join(names)} from intermediate.int_market_candle_rollup_daily "
        f"where venue_id = '{series.venue}' and series_id = '{series.series_id}' order by day"
    )
    assert [day for day, *_ in rows] == DAYS
    for day, *values in rows:
        # added up exactly, and one rounding to floating point afterwards
        for name, value in zip(names, values, strict=True):
            wanted = expected(series, day)[name]
            close = wanted if wanted is None else pytest.approx(wanted, rel=1e-15)
            assert value == close, (day, name)


def test_the_average_price_is_weighed_by_volume(box: LakeBox) -> None:
    [kraken] = [one for one in OTHERS if one.venue == "kraken"]
    found = [bar for bar in bars(kraken) if bar["open_time"].date() == DAYS[0]]
    paid = sum(bar["vwap"] * bar["volume_base"] for bar in found)
    [(average,)] = box.query(
        "select vwap_quote from intermediate.int_market_candle_rollup_daily "
        f"where venue_id = 'kraken' and day = '{DAYS[0]}'"
    )
    assert average == pytest.approx(float(paid / sum(bar["volume_base"] for bar in found)))


def test_a_venues_own_day_wins_and_the_fullest_length_stands_in_for_it(box: LakeBox) -> None:
    rows = box.query(
        "select symbol, day, close_quote, is_rolled_up, completeness_frac "
        "from intermediate.int_market_candle_raw_daily where venue_id = 'binance'"
    )
    assert len(rows) == len({row[:2] for row in rows}) == 3 * len(DAYS)
    by_day = {row[:2]: row[2:] for row in rows}
    assert by_day["BUSDT", DAYS[0]] == (50.0, False, None)
    assert by_day["BUSDT", DAYS[1]] == (expected(HOURS[1], DAYS[1])["close_quote"], True, 1.0)
    assert by_day["AUSDT", DAYS[1]] == (expected(HOURS[0], DAYS[1])["close_quote"], True, 1.0)
    assert by_day["AUSDT", OUTAGE][1:] == (True, pytest.approx(20 / 24))


def test_a_disagreement_of_day_and_hours_is_reported(box: LakeBox) -> None:
    status, rows = box.verdict("assert_hours_agree_with_days")
    assert status == "warn"
    assert [row[:3] for row in rows] == [("binance", "BUSDT 1h", DAYS[0])]


def test_an_outage_of_some_hours_is_a_gap(box: LakeBox) -> None:
    gaps = box.query(
        "select source, table_name, series_id, gap_from, gap_to, reason, gap_detail "
        "from marts.ops_gap where table_name like '%_intraday' order by series_id"
    )
    assert gaps == [
        (
            "binance",
            "klines_intraday",
            series.series_id,
            OUTAGE,
            OUTAGE,
            "source_outage",
            f"{20 * 3_600 // series.length_s} of {DAY_S // series.length_s} candles",
        )
        for series in sorted([*HOURS, MINUTES], key=lambda one: one.series_id)
    ]
