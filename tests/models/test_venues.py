"""Six venues, one price: each venue's own columns, and what C.1.2 to C.1.5 make of them."""

# the queries are made of constants
from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market, constant, dollars

DAYS = days("2023-06-01", 50)
# (venue, symbol, code, quote) of one asset that all venues list
SIX = (
    ("binance", "SOLUSDT", "SOL", "USDT"),
    ("coinbase", "SOL-USD", "SOL", "USD"),
    ("kraken", "SOLUSD", "SOL", "USD"),
    ("okx", "SOL-USDT", "SOL", "USDT"),
    ("bybit", "SOLUSDT", "SOL", "USDT"),
    ("bitstamp", "solusd", "SOL", "USD"),
)


def market() -> Market:
    town = Market()
    dollars(town, DAYS)
    for number, (venue, symbol, code, quote) in enumerate(SIX):
        closes = constant(DAYS, 20.0 + number / 100)
        town.add(venue, symbol, code, quote, closes, is_trading=number < 5)
    return town


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    market().land(shared_box)
    shared_box.run("+ohlcv_daily +venue_quality_daily +dim_venue +ops_freshness")
    return shared_box


def column(box: LakeBox, asset: str, name: str, mart: str = "price_daily") -> dict[date, Any]:
    return dict(
        box.query(f"select day, {name} from marts.{mart} where asset_id = '{asset}' order by day")
    )


def test_every_venue_has_its_say_in_the_canonical_price(box: LakeBox) -> None:
    """P-1, P-6: with equal volumes the price is the lower middle one of six."""
    assert set(column(box, "solana", "n_venues").values()) == {6}
    assert set(column(box, "solana", "close_usd").values()) == {20.02}
    assert box.query(
        "select venue_id, symbol, close_usd from intermediate.int_venue_price_daily "
        f"where asset_id = 'solana' and day = '{DAYS[0]}' and is_accepted order by close_usd"
    ) == [(venue, symbol, 20.0 + n / 100) for n, (venue, symbol, _, _) in enumerate(SIX)]
    volume = column(box, "solana", "volume_usd")[DAYS[0]]
    assert volume == pytest.approx(6 * 1e6 * (1 + DAYS[0].toordinal() % 7 / 100), rel=1e-6)


def test_every_venue_is_a_venue_with_a_source(box: LakeBox) -> None:
    rows = box.query(
        "select venue_id, source, last_day from marts.dim_venue where market_count > 0"
    )
    assert sorted(rows) == sorted((venue, venue, DAYS[-1]) for venue, *_ in SIX)


def test_every_venue_is_told_fresh(box: LakeBox) -> None:
    """E-11."""
    rows = box.query(
        "select subject from marts.ops_freshness "
        "where subject_kind = 'source' and status = 'fresh' order by 1"
    )
    assert [name for (name,) in rows] == [
        "binance.klines",
        "bitstamp.ohlc",
        "bybit.kline",
        "coinbase.candles",
        "kraken.ohlc",
        "okx.history_candles",
    ]


def test_what_a_venue_stopped_trading_is_known_to_be_over(box: LakeBox) -> None:
    rows = box.query(
        "select venue_id, is_trading from intermediate.int_market_identity "
        "where base_code = 'SOL' order by 1"
    )
    assert rows == [(venue, venue != "bitstamp") for venue in sorted(v for v, *_ in SIX)]
