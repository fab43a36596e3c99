with event as (
    select * from {{ ref('int_signal_event') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        event.*,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from event
    cross join build_stamp
)

select * from final
order by event_seq
