-- the rate that was paid, not the one that had been predicted
with funding_rate as (
    {{ latest_version(ref('hist_okx__funding_rate'), ['inst_id', 'funding_time']) }}
),

dated as (
    {{ dated('funding_rate', 'funding_time', 'okx', 'funding_rate_history', series='inst_id') }}
),

final as (
    select
        inst_id,
        funding_time as settled_at,
        day,
        realized_rate as rate_frac,
        known_at,
        first_known_at
    from dated
)

select * from final
