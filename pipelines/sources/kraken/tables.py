"""What Kraken spot lands."""

from pipelines.core.tables import DAY_S, Candle, Column, Grid, Listing, Market, Table
from pipelines.extraction import candles
from pipelines.sources.kraken.settings import REACH_ROWS

OHLC = Table(
    name="ohlc",
    description="Candles. One row per pair, interval and open time.",
    key=("pair", "interval_min", "open_time"),
    grid=Grid(length="interval_min", unit_s=60, day=DAY_S // 60),
    entity="ohlc",
    candle=Candle("pair", ("vwap", "trade_count")),
    restated=candles.RESTATED,
    timing=candles.daily("bar start; the newest 720 bars only", reach_d=REACH_ROWS),
    columns=(
        Column("pair", "text", "Pair by its altname: XBTUSD."),
        Column("interval_min", "integer", "Length of the candle, in minutes."),
        Column("open_time", "timestamp", "First instant of the candle."),
        Column("open", "decimal", "First price, in quote currency.", above=0),
        Column("high", "decimal", "Highest price.", above=0),
        Column("low", "decimal", "Lowest price.", above=0),
        Column("close", "decimal", "Last price.", above=0),
        Column(
            "vwap",
            "decimal",
            "Volume-weighted price; none without a trade.",
            required=False,
            at_least=0,
        ),
        Column("volume_base", "decimal", "Traded amount, in base currency.", at_least=0),
        Column("trade_count", "integer", "Trades.", at_least=0),
    ),
)

ASSET_PAIRS = Table(
    name="asset_pairs",
    description="Pairs that Kraken lists. One row per pair.",
    key=("pair_id",),
    is_snapshot=True,
    listing=Listing(("altname",)),
    # the codes for people stand in wsname (XBT/USD): base and quote have old prefixes (XXBT, ZUSD)
    market=Market(
        base="coalesce(split_part(wsname, '/', 1), base)",
        quote="coalesce(split_part(wsname, '/', 2), quote)",
        is_trading="coalesce(status, 'online') in "
        "('online', 'limit_only', 'post_only', 'reduce_only')",
    ),
    entity="asset_pair",
    columns=(
        Column("pair_id", "text", "Kraken's internal name: XXBTZUSD."),
        Column("altname", "text", "The name to ask with: XBTUSD."),
        Column("wsname", "text", "Base and quote for people: XBT/USD.", required=False),
        Column("base", "text", "Kraken's internal code of the base currency: XXBT."),
        Column("quote", "text", "Kraken's internal code of the quote currency: ZUSD."),
        Column("status", "text", "Trading status.", required=False, is_open_set=True),
    ),
)

TABLES = (OHLC, ASSET_PAIRS, candles.intraday(OHLC))
