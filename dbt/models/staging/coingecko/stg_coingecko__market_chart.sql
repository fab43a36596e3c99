with chart as (
    {{ latest_version(ref('hist_coingecko__market_chart'), ['coin_id', 'label_time']) }}
),

dated as (
    {{ dated('chart', 'label_time', 'coingecko', 'market_chart', series='coin_id') }}
),

final as (
    select
        coin_id,
        day,
        case when price_usd > 0 then cast(price_usd as double) end as price_usd,
        case when market_cap_usd > 0 then cast(market_cap_usd as double) end as market_cap_usd,
        cast(volume_24h_usd as double) as volume_24h_usd,
        known_at,
        first_known_at
    from dated
)

select * from final
