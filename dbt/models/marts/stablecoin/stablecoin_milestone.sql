-- the first day of three in a row on which a coin is as large; known on the third
with supply as (
    select * from {{ ref('stablecoin_supply_daily') }}
),

stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
),

milestone as (
    select * from {{ ref('cfg_stablecoin_milestone') }}
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

lagged as (
    select
        stablecoin_id,
        day,
        supply_par_usd,
        {{ value_days_ago('supply_par_usd', 1, 'stablecoin_id') }} as supply_1d_ago_usd,
        {{ value_days_ago('supply_par_usd', 2, 'stablecoin_id') }} as supply_2d_ago_usd
    from supply
),

confirmed as (
    select
        lagged.stablecoin_id,
        milestone.threshold_usd,
        lagged.day as known_from_day,
        lagged.day - 2 as reached_day,
        lagged.supply_2d_ago_usd as supply_par_usd
    from lagged
    inner join milestone
        on least(lagged.supply_par_usd, lagged.supply_1d_ago_usd, lagged.supply_2d_ago_usd)
        >= milestone.threshold_usd
    where lagged.supply_par_usd is not null
        and lagged.supply_1d_ago_usd is not null
        and lagged.supply_2d_ago_usd is not null
    qualify row_number() over (
        partition by lagged.stablecoin_id, milestone.threshold_usd
        order by lagged.day
    ) = 1
),

-- a coin that was as large when its history begins had reached it before, nobody knows when
below as (
    select supply.stablecoin_id, milestone.threshold_usd, min(supply.day) as first_day
    from supply
    inner join milestone on supply.supply_par_usd < milestone.threshold_usd
    group by supply.stablecoin_id, milestone.threshold_usd
),

dated as (
    select
        confirmed.*,
        coalesce(below.first_day > confirmed.reached_day, true) as is_left_censored
    from confirmed
    left join below
        on confirmed.stablecoin_id = below.stablecoin_id
        and confirmed.threshold_usd = below.threshold_usd
),

final as (
    select
        dated.stablecoin_id,
        dated.threshold_usd,
        case when not dated.is_left_censored then dated.reached_day end as reached_day,
        dated.known_from_day,
        {{ decidable_at('dated.known_from_day', 'price_config.decision_lag_h') }} as known_at,
        dated.supply_par_usd,
        stablecoin.launch_day,
        case
            when stablecoin.launch_day <= dated.reached_day and not dated.is_left_censored
                then cast({{ days_between('stablecoin.launch_day', 'dated.reached_day') }} as bigint)
        end as days_since_launch,
        dated.is_left_censored,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from dated
    inner join stablecoin on dated.stablecoin_id = stablecoin.stablecoin_id
    cross join price_config
    cross join build_stamp
)

select * from final
order by stablecoin_id, threshold_usd
