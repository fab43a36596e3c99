"""`ops_gap`: each reason from raw rows and the extraction log, and what a repair may ask for."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, at, day_start, days

DAYS = days("2024-01-01", 60)
FETCHED = "2024-03-01T06:00"
ONE = timedelta(days=1)
# a Thursday
HOLIDAY = DAYS[31]
FAILED, REFUSED, OUT, LONG_OUT = DAYS[20], DAYS[30], DAYS[56], DAYS[40]


def candle(symbol: str, day: date) -> dict[str, Any]:
    return {
        "symbol": symbol, "interval": "1d", "open_time": day_start(day),
        "open": 1, "high": 2, "low": 1, "close": 1, "volume_base": 5, "volume_quote": 5,
        "trade_count": 3, "taker_buy_base": 1, "taker_buy_quote": 1,
        "close_time": day_start(day) + timedelta(hours=23),
    }  # fmt: skip


def pair(symbol: str, status: str = "TRADING") -> dict[str, Any]:
    base, quote = symbol.removesuffix("USDT"), "USDT"
    return {
        "symbol": symbol, "status": status, "base_asset": base, "quote_asset": quote,
        "is_spot_trading_allowed": status == "TRADING",
    }  # fmt: skip


def asked(symbol: str, first: date, last: date, status: str = "ok", refused: int = 0) -> Asked:
    end = day_start(last) + timedelta(days=1)
    return Asked("klines", symbol, day_start(first), end, status, refused)


@pytest.fixture(scope="module")
def gaps(shared_box: LakeBox) -> dict[str, list[tuple[Any, ...]]]:
    """The gaps by series: (first day, last day, reason, is it repairable)."""
    box = shared_box
    lists = [pair(name) for name in ("AUSDT", "BUSDT", "LATEUSDT", "THINUSDT", "FAILUSDT", "QUSDT")]
    landed = {
        "AUSDT": DAYS,
        "BUSDT": DAYS,
        "LATEUSDT": DAYS[10:],
        "OVERUSDT": DAYS[:50],
        "THINUSDT": [day for day in DAYS if day != DAYS[15]],
        "FAILUSDT": [day for day in DAYS if day not in (FAILED, DAYS[21])],
        "QUSDT": [day for day in DAYS if day != REFUSED],
    }
    whole = [name for name in landed if name not in ("FAILUSDT", "QUSDT")]
    box.load(
        "binance",
        {
            "exchange_info": [*lists, pair("OVERUSDT", "BREAK")],
            "klines": [
                candle(symbol, day)
                for symbol, known in landed.items()
                for day in known
                if day not in (OUT, LONG_OUT)
            ],
        },
        fetched_at=FETCHED,
        asked=[
            Asked("exchange_info"),
            *(asked(name, DAYS[0], DAYS[-1]) for name in whole),
            asked("FAILUSDT", DAYS[0], DAYS[19]),
            asked("FAILUSDT", FAILED, FAILED, status="error"),
            # DAYS[21]: nobody asked
            asked("FAILUSDT", DAYS[22], DAYS[-1]),
            asked("QUSDT", DAYS[0], DAYS[29]),
            asked("QUSDT", REFUSED, REFUSED, status="partial", refused=1),
            asked("QUSDT", DAYS[31], DAYS[-1]),
        ],
    )
    box.load(
        "ecb",
        {
            "exchange_rates": [
                {"currency": currency, "day_time": day_start(day), "units_per_eur": 2}
                for currency in ("USD", "GBP", "JPY")
                for day in DAYS
                if day.weekday() < 5 and day != HOLIDAY
            ]
        },
        fetched_at=FETCHED,
        asked=[
            Asked("exchange_rates", currency, day_start(DAYS[0]), day_start(DAYS[-1]) + ONE)
            for currency in ("USD", "GBP", "JPY")
        ],
    )
    box.load(
        "binance_futures",
        {
            "funding_rate": [
                {
                    "symbol": "AUSDT",
                    "funding_time": settled,
                    "reported_time": settled,
                    "funding_rate": 0,
                    "mark_price": None,
                }
                for day in DAYS
                if day != FAILED
                for settled in (day_start(day), day_start(day) + timedelta(hours=8))
            ]
        },
        fetched_at=FETCHED,
        asked=[
            Asked("funding_rate", "AUSDT", day_start(DAYS[0]), day_start(FAILED)),
            Asked("funding_rate", "AUSDT", day_start(FAILED) + ONE, day_start(DAYS[-1]) + ONE),
        ],
    )
    box.load(
        "ethereum",
        {
            "transfers": [
                {
                    "token": "0xa",
                    "day_time": day_start(DAYS[3]),
                    "block_number": 1,
                    "block_hash": "0x1",
                    "log_index": 0,
                    "transaction_hash": "0x2",
                    "from_address": "0x0",
                    "to_address": "0x3",
                    "value_raw": "1",
                    "value": 1,
                }
            ]
        },
        fetched_at=FETCHED,
        asked=[
            Asked("transfers", "0xa", day_start(DAYS[0]), day_start(DAYS[9]) + ONE),
            Asked("transfers", "0xa", day_start(DAYS[10]), day_start(DAYS[10]) + ONE, "error"),
            Asked("transfers", "0xa", day_start(DAYS[11]), day_start(DAYS[-1]) + ONE),
        ],
    )
    box.run("+ops_gap")
    found: dict[str, list[tuple[Any, ...]]] = {}
    for series, *gap in box.query(
        "select series_id, gap_from, gap_to, reason, is_repairable from marts.ops_gap "
        "where source = 'binance' order by all"
    ):
        found.setdefault(series, []).append(tuple(gap))
    for source, series, *gap in box.query(
        "select source, series_id, gap_from, gap_to, reason, is_repairable from marts.ops_gap "
        "where source != 'binance' order by all"
    ):
        found.setdefault(f"{source} {series}", []).append(tuple(gap))
    return found


def of(gaps: dict[str, list[tuple[Any, ...]]], series: str) -> list[tuple[Any, ...]]:
    """Return the series' gaps but the days on which the whole source was out."""
    return [gap for gap in gaps[series] if gap[2] != "source_outage"]


