"""What Bybit lands."""

from pipelines.core.tables import (
    SETTLEMENTS,
    Candle,
    Column,
    Convention,
    Grid,
    Listing,
    Market,
    Table,
    Timing,
)
from pipelines.extraction import candles
from pipelines.sources.bybit.settings import (
    DAILY,
    INTERVALS_S,
    OPEN_INTEREST_INTERVAL,
    PERIODS_S,
)

_CATEGORY = "spot, or linear: contracts settled in USDT or USDC."

KLINE = Table(
    name="kline",
    description="Candles of spot pairs. One row per category, symbol, interval and open time.",
    key=("category", "symbol", "interval", "open_time"),
    grid=Grid(length="interval", words_s=INTERVALS_S, day=DAILY),
    entity="kline",
    candle=Candle("symbol", ("volume_quote",), names=("category", "symbol")),
    restated=candles.RESTATED,
    timing=candles.daily("start time; spot pairs; the candle of the running day is dropped"),
    columns=(
        Column("category", "text", "spot.", one_of=frozenset({"spot"})),
        Column("symbol", "text", "Pair, as Bybit names it: BTCUSDT."),
        Column("interval", "text", "Length of the candle: D."),
        Column("open_time", "timestamp", "First instant of the candle."),
        Column("open", "decimal", "First price, in quote currency.", above=0),
        Column("high", "decimal", "Highest price.", above=0),
        Column("low", "decimal", "Lowest price.", above=0),
        Column("close", "decimal", "Last price.", above=0),
        Column("volume_base", "decimal", "Traded amount, in base currency.", at_least=0),
        Column("volume_quote", "decimal", "Traded amount, in quote currency.", at_least=0),
    ),
)

FUNDING_HISTORY = Table(
    name="funding_history",
    description="Settled funding of linear perpetuals. One row per symbol and settlement. The "
    "hours since the settlement before are the interval that the rate is for.",
    key=("symbol", "funding_time"),
    grid=SETTLEMENTS,
    entity="funding_rate",
    timing=Timing(
        (Convention("event", "instant of the settlement"),),
        publish_lag_h=1,
        ttl_d=3,
        revises_for_d=3,
    ),
    columns=(
        Column("symbol", "text", "Contract, as Bybit names it: BTCUSDT."),
        Column("funding_time", "timestamp", "When it was settled."),
        Column("funding_rate", "decimal", "Rate paid by longs for the interval, a fraction."),
    ),
)

OPEN_INTEREST = Table(
    name="open_interest",
    description="Open interest of linear perpetuals at 00:00 UTC, so the end of the day before. "
    "One row per symbol, interval and instant.",
    key=("symbol", "interval", "time"),
    grid=Grid(length="interval", words_s=PERIODS_S, day=OPEN_INTEREST_INTERVAL),
    entity="open_interest",
    timing=Timing(
        (
            Convention(
                "point_in_time",
                "label D 00:00 is the end of D-1; the longs alone (single_open_interest)",
            ),
        ),
        publish_lag_h=1,
        ttl_d=3,
        revises_for_d=3,
    ),
    columns=(
        Column("symbol", "text", "Contract, as Bybit names it: BTCUSDT."),
        Column("interval", "text", "Distance of the instants: 1d."),
        Column("time", "timestamp", "The instant."),
        Column(
            "open_interest",
            "decimal",
            "Contracts of both sides, longs and shorts added, in base currency.",
            at_least=0,
        ),
        Column(
            "single_open_interest",
            "decimal",
            "Contracts of one side, as other venues count, in base currency.",
            required=False,
            at_least=0,
        ),
    ),
)

INSTRUMENTS_INFO = Table(
    name="instruments_info",
    description="Pairs and contracts that Bybit lists. One row per category and symbol.",
    key=("category", "symbol"),
    is_snapshot=True,
    listing=Listing(("category", "symbol"), "status", frozenset({"Delivering", "Closed"})),
    market=Market(
        base="base_coin",
        quote="quote_coin",
        is_spot="category = 'spot'",
        is_trading="status = 'Trading'",
    ),
    entity="instrument",
    columns=(
        Column("category", "text", _CATEGORY, one_of=frozenset({"spot", "linear"})),
        Column("symbol", "text", "Pair or contract, as Bybit names it: BTCUSDT."),
        Column("status", "text", "Trading, PreLaunch, Delivering, …", is_open_set=True),
        Column("base_coin", "text", "Bybit's code of the base currency."),
        Column("quote_coin", "text", "Bybit's code of the quote currency."),
        Column(
            "contract_type",
            "text",
            "LinearPerpetual, LinearFutures.",
            required=False,
            is_open_set=True,
        ),
        Column("settle_coin", "text", "What a contract is settled in.", required=False),
        Column("launch_time", "timestamp", "When a contract was listed.", required=False),
        Column(
            "funding_interval_min",
            "integer",
            "Minutes between settlements at the moment of asking.",
            required=False,
            above=0,
        ),
    ),
)

TABLES = (KLINE, FUNDING_HISTORY, OPEN_INTEREST, INSTRUMENTS_INFO, candles.intraday(KLINE))
