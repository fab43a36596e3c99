"""Markets and their candles: what each venue makes of the true prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.sandbox.generator import cast as parts
from pipelines.sandbox.generator.cast import AssetSpec, Cast
from pipelines.sandbox.generator.exchanges import EXCHANGES
from pipelines.sandbox.generator.paths import Path
from pipelines.sandbox.generator.plan import Plan
from pipelines.sandbox.generator.returns import Series, salted
from pipelines.sandbox.generator.settings import GeneratorSettings

# those that the scenarios are about
_ALL = frozenset(tuple(EXCHANGES)[:3])
_PART_VENUES: Mapping[str, frozenset[str]] = {
    parts.TICKER_OLD: frozenset({"binance", "coinbase"}),
    parts.TICKER_NEW: frozenset({"binance", "coinbase"}),
    parts.CONSTANT: frozenset({"coinbase", "kraken"}),
    parts.YOUNG[0]: frozenset({"binance", "coinbase"}),
    parts.YOUNG[1]: frozenset({"binance", "coinbase"}),
    parts.YOUNG[2]: frozenset({"binance", "coinbase"}),
}
# stablecoins and where they trade, against which quotes
_STABLE_MARKETS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "tether": (("coinbase", "USD"), ("kraken", "USD"), ("kraken", "EUR"), ("bitstamp", "USD")),
    "usd-coin": (
        ("kraken", "USD"),
        ("binance", "USDT"),
        ("kraken", "EUR"),
        ("okx", "USDT"),
        ("bybit", "USDT"),
    ),
    "dai": (("coinbase", "USD"), ("kraken", "USD"), ("binance", "USDT")),
    parts.SPIRAL: (("coinbase", "USD"), ("kraken", "USD"), ("binance", "USDT")),
    parts.SLOW_DEPEG: (("coinbase", "USD"), ("binance", "USDT"), ("kraken", "USD")),
    parts.LEFTOVER: (("binance", "USDT"), ("kraken", "USD")),
    parts.WICKED_STABLE: (("binance", "USDT"), ("coinbase", "USD"), ("kraken", "USD")),
    "paypal-usd": (("coinbase", "USD"), ("kraken", "USD")),
    "euro-coin": (("coinbase", "USD"), ("kraken", "EUR")),
    "frax": (("binance", "USDT"),),
    "nusd": (("kraken", "USD"),),
}
QUOTE_ASSETS: Mapping[str, str] = {
    "USD": "fiat-usd",
    "EUR": "fiat-eur",
    "USDT": "tether",
    "USDC": "usd-coin",
    "BTC": "bitcoin",
    "XBT": "bitcoin",
}


@dataclass
class Market:
    """One listing: a venue's symbol, what it means, and its candles (one a day it has one).

    Attributes:
        venue: the venue.
        symbol: its id there.
        base: asset_id of the base.
        base_code: the venue's code.
        quote_code: the venue's code.
        first: number of the first day.
        last: number of the last day; None: still listed.
        share: part of the asset's turnover that is traded here.
        days: day numbers of the candles.
        open, high, low, close: prices in the quote.
        volume_base, volume_quote: volumes.
        trades: number of trades.
        known_us: epoch microseconds of `known_at`; -1: none.
        is_deleted: whether the row takes the key away.
    """

    venue: str
    symbol: str
    base: str
    base_code: str
    quote_code: str
    first: int
    last: int | None
    share: float
    days: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    open: Series = field(default_factory=lambda: np.empty(0))
    high: Series = field(default_factory=lambda: np.empty(0))
    low: Series = field(default_factory=lambda: np.empty(0))
    close: Series = field(default_factory=lambda: np.empty(0))
    volume_base: Series = field(default_factory=lambda: np.empty(0))
    volume_quote: Series = field(default_factory=lambda: np.empty(0))
    trades: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    known_us: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    is_deleted: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

    ROWS = (
        "days",
        "open",
        "high",
        "low",
        "close",
        "volume_base",
        "volume_quote",
        "trades",
        "known_us",
        "is_deleted",
    )

    @property
    def quote(self) -> str:
        """asset_id of the quote."""
        return QUOTE_ASSETS[self.quote_code]

    @property
    def key(self) -> str:
        """`venue:symbol`, as scenarios name it."""
        return f"{self.venue}:{self.symbol}"

    def at(self, day: int) -> int:
        """Return the position of the day's first version."""
        return int(np.flatnonzero(self.days == day)[0])

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Keep the rows of the mask."""
        for name in self.ROWS:
            setattr(self, name, getattr(self, name)[mask])

    def add_version(self, day: int, known_us: int, **changes: float | bool) -> None:
        """Append a later version of the day's candle: a copy with the changes."""
        position = self.at(day)
        for name in self.ROWS:
            values = getattr(self, name)
            value = changes.get(name, known_us if name == "known_us" else values[position])
            setattr(self, name, np.append(values, np.asarray(value, dtype=values.dtype)))


