"""What Binance spot lands."""

from pipelines.core.tables import DAY_S, Candle, Column, Grid, Listing, Market, Table
from pipelines.extraction import candles

# what is longer than a day begins at a midnight
_GRID_S = {**candles.INTERVAL_S, **dict.fromkeys(("3d", "1w", "1M"), DAY_S)}

KLINES = Table(
    name="klines",
    description="Candles of spot pairs. One row per symbol, interval and open time.",
    key=("symbol", "interval", "open_time"),
    grid=Grid(length="interval", words_s=_GRID_S, day=candles.DAILY),
    entity="kline",
    candle=Candle("symbol", ("volume_quote", "trade_count")),
    restated=candles.RESTATED,
    timing=candles.daily("open time; the candle of the running day is dropped"),
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
    listing=Listing(("symbol",), "status", frozenset({"BREAK"})),
    market=Market(
        base="base_asset",
        quote="quote_asset",
        is_trading="status = 'TRADING' and coalesce(is_spot_trading_allowed, true)",
    ),
    entity="exchange_symbol",
    columns=(
        Column("symbol", "text", "Pair, as Binance names it: BTCUSDT."),
        Column("status", "text", "TRADING, HALT, BREAK, …", is_open_set=True),
        Column("base_asset", "text", "Binance's code of the base currency."),
        Column("quote_asset", "text", "Binance's code of the quote currency."),
        Column("is_spot_trading_allowed", "boolean", "Spot orders are accepted.", required=False),
    ),
)

DUMP_FILES = Table(
    name="dump_files",
    description="Files of data.binance.vision that were downloaded. One row per file and content.",
    key=("file_name", "sha256"),
    columns=(
        Column("file_name", "text", "Name: BTCUSDT-1m-2023-01.zip."),
        Column("symbol", "text", "Pair, as Binance names it: BTCUSDT."),
        Column("interval", "text", "Length of the candles: 1m."),
        Column("period", "text", "Month or day: 2023-01, 2023-01-05."),
        Column("sha256", "text", "Digest of what came."),
        Column("declared_sha256", "text", "Digest in the CHECKSUM file.", required=False),
        Column(
            "replaces_sha256",
            "text",
            "Digest of the content that an earlier run read: the file was published again.",
            required=False,
        ),
        Column(
            "status",
            "text",
            "read; unverified: read, there is no CHECKSUM file; checksum_mismatch, corrupt: not "
            "read, see the quarantine.",
            one_of=frozenset({"read", "unverified", "checksum_mismatch", "corrupt"}),
        ),
        Column("byte_count", "integer", "Size of the file.", at_least=0),
        Column("row_count", "integer", "Candles that were landed.", at_least=0),
    ),
)

TABLES = (KLINES, EXCHANGE_INFO, candles.intraday(KLINES), DUMP_FILES)
