{{ config(materialized='view') }}

-- what the depeg machine looks at (C.6.4): deviations with their eligibility, and the day of death,
-- on which a coin has no row of its own any more but an open event must be told to end
with peg as (
    select * from {{ ref('int_stablecoin_peg_daily') }}
),

stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
),

newest as (
    select max(day) as day from peg
),

observed as (
    select
        peg.stablecoin_id,
        peg.day,
        -- the price of gold of a day is published on the next working day
        coalesce(peg.decidable_day, peg.day) as decidable_day,
        peg.dev_bps,
        peg.dev_low_bps,
        peg.is_eligible
    from peg
),

death as (
    select distinct
        peg.stablecoin_id,
        stablecoin.dead_from as day,
        stablecoin.dead_from as decidable_day,
        cast(null as double) as dev_bps,
        cast(null as double) as dev_low_bps,
        false as is_eligible
    from peg
    inner join stablecoin on peg.stablecoin_id = stablecoin.stablecoin_id
    cross join newest
    where stablecoin.dead_from <= newest.day
        and not exists (
            select 1 as one
            from peg as later
            where later.stablecoin_id = stablecoin.stablecoin_id
                and later.day >= stablecoin.dead_from
        )
),

united as (
    select * from observed
    union all
    select * from death
),

final as (
    select
        united.stablecoin_id,
        united.day,
        united.decidable_day,
        united.dev_bps,
        united.dev_low_bps,
        united.is_eligible,
        stablecoin.dead_from,
        -- C.6.6: gold and foreign money are given more room
        case when stablecoin.peg_ref = 'USD' then 'usd' else 'other' end as peg_class
    from united
    inner join stablecoin on united.stablecoin_id = stablecoin.stablecoin_id
)

select * from final
