with chart as (
    {{ latest_version(ref('hist_blockchain_info__chart'), ['chart', 'day_time']) }}
),

final as (
    select
        chart,
        {{ utc_day('day_time') }} as day,
        sample_time as sampled_at,
        unit,
        value,
        known_at,
        first_known_at
    from chart
)

select * from final
