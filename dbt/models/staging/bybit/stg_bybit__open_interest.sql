-- of one side, as other venues count
with open_interest as (
    {{ latest_version(ref('hist_bybit__open_interest'), ['symbol', '"interval"', '"time"']) }}
),

dated as (
    {{ dated('open_interest', '"time"', 'bybit', 'open_interest', series='symbol') }}
),

final as (
    select
        symbol,
        day,
        coalesce(single_open_interest, open_interest / 2) as open_interest_base,
        known_at,
        first_known_at
    from dated
    where "interval" = '1d'
)

select * from final
