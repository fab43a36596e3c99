with price as (
    {{ latest_version(ref('hist_defillama_coins__price'), ['coin', 'label_time']) }}
),

final as (
    select
        replace(coin, 'coingecko:', '') as gecko_id,
        -- a midnight's label is the end of the day before
        {{ utc_day('label_time') }} - 1 as day,
        cast(price as double) as price_usd,
        confidence,
        price_time as priced_at,
        known_at,
        first_known_at
    from price
    -- DefiLlama prints 0 where it has no price
    where price > 0
)

select * from final
