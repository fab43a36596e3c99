-- Every alert of every kind. What fires by itself stands here; what must remember earlier
-- days comes from int_alert_fired and int_alert_level_cross.
with fired as (
    select * from {{ ref('int_alert_fired') }}
),

level_cross as (
    select * from {{ ref('int_alert_level_cross') }}
),

price_move as (
    select * from {{ ref('int_price_move_daily') }}
    where abs(move_frac) >= threshold_frac
),

signal_event as (
    select * from {{ ref('int_signal_event') }}
),

depeg as (
    select * from {{ ref('int_depeg_change') }}
    where change in ('open', 'close')
),

-- one reading alone says that a peg broke: reported at once, and reported again when it is confirmed
suspect as (
    select * from {{ ref('int_depeg_log') }}
    where change = 'suspect'
),

check_result as (
    select * from {{ ref('stg_ops__check_result') }}
    where severity = 'block' and not is_passed
),

final as (
    select
        kind,
        entity_kind,
        entity_id,
        ref_id,
        day,
        cast(null as timestamptz) as reported_at,
        alert_value,
        threshold,
        case
            when kind = 'narrative_shift'
                then case
                    when ref_id like '%->leading' or ref_id like '%->improving' then 'up' else 'down'
                end
            when kind in ('corr_breakdown', 'grade_evidence_negative') then 'down'
            when kind in ('volume_spike', 'ath') or alert_value > 0 then 'up'
            else 'down'
        end as direction,
        cast(null as varchar) as own_severity,
        true as is_confirmed
    from fired

    union all

    select
        'level_cross' as kind,
        'asset' as entity_kind,
        asset_id as entity_id,
        level_id as ref_id,
        day,
        cast(null as timestamptz) as reported_at,
        close_usd as alert_value,
        level_usd as threshold,
        direction,
        cast(null as varchar) as own_severity,
        true as is_confirmed
    from level_cross

    union all

    select
        'price_move' as kind,
        'asset' as entity_kind,
        asset_id as entity_id,
        -- after days without a price: since when
        case when before_day < day - 1 then cast(before_day as varchar) else '' end as ref_id,
        day,
        cast(null as timestamptz) as reported_at,
        move_frac as alert_value,
        threshold_frac as threshold,
        case when move_frac > 0 then 'up' else 'down' end as direction,
        cast(null as varchar) as own_severity,
        is_confirmed
    from price_move

    union all

    select
        'signal_change' as kind,
        'asset' as entity_kind,
        asset_id as entity_id,
        event_id as ref_id,
        day,
        known_at as reported_at,
        cast(to_signal as double) as alert_value,
        cast(from_signal as double) as threshold,
        case when to_signal > from_signal then 'up' else 'down' end as direction,
        cast(null as varchar) as own_severity,
        true as is_confirmed
    from signal_event

    union all

    select
        'depeg_' || change as kind,
        'stablecoin' as entity_kind,
        stablecoin_id as entity_id,
        event_id as ref_id,
        known_from_day as day,
        known_at as reported_at,
        worst_bps as alert_value,
        cast(null as double) as threshold,
        case when worst_bps > 0 then 'up' else 'down' end as direction,
        case when change = 'open' and severity = 'minor' then 'warning' end as own_severity,
        true as is_confirmed
    from depeg

    union all

    select
        'depeg_open' as kind,
        'stablecoin' as entity_kind,
        stablecoin_id as entity_id,
        md5(event_key) as ref_id,
        known_from_day as day,
        cast(null as timestamptz) as reported_at,
        worst_bps as alert_value,
        cast(null as double) as threshold,
        case when worst_bps > 0 then 'up' else 'down' end as direction,
        'warning' as own_severity,
        false as is_confirmed
    from suspect

    union all

    select
        'data_quality' as kind,
        'mart' as entity_kind,
        mart as entity_id,
        check_kind || ':' || check_name as ref_id,
        {{ utc_day('checked_at') }} as day,
        max(checked_at) as reported_at,
        cast(max(failed_row_count) as double) as alert_value,
        cast(0 as double) as threshold,
        cast(null as varchar) as direction,
        cast(null as varchar) as own_severity,
        true as is_confirmed
    from check_result
    group by mart, check_kind, check_name, {{ utc_day('checked_at') }}
)

select * from final
