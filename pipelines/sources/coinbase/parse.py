"""Coinbase Exchange payloads to rows. Pure."""

from __future__ import annotations

from datetime import datetime

from pipelines.extraction.parsing import EmptyList, Parsed, expect_list, parse_rows
from pipelines.sources.coinbase.tables import CANDLES, PRODUCTS

# low and high stand before open and close
_CANDLE_CELLS = {"open_time": 0, "low": 1, "high": 2, "open": 3, "close": 4, "volume_base": 5}


def candles(payload: object, product_id: str, granularity_s: int, latest: datetime) -> Parsed:
    """Parse `/products/{id}/candles`: arrays of 6, newest first, seconds.

    Raises:
        PayloadError: the payload is an object; Coinbase sends its errors so, at times with a 200.
    """
    return parse_rows(
        CANDLES,
        expect_list(payload, f"candles of {product_id}"),
        _CANDLE_CELLS,
        constants={"product_id": product_id, "granularity_s": granularity_s},
        times={"open_time": "s"},
        row_length=6,
        latest=latest,
    )


def products(payload: object) -> Parsed:
    """Parse `/products`.

    Raises:
        PayloadError: the payload is not a list, or it is empty.
    """
    rows = expect_list(payload, "products")
    if not rows:
        raise EmptyList("products: the list is empty")
    return parse_rows(
        PRODUCTS,
        rows,
        {
            "product_id": "id",
            "base_currency": "base_currency",
            "quote_currency": "quote_currency",
            "status": "status",
            "trading_disabled": "trading_disabled",
            "fx_stablecoin": "fx_stablecoin",
        },
    )
