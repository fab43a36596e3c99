"""What Coinbase Exchange lands."""

from pipelines.core.tables import DAY_S, Candle, Column, Grid, Listing, Market, Table
from pipelines.extraction import candles

CANDLES = Table(
    name="candles",
    description="Candles. One row per product, granularity and open time; no row without a trade.",
    key=("product_id", "granularity_s", "open_time"),
    grid=Grid(length="granularity_s", day=DAY_S),
    entity="candle",
    candle=Candle("product_id"),
    restated=candles.RESTATED,
    timing=candles.daily("bucket start; buckets without trades are left out"),
    columns=(
        Column("product_id", "text", "Pair, as Coinbase names it: BTC-USD."),
        Column("granularity_s", "integer", "Length of the candle, in seconds."),
        Column("open_time", "timestamp", "First instant of the candle."),
        Column("low", "decimal", "Lowest price, in quote currency.", above=0),
        Column("high", "decimal", "Highest price.", above=0),
        Column("open", "decimal", "First price.", above=0),
        Column("close", "decimal", "Last price.", above=0),
        Column("volume_base", "decimal", "Traded amount, in base currency.", at_least=0),
    ),
)

PRODUCTS = Table(
    name="products",
    description="Pairs that Coinbase Exchange lists. One row per product.",
    key=("product_id",),
    is_snapshot=True,
    listing=Listing(("product_id",), "status", frozenset({"delisted"})),
    market=Market(
        base="base_currency",
        quote="quote_currency",
        is_trading="status = 'online' and not coalesce(trading_disabled, false)",
    ),
    entity="product",
    columns=(
        Column("product_id", "text", "Pair, as Coinbase names it: BTC-USD."),
        Column("base_currency", "text", "Coinbase's code of the base currency."),
        Column("quote_currency", "text", "Coinbase's code of the quote currency."),
        Column("status", "text", "Trading status: online, delisted, …", is_open_set=True),
        Column("trading_disabled", "boolean", "No orders are accepted.", required=False),
        Column("fx_stablecoin", "boolean", "A pair of a stablecoin and its peg.", required=False),
    ),
)

TABLES = (CANDLES, PRODUCTS, candles.intraday(CANDLES))
