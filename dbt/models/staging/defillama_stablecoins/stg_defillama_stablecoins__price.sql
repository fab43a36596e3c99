with price as (
    {{ latest_version(ref('hist_defillama_stablecoins__price'), ['gecko_id', 'day_time']) }}
),

final as (
    select
        gecko_id,
        {{ utc_day('day_time') }} as day,
        price as price_usd,
        known_at,
        first_known_at
    from price
    -- DefiLlama prints 0 where it has no price
    where price > 0
)

select * from final
