with signal as (
    select * from {{ ref('int_signal_daily') }}
    where signal != previous_signal
),

recorded as (
    select * from {{ ref('stg_ops__signal_event') }}
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

described as (
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
        signal.weights_hash
    from signal
    cross join price_config
),

-- what is new is numbered after everything that was ever numbered, in the order it became known
numbered as (
    select
        described.*,
        recorded.event_seq as given_seq,
        row_number() over (
            partition by recorded.event_seq is null
            order by described.known_at, described.asset_id, described.event_id
        ) as place
    from described
    left join recorded on described.event_id = recorded.event_id
),

last_given as (
    select coalesce(max(event_seq), 0) as last_seq from recorded
),

final as (
    select
        numbered.event_id,
        coalesce(numbered.given_seq, last_given.last_seq + numbered.place) as event_seq,
        numbered.asset_id,
        numbered.day,
        numbered.effective_day,
        numbered.known_at,
        numbered.from_signal,
        numbered.to_signal,
        numbered.signal_reason,
        numbered.trader_grade,
        numbered.grade_version,
        numbered.signal_version,
        numbered.weights_hash
    from numbered
    cross join last_given
)

select * from final