def _listings(settings: GeneratorSettings, cast: Cast) -> Iterator[tuple[AssetSpec, str, str]]:
    """Yield asset, venue and quote of every market whose base is a coin or token."""
    active = tuple(EXCHANGES)[: settings.venues]
    for rank, spec in enumerate(cast.assets):
        part = spec.asset_id.startswith("sandbox-") and rank < 15
        venues = _PART_VENUES.get(spec.asset_id) or _ALL
        if rank >= 15:
            skipped = {
                name
                for name, left_out in (
                    ("binance", rank % 11 == 10),
                    ("coinbase", rank % 5 == 4),
                    ("kraken", rank % 3 == 1),
                )
                if left_out
            }
            venues = _ALL - skipped
        later = {venue for venue, one in EXCHANGES.items() if rank < one.largest and not part}
        venues = (venues | later) & frozenset(active)
        for venue in sorted(venues) or [active[0]]:
            yield from ((spec, venue, quote) for quote in _quotes(spec, venue, rank, part))


def _quotes(spec: AssetSpec, venue: str, rank: int, part: bool) -> Iterator[str]:
    if EXCHANGES[venue].largest:
        yield EXCHANGES[venue].quote
    if venue == "coinbase":
        yield "USD"
    if venue == "kraken":
        yield "USD"
        if rank < 2 or (rank % 6 == 3 and not part):
            yield "EUR"
    if venue == "binance":
        # one asset has no other market here than against the coin that will lose its peg
        if spec.asset_id != "chainlink":
            yield "USDT"
        if (rank < 3 or 15 <= rank < 23) and spec.asset_id != "wrapped-bitcoin":
            yield "USDC"
        if spec.asset_id != "bitcoin" and not part and spec.price > 2 and rank % 2 == 1:
            yield "BTC"


def markets_of(
    settings: GeneratorSettings, cast: Cast, paths: Mapping[str, Path], plan: Plan
) -> list[Market]:
    """Return every listing, without candles."""
    active = set(tuple(EXCHANGES)[: settings.venues])
    found: list[Market] = []

    def add(asset_id: str, code: str, venue: str, quote: str, weight: float) -> None:
        path = paths[asset_id]
        exchange = EXCHANGES[venue]
        code, shown = exchange.codes.get(code, code), exchange.codes.get(quote, quote)
        running = settings.day_count
        found.append(
            Market(
                venue=venue,
                symbol=exchange.symbol(code, shown),
                base=asset_id,
                base_code=code,
                quote_code=shown,
                first=path.first,
                last=None if path.last == running else path.last,
                share=exchange.share * weight,
            )
        )

    for spec, venue, quote in _listings(settings, cast):
        add(spec.asset_id, spec.code, venue, quote, _QUOTE_WEIGHT.get((venue, quote), 1.0))
    for gold in cast.gold:
        for venue, quote in (("coinbase", "USD"), ("kraken", "USD"), ("binance", "USDT")):
            if venue in active and (gold.asset_id == "pax-gold" or venue == "kraken"):
                add(gold.asset_id, gold.code, venue, quote, 1.0)
    names = {spec.asset_id for spec in cast.stables}
    for stable in cast.stables:
        for venue, quote in _STABLE_MARKETS.get(stable.asset_id, (("coinbase", "USD"),)):
            if venue in active and QUOTE_ASSETS[quote] in (names | {"fiat-usd", "fiat-eur"}):
                add(stable.asset_id, stable.code, venue, quote, 1.0)
    if "kraken" in active:
        add("fiat-eur", "EUR", "kraken", "USD", 1.0)
    _reassign_ticker(found, plan)
    return found


_QUOTE_WEIGHT: Mapping[tuple[str, str], float] = {
    ("binance", "USDT"): 0.78,
    ("binance", "USDC"): 0.14,
    ("binance", "BTC"): 0.08,
    ("kraken", "USD"): 0.75,
    ("kraken", "EUR"): 0.25,
}


def _reassign_ticker(markets: list[Market], plan: Plan) -> None:
    """End the old asset's listings under the shared ticker; it goes on under another on Binance."""
    follow_up = []
    for market in markets:
        if market.base != parts.TICKER_OLD:
            continue
        if market.venue == "binance":
            follow_up.append(
                Market(
                    venue="binance",
                    symbol="SBXVEGCUSDT",
                    base=market.base,
                    base_code="SBXVEGC",
                    quote_code="USDT",
                    first=plan.ticker + 2 * plan.ticker_gap,
                    last=None,
                    share=0.2,
                )
            )
        market.last = plan.ticker
    markets += follow_up


