with signal as (
    select * from {{ ref('int_signal_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        signal.asset_id,
        signal.day,
        signal.effective_day,
        signal.trader_grade,
        cast(signal.signal as bigint) as signal,
        cast(signal.previous_signal as bigint) as previous_signal,
        cast(signal.trend as bigint) as trend,
        cast(signal.held_d as bigint) as held_d,
        signal.reason as signal_reason,
        signal.grade_version,
        signal.signal_version,
        signal.weights_hash,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from signal
    cross join build_stamp
)

select * from final
order by asset_id, day
