"""A dataset folder: what the sandbox serves.

The layout below is data. The loader validates a folder against it, `docs/dataset.md` is written
from it (`python -m pipelines.sandbox layout`), the generator and converters write it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.extraction.candles import DAILY, INTERVAL_S
from pipelines.sources import SOURCES

LAYOUT_VERSION = 1
META_FILE = "dataset.json"

Kind = Literal["text", "number", "integer", "boolean", "day", "instant"]
KnownFrom = Literal["always", "listed_day", "day_end", "candle_end", "ts", "funding_time"]

ASSET_CLASSES = (
    "coin",
    "token",
    "stablecoin",
    "wrapped",
    "liquid_staking",
    "commodity_token",
    "fiat",
)
TOKEN_EVENT_KINDS = (
    "rename",
    "ticker_reassigned",
    "migration",
    "redenomination",
    "rebase",
    "delist",
    "halt",
    "dead",
)
TOTAL_CHAIN = "__total__"

_DTYPES: Mapping[Kind, pl.DataType] = {
    "text": pl.String(),
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "day": pl.Date(),
    "instant": pl.Datetime("us", "UTC"),
}
_KIND_TEXT: Mapping[Kind, str] = {
    "text": "text",
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "day": "date",
    "instant": "timestamp, UTC",
}
_KNOWN_FROM_TEXT: Mapping[KnownFrom, str] = {
    "always": "the beginning",
    "listed_day": "the start of `listed_day`",
    "day_end": "the end of `day` (00:00 UTC of the next)",
    "candle_end": "the end of the candle (`open_time` + `interval`)",
    "ts": "the instant `ts`",
    "funding_time": "the instant `funding_time`",
}


class DatasetError(Exception):
    """A folder that breaks the layout; the message has a line for each problem.

    Attributes:
        problems: one text per problem: table, column, what is wrong, how many rows, an example.
    """

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        """Say which folder, and every problem found in it."""
        self.problems = tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{path} is not a dataset in the layout of docs/dataset.md:\n{lines}")


@dataclass(frozen=True)
class LayoutColumn:
    """One column of the layout.

    Attributes:
        name: the column's name.
        kind: its type.
        description: what it says, with its unit.
        required: present and never null; otherwise it may be absent or null.
        above: every value must be greater than this.
        at_least: no value may be smaller than this.
        one_of: the only values that are allowed.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    above: float | None = None
    at_least: float | None = None
    one_of: tuple[str, ...] | None = None

    @property
    def dtype(self) -> pl.DataType:
        """The Polars type that `Dataset.table` gives the column."""
        return _DTYPES[self.kind]


KNOWN_AT = LayoutColumn(
    "known_at",
    "instant",
    "When the source began to answer with this row. Several rows of one key are versions of it: "
    "the newest one known at the clock's instant is served.",
)
IS_DELETED = LayoutColumn(
    "is_deleted",
    "boolean",
    "True: from `known_at` on the source no longer has this key. Columns outside the key may be "
    "null in such a row.",
)


