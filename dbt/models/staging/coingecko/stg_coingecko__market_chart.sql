with chart as (
    {{ latest_version(ref('hist_coingecko__market_chart'), ['coin_id', 'label_time']) }}
),

final as (
    select
        coin_id,
        -- a value at 00:00 is the close of the day that ends there
        {{ utc_day('label_time') }} - 1 as day,
        case when price_usd > 0 then cast(price_usd as double) end as price_usd,
        case when market_cap_usd > 0 then cast(market_cap_usd as double) end as market_cap_usd,
        cast(volume_24h_usd as double) as volume_24h_usd,
        known_at,
        first_known_at
    from chart
    -- what is off midnight is a live point, and no close
    where label_time = {{ day_start(utc_day('label_time')) }}
)

select * from final
