with membership as (
    select * from {{ ref('int_universe_membership_daily') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        membership.universe_id,
        membership.asset_id,
        membership.day,
        membership.is_member,
        membership.membership_reason,
        membership.universe_rank,
        membership.asset_class,
        membership.history_d,
        membership.quality_30d_frac,
        membership.volume_median_30d_usd,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from membership
    cross join build_stamp
)

select * from final
order by universe_id, asset_id, day
