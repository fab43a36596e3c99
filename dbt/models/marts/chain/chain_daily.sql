with chain_day as (
    select * from {{ ref('int_chain_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        chain_day.chain_id,
        chain_day.day,
        chain_day.tvl_usd,
        chain_day.tvl_usd_ffill,
        chain_day.tvl_staleness_d,
        chain_day.tvl_growth_7d_frac,
        chain_day.tvl_growth_30d_frac,
        chain_day.tvl_share_frac,
        chain_day.tvl_rank,
        chain_day.is_preliminary,
        chain_day.overtook_chain_id,
        chain_day.stables_usd,
        chain_day.stables_change_30d_usd,
        chain_day.stables_rank,
        chain_day.gas_fees_usd,
        chain_day.app_fees_usd,
        chain_day.app_revenue_usd,
        chain_day.app_fees_rank,
        chain_day.dex_volume_usd,
        chain_day.dex_volume_rank,
        chain_day.active_addresses,
        chain_day.tx_count,
        chain_day.tps_mean,
        -- nobody tells for free; said instead of zeros
        cast(null as double) as tps_max_1h,
        cast(null as double) as median_fee_usd,
        cast(null as double) as net_bridge_flow_usd,
        cast(null as double) as retention_w1_frac,
        cast(null as double) as developer_retention_frac,
        chain_day.pit_basis,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from chain_day
    cross join build_stamp
)

select * from final
order by chain_id, day
