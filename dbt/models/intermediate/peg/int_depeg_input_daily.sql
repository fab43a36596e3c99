{{ config(materialized='replaced_view') }}

-- what the depeg machine looks at: deviations with their eligibility, what the readings of other
-- days say, and the day of death, on which a coin has no row of its own any more but an open event
-- must be seen to end
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
        -- on a day without a fixing nobody can say how far gold and foreign money are off; a coin
        -- that rebases keeps its price
        case when peg.is_eligible is not null and not peg.is_rebasing then peg.dev_bps end as dev_bps,
        peg.dev_low_bps,
        peg.is_eligible,
        case
            when peg.is_eligible is not null and not peg.is_rebasing then peg.reading_dev_bps
        end as reading_bps,
        case
            when peg.is_eligible is not null and peg.is_fresh then peg.furthest_dev_bps
        end as recovery_bps,
        peg.reading_count > 1 as is_confirmed,
        peg.price_quality,
        peg.evidence
    from peg
),

death as (
    select distinct
        peg.stablecoin_id,
        stablecoin.dead_from as day,
        stablecoin.dead_from as decidable_day,
        cast(null as double) as dev_bps,
        cast(null as double) as dev_low_bps,
        false as is_eligible,
        cast(null as double) as reading_bps,
        cast(null as double) as recovery_bps,
        false as is_confirmed,
        'missing' as price_quality,
        cast(null as varchar) as evidence
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
        united.reading_bps,
        united.recovery_bps,
        united.is_confirmed,
        united.price_quality,
        united.evidence,
        stablecoin.dead_from,
        -- gold and foreign money are given more room
        case when stablecoin.peg_ref = 'USD' then 'usd' else 'other' end as peg_class
    from united
    inner join stablecoin on united.stablecoin_id = stablecoin.stablecoin_id
)

select * from final