@dataclass(frozen=True)
class LayoutTable:
    """One table of the layout: a file `<name>.parquet` or a folder `<name>/*.parquet`.

    Attributes:
        name: the table's name; the truth's tables have a folder in it.
        description: what a row is.
        key: columns that, with `known_at`, identify a row.
        columns: the table's own columns, without `known_at` and `is_deleted`.
        required: whether a folder must have the table.
        known_from: from when a row without `known_at` is known.
        versioned: whether `known_at` and `is_deleted` are allowed.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[LayoutColumn, ...]
    required: bool = False
    known_from: KnownFrom = "always"
    versioned: bool = True

    @property
    def all_columns(self) -> tuple[LayoutColumn, ...]:
        """The table's columns with those that every versioned table may have."""
        return (*self.columns, KNOWN_AT, IS_DELETED) if self.versioned else self.columns

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column names and Polars types, as `Dataset.table` returns them."""
        return {column.name: column.dtype for column in self.all_columns}


def _text(name: str, description: str, **rules: Any) -> LayoutColumn:
    return LayoutColumn(name, "text", description, **rules)


def _number(name: str, description: str, **rules: Any) -> LayoutColumn:
    return LayoutColumn(name, "number", description, **rules)


def _day(name: str, description: str, **rules: Any) -> LayoutColumn:
    return LayoutColumn(name, "day", description, **rules)


LAYOUT: tuple[LayoutTable, ...] = (
    LayoutTable(
        "assets",
        "One row per asset: the identity that markets and metrics point to.",
        key=("asset_id",),
        required=True,
        columns=(
            _text(
                "asset_id",
                "Canonical id: CoinGecko's slug where there is one (`bitcoin`), `fiat-usd`, "
                "`fiat-eur`; your own otherwise.",
                required=True,
            ),
            _text("symbol", "Ticker, for people; never a key.", required=True),
            _text("name", "Name, for people.", required=True),
            _text("asset_class", "What it is.", required=True, one_of=ASSET_CLASSES),
            _text("coinmetrics_id", "Coin Metrics' id, the `asset` of network_metrics."),
            _text("coingecko_id", "CoinGecko's id, the `coin` of prices."),
        ),
    ),
    LayoutTable(
        "markets",
        "One row per market and listing. A symbol that a venue gives to another asset later has "
        "two rows whose days do not overlap.",
        key=("venue", "symbol", "listed_day"),
        required=True,
        known_from="listed_day",
        columns=(
            _text(
                "venue",
                "Who lists it. Those without a wire format here are not served.",
                required=True,
            ),
            _text(
                "symbol",
                "The venue's id: `BTCUSDT`, `BTC-USD`; Kraken's altname `XBTUSD`; `btcusd`.",
                required=True,
            ),
            _text("base_code", "The venue's code of what is traded: `BTC`, `XBT`.", required=True),
            _text("quote_code", "The venue's code of what it is priced in.", required=True),
            _text("base_asset_id", "`assets.asset_id` of the base; null: not mapped."),
            _text("quote_asset_id", "`assets.asset_id` of the quote; null: not mapped."),
            _day("listed_day", "First day of trading.", required=True),
            _day("delisted_day", "Last day of trading; null: still listed."),
            _text("status", "The venue's word for its state; null: the usual one for its days."),
        ),
    ),
    LayoutTable(
        "candles",
        "One row per market and interval of time. A missing row is a missing candle. A market with "
        "shorter candles only has days all the same: they are added up.",
        key=("venue", "symbol", "interval", "open_time"),
        required=True,
        known_from="candle_end",
        columns=(
            _text("venue", "As in markets.", required=True),
            _text("symbol", "As in markets.", required=True),
            _text(
                "interval", "How long the candle lasts.", required=True, one_of=tuple(INTERVAL_S)
            ),
            LayoutColumn(
                "open_time",
                "instant",
                "Its start, a whole multiple of the interval.",
                required=True,
            ),
            _number("open", "First price, in the quote.", required=True, above=0),
            _number("high", "Highest price, in the quote.", required=True, above=0),
            _number("low", "Lowest price, in the quote.", required=True, above=0),
            _number("close", "Last price, in the quote.", required=True, above=0),
            _number("volume_base", "Volume in units of the base.", required=True, at_least=0),
            _number("volume_quote", "Volume in units of the quote.", at_least=0),
            LayoutColumn("trades", "integer", "How many trades.", at_least=0),
        ),
    ),
    LayoutTable(
        "perpetuals",
        "One row per perpetual contract and listing.",
        key=("venue", "symbol", "listed_day"),
        known_from="listed_day",
        columns=(
            _text(
                "venue",
                "Who lists it: `binance_futures`, `okx`, `bybit`. Others are not served.",
                required=True,
            ),
            _text("symbol", "The venue's id: `BTCUSDT`, `BTC-USDT-SWAP`.", required=True),
            _text("base_code", "The venue's code of the base: `BTC`.", required=True),
            _text("quote_code", "The venue's code of the quote and of settlement.", required=True),
            _text("base_asset_id", "`assets.asset_id` of the base; null: not mapped."),
            _text("quote_asset_id", "`assets.asset_id` of the quote; null: not mapped."),
            _day("listed_day", "First day of trading.", required=True),
            _day("delisted_day", "Last day of trading; null: still listed."),
            _number("contract_size", "Units of the base in a contract; null: 1.", above=0),
        ),
    ),
    LayoutTable(
        "funding",
        "One row per perpetual and settlement of funding.",
        key=("venue", "symbol", "funding_time"),
        known_from="funding_time",
        columns=(
            _text("venue", "As in perpetuals.", required=True),
            _text("symbol", "As in perpetuals.", required=True),
            LayoutColumn(
                "funding_time", "instant", "When it was settled, a whole minute.", required=True
            ),
            _number("rate", "What longs paid for the interval, a fraction.", required=True),
            _number("predicted_rate", "What had been predicted; null: the rate."),
            _number(
                "interval_h",
                "Hours that the rate is for. Venues do not say it row by row: it is the time "
                "since the settlement before.",
                above=0,
            ),
            _number("mark_price", "Mark price at the settlement, in the quote.", above=0),
        ),
    ),
    LayoutTable(
        "open_interest",
        "One row per perpetual and instant; served are those at 00:00 UTC.",
        key=("venue", "symbol", "ts"),
        known_from="ts",
        columns=(
            _text("venue", "As in perpetuals.", required=True),
            _text("symbol", "As in perpetuals.", required=True),
            LayoutColumn("ts", "instant", "The instant.", required=True),
            _number(
                "open_interest",
                "Open contracts of one side, in units of the base.",
                required=True,
                at_least=0,
            ),
            _number("open_interest_value", "The same in the quote.", at_least=0),
        ),
    ),
    LayoutTable(
        "network_metrics",
        "One row per asset, day and metric, as Coin Metrics names and labels them: `day` is the "
        "label of the row.",
        key=("asset", "day", "metric"),
        known_from="day_end",
        columns=(
            _text("asset", "Coin Metrics' id: `btc`.", required=True),
            _day("day", "The row's label.", required=True),
            _text("metric", "Coin Metrics' name: `PriceUSD`, `SplyCur`.", required=True),
            _number("value", "In the metric's own unit; null: no data."),
        ),
    ),
    LayoutTable(
        "stablecoins",
        "One row per stablecoin, as DefiLlama describes it.",
        key=("stablecoin_id",),
        columns=(
            _text("stablecoin_id", "DefiLlama's id, as text: `1`.", required=True),
            _text("name", "Name.", required=True),
            _text("symbol", "Ticker; several coins may share one.", required=True),
            _text("gecko_id", "CoinGecko's id, the `coin` of prices."),
            _text("peg_type", "`peggedUSD`, `peggedEUR`, … an open set.", required=True),
            _text(
                "peg_mechanism",
                "`fiat-backed`, `crypto-backed`, `algorithmic`, … an open set, "
                "misspellings included.",
                required=True,
            ),
            _text("asset_id", "`assets.asset_id`; null: not mapped."),
            _text(
                "backing_asset_id", "`assets.asset_id` of the coin that backs an algorithmic one."
            ),
            _day("launch_day", "First day."),
            _day("dead_from", "First day on which DefiLlama calls it dead."),
            LayoutColumn("yield_bearing", "boolean", "Whether its price drifts by design."),
        ),
    ),
    LayoutTable(
        "stablecoin_daily",
        "One row per stablecoin, chain and day: amounts at the end of the day, in the coin's own "
        "units. A coin's total is the row of the chain `__total__`, or the sum of its chains where "
        "it has none.",
        key=("stablecoin_id", "chain", "day"),
        known_from="day_end",
        columns=(
            _text("stablecoin_id", "As in stablecoins.", required=True),
            _text("chain", "The chain's display name, or `__total__`.", required=True),
            _day("day", "The UTC day.", required=True),
            _number("circulating", "In circulation there; negative values occur in real data."),
            _number("minted", "Minted there, minus burned."),
            _number("unreleased", "Minted and held by the issuer."),
            _number("bridged", "Bridged in from other chains."),
        ),
    ),
    LayoutTable(
        "prices",
        "One row per coin and instant: USD prices of stablecoins as DefiLlama serves them.",
        key=("coin", "ts"),
        known_from="ts",
        columns=(
            _text("coin", "CoinGecko's id.", required=True),
            LayoutColumn(
                "ts",
                "instant",
                "When the price held; a day's price is its last one.",
                required=True,
            ),
            _number("price", "USD for one unit; 0 for a dead coin.", required=True, at_least=0),
        ),
    ),
    LayoutTable(
        "coin_daily",
        "One row per coin and day, as CoinGecko says at the end of the day; DefiLlama's prices are "
        "served from it as well.",
        key=("coin", "day"),
        known_from="day_end",
        columns=(
            _text("coin", "CoinGecko's id, the `coingecko_id` of assets.", required=True),
            _day("day", "The UTC day.", required=True),
            _number("price", "USD for one unit.", required=True, at_least=0),
            _number("market_cap", "USD; null: price x circulating; 0: unknown.", at_least=0),
            _number("volume_24h", "USD traded in the day.", at_least=0),
            _number("circulating_supply", "Units in circulation.", at_least=0),
            _number("total_supply", "Units minted minus burned.", at_least=0),
            _number("max_supply", "Upper bound; null: none.", at_least=0),
        ),
    ),
    LayoutTable(
        "category_daily",
        "One row per category of coins and day.",
        key=("category_id", "day"),
        known_from="day_end",
        columns=(
            _text("category_id", "CoinGecko's id: `layer-1`.", required=True),
            _day("day", "The UTC day.", required=True),
            _text("name", "Name.", required=True),
            _number("market_cap", "Of its coins, USD.", at_least=0),
            _number("volume_24h", "Of its coins, USD.", at_least=0),
        ),
    ),
    LayoutTable(
        "protocols",
        "One row per protocol, as DefiLlama lists it.",
        key=("protocol",),
        columns=(
            _text("protocol", "Its slug: `uniswap-v3`.", required=True),
            _text("name", "Name.", required=True),
            _text("symbol", "Ticker of its token; null: none."),
            _text("category", "`Dexs`, `Lending`, … `Chain`: its fees are gas.", required=True),
            _text("parent", "Slug of its family, whose histories are sums: `uniswap`."),
            _text("gecko_id", "CoinGecko's id of its token."),
            _text("asset_id", "`assets.asset_id` of its token; null: not mapped."),
            _day("listed_day", "When it was listed."),
            _day("dead_from", "First day on which DefiLlama calls it dead."),
            LayoutColumn("double_counted", "boolean", "Not part of totals."),
        ),
    ),
    LayoutTable(
        "protocol_daily",
        "One row per protocol, chain and day: TVL at the end of the day, flows of the day, USD. "
        "Null: DefiLlama has nothing; 0: it has measured nothing.",
        key=("protocol", "chain", "day"),
        known_from="day_end",
        columns=(
            _text("protocol", "As in protocols.", required=True),
            _text("chain", "As in chains.", required=True),
            _day("day", "The UTC day.", required=True),
            _number("tvl", "Without borrowed, staked and pooled tokens."),
            _number("fees", "Paid by users; negative values occur in real data."),
            _number("revenue", "What the protocol keeps of them."),
            _number("holders_revenue", "What its token's holders get of that."),
            _number("dex_volume", "Traded."),
        ),
    ),
    LayoutTable(
        "protocol_token_daily",
        "One row per protocol, token and day: what it holds at the end of the day.",
        key=("protocol", "token", "day"),
        known_from="day_end",
        columns=(
            _text("protocol", "As in protocols.", required=True),
            _text("token", "DefiLlama's name of the token: `WETH`.", required=True),
            _day("day", "The UTC day.", required=True),
            _number("amount", "Units."),
            _number("value", "USD."),
        ),
    ),
    LayoutTable(
        "chains",
        "One row per chain, as DefiLlama lists it.",
        key=("chain",),
        columns=(
            _text("chain", "DefiLlama's name: `Ethereum`.", required=True),
            _text("gecko_id", "CoinGecko's id of its coin."),
            _text("token_symbol", "Ticker of its coin."),
            _text("asset_id", "`assets.asset_id` of its coin; null: not mapped."),
            LayoutColumn("evm_chain_id", "integer", "EVM chain id."),
        ),
    ),
    LayoutTable(
        "chains_daily",
        "One row per chain and day: TVL at the end of the day, without liquid staking and double "
        "counting, USD. A chain's fees and volume are the sums of its protocols'.",
        key=("chain", "day"),
        known_from="day_end",
        columns=(
            _text("chain", "As in chains.", required=True),
            _day("day", "The UTC day.", required=True),
            _number("tvl", "USD."),
        ),
    ),
    LayoutTable(
        "yield_pools",
        "One row per pool, as DefiLlama lists it.",
        key=("pool",),
        columns=(
            _text("pool", "DefiLlama's id, a UUID.", required=True),
            _text("project", "Slug of its protocol.", required=True),
            _text("chain", "As in chains.", required=True),
            _text("symbol", "Tickers of what is in it: `USDC-WETH`.", required=True),
            LayoutColumn("stablecoin", "boolean", "Of stablecoins only."),
            _text("pool_meta", "What tells it from its likes."),
        ),
    ),
    LayoutTable(
        "yield_daily",
        "One row per pool and day: the day's last record. APY in percent a year.",
        key=("pool", "day"),
        known_from="day_end",
        columns=(
            _text("pool", "As in yield_pools.", required=True),
            _day("day", "The UTC day.", required=True),
            _number("tvl", "USD."),
            _number("apy_base", "From fees and interest."),
            _number("apy_reward", "From incentives."),
        ),
    ),
    LayoutTable(
        "tokens",
        "One row per token contract on Ethereum.",
        key=("address",),
        columns=(
            _text("address", "Lower case, with `0x`.", required=True),
            _text("symbol", "Ticker; null: the contract does not say.", required=False),
            LayoutColumn("decimals", "integer", "Digits after the point.", at_least=0),
            _text("asset_id", "`assets.asset_id`; null: not mapped."),
        ),
    ),
    LayoutTable(
        "token_daily",
        "One row per token contract and day, in units.",
        key=("address", "day"),
        known_from="day_end",
        columns=(
            _text("address", "As in tokens.", required=True),
            _day("day", "The UTC day.", required=True),
            _number("total_supply", "At the end of the day.", required=True, at_least=0),
            _number("minted", "In the day, from the zero address.", at_least=0),
            _number("burned", "In the day, to the zero address.", at_least=0),
        ),
    ),
    LayoutTable(
        "fx_rates",
        "One row per currency and working day: the ECB's reference rates. With `PLN` and `USD` and "
        "gold_daily the price of gold is served.",
        key=("currency", "day"),
        known_from="day_end",
        columns=(
            _text("currency", "ISO code: `USD`.", required=True),
            _day("day", "The day on which the rate was set.", required=True),
            _number("units_per_eur", "Units for one euro.", required=True, above=0),
        ),
    ),
    LayoutTable(
        "gold_daily",
        "One row per working day: the price of gold in London.",
        key=("day",),
        known_from="day_end",
        columns=(
            _day("day", "The day.", required=True),
            _number("usd_per_ozt", "USD for a troy ounce.", required=True, above=0),
        ),
    ),
    LayoutTable(
        "equity_daily",
        "One row per listed exchange and working day: what its shares are worth. Not served: the "
        "pipeline reads it as curation.",
        key=("exchange", "day"),
        known_from="day_end",
        columns=(
            _text("exchange", "As in the curated list of exchanges: `coinbase`.", required=True),
            _day("day", "The trading day.", required=True),
            _number("equity_mcap_usd", "Market cap at the close.", required=True, above=0),
        ),
    ),
    LayoutTable(
        "supply_points",
        "One row per asset, concept and day: supplies that are written down, for the days that no "
        "source reaches. Not served: the pipeline reads it as curation.",
        key=("asset_id", "concept", "day"),
        known_from="day_end",
        columns=(
            _text("asset_id", "As in assets.", required=True),
            _text(
                "concept",
                "`diluted`: the upper bound, without one the total.",
                required=True,
                one_of=("circulating", "diluted"),
            ),
            _day("day", "The day at whose end it holds.", required=True),
            _number("supply", "Units.", required=True, above=0),
            _number(
                "issuance_1d", "Net issuance a day from there on; null: as between the two before."
            ),
        ),
    ),
    LayoutTable(
        "token_events",
        "One row per event that breaks an asset's price series or its ticker. Not served: the "
        "pipeline reads it as curation.",
        key=("asset_id", "kind", "effective_day"),
        versioned=False,
        columns=(
            _text("asset_id", "As in assets.", required=True),
            _text("kind", "What happened.", required=True, one_of=TOKEN_EVENT_KINDS),
            _day("effective_day", "First day after the change.", required=True),
            _number("ratio", "New units for one old unit, where units changed.", above=0),
            _text("successor_asset_id", "The asset that goes on, or that got the ticker."),
            LayoutColumn(
                "known_at",
                "instant",
                "When it became known; null: at the start of `effective_day`.",
            ),
        ),
    ),
    LayoutTable(
        "truth/price",
        "Generated folders only: the price without venue noise and defects.",
        key=("asset_id", "day"),
        versioned=False,
        columns=(
            _text("asset_id", "As in assets.", required=True),
            _day("day", "The UTC day.", required=True),
            _number(
                "close_usd", "True price in USD at the end of the day.", required=True, at_least=0
            ),
            _text(
                "tag",
                "`ok`, or what makes the day hard: `wick`, `lying_venue`, "
                "`depegged_quote`, `crash`, `no_data` (no venue has a candle).",
                required=True,
                one_of=("ok", "wick", "lying_venue", "depegged_quote", "crash", "no_data"),
            ),
        ),
    ),
    LayoutTable(
        "truth/supply",
        "Generated folders only: the supply without defects.",
        key=("asset_id", "day"),
        versioned=False,
        columns=(
            _text("asset_id", "As in assets.", required=True),
            _day("day", "The UTC day.", required=True),
            _number(
                "supply", "True supply at the end of the day, in units.", required=True, at_least=0
            ),
            _text(
                "tag",
                "`ok`, or `defect` where what the sources say differs.",
                required=True,
                one_of=("ok", "defect"),
            ),
        ),
    ),
)
TABLES: Mapping[str, LayoutTable] = {table.name: table for table in LAYOUT}


class Scenario(BaseModel):
    """A planted defect: what it is, where, when, and what a good pipeline makes of it."""

    model_config = ConfigDict(populate_by_name=True, frozen=True)

    id: str = Field(description="handle of the scenario catalogue: F-1")
    what: str
    entity: str = Field(description="asset, market (venue:symbol) or stablecoin")
    from_: date = Field(alias="from")
    to: date
    expect: str = ""


class Effect(BaseModel):
    """An effect that is planted in a generated market, or said to be absent."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: float
    factor: str = Field(description="of the catalogue, which shows it")
    horizon_d: int = Field(description="days ahead at which the factor is asked")
    sign: int = Field(description="of the factor's rank correlation; 0: the effect is absent")


