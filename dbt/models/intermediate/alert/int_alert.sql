-- Every alert of every kind. What fires by itself stands here; what must remember earlier
-- days comes from int_alert_fired and int_alert_level_cross.
with fired as (
    select * from {{ ref('int_alert_fired') }}
),

level_cross as (
    select * from {{ ref('int_alert_level_cross') }}
),

risk as (
    select * from {{ ref('returns_risk_daily') }}
),

price as (
    select asset_id, day, price_quality from {{ ref('int_asset_price_daily') }}
),

signal_event as (
    select * from {{ ref('signal_event') }}
),

depeg as (
    select * from {{ ref('depeg_event_log') }}
    where change in ('open', 'close')
),

-- one reading alone says that a peg broke: told at once, and told again when it is confirmed
suspect as (
    select * from {{ ref('int_depeg_log') }}
    where change = 'suspect'
),

check_result as (
    select * from {{ ref('ops_check_result') }}
    where severity = 'block' and not is_passed
),

alert_config as (
    select * from {{ ref('cfg_alert') }}
    qualify row_number() over (order by version desc) = 1
),

-- sigma of 30 days as returns_risk_daily has it, back from a year to a day
moved as (
    select
        risk.asset_id,
        risk.day,
        risk.ret_1d,
        price.price_quality != 'unconfirmed' as is_confirmed,
        greatest(
            alert_config.move_sigmas * risk.vol_30d_ann / sqrt(365), alert_config.move_min_frac
        ) as threshold
    from risk
    inner join price
        on risk.asset_id = price.asset_id
        and risk.day = price.day
    cross join alert_config
    where risk.vol_30d_ann is not null
),

final as (
    select
        kind,
        entity_kind,
        entity_id,
        ref_id,
        day,
        cast(null as timestamptz) as told_at,
        alert_value,
        threshold,
        case
            when kind = 'narrative_shift'
                then case
                    when ref_id like '%->leading' or ref_id like '%->improving' then 'up' else 'down'
                end
            when kind = 'corr_breakdown' then 'down'
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
        cast(null as timestamptz) as told_at,
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
        '' as ref_id,
        day,
        cast(null as timestamptz) as told_at,
        ret_1d as alert_value,
        threshold,
        case when ret_1d > 0 then 'up' else 'down' end as direction,
        cast(null as varchar) as own_severity,
        is_confirmed
    from moved
    where abs(ret_1d) >= threshold

    union all

    select
        'signal_change' as kind,
        'asset' as entity_kind,
        asset_id as entity_id,
        event_id as ref_id,
        day,
        known_at as told_at,
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
        known_at as told_at,
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
        cast(null as timestamptz) as told_at,
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
        max(checked_at) as told_at,
        cast(max(failed_row_count) as double) as alert_value,
        cast(0 as double) as threshold,
        cast(null as varchar) as direction,
        cast(null as varchar) as own_severity,
        true as is_confirmed
    from check_result
    group by mart, check_kind, check_name, {{ utc_day('checked_at') }}
)

select * from final
