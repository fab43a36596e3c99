-- how unusual a week of minting or burning is, for the coin's size and for its own past
with supply as (
    select * from {{ ref('int_stablecoin_value_daily') }}
),

alert_config as (
    select * from {{ ref('cfg_alert') }}
    qualify row_number() over (order by version desc) = 1
),

lagged as (
    select
        stablecoin_id,
        day,
        circulating_native,
        {{ value_days_ago('circulating_native', 7, 'stablecoin_id') }} as circulating_7d_ago_native,
        {{ value_days_ago('coalesce(supply_par_usd, supply_usd)', 7, 'stablecoin_id') }}
        as supply_7d_ago_usd
    from supply
),

changed as (
    select
        *,
        case
            when circulating_7d_ago_native > 0
                then circulating_native / circulating_7d_ago_native - 1
        end as change_7d_frac
    from lagged
),

-- the window ends the day before: a shock must not widen its own yardstick
windowed as (
    select
        *,
        median(change_7d_frac) over past_90d as median_change_frac,
        {{ median_deviation('change_7d_frac', 'past_90d') }} as median_deviation_frac,
        count(change_7d_frac) over past_90d as obs_90d_count
    from changed
    window past_90d as ({{ days_back(90, 1, 'stablecoin_id') }})
),

final as (
    select
        windowed.stablecoin_id,
        windowed.day,
        windowed.supply_7d_ago_usd,
        windowed.change_7d_frac,
        case
            when windowed.obs_90d_count >= alert_config.supply_min_obs
                then (windowed.change_7d_frac - windowed.median_change_frac) / (
                    {{ normal_scale() }}
                    * greatest(windowed.median_deviation_frac, alert_config.supply_mad_floor_frac)
                )
        end as robust_z
    from windowed
    cross join alert_config
)

select * from final
