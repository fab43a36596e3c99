"""What Gate.io lands."""

from pipelines.core.tables import DAY_S, Candle, Column, Grid, Listing, Market, Table
from pipelines.extraction import candles

# a window that begins more than 10,000 candles ago is refused; it begins at a midnight, and of the
# running day there may be as many candles as a day has minutes
REACH_ROWS = 10_000 - 1_440
# what is longer than a day begins at a midnight
_GRID_S = {**candles.INTERVAL_S, **dict.fromkeys(("7d", "30d"), DAY_S)}

CANDLESTICKS = Table(
    name="candlesticks",
    description="Closed candles. One row per currency pair, interval and open time.",
    key=("currency_pair", "interval", "open_time"),
    grid=Grid(length="interval", words_s=_GRID_S, day=candles.DAILY),
    entity="candlestick",
    candle=Candle("currency_pair", ("volume_quote",)),
    restated=candles.RESTATED,
    timing=candles.daily(
        "open time; candles whose window is not closed are dropped; the newest 10,000 only",
        reach_d=REACH_ROWS,
    ),
    columns=(
        Column("currency_pair", "text", "Pair, as Gate.io names it: BTC_USDT."),
        Column("interval", "text", "Length of the candle: 1d."),
        Column("open_time", "timestamp", "First instant of the candle."),
        Column("open", "decimal", "First price, in quote currency.", above=0),
        Column("high", "decimal", "Highest price.", above=0),
        Column("low", "decimal", "Lowest price.", above=0),
        Column("close", "decimal", "Last price.", above=0),
        Column("volume_base", "decimal", "Traded amount, in base currency.", at_least=0),
        Column("volume_quote", "decimal", "Traded amount, in quote currency.", at_least=0),
    ),
)

CURRENCY_PAIRS = Table(
    name="currency_pairs",
    description="Pairs that Gate.io lists. One row per currency pair.",
    key=("currency_pair",),
    is_snapshot=True,
    listing=Listing(("currency_pair",), "trade_status", frozenset({"untradable"})),
    entity="currency_pair",
    market=Market(
        base="base",
        quote="quote",
        # before its listing a coin is traded among few, against what it may become
        is_spot="coalesce(type, 'normal') = 'normal'",
        is_trading="trade_status = 'tradable'",
    ),
    columns=(
        Column("currency_pair", "text", "Pair, as Gate.io names it: BTC_USDT."),
        Column("base", "text", "Gate.io's code of the base currency."),
        Column("quote", "text", "Gate.io's code of the quote currency."),
        Column(
            "trade_status",
            "text",
            "tradable, buyable or sellable alone, untradable.",
            is_open_set=True,
        ),
        Column("type", "text", "normal or premarket; none: normal.", False, is_open_set=True),
    ),
)

TABLES = (CANDLESTICKS, CURRENCY_PAIRS, candles.intraday(CANDLESTICKS))
