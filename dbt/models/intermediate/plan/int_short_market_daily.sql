-- whether an asset can be sold short: a perpetual on it was seen within the days that the seed allows.
-- What can be borrowed on a spot market is reported by no source.
with signal as (
    select asset_id, day from {{ ref('int_signal_daily') }}
),

perpetual as (
    select distinct asset_id, day from {{ ref('int_perpetual_daily') }}
),

plan_config as (
    select * from {{ ref('cfg_plan') }}
    qualify row_number() over (order by version desc) = 1
),

seen as (
    select
        signal.asset_id,
        signal.day,
        {{ last_known(
            'perpetual.day',
            'partition by signal.asset_id order by signal.day rows between unbounded preceding and current row'
        ) }} as perpetual_day
    from signal
    left join perpetual
        on signal.asset_id = perpetual.asset_id
        and signal.day = perpetual.day
),

final as (
    select
        seen.asset_id,
        seen.day,
        coalesce(
            {{ days_between('seen.perpetual_day', 'seen.day') }} < plan_config.short_market_max_age_d,
            false
        ) as is_shortable
    from seen
    cross join plan_config
)

select * from final
