with grade as (
    select * from {{ ref('int_trader_grade_daily') }}
),

trend as (
    select * from {{ ref('int_trend_score_daily') }}
),

evidence as (
    select day, evidence from {{ ref('int_grade_evidence_daily') }}
    where grade = 'trader_grade'
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
        grade.calm_grade,
        grade.attention_grade,
        grade.seasoning_grade,
        grade.coverage_frac,
        cast(grade.rank as bigint) as grade_rank,
        grade.grade_change_1d,
        grade.grade_change_7d,
        grade.is_composition_changed,
        grade.grade_signal,
        coalesce(grade.momentum_label, 'none') as momentum_label,
        trend.trend_score,
        trend.ta_grade,
        trend.quant_grade,
        trend.flow_grade,
        evidence.evidence,
        grade.grade_version,
        grade.weights_hash,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from grade
    left join trend
        on grade.asset_id = trend.asset_id
        and grade.day = trend.day
    left join evidence on grade.day = evidence.day
    cross join build_stamp
)

select * from final
order by asset_id, day
