"""What CoinGecko lands."""

from pipelines.core.tables import DAILY, Column, Convention, Listing, Restated, Table, Timing
from pipelines.sources.coingecko.settings import REACH_D

MARKETS = Table(
    name="markets",
    description=(
        "Price, supply and valuation of coins as of the request; there is no history of them. "
        "The largest coins, and curated ones whatever their size. One row per coin."
    ),
    key=("coin_id",),
    is_snapshot=True,
    listing=Listing(("coin_id",)),
    entity="market",
    timing=Timing(
        (
            Convention(
                "snapshot",
                "as of the request: it speaks for the close of the midnight nearest to it; "
                "no history",
            ),
        ),
        publish_lag_h=1,
        ttl_d=7,
    ),
    columns=(
        Column("coin_id", "text", "CoinGecko's id of the coin: bitcoin."),
        Column("symbol", "text", "Ticker; many coins share one."),
        Column("name", "text", "Name."),
        Column("price_usd", "decimal", "Last price, USD.", required=False, at_least=0),
        Column(
            "market_cap_usd", "decimal", "Market cap, USD; 0: unknown.", required=False, at_least=0
        ),
        Column("market_cap_rank", "integer", "1: largest.", required=False, at_least=1),
        Column(
            "fully_diluted_valuation_usd",
            "decimal",
            "Price times the largest supply, USD.",
            required=False,
            at_least=0,
        ),
        Column("volume_24h_usd", "decimal", "Volume of 24 h, USD.", required=False, at_least=0),
        Column(
            "circulating_supply", "decimal", "In circulation, units.", required=False, at_least=0
        ),
        Column("total_supply", "decimal", "Minted minus burned.", required=False, at_least=0),
        Column(
            "max_supply", "decimal", "Upper bound; null: there is none.", required=False, at_least=0
        ),
        Column("last_updated", "timestamp", "When CoinGecko took the price.", required=False),
    ),
)

MARKET_CHART = Table(
    name="market_chart",
    description=(
        "Daily prices, market caps and volumes of curated coins, of the last year at the most. "
        "One row per coin and label; the label's instant is the end of the day before it."
    ),
    key=("coin_id", "label_time"),
    grid=DAILY,
    entity="market_chart",
    timing=Timing(
        (
            Convention(
                "point_in_time",
                "label D 00:00 holds at that instant: the close of D-1; the last year only",
            ),
        ),
        publish_lag_h=1,
        ttl_d=7,
        revises_for_d=3,
        reach_d=REACH_D,
    ),
    restated=Restated(
        (("price_usd", "price"), ("market_cap_usd", "supply")), mart="market_regime_daily"
    ),
    columns=(
        Column("coin_id", "text", "CoinGecko's id of the coin."),
        Column("label_time", "timestamp", "The midnight at which the values held."),
        Column("price_usd", "decimal", "Price, USD.", required=False, at_least=0),
        Column(
            "market_cap_usd", "decimal", "Market cap, USD; 0: unknown.", required=False, at_least=0
        ),
        Column(
            "volume_24h_usd",
            "decimal",
            "Volume of the 24 h before, USD.",
            required=False,
            at_least=0,
        ),
    ),
)

CATEGORIES = Table(
    name="categories",
    description="Categories of coins as of the request. One row per category.",
    key=("category_id",),
    is_snapshot=True,
    entity="category",
    timing=Timing(
        (
            Convention(
                "snapshot",
                "as of the request: it speaks for the close of the midnight nearest to it; "
                "no history",
            ),
        ),
        publish_lag_h=1,
    ),
    columns=(
        Column("category_id", "text", "CoinGecko's id of the category."),
        Column("name", "text", "Name."),
        Column("market_cap_usd", "decimal", "Market cap of its coins, USD.", required=False),
        Column(
            "market_cap_change_24h_pct", "decimal", "Its change in 24 h, percent.", required=False
        ),
        Column("volume_24h_usd", "decimal", "Volume of its coins in 24 h, USD.", required=False),
        Column("updated_at", "timestamp", "When CoinGecko computed it.", required=False),
    ),
)

TABLES = (MARKETS, MARKET_CHART, CATEGORIES)
