with pool as (
    {{ listing_of(ref('hist_defillama_yields__pool'), ['pool']) }}
),

final as (
    select
        pool as pool_id,
        project as slug,
        chain as chain_name,
        symbol,
        pool_meta,
        cast(tvl_usd as double) as live_tvl_usd,
        is_stablecoin,
        is_outlier,
        il_risk,
        exposure,
        is_live as is_listed,
        gone_seen_at,
        known_at,
        first_known_at
    from pool
)

select * from final
