"""Payloads of Binance's USD-margined futures to rows. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipelines.extraction.parsing import (
    EmptyList,
    Parsed,
    expect_list,
    expect_object,
    parse_rows,
)
from pipelines.sources.binance_futures.tables import (
    EXCHANGE_INFO,
    FUNDING_INFO,
    FUNDING_RATE,
    OPEN_INTEREST_HIST,
)


def funding_rate(payload: object, latest: datetime) -> Parsed:
    """Parse `/fapi/v1/fundingRate`: objects, oldest first, milliseconds with jitter.

    The mark price is an empty text in old rows. The time is landed on the hour that it jitters
    around, so that one settlement has one key wherever it is read.

    Raises:
        PayloadError: the payload is not a list.
    """
    sent = expect_list(payload, "fundingRate")
    rows = [_stated(row) for row in sent]
    return parse_rows(
        FUNDING_RATE,
        rows,
        {
            "symbol": "symbol",
            "funding_time": "fundingTime",
            "reported_time": "fundingTime",
            "funding_rate": "fundingRate",
            "mark_price": "markPrice",
        },
        times={"funding_time": "ms", "reported_time": "ms"},
        latest=latest,
        sent=sent,
    )


def open_interest_hist(payload: object, period: str, latest: datetime) -> Parsed:
    """Parse `/futures/data/openInterestHist`: objects; the time is a number or a text.

    Raises:
        PayloadError: the payload is not a list.
    """
    return parse_rows(
        OPEN_INTEREST_HIST,
        [_stated(row) for row in expect_list(payload, "openInterestHist")],
        {
            "symbol": "symbol",
            "time": "timestamp",
            "sum_open_interest": "sumOpenInterest",
            "sum_open_interest_value": "sumOpenInterestValue",
            "cmc_circulating_supply": "CMCCirculatingSupply",
        },
        constants={"period": period},
        times={"time": "ms"},
        latest=latest,
        sent=expect_list(payload, "openInterestHist"),
    )


def exchange_info(payload: object) -> Parsed:
    """Parse `/fapi/v1/exchangeInfo`.

    Raises:
        PayloadError: there is no list of symbols, or it is empty.
    """
    symbols = expect_list(
        expect_object(payload, "exchangeInfo").get("symbols"), "exchangeInfo.symbols"
    )
    if not symbols:
        raise EmptyList("exchangeInfo.symbols: the list is empty")
    return parse_rows(
        EXCHANGE_INFO,
        symbols,
        {
            "symbol": "symbol",
            "contract_type": "contractType",
            "status": "status",
            "base_asset": "baseAsset",
            "quote_asset": "quoteAsset",
            "margin_asset": "marginAsset",
            "onboard_time": "onboardDate",
        },
        times={"onboard_time": "ms"},
    )


def funding_info(payload: object) -> Parsed:
    """Parse `/fapi/v1/fundingInfo`; a contract that is not in it settles every 8 hours.

    Raises:
        PayloadError: the payload is not a list.
    """
    return parse_rows(
        FUNDING_INFO,
        expect_list(payload, "fundingInfo"),
        {
            "symbol": "symbol",
            "funding_interval_h": "fundingIntervalHours",
            "rate_cap": "adjustedFundingRateCap",
            "rate_floor": "adjustedFundingRateFloor",
        },
    )


def _stated(row: Any) -> Any:
    """Return the row without its empty texts, which say "unknown" here."""
    if not isinstance(row, dict):
        return row
    return {name: cell for name, cell in row.items() if cell != ""}
