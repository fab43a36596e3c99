"""A small market to put into a lake in a box: markets, candles, and their lines in the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.models.lake_box import Asked, LakeBox, at, day_start

DAY = timedelta(days=1)
CANDLES = {
    "binance": "klines",
    "coinbase": "candles",
    "kraken": "ohlc",
    "okx": "history_candles",
    "bybit": "kline",
    "bitstamp": "ohlc",
    "gateio": "candlesticks",
}
LISTINGS = {
    "binance": "exchange_info",
    "coinbase": "products",
    "kraken": "asset_pairs",
    "okx": "instruments",
    "bybit": "instruments_info",
    "bitstamp": "markets",
    "gateio": "currency_pairs",
}


def candle(
    venue: str,
    symbol: str,
    day: date,
    close: float | str,
    *,
    open: float | str | None = None,  # noqa: A002  # the column's name
    high: float | str | None = None,
    low: float | str | None = None,
    volume_usd: float = 1e6,
    **changes: Any,
) -> dict[str, Any]:
    """Return one candle in the venue's own columns; a flat one unless asked otherwise."""
    opened = close if open is None else open
    prices = [float(opened), float(close)]
    bar = {
        "open_time": day_start(day),
        "open": opened,
        "high": max(prices) if high is None else high,
        "low": min(prices) if low is None else low,
        "close": close,
        "volume_base": round(volume_usd / float(close), 12),
    }
    if venue == "binance":
        bar |= {
            "symbol": symbol,
            "interval": "1d",
            "volume_quote": volume_usd,
            "trade_count": 10,
            "taker_buy_base": 0,
            "taker_buy_quote": 0,
            "close_time": day_start(day) + DAY - timedelta(milliseconds=1),
        }
    elif venue == "coinbase":
        bar |= {"product_id": symbol, "granularity_s": 86_400}
    elif venue == "okx":
        bar |= {"inst_id": symbol, "bar": "1Dutc", "volume_quote": volume_usd}
    elif venue == "bybit":
        bar |= {
            "category": "spot",
            "symbol": symbol,
            "interval": "D",
            "volume_quote": volume_usd,
        }
    elif venue == "bitstamp":
        bar |= {"market_symbol": symbol, "step_s": 86_400}
    elif venue == "gateio":
        bar |= {"currency_pair": symbol, "interval": "1d", "volume_quote": volume_usd}
    else:
        bar |= {"pair": symbol, "interval_min": 1440, "vwap": close, "trade_count": 10}
    return bar | changes


def listing(
    venue: str, symbol: str, base: str, quote: str, *, is_trading: bool = True
) -> dict[str, Any]:
    """Return a market's line in the venue's list."""
    if venue == "binance":
        return {
            "symbol": symbol,
            "status": "TRADING" if is_trading else "BREAK",
            "base_asset": base,
            "quote_asset": quote,
            "is_spot_trading_allowed": is_trading,
        }
    if venue == "coinbase":
        return {
            "product_id": symbol,
            "base_currency": base,
            "quote_currency": quote,
            "status": "online" if is_trading else "delisted",
            "trading_disabled": not is_trading,
            "fx_stablecoin": False,
        }
    if venue == "okx":
        return {
            "inst_type": "SPOT",
            "inst_id": symbol,
            "base_ccy": base,
            "quote_ccy": quote,
            "state": "live" if is_trading else "suspend",
        }
    if venue == "bybit":
        return {
            "category": "spot",
            "symbol": symbol,
            "status": "Trading" if is_trading else "Closed",
            "base_coin": base,
            "quote_coin": quote,
        }
    if venue == "bitstamp":
        return {
            "market_symbol": symbol,
            "base_currency": base,
            "counter_currency": quote,
            "trading": "Enabled" if is_trading else "Disabled",
        }
    if venue == "gateio":
        return {
            "currency_pair": symbol,
            "base": base,
            "quote": quote,
            "trade_status": "tradable" if is_trading else "untradable",
        }
    return {
        "pair_id": symbol,
        "altname": symbol,
        "wsname": f"{base}/{quote}",
        "base": base,
        "quote": quote,
        "status": "online" if is_trading else "cancel_only",
    }


@dataclass
class Market:
    """Candles and listings of several venues, to be landed at once or in windows of days."""

    listings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    candles: dict[str, list[tuple[str, date, dict[str, Any]]]] = field(default_factory=dict)

    def add(
        self,
        venue: str,
        symbol: str,
        base: str,
        quote: str,
        closes: Mapping[date, float | str | dict[str, Any] | None],
        *,
        is_trading: bool = True,
        volume_usd: float = 1e6,
        is_volume_steady: bool = False,
        **common: Any,
    ) -> None:
        """Add a market with a close (or a candle's fields) for each of its days; None: no candle.

        Volumes differ from day to day unless asked otherwise: steady ones look like a dead feed.
        """
        self.listings.setdefault(venue, []).append(
            listing(venue, symbol, base, quote, is_trading=is_trading)
        )
        for day, value in closes.items():
            if value is None:
                continue
            fields = dict(value) if isinstance(value, dict) else {"close": value}
            close = fields.pop("close")
            swing = 1.0 if is_volume_steady else 1 + day.toordinal() % 7 / 100
            self.candles.setdefault(venue, []).append(
                (
                    symbol,
                    day,
                    candle(
                        venue,
                        symbol,
                        day,
                        close,
                        **{"volume_usd": volume_usd * swing, **common, **fields},
                    ),
                )
            )

    def land(
        self,
        box: LakeBox,
        fetched_at: datetime | str | None = None,
        *,
        first: date | None = None,
        last: date | None = None,
        venues: Iterable[str] | None = None,
        run_id: str = "run",
    ) -> list[str]:
        """Land what the venues answer for the days; by default all, on the next morning."""
        known = [day for rows in self.candles.values() for _, day, _ in rows]
        first, last = first or min(known), last or max(known)
        instant = fetched_at or day_start(last) + DAY + timedelta(hours=6)
        load_ids = []
        for venue in venues if venues is not None else sorted(self.listings):
            rows = [row for _, day, row in self.candles.get(venue, []) if first <= day <= last]
            symbols = sorted({symbol for symbol, _, _ in self.candles.get(venue, [])})
            asked = [
                Asked(CANDLES[venue], symbol, day_start(first), day_start(last) + DAY)
                for symbol in symbols
            ]
            load_ids.append(
                box.load(
                    venue,
                    {CANDLES[venue]: rows, LISTINGS[venue]: self.listings[venue]},
                    fetched_at=instant,
                    asked=[*asked, Asked(LISTINGS[venue])],
                    run_id=run_id,
                )
            )
        return load_ids


def constant(days: Iterable[date], value: float) -> dict[date, float]:
    return dict.fromkeys(days, value)


def dollars(market: Market, days: list[date], *, tether: float = 1.0) -> None:
    """Add what every conversion rests on: bitcoin at two dollar venues, and tether at both."""
    market.add("coinbase", "BTC-USD", "BTC", "USD", constant(days, 40_000.0), volume_usd=5e7)
    market.add("kraken", "XBTUSD", "XBT", "USD", constant(days, 40_000.0), volume_usd=5e7)
    market.add("coinbase", "USDT-USD", "USDT", "USD", constant(days, tether), volume_usd=5e7)
    market.add("kraken", "USDTUSD", "USDT", "USD", constant(days, tether), volume_usd=5e7)


__all__ = ["DAY", "Market", "at", "candle", "constant", "dollars", "listing"]
