with chart as (
    {{ latest_version(ref('hist_blockchain_info__chart'), ['chart', 'day_time']) }}
),

dated as (
    {{ dated('chart', 'day_time', 'blockchain_info', 'charts', series='chart') }}
),

final as (
    select
        chart,
        day,
        sample_time as sampled_at,
        unit,
        value,
        known_at,
        first_known_at
    from dated
)

select * from final
