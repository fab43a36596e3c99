with grade as (
    select * from {{ ref('int_trader_grade_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        grade.asset_id,
        grade.day,
        grade.in_universe as is_in_universe,
        grade.trader_grade,
        grade.ta_grade,
        grade.quant_grade,
        grade.flow_grade,
        grade.coverage_frac,
        cast(grade.rank as bigint) as grade_rank,
        grade.grade_change_1d,
        grade.grade_change_7d,
        grade.is_composition_changed,
        grade.grade_signal,
        coalesce(grade.momentum_label, 'none') as momentum_label,
        grade.grade_version,
        grade.weights_hash,
        build_stamp.as_of_ts,
        build_stamp.model_version || ' trader_grade.' || grade.grade_version as model_version
    from grade
    cross join build_stamp
)

select * from final
order by asset_id, day
