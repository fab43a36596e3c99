with component as (
    select * from {{ ref('int_grade_component_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        component.asset_id,
        component.day,
        component.grade,
        component.factor,
        component.factor_group,
        component.value as factor_value,
        component.xs_pctile,
        component.ts_pctile,
        component.score,
        component.is_young,
        component.peer_scope,
        component.group_weight,
        component.weight_frac,
        component.no_share_reason,
        component.contribution,
        component.grade_version,
        component.weights_hash,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from component
    cross join build_stamp
)

select * from final
order by asset_id, day, grade, factor
