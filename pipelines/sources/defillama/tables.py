"""What DefiLlama's main API lands."""

from pipelines.core.tables import DAILY, Column, Convention, Listing, Restated, Table, Timing

_LABEL = (
    "Label, a midnight: DefiLlama keeps the first record of a day, so it is the value at the end "
    "of the day before."
)
_METRIC = "DefiLlama's data type: dailyFees, dailyRevenue, dailyHoldersRevenue, dailyVolume."
_SERIES = "Data type and what it is of: dailyFees:uniswap."

PROTOCOLS = Table(
    name="protocols",
    description="Protocols that DefiLlama tracks, as of the request. One row per protocol.",
    key=("protocol_id",),
    is_snapshot=True,
    listing=Listing(("slug",)),
    entity="protocol",
    columns=(
        Column("protocol_id", "text", "DefiLlama's id: 2198."),
        Column("slug", "text", "Its name in URLs: uniswap-v3."),
        Column("name", "text", "Name."),
        Column("symbol", "text", "Ticker of its token; null: none.", required=False),
        Column("category", "text", "Category: Dexs, Lending, …", required=False, is_open_set=True),
        Column("parent_protocol", "text", "Family: parent#uniswap.", required=False),
        Column("gecko_id", "text", "CoinGecko's id of its token.", required=False),
        Column("cmc_id", "text", "CoinMarketCap's id of its token.", required=False),
        Column("address", "text", "Address of its token, as sent.", required=False),
        Column("chains", "text", "Chains it is on, JSON."),
        Column("listed_at", "timestamp", "When DefiLlama listed it.", required=False),
        Column("tvl_usd", "decimal", "Live TVL, USD.", required=False),
        Column("mcap_usd", "decimal", "Market cap of its token, USD.", required=False),
        Column("dead_from", "text", "When it died, as sent.", required=False),
    ),
)

PROTOCOL_TVL = Table(
    name="protocol_tvl",
    description="TVL of protocols by chain. One row per protocol, chain and label.",
    key=("slug", "chain", "label_time"),
    grid=DAILY,
    entity="protocol_tvl",
    whole="chain = '__total__'",
    timing=Timing(
        (
            Convention(
                "point_in_time",
                "label D 00:00 is the end of D-1; the first record after midnight; the live "
                "point is dropped",
            ),
        ),
        publish_lag_h=6,
        ttl_d=2,
        revises_for_d=30,
    ),
    restated=Restated((("tvl_usd", "tvl"),), mart="protocol_fundamentals_daily"),
    columns=(
        Column("slug", "text", "The protocol, or a family: uniswap."),
        Column("chain", "text", "DefiLlama's name of the chain; '__total__' for the protocol."),
        Column("label_time", "timestamp", _LABEL),
        Column("tvl_usd", "decimal", "Without borrowed, staked, pooled and vesting tokens, USD."),
    ),
)

PROTOCOL_TOKENS = Table(
    name="protocol_tokens",
    description=(
        "What a protocol holds: amounts and values of tokens, where DefiLlama prints them. "
        "One row per protocol, token and label."
    ),
    key=("slug", "token", "label_time"),
    grid=DAILY,
    entity="protocol_token",
    timing=Timing(
        (
            Convention(
                "point_in_time",
                "as the TVL; absent where a protocol holds too many tokens to print",
            ),
        ),
        publish_lag_h=6,
        ttl_d=2,
        revises_for_d=30,
        is_sparse=True,
    ),
    columns=(
        Column("slug", "text", "The protocol, or a family."),
        Column("token", "text", "DefiLlama's name of the token: a ticker, an address or an id."),
        Column("label_time", "timestamp", _LABEL),
        Column("amount", "decimal", "Units held.", required=False),
        Column("value_usd", "decimal", "Their value, USD.", required=False),
    ),
)

CHAINS = Table(
    name="chains",
    description="Chains that DefiLlama tracks, as of the request. One row per chain.",
    key=("chain",),
    is_snapshot=True,
    entity="chain",
    columns=(
        Column("chain", "text", "DefiLlama's name of the chain."),
        Column("gecko_id", "text", "CoinGecko's id of its coin.", required=False),
        Column("token_symbol", "text", "Ticker of its coin.", required=False),
        Column("cmc_id", "text", "CoinMarketCap's id of its coin.", required=False),
        Column("evm_chain_id", "text", "EVM chain id.", required=False),
        Column("tvl_usd", "decimal", "Live TVL, USD; may count otherwise than the history does."),
    ),
)

