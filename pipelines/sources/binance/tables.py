"""What Binance spot lands."""

from pipelines.sources.binance.settings import STATUSES
from pipelines.tables import Column, Table

KLINES = Table(
    name="klines",
    description="Candles of spot pairs. One row per symbol, interval and open time.",
    key=("symbol", "interval", "open_time"),
    columns=(
        Column("symbol", "text", "Pair, as Binance names it: BTCUSDT."),
        Column("interval", "text", "Length of the candle: 1d."),
        Column("open_time", "timestamp", "First instant of the candle."),
        Column("open", "decimal", "First price, in quote currency.", above=0),
        Column("high", "decimal", "Highest price.", above=0),
        Column("low", "decimal", "Lowest price.", above=0),
        Column("close", "decimal", "Last price.", above=0),
        Column("volume_base", "decimal", "Traded amount, in base currency.", at_least=0),
        Column("volume_quote", "decimal", "Traded amount, in quote currency.", at_least=0),
        Column("trade_count", "integer", "Trades.", at_least=0),
        Column("taker_buy_base", "decimal", "Bought by takers, base currency.", at_least=0),
        Column("taker_buy_quote", "decimal", "Bought by takers, quote currency.", at_least=0),
        Column("close_time", "timestamp", "Last millisecond of the candle."),
    ),
)

EXCHANGE_INFO = Table(
    name="exchange_info",
    description="Spot pairs that Binance lists. One row per symbol.",
    key=("symbol",),
    is_snapshot=True,
    columns=(
        Column("symbol", "text", "Pair, as Binance names it: BTCUSDT."),
        Column("status", "text", "Trading status.", one_of=STATUSES),
        Column("base_asset", "text", "Binance's code of the base currency."),
        Column("quote_asset", "text", "Binance's code of the quote currency."),
        Column("is_spot_trading_allowed", "boolean", "Spot orders are accepted.", required=False),
    ),
)

TABLES = (KLINES, EXCHANGE_INFO)
