{{ config(severity='warn') }}

with returns_risk as (
    select * from {{ ref('returns_risk_daily') }}
    where vol_30d_ann > 0.5
),

stablecoin as (
    select * from {{ ref('dim_stablecoin') }}
    where is_current and peg_ref = 'USD' and not is_rebasing and not is_yield_bearing
),

event as (
    select * from {{ ref('depeg_event') }}
)

select
    returns_risk.asset_id,
    returns_risk.day,
    returns_risk.vol_30d_ann
from returns_risk
inner join stablecoin on returns_risk.asset_id = stablecoin.asset_id
where returns_risk.day < coalesce(stablecoin.dead_from, date '9999-12-31')
    and not exists (
        select 1
        from event
        where event.stablecoin_id = stablecoin.stablecoin_id
            and returns_risk.day >= event.start_day
            and returns_risk.day - 30 <= coalesce(event.last_day_off, returns_risk.day)
    )
