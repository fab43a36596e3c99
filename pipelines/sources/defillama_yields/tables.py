"""What DefiLlama's yields API lands. APY is in percent a year, as sent."""

from pipelines.core.tables import DAY_S, Column, Convention, Grid, Sample, Table, Timing

POOLS = Table(
    name="pools",
    description="Pools of at least 10,000 USD as of the request. One row per pool.",
    key=("pool",),
    is_snapshot=True,
    entity="pool",
    columns=(
        Column("pool", "text", "DefiLlama's id of the pool, a UUID."),
        Column("chain", "text", "Chain."),
        Column("project", "text", "Slug of the protocol: aave-v3."),
        Column("symbol", "text", "Tickers of what is in it: USDC-WETH."),
        Column("pool_meta", "text", "What tells it from its likes.", required=False),
        Column("tvl_usd", "decimal", "TVL, USD.", required=False),
        Column("apy_pct", "decimal", "Base and reward.", required=False),
        Column("apy_base_pct", "decimal", "From fees and interest.", required=False),
        Column("apy_reward_pct", "decimal", "From incentives.", required=False),
        Column("is_stablecoin", "boolean", "Of stablecoins only.", required=False),
        Column("il_risk", "text", "Impermanent loss: yes, no.", required=False, is_open_set=True),
        Column(
            "exposure",
            "text",
            "To one token or more: single, multi.",
            required=False,
            is_open_set=True,
        ),
        Column("is_outlier", "boolean", "DefiLlama does not trust its APY.", required=False),
        Column("underlying_tokens", "text", "Addresses of what is in it, JSON.", required=False),
        Column("reward_tokens", "text", "Addresses of incentives, JSON.", required=False),
    ),
)

POOL_CHART = Table(
    name="pool_chart",
    description="TVL and APY of the largest curated pools. One row per pool and day.",
    key=("pool", "day_time"),
    grid=Grid(DAY_S, sample=Sample("record_time", keeps="last")),
    entity="pool_day",
    timing=Timing(
        (Convention("interval_start", "label D is the last record of the day D"),),
        publish_lag_h=24,
        ttl_d=2,
        revises_for_d=3,
    ),
    columns=(
        Column("pool", "text", "DefiLlama's id of the pool."),
        Column("day_time", "timestamp", "First instant of the day."),
        Column("record_time", "timestamp", "When the day's last record was taken."),
        Column("tvl_usd", "decimal", "TVL, USD.", required=False),
        Column("apy_pct", "decimal", "Base and reward.", required=False),
        Column("apy_base_pct", "decimal", "From fees and interest.", required=False),
        Column("apy_reward_pct", "decimal", "From incentives.", required=False),
    ),
)

TABLES = (POOLS, POOL_CHART)
