with signal as (
    select * from {{ ref('int_signal_daily') }}
    where signal != previous_signal
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        md5(
            signal.asset_id || '|' || cast(signal.day as varchar) || '|' || signal.signal_version
        ) as event_id,
        signal.asset_id,
        signal.day,
        signal.effective_day,
        {{ decidable_at('signal.day', 'price_config.decision_lag_h') }} as known_at,
        cast(signal.previous_signal as bigint) as from_signal,
        cast(signal.signal as bigint) as to_signal,
        signal.reason as signal_reason,
        signal.trader_grade,
        signal.grade_version,
        signal.signal_version,
        signal.weights_hash,
        build_stamp.as_of_ts,
        build_stamp.model_version || ' signal.' || signal.signal_version as model_version
    from signal
    cross join price_config
    cross join build_stamp
)

select * from final
order by day, asset_id
