with stablecoin as (
    {{ listing_of(ref('hist_defillama_stablecoins__stablecoin'), ['stablecoin_id']) }}
),

final as (
    select
        stablecoin_id as defillama_id,
        gecko_id,
        symbol,
        name,
        peg_type,
        peg_mechanism,
        -- as sent: a text, of which only a date is understood
        try_cast(dead_from as date) as dead_from,
        is_delisted,
        is_yield_bearing,
        circulating_usd,
        is_live as is_listed,
        gone_seen_at,
        known_at,
        first_known_at
    from stablecoin
)

select * from final
