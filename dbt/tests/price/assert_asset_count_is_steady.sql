{{ config(severity='warn') }}

with counted as (
    select day, count(close_usd) as asset_count
    from {{ ref('price_daily') }}
    group by day
),

compared as (
    select
        day,
        asset_count,
        median(asset_count) over ({{ days_back(14, 1) }}) as usual_count
    from counted
)

select * from compared
where asset_count < 0.5 * usual_count or asset_count > 1.5 * usual_count
