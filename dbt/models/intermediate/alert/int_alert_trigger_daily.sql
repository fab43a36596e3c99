{{ config(materialized='replaced_view') }}

-- conditions of the alerts whose firing depends on earlier days: when they hold, and when
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

protocol_growth as (
    select * from {{ ref('int_protocol_growth_daily') }}
    where tvl_multiple_7d_x is not null
),

protocol_rank as (
    select * from {{ ref('int_protocol_rank_daily') }}
    where overtook_protocol_id is not null
),

chain_rank as (
    select * from {{ ref('int_chain_daily') }}
    where overtook_chain_id is not null
),

evidence as (
    select * from {{ ref('int_grade_evidence_daily') }}
    where ic_recent_t_stat is not null
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

    union all

    -- a rise that is mostly price is none
    select
        'tvl_surge' as kind,
        'protocol' as entity_kind,
        protocol_growth.protocol_id as entity_id,
        '' as ref_id,
        protocol_growth.day,
        protocol_growth.tvl_multiple_7d_x as alert_value,
        alert_config.tvl_surge_x as threshold,
        true as is_triggered,
        false as is_armed
    from protocol_growth
    cross join alert_config
    where protocol_growth.tvl_multiple_7d_x >= alert_config.tvl_surge_x
        and protocol_growth.usd_inflow_7d_usd
        >= alert_config.tvl_surge_inflow_frac * protocol_growth.tvl_change_7d_usd

    union all

    -- of several places on a day the one where it stands highest
    select
        'rank_overtake' as kind,
        'protocol' as entity_kind,
        protocol_id as entity_id,
        chain_id || ':' || overtook_protocol_id as ref_id,
        day,
        cast(tvl_rank as double) as alert_value,
        cast(null as double) as threshold,
        true as is_triggered,
        false as is_armed
    from protocol_rank
    qualify row_number() over (partition by protocol_id, day order by tvl_rank, chain_id) = 1

    union all

    select
        'rank_overtake' as kind,
        'chain' as entity_kind,
        chain_id as entity_id,
        '__total__:' || overtook_chain_id as ref_id,
        day,
        cast(tvl_rank as double) as alert_value,
        cast(null as double) as threshold,
        true as is_triggered,
        false as is_armed
    from chain_rank

    union all

    -- a grade that turned against its readers is an alert once, and again only after it had come back
    select
        'grade_evidence_negative' as kind,
        'grade' as entity_kind,
        evidence.grade as entity_id,
        '' as ref_id,
        evidence.day,
        evidence.ic_recent_t_stat as alert_value,
        alert_config.evidence_fire_t as threshold,
        evidence.ic_recent_t_stat <= alert_config.evidence_fire_t as is_triggered,
        evidence.ic_recent_t_stat >= alert_config.evidence_rearm_t as is_armed
    from evidence
    cross join alert_config
)

select * from final
