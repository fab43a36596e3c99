with price as (
    {{ latest_version(ref('hist_defillama_coins__price'), ['coin', 'label_time']) }}
),

dated as (
    {{ dated('price', 'label_time', 'defillama_coins', 'prices', series='coin') }}
),

final as (
    select
        replace(coin, 'coingecko:', '') as gecko_id,
        day,
        cast(price as double) as price_usd,
        confidence,
        price_time as priced_at,
        known_at,
        first_known_at
    from dated
    -- DefiLlama prints 0 where it has no price
    where price > 0
)

select * from final
