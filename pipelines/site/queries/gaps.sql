select
    source,
    replace(reason, '_', ' ') as reason,
    is_repairable,
    count(*) as gap_count,
    count(distinct series_id) as series_count,
    sum(gap_d)::bigint as gap_d,
    min(gap_from) as first_gap_day,
    max(gap_to) as last_gap_day
from marts.ops_gap
group by source, reason, is_repairable
order by is_repairable desc, gap_d desc, source
