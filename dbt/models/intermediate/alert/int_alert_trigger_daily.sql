{{ config(materialized='view') }}

-- conditions of the alerts whose firing depends on earlier days (C.4.6): when they hold, and when
-- they arm again
with indicator as (
    select * from {{ ref('int_technical_daily') }}
),

grade as (
    select * from {{ ref('int_trader_grade_daily') }}
),

shock as (
    select * from {{ ref('int_supply_shock_daily') }}
),

narrative as (
    select * from {{ ref('int_narrative_index_daily') }}
),

breakdown as (
    select * from {{ ref('int_pair_breakdown_daily') }}
),

pair as (
    select * from {{ ref('int_pair_correlation_daily') }}
),

alert_config as (
    select * from {{ ref('cfg_alert') }}
    qualify row_number() over (order by version desc) = 1
),

-- a large coin by its size, any other by its own habits
judged_shock as (
    select
        shock.*,
        alert_config.supply_shock_frac,
        alert_config.supply_shock_z,
        coalesce(
            shock.supply_7d_ago_usd >= alert_config.supply_large_usd
            and abs(shock.change_7d_frac) >= alert_config.supply_shock_frac,
            false
        ) as is_large,
        coalesce(
            shock.supply_7d_ago_usd >= alert_config.supply_min_usd
            and abs(shock.robust_z) >= alert_config.supply_shock_z,
            false
        ) as is_unusual
    from shock
    cross join alert_config
    where shock.change_7d_frac is not null
),

final as (
    select
        'volume_spike' as kind,
        'asset' as entity_kind,
        indicator.asset_id as entity_id,
        '' as ref_id,
        indicator.day,
        indicator.volume_z_30d as alert_value,
        alert_config.volume_fire_z as threshold,
        indicator.volume_z_30d >= alert_config.volume_fire_z as is_triggered,
        indicator.volume_z_30d < alert_config.volume_rearm_z as is_armed
    from indicator
    cross join alert_config
    where indicator.volume_z_30d is not null

    union all

    select
        'grade_shift' as kind,
        'asset' as entity_kind,
        grade.asset_id as entity_id,
        '' as ref_id,
        grade.day,
        grade.grade_change_7d as alert_value,
        alert_config.grade_shift_points as threshold,
        abs(grade.grade_change_7d) >= alert_config.grade_shift_points as is_triggered,
        false as is_armed
    from grade
    cross join alert_config
    where grade.grade_change_7d is not null

    union all

    select
        'supply_shock' as kind,
        'stablecoin' as entity_kind,
        stablecoin_id as entity_id,
        case when is_unusual and not is_large then 'robust_z' else 'change_7d_frac' end as ref_id,
        day,
        case when is_unusual and not is_large then robust_z else change_7d_frac end as alert_value,
        case when is_unusual and not is_large then supply_shock_z else supply_shock_frac end
        as threshold,
        is_large or is_unusual as is_triggered,
        false as is_armed
    from judged_shock

    union all

    -- the quadrant that stands, against the one that stood before it
    select
        'narrative_shift' as kind,
        'narrative' as entity_kind,
        narrative.narrative_id as entity_id,
        narrative.quadrant_confirmed_from || '->' || narrative.quadrant_confirmed as ref_id,
        narrative.day,
        narrative.rs_ratio as alert_value,
        narrative.rs_momentum as threshold,
        narrative.quadrant_confirmed_from is not null as is_triggered,
        false as is_armed
    from narrative
    where narrative.quadrant_confirmed is not null

    union all

    -- a breakdown fires once and is silent until it has cleared
    select
        'corr_breakdown' as kind,
        'pair' as entity_kind,
        breakdown.a_id || '|' || breakdown.b_id as entity_id,
        '' as ref_id,
        breakdown.day,
        pair.corr_30d as alert_value,
        pair.corr_prior_90d as threshold,
        breakdown.breakdown_flag as is_triggered,
        not breakdown.breakdown_flag as is_armed
    from breakdown
    inner join pair
        on breakdown.a_id = pair.a_id
        and breakdown.b_id = pair.b_id
        and breakdown.day = pair.day
)

select * from final
