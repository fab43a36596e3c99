with exchange_rate as (
    {{ latest_version(ref('hist_ecb__exchange_rate'), ['currency', 'day_time']) }}
),

final as (
    select
        currency,
        -- set and published in the afternoon of the day it is labelled with
        {{ utc_day('day_time') }} as day,
        units_per_eur,
        known_at,
        first_known_at
    from exchange_rate
)

select * from final
