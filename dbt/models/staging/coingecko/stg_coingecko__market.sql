with market as (
    select * from {{ ref('hist_coingecko__market') }}
    where {{ is_known() }} and not is_deleted
),

-- a snapshot speaks for the midnight it is nearest to: never for a close half a day before it
dated as (
    select
        *,
        {{ utc_day("known_at - interval '12' hour") }} as day,
        cast(market_cap_usd as double) as market_cap,
        cast(fully_diluted_valuation_usd as double) as diluted
    from market
),

final as (
    select
        coin_id,
        day,
        symbol,
        name,
        case when price_usd > 0 then cast(price_usd as double) end as price_usd,
        -- CoinGecko prints 0 where it does not know a market cap or a supply
        case when market_cap > 0 then market_cap end as market_cap_usd,
        case when diluted > 0 then diluted end as fully_diluted_usd,
        case when circulating_supply > 0 then cast(circulating_supply as double) end as supply_circulating_native,
        case when total_supply > 0 then cast(total_supply as double) end as supply_total_native,
        case when max_supply > 0 then cast(max_supply as double) end as supply_max_native,
        cast(volume_24h_usd as double) as volume_24h_usd,
        last_updated,
        known_at
    from dated
    -- of several requests the last one before the next midnight's share begins
    qualify row_number() over (partition by coin_id, day order by known_at desc, load_id desc) = 1
)

select * from final
