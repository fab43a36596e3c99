"""What Bitstamp lands."""

from pipelines.core.tables import DAY_S, Candle, Column, Grid, Listing, Market, Table
from pipelines.extraction import candles

OHLC = Table(
    name="ohlc",
    description="Candles. One row per market, step and open time.",
    key=("market_symbol", "step_s", "open_time"),
    grid=Grid(length="step_s", day=DAY_S),
    entity="ohlc",
    candle=Candle("market_symbol"),
    restated=candles.RESTATED,
    timing=candles.daily("open time; the candle of the running day is left out by request"),
    columns=(
        Column("market_symbol", "text", "Market, as Bitstamp names it: btcusd."),
        Column("step_s", "integer", "Length of the candle, in seconds."),
        Column("open_time", "timestamp", "First instant of the candle."),
        Column("open", "decimal", "First price, in quote currency.", above=0),
        Column("high", "decimal", "Highest price.", above=0),
        Column("low", "decimal", "Lowest price.", above=0),
        Column("close", "decimal", "Last price.", above=0),
        Column("volume_base", "decimal", "Traded amount, in base currency.", at_least=0),
    ),
)

MARKETS = Table(
    name="markets",
    description="Markets that Bitstamp lists. One row per market.",
    key=("market_symbol",),
    is_snapshot=True,
    listing=Listing(("market_symbol",), "trading", frozenset({"Disabled"})),
    market=Market(
        base="base_currency",
        quote="counter_currency",
        is_spot="coalesce(market_type, 'SPOT') = 'SPOT'",
        is_trading="coalesce(trading, 'Enabled') = 'Enabled'",
    ),
    entity="market",
    columns=(
        Column("market_symbol", "text", "Market, as Bitstamp names it: btcusd."),
        Column("base_currency", "text", "Bitstamp's code of the base currency."),
        Column("counter_currency", "text", "Bitstamp's code of the quote currency."),
        Column(
            "market_type",
            "text",
            "SPOT or PERPETUAL; none: SPOT.",
            required=False,
            is_open_set=True,
        ),
        Column("trading", "text", "Enabled or Disabled.", required=False, is_open_set=True),
        Column("description", "text", "Name for people.", required=False),
    ),
)

TABLES = (OHLC, MARKETS, candles.intraday(OHLC))
