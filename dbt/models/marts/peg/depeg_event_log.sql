with change as (
    select * from {{ ref('int_depeg_change') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        change.*,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from change
    cross join build_stamp
)

select * from final
order by known_from_day, stablecoin_id