class DatasetMeta(BaseModel):
    """`dataset.json`: what the folder is, and which days it has."""

    model_config = ConfigDict(frozen=True)

    layout_version: Literal[1]
    name: str = Field(min_length=1)
    description: str = ""
    start: date = Field(description="first day with data")
    end: date = Field(description="last complete day, inclusive")
    now: datetime | None = Field(
        default=None, description="the clock's instant by default; null: 06:00 UTC of the day after"
    )
    seed: int | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    scenarios: tuple[Scenario, ...] = ()
    effects: tuple[Effect, ...] = ()

    @field_validator("now")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"needs a time zone, such as {value.isoformat()}Z")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")
        over = datetime.combine(self.end + timedelta(days=1), time.min, tzinfo=UTC)
        if self.now is not None and self.now < over:
            raise ValueError(f"now {self.now.isoformat()} is before the end of the day {self.end}")
        return self


# of sources that are no venues: the tables without which one has nothing to say; venues are named
# in their lists
REPORTED_BY: Mapping[str, tuple[str, ...]] = {
    "blockchain_info": ("network_metrics",),
    "coingecko": ("coin_daily",),
    "coinmetrics": ("network_metrics",),
    "coinmetrics_archive": ("network_metrics",),
    "defillama": ("protocols",),
    "defillama_coins": ("coin_daily",),
    "defillama_stablecoins": ("stablecoins",),
    "defillama_yields": ("yield_pools",),
    "ecb": ("fx_rates",),
    "ethereum": ("tokens",),
    "gold": ("gold_daily", "fx_rates"),
}


