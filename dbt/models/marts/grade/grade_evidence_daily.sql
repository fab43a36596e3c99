with evidence as (
    select * from {{ ref('int_grade_evidence_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        evidence.grade,
        evidence.day,
        evidence.horizon_d,
        evidence.ic,
        evidence.ic_asset_count,
        evidence.ic_recent_mean,
        evidence.ic_recent_t_stat,
        evidence.ic_mean,
        evidence.ic_t_stat,
        evidence.ic_day_count,
        evidence.evidence,
        evidence.evidence_basis,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from evidence
    cross join build_stamp
)

select * from final
order by grade, day
