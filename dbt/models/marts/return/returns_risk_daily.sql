with risk as (
    select * from {{ ref('int_asset_risk_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        risk.*,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from risk
    cross join build_stamp
)

select * from final
order by asset_id, day
