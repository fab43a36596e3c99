{{ config(severity='warn') }}

with stablecoin_supply as (
    select * from {{ ref('stablecoin_supply_daily') }}
),

valuation as (
    select * from {{ ref('valuation_daily') }}
),

token_event as (
    select * from {{ ref('int_token_event') }}
),

newest as (
    select max(day) as day from valuation
),

supply as (
    select
        'stablecoin ' || stablecoin_id as entity,
        cast(null as varchar) as asset_id,
        day,
        circulating_native,
        supply_source
    from stablecoin_supply
    union all
    select
        'asset ' || asset_id as entity,
        asset_id,
        day,
        supply_circulating_native as circulating_native,
        supply_circulating_source as supply_source
    from valuation
    where supply_circulating_source not like 'defillama_stablecoins.%'
)

select
    'falls by a fifth' as problem,
    today.entity,
    today.day,
    yesterday.circulating_native as other_native,
    today.circulating_native
from supply as today
inner join supply as yesterday
    on today.entity = yesterday.entity
    and today.day = yesterday.day + 1
    and today.supply_source = yesterday.supply_source
left join token_event
    on today.asset_id = token_event.asset_id
    and today.day = token_event.effective_day
where today.circulating_native < 0.8 * yesterday.circulating_native
    and token_event.asset_id is null

union all

select
    case
        when valuation.is_supply_contradictory then 'more than there can be' else 'disputed'
    end as problem,
    'asset ' || valuation.asset_id as entity,
    valuation.day,
    case
        when valuation.is_supply_contradictory
            then coalesce(valuation.supply_max_native, valuation.supply_total_native)
        else valuation.supply_second_native
    end as other_native,
    valuation.supply_circulating_native as circulating_native
from valuation
inner join newest on valuation.day > newest.day - 7
where valuation.supply_disputed or valuation.is_supply_contradictory
