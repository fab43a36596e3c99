-- E-12: a fifth of the supply gone in a day
{{ config(severity='warn') }}

with supply as (
    select * from {{ ref('stablecoin_supply_daily') }}
)

select
    today.stablecoin_id,
    today.day,
    yesterday.circulating_native as circulating_1d_ago_native,
    today.circulating_native
from supply as today
inner join supply as yesterday
    on today.stablecoin_id = yesterday.stablecoin_id
    and today.day = yesterday.day + 1
where today.circulating_native < 0.8 * yesterday.circulating_native
