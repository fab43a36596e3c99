with venue_price as (
    select * from {{ ref('int_venue_price_daily') }}
),

-- the calendar holds the assets that are published: money of states is not among them
price as (
    select * from {{ ref('int_asset_price_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        venue_price.asset_id,
        venue_price.venue_id,
        venue_price.day,
        venue_price.close_usd,
        1e4 * (venue_price.close_usd / price.close_usd - 1) as dev_bps,
        venue_price.volume_usd,
        venue_price.volume_share_90d_frac,
        venue_price.market_count,
        venue_price.is_new_market,
        venue_price.is_eligible,
        venue_price.is_accepted,
        venue_price.exclusion_reason,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from venue_price
    inner join price
        on venue_price.asset_id = price.asset_id
        and venue_price.day = price.day
    cross join build_stamp
)

select * from final
order by asset_id, venue_id, day
