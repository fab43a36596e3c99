-- S-8: the first day of three in a row on which a coin is as large; known on the third
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

observed as (
    select stablecoin_id, min(day) as first_supply_day
    from supply
    where supply_par_usd is not null
    group by stablecoin_id
),

final as (
    select
        confirmed.stablecoin_id,
        confirmed.threshold_usd,
        confirmed.reached_day,
        confirmed.known_from_day,
        {{ decidable_at('confirmed.known_from_day', 'price_config.decision_lag_h') }} as known_at,
        confirmed.supply_par_usd,
        stablecoin.launch_day,
        case
            when stablecoin.launch_day <= confirmed.reached_day
                then cast({{ days_between('stablecoin.launch_day', 'confirmed.reached_day') }} as bigint)
        end as days_since_launch,
        -- a coin that was as large when its history begins had reached it before
        confirmed.reached_day = observed.first_supply_day as is_left_censored,
        build_stamp.as_of_ts,
        build_stamp.model_version
    from confirmed
    inner join stablecoin on confirmed.stablecoin_id = stablecoin.stablecoin_id
    inner join observed on confirmed.stablecoin_id = observed.stablecoin_id
    cross join price_config
    cross join build_stamp
)

select * from final
order by stablecoin_id, threshold_usd
