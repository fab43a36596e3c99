with price as (
    select * from {{ ref('int_asset_price_daily') }}
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        price.asset_id,
        price.day,
        price.close_usd,
        price.volume_usd,
        cast(price.n_venues as bigint) as n_venues,
        cast(price.n_rejected as bigint) as n_rejected,
        price.dispersion_bps,
        price.price_quality,
        price.evidence,
        price.quote_basis,
        price.is_stale,
        price.prior_close_verdict,
        {{ hours_between(day_start('price.day + 1'), 'build_stamp.as_of_ts') }}
        >= price_config.decision_lag_h as is_final,
        price.pit_basis,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from price
    cross join price_config
    cross join build_stamp
)

select * from final
order by asset_id, day
