with newest as (
    select max(day) as day from marts.narrative_daily
),

-- a week's mean: single days jump
weekly as (
    select
        narrative_id,
        day,
        quadrant,
        avg(rs_ratio) over week as rs_ratio,
        avg(rs_momentum) over week as rs_momentum
    from marts.narrative_daily
    window week as (partition by narrative_id order by day rows 6 preceding)
)

select
    weekly.narrative_id,
    replace(weekly.narrative_id, '_', ' ') as label,
    weekly.day,
    weekly.rs_ratio,
    weekly.rs_momentum,
    weekly.quadrant,
    max_by(weekly.quadrant, weekly.day) over (partition by weekly.narrative_id) as now,
    (newest.day - weekly.day) // 7 as age
from weekly
cross join newest
where
    weekly.day > newest.day - 29
    and (newest.day - weekly.day) % 7 = 0
    and weekly.rs_ratio is not null
    and weekly.rs_momentum is not null
order by weekly.narrative_id, weekly.day
