with chain as (
    {{ listing_of(ref('hist_defillama__chain'), ['chain']) }}
),

final as (
    select
        chain as chain_name,
        gecko_id,
        token_symbol,
        evm_chain_id,
        cast(tvl_usd as double) as live_tvl_usd,
        is_live as is_listed,
        gone_seen_at,
        known_at,
        first_known_at
    from chain
)

select * from final
