with supply as (
    select * from {{ ref('int_stablecoin_value_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        supply.*,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from supply
    cross join build_stamp
)

select * from final
order by stablecoin_id, day