@dataclass(frozen=True)
class Dataset:
    """A validated folder.

    Attributes:
        path: the folder.
        meta: `dataset.json`.
        files: for each table that the folder has, its Parquet files.
        warnings: what was ignored: unknown columns and files.
    """

    path: Path
    meta: DatasetMeta
    files: Mapping[str, tuple[Path, ...]]
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.meta.name

    @property
    def start(self) -> date:
        """First day with data."""
        return self.meta.start

    @property
    def end(self) -> date:
        """Last complete day, inclusive."""
        return self.meta.end

    @property
    def now(self) -> datetime:
        """The instant at which the last day is final, in UTC."""
        if self.meta.now is not None:
            return self.meta.now.astimezone(UTC)
        return datetime.combine(self.end + timedelta(days=1), time(6), tzinfo=UTC)

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The planted defects."""
        return self.meta.scenarios

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that have something to say in this dataset; others answer with nothing."""
        listed = [self.table(name).select("venue") for name in ("markets", "perpetuals")]
        venues = set(pl.concat(listed).unique().collect()["venue"])
        return tuple(
            name
            for name in SOURCES
            if (all(map(self.has, REPORTED_BY[name])) if name in REPORTED_BY else name in venues)
        )

    @property
    def intraday(self) -> Mapping[str, tuple[str, ...]]:
        """For each venue the lengths of less than a day to ask for: the longest of each market.

        Days are added up from them where a market has none, and held against those that it has.
        """
        longest = (
            self.table("candles")
            .filter(pl.col("interval") != DAILY)
            .select("venue", "symbol", "interval")
            .unique()
            .sort(interval_us(pl.col("interval")))
            .group_by("venue", "symbol")
            .agg(pl.col("interval").last())
            .select("venue", "interval")
            .unique()
            .sort("venue", interval_us(pl.col("interval")))
            .collect()
        )
        return {
            venue: tuple(rows["interval"])
            for (venue,), rows in longest.group_by("venue", maintain_order=True)
        }

    def has(self, table: str) -> bool:
        """Say whether the folder has the table, with a row in it."""
        return table in self._filled

    @cached_property
    def _filled(self) -> frozenset[str]:
        return frozenset(
            table
            for table, files in self.files.items()
            if any(pl.scan_parquet(file).select(pl.len()).collect().item() for file in files)
        )

    def table(self, name: str) -> pl.LazyFrame:
        """Return a table with all of its layout's columns, in the layout's order and types.

        Columns that the files lack are null; a table that the folder lacks has no rows.
        """
        layout = TABLES[name]
        if name not in self.files:
            return pl.LazyFrame(schema=layout.schema)
        return _conform(pl.scan_parquet(list(self.files[name])), layout)


