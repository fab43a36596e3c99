with exchange_rate as (
    {{ latest_version(ref('hist_ecb__exchange_rate'), ['currency', 'day_time']) }}
),

dated as (
    {{ dated('exchange_rate', 'day_time', 'ecb', 'exchange_rates', series='currency') }}
),

final as (
    select
        currency,
        -- set and published in the afternoon of the day it is labelled with
        day,
        units_per_eur,
        known_at,
        first_known_at
    from dated
)

select * from final
