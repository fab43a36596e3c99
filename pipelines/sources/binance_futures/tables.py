"""What Binance's USD-margined futures land."""

from pipelines.core.tables import SETTLEMENTS, Column, Convention, Grid, Listing, Table, Timing
from pipelines.sources.binance_futures.settings import OPEN_INTEREST_REACH_D, PERIODS_S

FUNDING_RATE = Table(
    name="funding_rate",
    description="Settled funding of perpetuals. One row per symbol and settlement. The hours since "
    "the settlement before are the interval that the rate is for.",
    key=("symbol", "funding_time"),
    grid=SETTLEMENTS,
    entity="funding_rate",
    timing=Timing(
        (
            Convention(
                "event",
                "instant of the settlement; rounded to the minute; the mark price at 00:00 is "
                "the end of the day before",
            ),
        ),
        publish_lag_h=1,
        ttl_d=3,
        revises_for_d=3,
    ),
    columns=(
        Column("symbol", "text", "Contract, as Binance names it: BTCUSDT."),
        Column("funding_time", "timestamp", "When it was settled: the hour."),
        Column("reported_time", "timestamp", "As Binance prints it, off by some milliseconds."),
        Column("funding_rate", "decimal", "Rate paid by longs for the interval, a fraction."),
        Column(
            "mark_price",
            "decimal",
            "Mark price at the settlement, in quote currency.",
            required=False,
            above=0,
        ),
    ),
)

OPEN_INTEREST_HIST = Table(
    name="open_interest_hist",
    description="Open interest at 00:00 UTC, so the end of the day before; Binance keeps 30 days. "
    "One row per symbol, period and instant.",
    key=("symbol", "period", "time"),
    grid=Grid(length="period", words_s=PERIODS_S, day="1d"),
    entity="open_interest",
    timing=Timing(
        (Convention("point_in_time", "label D 00:00 is the end of D-1; 30 days back only"),),
        publish_lag_h=1,
        ttl_d=3,
        revises_for_d=3,
        reach_d=OPEN_INTEREST_REACH_D,
    ),
    columns=(
        Column("symbol", "text", "Contract, as Binance names it: BTCUSDT."),
        Column("period", "text", "Distance of the instants: 1d."),
        Column("time", "timestamp", "The instant."),
        Column("sum_open_interest", "decimal", "In base currency.", at_least=0),
        Column("sum_open_interest_value", "decimal", "In quote currency.", at_least=0),
        Column(
            "cmc_circulating_supply",
            "decimal",
            "CoinMarketCap's circulating supply of the base, as Binance repeats it.",
            required=False,
            at_least=0,
        ),
    ),
)

OVER = frozenset({"SETTLING", "CLOSE", "PRE_SETTLE", "DELIVERING", "DELIVERED"})
EXCHANGE_INFO = Table(
    name="exchange_info",
    description="Contracts that Binance lists. One row per symbol.",
    key=("symbol",),
    is_snapshot=True,
    listing=Listing(("symbol",), "status", OVER),
    entity="contract",
    columns=(
        Column("symbol", "text", "Contract, as Binance names it: BTCUSDT."),
        Column(
            "contract_type",
            "text",
            "PERPETUAL, CURRENT_QUARTER, …",
            required=False,
            is_open_set=True,
        ),
        Column("status", "text", "Trading status: TRADING, SETTLING, …", is_open_set=True),
        Column("base_asset", "text", "Binance's code of the base: BTC, 1000SHIB."),
        Column("quote_asset", "text", "Binance's code of the quote."),
        Column("margin_asset", "text", "What it is settled in."),
        Column("onboard_time", "timestamp", "When it was listed.", required=False),
    ),
)

FUNDING_INFO = Table(
    name="funding_info",
    description="Contracts whose funding differs from 8 hours and the usual cap, at the moment of "
    "asking. One row per symbol.",
    key=("symbol",),
    is_snapshot=True,
    entity="funding_info",
    timing=Timing(
        (Convention("snapshot", "what differs from 8 hours as of the request"),), publish_lag_h=0
    ),
    columns=(
        Column("symbol", "text", "Contract, as Binance names it: BTCUSDT."),
        Column("funding_interval_h", "integer", "Hours between settlements.", above=0),
        Column("rate_cap", "decimal", "Highest rate, a fraction.", required=False),
        Column("rate_floor", "decimal", "Lowest rate, a fraction.", required=False),
    ),
)

TABLES = (FUNDING_RATE, OPEN_INTEREST_HIST, EXCHANGE_INFO, FUNDING_INFO)