def load(path: Path | str) -> Dataset:
    """Open a dataset folder and check it against the layout.

    Args:
        path: the folder with `dataset.json`.

    Returns:
        The dataset; its tables are read lazily.

    Raises:
        DatasetError: the folder breaks the layout; every problem found is in the message.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DatasetError(folder, ["there is no such folder"])
    problems: list[str] = []
    warnings: list[str] = []
    meta = _read_meta(folder, problems)
    files = _find_files(folder, problems, warnings)
    whole: dict[str, pl.LazyFrame] = {}
    for name, paths in files.items():
        frame = _check_columns(TABLES[name], paths, problems, warnings)
        if frame is not None and _check_values(TABLES[name], frame, problems):
            whole[name] = frame
            if TABLES[name].required and frame.head(1).collect().is_empty():
                problems.append(f"{name}: the table has no rows")
    _check_relations(whole, problems)
    if meta is None or problems:
        raise DatasetError(folder, problems)
    return Dataset(folder, meta, files, tuple(warnings))


def describe(path: Path) -> Dataset:
    """Open a dataset folder without reading its tables: for its days and its sources.

    Raises:
        DatasetError: `dataset.json` is missing or unreadable, or a required table is missing.
    """
    problems: list[str] = []
    meta = _read_meta(path, problems)
    files = _find_files(path, problems, [])
    if meta is None or problems:
        raise DatasetError(path, problems)
    return Dataset(path, meta, files)


def _read_meta(folder: Path, problems: list[str]) -> DatasetMeta | None:
    path = folder / META_FILE
    if not path.is_file():
        problems.append(f"{META_FILE} is missing")
        return None
    try:
        return DatasetMeta.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        problems.append(f"{META_FILE} is not JSON: {error}")
    except ValidationError as error:
        for item in error.errors():
            where = ".".join(str(part) for part in item["loc"])
            problems.append(f"{META_FILE}{f' {where}' if where else ''}: {item['msg']}")
    return None


def _find_files(
    folder: Path, problems: list[str], warnings: list[str]
) -> dict[str, tuple[Path, ...]]:
    files: dict[str, tuple[Path, ...]] = {}
    for table in LAYOUT:
        single = folder / f"{table.name}.parquet"
        many = sorted((folder / table.name).glob("*.parquet"))
        if single.is_file() and many:
            problems.append(f"{table.name}: both {table.name}.parquet and {table.name}/ are there")
        elif single.is_file():
            files[table.name] = (single,)
        elif many:
            files[table.name] = tuple(many)
        elif table.required:
            problems.append(
                f"{table.name}: the table is missing ({table.name}.parquet or "
                f"{table.name}/*.parquet)"
            )
    known = {path for paths in files.values() for path in paths}
    warnings += [
        f"{path.relative_to(folder)} is no table of the layout: ignored"
        for path in sorted(folder.rglob("*.parquet"))
        if path not in known and path.relative_to(folder).parts[0] != "truth"
    ]
    return files


def _check_columns(
    table: LayoutTable, paths: Sequence[Path], problems: list[str], warnings: list[str]
) -> pl.LazyFrame | None:
    """Return the table in the layout's types, or None if a column is missing or mistyped."""
    before = len(problems)
    for path in paths:
        try:
            schema = pl.read_parquet_schema(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            problems.append(f"{table.name}: {path.name} cannot be read: {error}")
            continue
        for column in table.all_columns:
            if column.name not in schema:
                if column.required:
                    problems.append(
                        f"{table.name}.{column.name}: the column is missing in {path.name} "
                        f"(it has {', '.join(schema)})"
                    )
                continue
            wrong = _wrong_type(column, schema[column.name])
            if wrong:
                problems.append(
                    f"{table.name}.{column.name}: {wrong}; for example {_first(path, column.name)}"
                )
        unknown = sorted(set(schema) - {column.name for column in table.all_columns})
        if unknown:
            warnings.append(f"{table.name}: unknown columns ignored: {', '.join(unknown)}")
    if len(problems) > before:
        return None
    return _conform(pl.scan_parquet(list(paths)), table)


def _first(path: Path, column: str) -> str:
    values = pl.scan_parquet(path).select(pl.col(column).drop_nulls()).head(1).collect()
    return repr(values.item()) if len(values) else "no row"


def _wrong_type(column: LayoutColumn, dtype: pl.DataType) -> str | None:
    """Say what is wrong with a column's type, or None; what loses nothing is accepted."""
    if dtype == pl.Null and not column.required:
        return None
    fits = {
        "text": dtype in (pl.String, pl.Categorical, pl.Enum),
        "number": dtype.is_numeric(),
        "integer": dtype.is_integer(),
        "boolean": dtype == pl.Boolean,
        "day": dtype == pl.Date,
        "instant": dtype == pl.Date or (isinstance(dtype, pl.Datetime) and bool(dtype.time_zone)),
    }
    if fits[column.kind]:
        return None
    if column.kind == "instant" and isinstance(dtype, pl.Datetime):
        return "a timestamp without a time zone; write it in UTC"
    return f"must be {_KIND_TEXT[column.kind]}, is {dtype}"


def _conform(frame: pl.LazyFrame, table: LayoutTable) -> pl.LazyFrame:
    present = frame.collect_schema()
    columns = []
    for column in table.all_columns:
        if column.name not in present:
            columns.append(pl.lit(None, dtype=column.dtype).alias(column.name))
            continue
        value = pl.col(column.name)
        dtype = present[column.name]
        if column.kind == "instant" and isinstance(dtype, pl.Datetime) and dtype.time_zone != "UTC":
            value = value.dt.convert_time_zone("UTC")
        if column.kind == "instant" and dtype == pl.Date:
            value = value.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        columns.append(value.cast(column.dtype))
    return frame.select(columns)


def day_start(day: pl.Expr) -> pl.Expr:
    """Return the first instant of a day column's day."""
    return day.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def day_end(day: pl.Expr) -> pl.Expr:
    """Return the first instant after a day column's day."""
    return day_start(day) + pl.duration(days=1)


def interval_us(interval: pl.Expr) -> pl.Expr:
    """Return how many microseconds a candle of the interval column lasts."""
    lengths = {name: seconds * 1_000_000 for name, seconds in INTERVAL_S.items()}
    return interval.replace_strict(lengths, default=None, return_dtype=pl.Int64)


def occurred_by(table: LayoutTable) -> pl.Expr | None:
    """Return the instant at which what a row describes is over, or None for timeless tables."""
    match table.known_from:
        case "day_end":
            return day_end(pl.col("day"))
        case "candle_end":
            return pl.col("open_time") + pl.duration(microseconds=interval_us(pl.col("interval")))
        case "ts" | "funding_time" as instant:
            return pl.col(instant)
        case "listed_day":
            return day_start(pl.col("listed_day"))
        case "always":
            return None


Rule = tuple[str, str, pl.Expr]


def _column_rules(table: LayoutTable) -> Iterable[Rule]:
    """Yield column, what is wrong, and the expression that is true for rows that are wrong."""
    gone = pl.col("is_deleted").fill_null(False) if table.versioned else pl.lit(False)
    for column in table.columns:
        value = pl.col(column.name)
        if column.required:
            missing = value.is_null() if column.name in table.key else value.is_null() & ~gone
            yield column.name, "must not be null", missing
        if column.kind == "number":
            yield column.name, "must be finite", ~value.is_finite()
        if column.above is not None:
            yield column.name, f"must be above {column.above:g}", value <= column.above
        if column.at_least is not None:
            yield column.name, f"must be at least {column.at_least:g}", value < column.at_least
        if column.one_of is not None:
            allowed = f"must be one of {', '.join(column.one_of)}"
            yield column.name, allowed, ~value.is_in(list(column.one_of))


def _table_rules(table: LayoutTable) -> Iterable[Rule]:
    if table.name == "candles":
        offset = pl.col("open_time").dt.epoch("us") % interval_us(pl.col("interval"))
        yield "open_time", "must be a whole multiple of the interval in UTC", offset != 0
    if table.name == "funding":
        off = pl.col("funding_time").dt.epoch("us") % 60_000_000 != 0
        yield "funding_time", "must be a whole minute", off
    if table.name in ("markets", "perpetuals"):
        early = pl.col("delisted_day") < pl.col("listed_day")
        yield "delisted_day", "must not be before listed_day", early
    if table.name == "stablecoins":
        early = pl.col("dead_from") < pl.col("launch_day")
        yield "dead_from", "must not be before launch_day", early
    if not table.versioned:
        return
    over = occurred_by(table)
    if table.name == "network_metrics":
        # a rate labelled with the instant at which it held is known when its label's day begins
        yield (
            "known_at",
            "must not be before its day",
            pl.col("known_at") < day_start(pl.col("day")),
        )
    elif table.known_from != "listed_day" and over is not None:
        yield "known_at", "must not be before what it describes", pl.col("known_at") < over
    unsaid = pl.col("is_deleted").fill_null(False) & pl.col("known_at").is_null()
    yield "known_at", "must say when the row was deleted", unsaid


def _check_values(table: LayoutTable, frame: pl.LazyFrame, problems: list[str]) -> bool:
    rules = [*_column_rules(table), *_table_rules(table)]
    counts = frame.select(
        broken.fill_null(False).sum().alias(str(number))
        for number, (_, _, broken) in enumerate(rules)
    ).collect()
    before = len(problems)
    for number, (column, what, broken) in enumerate(rules):
        count = counts[str(number)][0]
        if count:
            problems.append(
                f"{table.name}.{column}: {what}; "
                f"{_rows(count, frame.filter(broken.fill_null(False)), table, column)}"
            )
    key = (*table.key, "known_at") if table.versioned else table.key
    doubles = frame.group_by(key).len().filter(pl.col("len") > 1)
    number = doubles.select(pl.len()).collect().item()
    if number:
        problems.append(
            f"{table.name}: duplicate key ({', '.join(key)}); "
            f"{_rows(number, doubles.sort(key, nulls_last=False), table, 'len')}"
        )
    return len(problems) == before


def _rows(count: int, frame: pl.LazyFrame, table: LayoutTable, column: str) -> str:
    shown = [*table.key, *(("known_at",) if table.versioned else ())]
    if column not in shown:
        shown.append(column)
    example = frame.select(shown).head(1).collect().row(0, named=True)
    cells = ", ".join(f"{name}={_cell(value)}" for name, value in example.items())
    return f"{count} row{'s' if count > 1 else ''}, for example {cells}"


def _cell(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else repr(value)


def _check_relations(tables: Mapping[str, pl.LazyFrame], problems: list[str]) -> None:
    """Check what one table says about another; tables with problems of their own are left out."""
    references = [
        ("candles", ("venue", "symbol"), "markets", ("venue", "symbol")),
        ("funding", ("venue", "symbol"), "perpetuals", ("venue", "symbol")),
        ("open_interest", ("venue", "symbol"), "perpetuals", ("venue", "symbol")),
        ("perpetuals", ("base_asset_id",), "assets", ("asset_id",)),
        ("perpetuals", ("quote_asset_id",), "assets", ("asset_id",)),
        ("markets", ("base_asset_id",), "assets", ("asset_id",)),
        ("markets", ("quote_asset_id",), "assets", ("asset_id",)),
        ("stablecoins", ("asset_id",), "assets", ("asset_id",)),
        ("stablecoins", ("backing_asset_id",), "assets", ("asset_id",)),
        ("stablecoin_daily", ("stablecoin_id",), "stablecoins", ("stablecoin_id",)),
        ("protocols", ("asset_id",), "assets", ("asset_id",)),
        ("protocol_daily", ("protocol",), "protocols", ("protocol",)),
        ("protocol_daily", ("chain",), "chains", ("chain",)),
        ("protocol_token_daily", ("protocol",), "protocols", ("protocol",)),
        ("chains", ("asset_id",), "assets", ("asset_id",)),
        ("chains_daily", ("chain",), "chains", ("chain",)),
        ("yield_daily", ("pool",), "yield_pools", ("pool",)),
        ("tokens", ("asset_id",), "assets", ("asset_id",)),
        ("token_daily", ("address",), "tokens", ("address",)),
        ("token_events", ("asset_id",), "assets", ("asset_id",)),
        ("truth/price", ("asset_id",), "assets", ("asset_id",)),
    ]
    for name, columns, target, target_columns in references:
        if name not in tables or target not in tables:
            continue
        orphans = (
            tables[name]
            .select(columns)
            .drop_nulls()
            .unique()
            .join(
                tables[target].select(target_columns).unique(),
                left_on=columns,
                right_on=target_columns,
                how="anti",
            )
            .sort(columns)
            .collect()
        )
        if len(orphans):
            row = orphans.row(0, named=True)
            example = ", ".join(f"{key}={value!r}" for key, value in row.items())
            problems.append(
                f"{name}.{columns[-1]}: no such row in {target}; {len(orphans)} "
                f"value{'s' if len(orphans) > 1 else ''}, for example {example}"
            )
    if "markets" in tables:
        _check_listings(tables["markets"], problems)


def _check_listings(markets: pl.LazyFrame, problems: list[str]) -> None:
    """Two listings of one symbol must not overlap: the symbol would mean two assets on a day."""
    listings = (
        markets.filter(~pl.col("is_deleted").fill_null(False))
        .sort("known_at", nulls_last=False)
        .unique(["venue", "symbol", "listed_day"], keep="last", maintain_order=True)
        .sort("venue", "symbol", "listed_day")
        .with_columns(next_listed=pl.col("listed_day").shift(-1).over("venue", "symbol"))
        .filter(
            pl.col("next_listed").is_not_null()
            & (pl.col("delisted_day").is_null() | (pl.col("delisted_day") >= pl.col("next_listed")))
        )
        .collect()
    )
    if len(listings):
        row = listings.row(0, named=True)
        problems.append(
            f"markets.delisted_day: listings of one symbol overlap; {len(listings)} "
            f"symbol{'s' if len(listings) > 1 else ''}, for example venue={row['venue']!r}, "
            f"symbol={row['symbol']!r}: the listing of {row['listed_day']} ends "
            f"{row['delisted_day'] or 'never'}, the next begins {row['next_listed']}"
        )


def describe_layout() -> str:
    """Return the layout's tables as the Markdown that stands in `docs/dataset.md`."""
    parts = []
    for table in LAYOUT:
        lines = [
            f"### {table.name}",
            "",
            f"{'Required' if table.required else 'Optional'}. {table.description}",
            "",
            f"Key: {', '.join(f'`{name}`' for name in table.key)}. {_known_text(table)}",
            "",
            "| column | type | required | meaning |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| `{column.name}` | {_KIND_TEXT[column.kind]} "
            f"| {'yes' if column.required else 'no'} | {column.description}{_limits(column)} |"
            for column in table.all_columns
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _known_text(table: LayoutTable) -> str:
    if not table.versioned:
        return "Not versioned."
    return f"A row without `known_at` is known from {_KNOWN_FROM_TEXT[table.known_from]}."


def _limits(column: LayoutColumn) -> str:
    if column.above is not None:
        return f" Above {column.above:g}."
    if column.at_least is not None:
        return f" At least {column.at_least:g}."
    if column.one_of is not None and column.name != "tag":
        return " One of " + ", ".join(f"`{value}`" for value in column.one_of) + "."
    return ""
