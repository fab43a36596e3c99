"""The exchanges of a generated market: what each takes of the trade, lists, and calls a market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Exchange:
    """One exchange.

    Attributes:
        share: part of the turnover of what it lists. Those of the first three, which the scenarios
            are about, are one together; what others trade comes on top.
        symbol: what it calls the market of a base and a quote.
        codes: its own codes, where they are not the usual ones.
        largest: of an exchange that the scenarios do without: how many of the largest assets it
            lists.
        quote: of such an exchange: what it lists them against.
    """

    share: float
    symbol: Callable[[str, str], str] = "{}{}".format
    codes: Mapping[str, str] = field(default_factory=dict)
    largest: int = 0
    quote: str = "USDT"


# a market of so many venues has the first of these
EXCHANGES: Mapping[str, Exchange] = {
    "coinbase": Exchange(0.24, "{}-{}".format),
    "binance": Exchange(0.62),
    "kraken": Exchange(0.14, codes={"BTC": "XBT", "DOGE": "XDG"}),
    "okx": Exchange(0.16, "{}-{}".format, largest=30),
    "bybit": Exchange(0.12, largest=24),
    "bitstamp": Exchange(
        0.02, lambda base, quote: f"{base}{quote}".lower(), largest=18, quote="USD"
    ),
    "gateio": Exchange(0.04, "{}_{}".format, largest=20),
}
