with chain as (
    {{ listing_of(ref('hist_defillama_stablecoins__chain'), ['chain', 'peg_type']) }}
),

final as (
    select
        chain as chain_name,
        peg_type,
        circulating_usd,
        is_live as is_listed,
        gone_seen_at,
        known_at,
        first_known_at
    from chain
)

select * from final