CHAIN_TVL = Table(
    name="chain_tvl",
    description=(
        "TVL of chains without liquid staking and double counting. One row per chain and label."
    ),
    key=("chain", "label_time"),
    grid=DAILY,
    entity="chain_tvl",
    timing=Timing(
        (
            Convention(
                "point_in_time",
                "label D 00:00 is the end of D-1; the newest label is live and left out",
            ),
        ),
        publish_lag_h=30,
        ttl_d=2,
        revises_for_d=30,
    ),
    restated=Restated((("tvl_usd", "tvl"),), mart="chain_daily"),
    columns=(
        Column("chain", "text", "DefiLlama's name of the chain; '__total__' for all."),
        Column("label_time", "timestamp", _LABEL),
        Column("tvl_usd", "decimal", "TVL, USD."),
    ),
)

METRIC_PROTOCOLS = Table(
    name="metric_protocols",
    description=(
        "Protocols that have fees, revenue or volume, as of the request. One row per data type "
        "and protocol."
    ),
    key=("metric", "protocol_id"),
    is_snapshot=True,
    entity="metric_protocol",
    columns=(
        Column("metric", "text", _METRIC),
        Column("protocol_id", "text", "DefiLlama's id."),
        Column("slug", "text", "Its name in URLs."),
        Column("name", "text", "Name; the key of breakdowns."),
        Column("category", "text", "Category.", required=False, is_open_set=True),
        Column(
            "protocol_type",
            "text",
            "What it is: protocol, or chain (gas fees: not part of totals).",
            required=False,
        ),
        Column("parent_protocol", "text", "Family: parent#uniswap.", required=False),
        Column("is_double_counted", "boolean", "Not part of totals."),
        Column("total_24h_usd", "decimal", "Newest 24 h, USD; may be partial.", required=False),
        Column("total_all_time_usd", "decimal", "Since the beginning, USD.", required=False),
    ),
)

PROTOCOL_METRICS = Table(
    name="protocol_metrics",
    description=(
        "Daily fees, revenue and volume of protocols. Values are as DefiLlama prints them: "
        "negative ones and absurd ones occur. One row per series, chain, version and day."
    ),
    key=("series_id", "chain", "version", "day_time"),
    grid=DAILY,
    entity="protocol_metric",
    whole="chain = '__total__'",
    timing=Timing(
        (Convention("interval_start", "label D is the day D; adapters are refilled for weeks"),),
        publish_lag_h=24,
        ttl_d=0,
        revises_for_d=30,
    ),
    restated=Restated((("amount_usd", "flow"),), mart="protocol_fundamentals_daily"),
    columns=(
        Column("series_id", "text", _SERIES),
        Column("metric", "text", _METRIC),
        Column("slug", "text", "The protocol, or a family."),
        Column("chain", "text", "DefiLlama's key of the chain; '__total__' for the protocol."),
        Column("version", "text", "The part of the protocol; '__total__' for all."),
        Column("day_time", "timestamp", "First instant of the day."),
        Column("amount_usd", "decimal", "Of that day, USD."),
    ),
)

CHAIN_METRICS = Table(
    name="chain_metrics",
    description=(
        "Daily fees, revenue and volume of all protocols on a chain, without gas fees and double "
        "counting. One row per series and day."
    ),
    key=("series_id", "day_time"),
    grid=DAILY,
    entity="chain_metric",
    timing=Timing(
        (
            Convention(
                "interval_start",
                "label D is the day D; the newest point carries values forward and is left out",
            ),
        ),
        publish_lag_h=30,
        ttl_d=0,
        revises_for_d=30,
    ),
    columns=(
        Column("series_id", "text", "Data type and chain: dailyFees:Base."),
        Column("metric", "text", _METRIC),
        Column("chain", "text", "DefiLlama's name of the chain; '__total__' for all."),
        Column("day_time", "timestamp", "First instant of the day."),
        Column("amount_usd", "decimal", "Of that day, USD."),
    ),
)

TABLES = (
    PROTOCOLS,
    PROTOCOL_TVL,
    PROTOCOL_TOKENS,
    CHAINS,
    CHAIN_TVL,
    METRIC_PROTOCOLS,
    PROTOCOL_METRICS,
    CHAIN_METRICS,
)
