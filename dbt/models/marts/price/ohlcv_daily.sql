with price as (
    select * from {{ ref('int_asset_price_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        price.asset_id,
        price.day,
        price.open_usd,
        price.high_usd,
        price.low_usd,
        price.close_usd,
        price.vwap_usd,
        price.high_any_usd,
        price.low_any_usd,
        price.volume_usd,
        price.trade_count,
        cast(price.clamp_count as bigint) as clamp_count,
        price.pit_basis,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from price
    cross join build_stamp
)

select * from final
order by asset_id, day
