with category as (
    select * from {{ ref('hist_coingecko__category') }}
    where {{ is_known() }} and not is_deleted
),

dated as (
    select
        *,
        {{ utc_day("known_at - interval '12' hour") }} as day
    from category
),

final as (
    select
        category_id,
        day,
        name,
        case when market_cap_usd > 0 then cast(market_cap_usd as double) end as market_cap_usd,
        cast(volume_24h_usd as double) as volume_24h_usd,
        updated_at,
        known_at
    from dated
    qualify row_number() over (partition by category_id, day order by known_at desc, load_id desc) = 1
)

select * from final