def fill_candles(
    market: Market,
    settings: GeneratorSettings,
    paths: Mapping[str, Path],
    turnover: Mapping[str, Series],
) -> None:
    """Give the market its candles: the true price over the quote's, a few basis points off.

    Args:
        market: the listing; its row arrays are replaced.
        settings: for the seed and the window.
        paths: true prices by asset_id; the quote's must be there unless it is the dollar.
        turnover: USD traded a day by asset_id, over all venues.
    """
    # twins have the same candles to the last digit: that is what a tie is
    name = parts.TWINS[0] if market.base == parts.TWINS[1] else market.base
    rng = salted(settings.seed, name, market.venue, market.quote_code)
    path = paths[market.base]
    running = settings.day_count
    last = running if market.last is None else min(market.last, running)
    days = np.arange(market.first, last + 1)
    count = len(days)
    pegged = market.base in _STABLE_MARKETS or market.base.startswith("fiat-")
    noise = (0.6 if pegged else 2.0) / 1e4
    offset = ar1(rng, count, 0.5, noise)
    if market.base == parts.CONSTANT:
        offset = np.zeros(count)

    quote_close, quote_open = np.ones(count), np.ones(count)
    if market.quote_code != "USD":
        quoted = paths[market.quote]
        quote_close, quote_open = quoted.close[days], quoted.open[days]
    close = path.close[days] / quote_close * np.exp(offset)
    # a venue opens where it closed, but for the first day and a change of units
    step = path.open[days] / quote_open * np.exp(np.concatenate([[0.0], offset[:-1]]))
    high = np.maximum(path.high[days] / quote_close * np.exp(offset), np.maximum(step, close))
    low = np.minimum(path.low[days] / quote_close * np.exp(offset), np.minimum(step, close))
    decimals = _decimals(float(close.min()), pegged)
    market.days = days
    market.open = np.round(step, decimals)
    market.high = np.round(high, decimals)
    market.low = np.maximum(np.round(low, decimals), 10.0**-decimals)
    market.close = np.round(close, decimals)

    wiggle = np.exp(ar1(rng, count, 0.7, 0.22))
    usd = turnover[name][days] * market.share * wiggle
    paid = np.clip(
        (market.open + market.high + market.low + market.close) / 4, market.low, market.high
    )
    market.volume_base = np.round(usd / quote_close / paid, 8)
    market.volume_quote = np.round(market.volume_base * paid, 8)
    size = 60 + 12 * np.sqrt(np.sqrt(usd))
    market.trades = np.maximum(1, usd / size).astype(np.int64)
    market.known_us = np.full(count, -1, dtype=np.int64)
    market.is_deleted = np.zeros(count, dtype=np.bool_)


def ar1(rng: np.random.Generator, count: int, memory: float, sigma: float) -> Series:
    """Return a series of standard deviation `sigma` that remembers part of the day before."""
    shocks = sigma * np.sqrt(1 - memory**2) * rng.standard_normal(count)
    path = np.empty(count)
    level = 0.0
    for number in range(count):
        level = memory * level + shocks[number]
        path[number] = level
    return path


def _decimals(smallest: float, pegged: bool) -> int:
    """Return how many decimals the venue prints: about a tenth of a basis point, at most 8."""
    wanted = 5 - int(np.floor(np.log10(smallest)))
    return int(np.clip(wanted, 5 if pegged else 2, 8))


def turnover_of(
    settings: GeneratorSettings, cast: Cast, paths: Mapping[str, Path], plan: Plan
) -> dict[str, Series]:
    """Return the USD traded a day by asset_id over all venues: by size, level and events."""
    found: dict[str, Series] = {}

    def add(asset_id: str, usual: float) -> None:
        path = paths[asset_id]
        rng = salted(settings.seed, "turnover", asset_id)
        worth = path.close.copy()
        if asset_id == parts.REDENOMINATED:
            worth[plan.redenomination :] *= 100
        level = np.sqrt(worth / worth[path.first])
        if asset_id == parts.SPIRAL:
            level = np.square(level)
        burst = np.exp(0.38 * (np.clip(path.activity, 0, 5) - 0.8))
        found[asset_id] = usual * level * burst * np.exp(ar1(rng, len(path.close), 0.85, 0.30))

    for spec in cast.assets:
        cap = spec.price * spec.supply
        share = {"bitcoin": 0.018, "ethereum": 0.03}.get(spec.asset_id, 0.045)
        add(spec.asset_id, max(cap * share, 2.5e6))
    for gold in cast.gold:
        add(gold.asset_id, 9e6)
    for stable in cast.stables:
        add(stable.asset_id, float(np.clip(0.02 * stable.supply, 1.5e6, 9e8)))
    add("fiat-eur", 6e7)
    found[parts.TICKER_NEW] = np.maximum(found[parts.TICKER_NEW], 3e6)
    # nobody trades millions of a coin that is worth nothing, but it is never quite silent
    for asset_id in (parts.DEAD, parts.BACKING, parts.SPIRAL, parts.LEFTOVER):
        if asset_id in found:
            found[asset_id] = np.maximum(found[asset_id], 4e5)
    return found
