with pair as (
    select * from {{ ref('int_pair_correlation_daily') }}
),

breakdown as (
    select * from {{ ref('int_pair_breakdown_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        pair.a_id,
        pair.b_id,
        pair.day,
        pair.b_kind,
        pair.corr_30d,
        pair.corr_30d_obs_count,
        pair.corr_prior_90d,
        pair.corr_prior_90d_obs_count,
        pair.fisher_z,
        breakdown.breakdown_flag,
        pair.beta_to_narrative_90d,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from pair
    cross join build_stamp
    inner join breakdown
        on pair.a_id = breakdown.a_id
        and pair.b_id = breakdown.b_id
        and pair.day = breakdown.day
)

select * from final
order by a_id, b_id, day
