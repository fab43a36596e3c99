-- the rate that was paid, not the one that had been predicted
with funding_rate as (
    {{ latest_version(ref('hist_okx__funding_rate'), ['inst_id', 'funding_time']) }}
),

final as (
    select
        inst_id,
        funding_time as settled_at,
        {{ utc_day('funding_time') }} as day,
        realized_rate as rate_frac,
        known_at,
        first_known_at
    from funding_rate
)

select * from final