def test_a_series_that_begins_later_is_not_listed_yet(gaps: Any) -> None:
    assert of(gaps, "LATEUSDT") == [(DAYS[0], DAYS[9], "not_listed_yet", False)]


def test_what_the_list_has_halted_is_delisted(gaps: Any) -> None:
    assert of(gaps, "OVERUSDT") == [(DAYS[50], DAYS[-1], "delisted", False)]


def test_one_quiet_day_is_an_empty_bucket(gaps: Any) -> None:
    assert of(gaps, "THINUSDT") == [(DAYS[15], DAYS[15], "omitted_empty_bucket", False)]


def test_failed_and_forgotten_requests_are_our_own_failure(gaps: Any) -> None:
    assert of(gaps, "FAILUSDT") == [(FAILED, DAYS[21], "own_failure", True)]


def test_a_day_whose_row_was_refused_is_our_own_failure(gaps: Any) -> None:
    assert of(gaps, "QUSDT") == [(REFUSED, REFUSED, "own_failure", True)]


def test_a_day_that_most_series_lack_is_an_outage_and_open_for_a_week(gaps: Any) -> None:
    for series in ("AUSDT", "BUSDT"):
        assert gaps[series] == [
            (LONG_OUT, LONG_OUT, "source_outage", False),
            (OUT, OUT, "source_outage", True),
        ]


def test_working_days_are_owed_and_a_day_without_any_rate_is_a_holiday(gaps: Any) -> None:
    assert [gap[:3] for gap in gaps["ecb USD"]] == [(HOLIDAY, HOLIDAY, "omitted_empty_bucket")]
    assert gaps["ecb USD"] == gaps["ecb GBP"] == gaps["ecb JPY"]
    assert not any(is_repairable for *_, is_repairable in gaps["ecb USD"])


def test_a_day_without_any_settlement_is_missing(gaps: Any) -> None:
    assert gaps["binance_futures AUSDT"] == [(FAILED, FAILED, "own_failure", True)]


def test_a_token_without_events_owes_nothing_but_an_answer(gaps: Any) -> None:
    assert gaps["ethereum 0xa"] == [(DAYS[10], DAYS[10], "own_failure", True)]


def test_the_newest_answer_says_until_when_days_are_owed(gaps: Any) -> None:
    newest = max(gap[1] for known in gaps.values() for gap in known)
    assert datetime.combine(newest, datetime.min.time()) < at(FETCHED).replace(tzinfo=None)
