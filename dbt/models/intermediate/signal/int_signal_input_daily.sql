{{ config(materialized='replaced_view') }}

-- what the signal machine looks at. An asset whose days have ended gets one day more: there
-- a position ends, for there is nothing left to hold.
with grade as (
    select * from {{ ref('int_trader_grade_daily') }}
),

price as (
    select * from {{ ref('int_asset_price_daily') }}
),

token_event as (
    select * from {{ ref('int_token_event') }}
),

newest as (
    select max(day) as day from price
),

death as (
    select asset_id, min(effective_day) as dead_from
    from token_event
    where kind = 'dead'
    group by asset_id
),

graded as (
    select
        grade.asset_id,
        grade.day,
        grade.trader_grade,
        grade.in_universe,
        price.price_quality,
        grade.grade_version,
        grade.weights_hash
    from grade
    inner join price
        on grade.asset_id = price.asset_id
        and grade.day = price.day
),

ended as (
    select
        asset_id,
        max(day) + 1 as day,
        cast(null as double) as trader_grade,
        false as in_universe,
        'missing' as price_quality,
        grade_version,
        weights_hash
    from graded
    group by asset_id, grade_version, weights_hash
    having max(day) < (select newest.day from newest)
),

united as (
    select * from graded
    union all
    select * from ended
),

final as (
    select
        united.*,
        coalesce(united.day >= death.dead_from, false) as is_dead
    from united
    left join death on united.asset_id = death.asset_id
)

select * from final
