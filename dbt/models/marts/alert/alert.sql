with alert as (
    select * from {{ ref('int_alert') }}
),

alert_kind as (
    select * from {{ ref('cfg_alert_kind') }}
),

asset as (
    select * from {{ ref('int_asset_registry') }}
),

stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
),

protocol as (
    select * from {{ ref('int_protocol_registry') }}
),

chain as (
    select * from {{ ref('int_chain_registry') }}
),

narrative as (
    select * from {{ ref('int_narrative_registry') }}
),

judged as (
    select * from {{ ref('cfg_grade_evidence') }}
    qualify rank() over (order by version desc) = 1
),

evidence as (
    select * from {{ ref('int_grade_evidence_daily') }}
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
    from ({{ source_convention() }})
    where source = 'defillama' and timestamp_convention != 'snapshot'
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- what people call things
named as (
    select 'asset' as entity_kind, asset_id as entity_id, name, symbol from asset
    union all
    select 'stablecoin', stablecoin_id, name, symbol from stablecoin
    union all
    select 'protocol', protocol_id, name, null from protocol
    union all
    select 'chain', chain_id, name, null from chain
    union all
    select 'narrative', narrative_id, name, null from narrative
    union all
    select 'grade', grade, replace(grade, '_', ' '), null from judged
),

labelled as (
    select
        entity_kind,
        entity_id,
        name || case when upper(symbol) != upper(name) then ' (' || symbol || ')' else '' end as label
    from named
    where name is not null
),

-- a pair is two assets; an overtaking names whom and where
referred as (
    select
        alert.*,
        case when alert.entity_kind = 'pair' then 'asset' else alert.entity_kind end as named_kind,
        split_part(alert.entity_id, '|', 1) as first_id,
        nullif(split_part(alert.entity_id, '|', 2), '') as second_id,
        case when alert.kind = 'rank_overtake' then split_part(alert.ref_id, ':', 2) end as overtaken_id,
        case
            when alert.kind = 'rank_overtake'
                then nullif(split_part(alert.ref_id, ':', 1), '__total__')
        end as place_id
    from alert
),

addressed as (
    select
        referred.*,
        coalesce(one.label, referred.first_id)
        || coalesce(' and ' || coalesce(other.label, referred.second_id), '') as subject,
        coalesce(overtaken.label, referred.overtaken_id) as overtaken,
        coalesce(place.label, referred.place_id) as place,
        judged.window_d,
        evidence.ic_recent_mean
    from referred
    left join labelled as one
        on referred.named_kind = one.entity_kind
        and referred.first_id = one.entity_id
    left join labelled as other
        on referred.named_kind = other.entity_kind
        and referred.second_id = other.entity_id
    left join labelled as overtaken
        on referred.entity_kind = overtaken.entity_kind
        and referred.overtaken_id = overtaken.entity_id
    left join labelled as place
        on place.entity_kind = 'chain'
        and referred.place_id = place.entity_id
    left join judged
        on referred.entity_kind = 'grade'
        and referred.first_id = judged.grade
    left join evidence
        on referred.entity_kind = 'grade'
        and referred.first_id = evidence.grade
        and referred.day = evidence.day
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
            alert.reported_at,
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
        alert.is_confirmed,
        alert.subject || case alert.kind
            when 'level_cross'
                then ' closed ' || case alert.direction when 'up' then 'above ' else 'below ' end
                    || 'the ' || replace(alert.ref_id, '|', ' of ')
                    || ' at ' || cast(round(alert.threshold, 6) as varchar)
            when 'volume_spike'
                then ': volume ' || {{ in_digits('alert.alert_value', 1) }}
                    || ' standard deviations above its 30 days'
            when 'price_move'
                then ' moved ' || {{ in_digits('100 * alert.alert_value', 1) }} || ' % '
                    || coalesce('since ' || nullif(alert.ref_id, ''), 'in a day')
            when 'signal_change'
                then ': signal from ' || {{ side_of('alert.threshold') }}
                    || ' to ' || {{ side_of('alert.alert_value') }}
            when 'grade_shift'
                then ': trader grade ' || {{ in_digits('alert.alert_value', 1) }}
                    || ' points in 7 days'
            when 'depeg_open'
                then case when alert.is_confirmed then ' left' else ' may have left' end
                    || ' its peg: ' || {{ in_digits('alert.alert_value', 0) }} || ' bps'
            when 'depeg_close'
                then ' is back at its peg; worst ' || {{ in_digits('alert.alert_value', 0) }}
                    || ' bps'
            when 'supply_shock'
                then case alert.ref_id
                    when 'robust_z'
                        then ': supply over 7 days ' || {{ in_digits('alert.alert_value', 1) }}
                            || ' robust deviations from usual'
                    else ': supply ' || {{ in_digits('100 * alert.alert_value', 1) }}
                        || ' % in 7 days'
                end
            when 'narrative_shift'
                then ' went ' || replace(alert.ref_id, '->', ' to ') || ' against the market'
            when 'corr_breakdown'
                then ' stopped moving together: correlation '
                    || {{ in_digits('alert.alert_value', 2) }} || ' after '
                    || {{ in_digits('alert.threshold', 2) }}
            when 'tvl_surge'
                then ': value locked ' || {{ in_digits('alert.alert_value', 1) }}
                    || ' times that of 7 days ago, most of it inflow'
            when 'rank_overtake'
                then ' passed ' || alert.overtaken || coalesce(' on ' || alert.place, '')
                    || ' and is number ' || cast(cast(alert.alert_value as bigint) as varchar)
            when 'grade_evidence_negative'
                then ' ranked against the returns that followed: mean rank correlation '
                    || {{ in_digits('alert.ic_recent_mean', 3) }} || ' over '
                    || cast(alert.window_d as varchar) || ' days (t '
                    || {{ in_digits('alert.alert_value', 1) }} || ')'
            when 'ath' then ': highest ' || replace(replace(alert.ref_id, '_usd', ''), '_', ' ') || ' ever'
            when 'data_quality' then ' fails ' || alert.ref_id
        end || case
            when alert.is_confirmed then '' else ' (unconfirmed: one reading alone says so)'
        end as message
    from addressed as alert
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
        numbered.is_confirmed,
        numbered.ref_id,
        numbered.message,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from numbered
    cross join last_given
    cross join build_stamp
)

select * from final
order by event_seq
