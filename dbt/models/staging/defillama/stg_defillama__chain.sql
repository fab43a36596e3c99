with chain as (
    {{ latest_version(ref('hist_defillama__chain'), ['chain']) }}
),

final as (
    select
        chain as chain_id,
        gecko_id,
        token_symbol,
        evm_chain_id,
        cast(tvl_usd as double) as live_tvl_usd,
        known_at,
        first_known_at
    from chain
)

select * from final
