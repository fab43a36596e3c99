with alert as (
    select * from {{ ref('int_alert') }}
),

alert_kind as (
    select * from {{ ref('cfg_alert_kind') }}
),

recorded as (
    select * from {{ ref('stg_ops__alert') }}
),

source_convention as (
    select max(publish_lag_h) as publish_lag_h
    from {{ ref('meta_source') }}
    where source = 'defillama_stablecoins'
),

defi_convention as (
    select max(publish_lag_h) as publish_lag_h
    from {{ ref('meta_source') }}
    where source = 'defillama' and timestamp_convention != 'snapshot'
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

alert_config as (
    select max(version) as version from {{ ref('cfg_alert') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

described as (
    select
        md5(
            alert.kind || '|' || alert.entity_id || '|' || alert.ref_id || '|'
            || cast(alert.day as varchar)
        ) as alert_id,
        alert.kind,
        alert.entity_kind,
        alert.entity_id,
        alert.day,
        coalesce(
            alert.told_at,
            {{ decidable_at(
                'alert.day',
                "case when alert.entity_kind in ('protocol', 'chain')"
                ~ ' then defi_convention.publish_lag_h'
                ~ " when alert.kind = 'supply_shock' then source_convention.publish_lag_h"
                ~ ' else price_config.decision_lag_h end'
            ) }}
        ) as known_at,
        coalesce(alert.own_severity, alert_kind.severity) as severity,
        alert.alert_value,
        alert.threshold,
        alert.direction,
        nullif(alert.ref_id, '') as ref_id,
        alert.entity_id || case alert.kind
            when 'level_cross'
                then ' closed ' || case alert.direction when 'up' then 'above ' else 'below ' end
                    || 'the ' || replace(alert.ref_id, '|', ' of ')
                    || ' at ' || cast(round(alert.threshold, 6) as varchar)
            when 'volume_spike'
                then ': volume ' || cast(round(alert.alert_value, 1) as varchar)
                    || ' standard deviations above its 30 days'
            when 'price_move'
                then ' moved ' || cast(round(100 * alert.alert_value, 1) as varchar) || ' % in a day'
            when 'signal_change'
                then ': signal from ' || cast(cast(alert.threshold as bigint) as varchar)
                    || ' to ' || cast(cast(alert.alert_value as bigint) as varchar)
            when 'grade_shift'
                then ': trader grade ' || cast(round(alert.alert_value, 1) as varchar)
                    || ' points in 7 days'
            when 'depeg_open'
                then ' left its peg: ' || cast(round(alert.alert_value) as varchar) || ' bps'
            when 'depeg_close'
                then ' is back at its peg; worst ' || cast(round(alert.alert_value) as varchar)
                    || ' bps'
            when 'supply_shock'
                then case alert.ref_id
                    when 'robust_z'
                        then ': supply over 7 days ' || cast(round(alert.alert_value, 1) as varchar)
                            || ' robust deviations from usual'
                    else ': supply ' || cast(round(100 * alert.alert_value, 1) as varchar)
                        || ' % in 7 days'
                end
            when 'narrative_shift'
                then ' went ' || replace(alert.ref_id, '->', ' to ') || ' against the market'
            when 'corr_breakdown'
                then ' stopped moving together: correlation '
                    || cast(round(alert.alert_value, 2) as varchar) || ' after '
                    || cast(round(alert.threshold, 2) as varchar)
            when 'tvl_surge'
                then ': value locked ' || cast(round(alert.alert_value, 1) as varchar)
                    || ' times that of 7 days ago, most of it inflow'
            when 'rank_overtake'
                then ' passed ' || split_part(alert.ref_id, ':', 2)
                    || case split_part(alert.ref_id, ':', 1)
                        when '__total__' then ''
                        else ' on ' || split_part(alert.ref_id, ':', 1)
                    end || ' and is number ' || cast(cast(alert.alert_value as bigint) as varchar)
            when 'ath' then ': highest ' || alert.ref_id || ' ever'
            when 'data_quality' then ' fails ' || alert.ref_id
        end as message
    from alert
    inner join alert_kind on alert.kind = alert_kind.kind
    cross join source_convention
    cross join defi_convention
    cross join price_config
),

-- what is new is numbered after everything that was ever numbered, in the order it became known
numbered as (
    select
        described.*,
        recorded.event_seq as given_seq,
        row_number() over (
            partition by recorded.event_seq is null
            order by described.known_at, described.kind, described.entity_id, described.alert_id
        ) as place
    from described
    left join recorded on described.alert_id = recorded.alert_id
),

last_given as (
    select coalesce(max(event_seq), 0) as last_seq from recorded
),

final as (
    select
        numbered.alert_id,
        coalesce(numbered.given_seq, last_given.last_seq + numbered.place) as event_seq,
        numbered.kind,
        numbered.entity_kind,
        numbered.entity_id,
        numbered.day,
        numbered.known_at,
        numbered.severity,
        numbered.alert_value,
        numbered.threshold,
        numbered.direction,
        numbered.ref_id,
        numbered.message,
        build_stamp.as_of_ts,
        build_stamp.model_version || ' alert.' || alert_config.version as model_version
    from numbered
    cross join last_given
    cross join alert_config
    cross join build_stamp
)

select * from final
order by event_seq
