with newest as (
    select max(day) as day from marts.narrative_daily
)

select
    narrative.narrative_id,
    replace(narrative.narrative_id, '_', ' ') as label,
    narrative.day,
    narrative.rs_ratio,
    narrative.rs_momentum,
    narrative.quadrant,
    last_value(narrative.quadrant) over (
        partition by narrative.narrative_id
        order by narrative.day
        rows between unbounded preceding and unbounded following
    ) as now,
    (newest.day - narrative.day) // 7 as age
from marts.narrative_daily as narrative
cross join newest
where
    narrative.day > newest.day - 57
    and (newest.day - narrative.day) % 7 = 0
    and narrative.rs_ratio is not null
    and narrative.rs_momentum is not null
order by narrative.narrative_id, narrative.day
