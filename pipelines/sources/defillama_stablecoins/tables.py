"""What DefiLlama's stablecoin API lands."""

from pipelines.core.tables import DAILY, Column, Convention, Listing, Restated, Table, Timing

STABLECOINS = Table(
    name="stablecoins",
    description="Stablecoins that DefiLlama tracks. One row per coin.",
    key=("stablecoin_id",),
    is_snapshot=True,
    listing=Listing(("stablecoin_id",)),
    entity="stablecoin",
    columns=(
        Column("stablecoin_id", "text", "DefiLlama's id of the coin."),
        Column("name", "text", "Name."),
        Column("symbol", "text", "Ticker; many coins share one."),
        Column("gecko_id", "text", "CoinGecko's id.", required=False),
        Column(
            "peg_type", "text", "What it is pegged to: peggedUSD, peggedEUR, …", is_open_set=True
        ),
        Column(
            "peg_mechanism",
            "text",
            "How; spelt as DefiLlama spells it.",
            required=False,
            is_open_set=True,
        ),
        Column("price", "decimal", "Live price, USD.", required=False, at_least=0),
        Column(
            "circulating_usd", "decimal", "Supply, USD (native before 2025-12-01).", required=False
        ),
        Column("dead_from", "text", "When it died, as sent.", required=False),
        Column("is_delisted", "boolean", "DefiLlama has dropped it."),
        Column("is_yield_bearing", "boolean", "Its price drifts by design."),
    ),
)

BALANCES = Table(
    name="balances",
    description="Supply by chain, native units. One row per coin, chain and day.",
    key=("stablecoin_id", "chain", "day_time"),
    grid=DAILY,
    entity="balance",
    whole="chain = '__total__'",
    timing=Timing(
        (
            Convention(
                "point_in_time",
                "label D is the first reading of D that was kept: the end of D-1 (the server "
                "writes a day once; a later hour replaces it only where the first was "
                "extrapolated or incomplete)",
            ),
        ),
        publish_lag_h=6,
        ttl_d=7,
        revises_for_d=7,
    ),
    restated=Restated((("circulating", "supply"),), mart="stablecoin_supply_daily"),
    columns=(
        Column("stablecoin_id", "text", "DefiLlama's id of the coin."),
        Column("chain", "text", "DefiLlama's name of the chain; '__total__' for the coin's total."),
        Column("day_time", "timestamp", "Label: a midnight, at which it stood."),
        Column(
            "circulating",
            "decimal",
            "minted - unreleased, bridged accounting included.",
            required=False,
        ),
        Column("minted", "decimal", "Minted on this chain.", required=False),
        Column("unreleased", "decimal", "Held back by the issuer.", required=False),
        Column("bridged_to", "decimal", "Bridged to this chain.", required=False),
    ),
)

PRICES = Table(
    name="prices",
    description="Daily prices of stablecoins, USD. One row per coin and day.",
    key=("gecko_id", "day_time"),
    grid=DAILY,
    entity="price",
    is_asked_at_once=True,
    timing=Timing(
        (
            Convention(
                "point_in_time",
                "label D is the first reading of D: the close of D-1 (61 days of TUSD against "
                "hourly candles of Binance match best at 00:00)",
                valid_to="2024-06-10",
            ),
            Convention(
                "interval_start",
                "label D is the last reading of D: every run overwrites it since the server was"
                " moved (26 days match best at 20:00); so no label describes 2024-06-09",
                valid_from="2024-06-10",
            ),
        ),
        publish_lag_h=6,
        ttl_d=7,
        revises_for_d=7,
    ),
    restated=Restated((("price", "price"),), mart="stablecoin_peg_daily"),
    columns=(
        Column("gecko_id", "text", "CoinGecko's id of the coin."),
        Column("day_time", "timestamp", "Label: a midnight, of the day or of its end."),
        Column("price", "decimal", "Price, USD.", at_least=0),
    ),
)

CHAINS = Table(
    name="chains",
    description="Stablecoins on chains as of the request, USD. One row per chain and peg.",
    key=("chain", "peg_type"),
    is_snapshot=True,
    entity="chain",
    columns=(
        Column("chain", "text", "DefiLlama's name of the chain."),
        Column("peg_type", "text", "What the coins are pegged to: peggedUSD, …", is_open_set=True),
        Column("circulating_usd", "decimal", "In circulation there, USD."),
    ),
)

CHARTS = Table(
    name="charts",
    description=(
        "Stablecoins on chains by day, double-counted coins included; days without a record are "
        "carried forward by the source. One row per chain, peg and day."
    ),
    key=("chain", "peg_type", "day_time"),
    grid=DAILY,
    entity="chart",
    timing=Timing(
        (
            Convention(
                "point_in_time",
                "added up by the server from the same first readings as balances, so the end of"
                " D-1; valued at the price that the server keeps under D; days without a record"
                " are carried forward by the source",
            ),
        ),
        publish_lag_h=6,
        ttl_d=7,
        revises_for_d=31,
    ),
    columns=(
        Column("chain", "text", "DefiLlama's name of the chain; '__total__' for all."),
        Column("peg_type", "text", "What the coins are pegged to.", is_open_set=True),
        Column("day_time", "timestamp", "Label: a midnight, at which it stood."),
        Column("circulating", "decimal", "In circulation, native units."),
        Column("circulating_usd", "decimal", "In circulation, USD at that day's price."),
        Column("unreleased", "decimal", "Held back by issuers, native units."),
        Column("minted_usd", "decimal", "Minted there, USD; 0 for the total."),
        Column("bridged_to_usd", "decimal", "Bridged there, USD; 0 for the total."),
    ),
)

TABLES = (STABLECOINS, BALANCES, PRICES, CHAINS, CHARTS)
