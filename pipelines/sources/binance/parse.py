"""Binance spot payloads to rows. Pure."""

from __future__ import annotations

from datetime import datetime

from pipelines.parsing import Parsed, PayloadError, expect_list, expect_object, parse_rows
from pipelines.sources.binance.tables import EXCHANGE_INFO, KLINES

_KLINE_CELLS = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume_base": 5,
    "close_time": 6,
    "volume_quote": 7,
    "trade_count": 8,
    "taker_buy_base": 9,
    "taker_buy_quote": 10,
}


def klines(payload: object, symbol: str, interval: str, latest: datetime) -> Parsed:
    """Parse `/api/v3/klines`: arrays of 12, oldest first, milliseconds, the open candle last.

    Raises:
        PayloadError: the payload is not a list.
    """
    return parse_rows(
        KLINES,
        expect_list(payload, "klines"),
        _KLINE_CELLS,
        constants={"symbol": symbol, "interval": interval},
        times={"open_time": "ms", "close_time": "ms"},
        row_length=11,
        latest=latest,
    )


def exchange_info(payload: object) -> Parsed:
    """Parse `/api/v3/exchangeInfo`; keys that we do not know are ignored, new ones come often.

    Raises:
        PayloadError: there is no list of symbols, or it is empty.
    """
    symbols = expect_list(
        expect_object(payload, "exchangeInfo").get("symbols"), "exchangeInfo.symbols"
    )
    if not symbols:
        raise PayloadError("exchangeInfo.symbols: the list is empty")
    return parse_rows(
        EXCHANGE_INFO,
        symbols,
        {
            "symbol": "symbol",
            "status": "status",
            "base_asset": "baseAsset",
            "quote_asset": "quoteAsset",
            "is_spot_trading_allowed": "isSpotTradingAllowed",
        },
    )
