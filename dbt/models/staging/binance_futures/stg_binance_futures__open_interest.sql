with open_interest as (
    {{ latest_version(ref('hist_binance_futures__open_interest'), ['symbol', 'period', '"time"']) }}
),

dated as (
    {{ dated('open_interest', '"time"', 'binance_futures', 'open_interest_hist', series='symbol') }}
),

final as (
    select
        symbol,
        day,
        sum_open_interest as open_interest_base,
        sum_open_interest_value as open_interest_quote,
        known_at,
        first_known_at
    from dated
    where period = '1d'
)

select * from final
