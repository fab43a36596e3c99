with price as (
    {{ latest_version(ref('hist_defillama_stablecoins__price'), ['gecko_id', 'day_time']) }}
),

dated as (
    {{ dated('price', 'day_time', 'defillama_stablecoins', 'prices', series='gecko_id') }}
),

final as (
    select
        gecko_id,
        day,
        price as price_usd,
        known_at,
        first_known_at
    from dated
    -- DefiLlama prints 0 where it has no price
    where price > 0
)

select * from final
